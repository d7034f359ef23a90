//! What people read about five real acts, and what never changes in it.

use askance_stages::model::{Actor, Address, Behind, Hop, Resource};
use askance_stages::raise::MessageKind;
use expect_test::expect_file;

use super::{Message, text};
use crate::config::Language::{self, En, Ja};
use crate::sinks::Notice;
use crate::sinks::contract::{builtin, notices};
use crate::store::Words;

fn told(notice: &Notice, languages: &[Language]) -> String {
    let message = Message::of(notice, languages);
    format!("Subject: {}\n\n{}", message.heading, text(&message))
}

#[test]
fn five_acts_are_told_in_english() {
    for (rule, name) in builtin::SHOWN {
        let path = format!("snapshots/{name}.en.txt");
        expect_file![path].assert_eq(&told(&builtin::notice(rule), &[En]));
    }
}

#[test]
fn five_acts_are_told_in_japanese() {
    for (rule, name) in builtin::SHOWN {
        let path = format!("snapshots/{name}.ja.txt");
        expect_file![path].assert_eq(&told(&builtin::notice(rule), &[Ja]));
    }
}

#[test]
fn what_is_past_is_told_as_past_in_both_languages() {
    let mut notice = builtin::notice("cloudtrail/trail_stopped");
    for kind in MessageKind::ALL {
        notice.kind = kind;
        notice.alert.is_historic = false;
        assert!(!told(&notice, &[En, Ja]).contains("past event"));
        notice.alert.is_historic = true;
        let english = told(&notice, &[En]);
        assert!(
            english.starts_with("Subject: [") && english.contains(", past event] "),
            "{english}"
        );
        assert!(english.contains("This is a past event: it was found just now"), "{english}");
        let japanese = told(&notice, &[Ja]);
        assert!(japanese.contains("・過去の操作] "), "{japanese}");
        assert!(japanese.contains("これは過去の操作です。"), "{japanese}");
    }
}

#[test]
fn an_address_is_told_with_what_is_known_of_it() {
    #[track_caller]
    fn check(source: Address, has_event: bool, en: &str, ja: &str) {
        let mut notice = notices::usual(1);
        if !has_event {
            notice.alert.event = None;
        }
        notice.alert.source = Some(Box::new(source));
        for (language, label, expected) in [(En, "From", en), (Ja, "接続元", ja)] {
            let message = Message::of(&notice, &[language]);
            let from = message.facts.iter().find(|fact| fact.label == label).unwrap();
            assert_eq!(from.value, expected);
        }
    }
    let all = notices::address();
    check(
        all.clone(),
        false,
        "198.51.100.23 (Tokyo, JP; AS64500 Example)",
        "198.51.100.23（Tokyo、JP、AS64500 Example）",
    );
    let country = Address { city: None, asn: None, as_name: None, ..all.clone() };
    check(country, false, "198.51.100.23 (JP)", "198.51.100.23（JP）");
    let system = Address { city: None, country: None, as_name: None, ..all };
    check(
        system,
        true,
        "198.51.100.23 (AS64500), APN/1.0 HashiCorp/1.0 Terraform/1.13.0",
        "198.51.100.23（AS64500）、APN/1.0 HashiCorp/1.0 Terraform/1.13.0",
    );
}

#[test]
fn both_languages_stand_in_one_message() {
    let notice = builtin::notice("cloudtrail/trail_stopped");
    expect_file!["snapshots/trail_stopped.ja_en.txt"].assert_eq(&told(&notice, &[Ja, En]));
}

#[test]
fn repeats_are_told_before_the_question() {
    let mut notice = builtin::notice("ec2/security_group_admin_port_open");
    notice.kind = MessageKind::Update;
    notices::repeat(&mut notice, 3);
    expect_file!["snapshots/repeat.en_ja.txt"].assert_eq(&told(&notice, &[En, Ja]));
}

#[test]
fn what_was_held_back_is_told_first() {
    let mut notice = builtin::notice("ec2/snapshot_shared");
    notice.kind = MessageKind::More;
    notice.group.count = 12;
    expect_file!["snapshots/more.en_ja.txt"].assert_eq(&told(&notice, &[En, Ja]));
}

#[test]
fn a_rule_without_words_asks_all_the_same() {
    let mut notice = notices::usual(1);
    notice.words = Words::default();
    let message = Message::of(&notice, &[Ja, En]);
    let asked: Vec<&str> =
        message.tellings.iter().map(|telling| telling.paragraphs[0].as_str()).collect();
    let title = &notice.alert.rule.title;
    assert_eq!(
        asked,
        [
            format!(
                "「{title}」にあたる操作があったようです。意図されたものかご確認いただけますか。"
            ),
            format!("Something in your account matched \"{title}\". Was it meant?"),
        ]
    );
}

#[test]
fn words_in_one_language_are_told_in_it_rather_than_not_at_all() {
    let mut notice = notices::usual(1);
    notice.words.why.en = Some("It is found within minutes.".to_owned());
    notice.words.fix.en = Some("Close it.".to_owned());
    let advice = |languages: &[Language]| {
        let message = Message::of(&notice, languages);
        let count = |telling: &super::message::Telling| telling.advice.len();
        message.tellings.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(advice(&[Ja]), [2]);
    assert_eq!(advice(&[Ja, En]), [0, 2]);
    assert_eq!(advice(&[]), [2]);
}

#[test]
fn actors_are_named_as_people_know_them() {
    #[track_caller]
    fn check(kind: &str, name: &str, session: Option<&str>, account: &str, en: &str, ja: &str) {
        let mut notice = notices::usual(1);
        notice.alert.actor = Actor {
            kind: Some(kind.to_owned()),
            name: (!name.is_empty()).then(|| name.to_owned()),
            arn: None,
            account: Some(account.to_owned()),
            session: session.map(str::to_owned),
        };
        for (language, expected) in [(En, en), (Ja, ja)] {
            let message = Message::of(&notice, &[language]);
            assert_eq!(message.facts[0].value, expected);
        }
    }
    let here = "111122223333";
    check("Root", "root", None, here, "the root user", "ルートユーザー");
    check("IAMUser", "haruka", None, here, "user haruka", "IAM ユーザー haruka");
    check(
        "AssumedRole",
        "AWSReservedSSO_PowerUser_ca656aeedf7f634d",
        Some("mika@example.com"),
        here,
        "mika@example.com, as role PowerUser",
        "mika@example.com（ロール PowerUser）",
    );
    check("AssumedRole", "deploy", Some("deploy"), here, "role deploy", "ロール deploy");
    check(
        "AssumedRole",
        "deploy",
        Some("ci"),
        "444455556666",
        "ci, as role deploy of account 444455556666",
        "ci（ロール deploy）（アカウント 444455556666）",
    );
    check(
        "AWSService",
        "cloudformation.amazonaws.com",
        None,
        here,
        "the AWS service cloudformation.amazonaws.com",
        "AWS サービス cloudformation.amazonaws.com",
    );
    check(
        "AWSAccount",
        "444455556666",
        None,
        "444455556666",
        "account 444455556666",
        "アカウント 444455556666",
    );
    check("Unknown", "", None, here, "unknown", "不明");
}

#[test]
fn who_took_the_session_is_told_after_who_acted() {
    let hop = |kind: &str, name: &str, at: &str| Hop {
        actor: Actor {
            kind: Some(kind.to_owned()),
            name: Some(name.to_owned()),
            ..Actor::default()
        },
        at: at.to_owned(),
    };
    let check = |via: &[&str], en: &str, ja: &str| {
        let mut notice = notices::usual(1);
        let first = hop("IAMUser", "taro", "2026-03-02T10:02:00Z");
        let via = via.iter().map(|name| hop("Role", name, "2026-03-02T10:05:00Z")).collect();
        notice.alert.behind = Some(Box::new(Behind { first, via }));
        for (language, label, expected) in
            [(En, "Session taken by", en), (Ja, "セッション取得者", ja)]
        {
            let message = Message::of(&notice, &[language]);
            let fact = &message.facts[1];
            assert_eq!((fact.label.as_str(), fact.value.as_str()), (label, expected));
        }
    };
    check(
        &[],
        "user taro, on 2026-03-02 10:02:00 UTC",
        "IAM ユーザー taro（2026-03-02 10:02:00 UTC に取得）",
    );
    check(
        &["b", "a"],
        "user taro, on 2026-03-02 10:02:00 UTC, by way of role a, role b",
        "IAM ユーザー taro（2026-03-02 10:02:00 UTC に取得、ロール a、ロール b を経由）",
    );
    check(
        &["e", "d", "c", "b", "a"],
        "user taro, on 2026-03-02 10:02:00 UTC, by way of role a, role b, role c, and 2 more",
        "IAM ユーザー taro（2026-03-02 10:02:00 UTC に取得、ロール a、ロール b、ロール c、ほか2件 を経由）",
    );
}

#[test]
fn what_is_told_already_is_not_told_of_a_resource() {
    let check = |id: &str, arn: Option<&str>, expected: &str| {
        let mut notice = notices::usual(1);
        notice.alert.resource = vec![Resource {
            kind: None,
            id: id.to_owned(),
            arn: arn.map(str::to_owned),
            name: Some("name".to_owned()),
        }];
        let facts = Message::of(&notice, &[En]).facts;
        let on = facts.iter().find(|fact| fact.label == "To").unwrap();
        assert_eq!(on.value, expected);
    };
    let own = |arn: &str, expected: &str| check(arn, Some(arn), expected);
    own("arn:aws:iam::111122223333:role/ops", "role/ops");
    own("arn:aws:iam::aws:policy/AdministratorAccess", "policy/AdministratorAccess");
    own("arn:aws:kms:ap-northeast-1:111122223333:key/1", "key/1");
    own("arn:aws:s3:::films", "films");
    let other = "arn:aws:iam::444455556666:role/ops";
    own(other, other);
    let elsewhere = "arn:aws:kms:eu-west-1:111122223333:key/1";
    own(elsewhere, elsewhere);
    check("sg-1", Some("arn:aws:ec2:ap-northeast-1:111122223333:security-group/sg-1"), "sg-1");
    let queue = "arn:aws:sqs:ap-northeast-1:111122223333:name";
    check("https://sqs.ap-northeast-1.amazonaws.com/111122223333/name", Some(queue), "name");
    check("orders", None, "orders");
}

#[test]
fn links_lead_to_the_page_of_what_was_changed() {
    #[track_caller]
    fn check(region: &str, source: &str, kind: &str, id: &str, expected: &[&str]) {
        let mut notice = notices::usual(1);
        notice.alert.region = Some(region.to_owned());
        notice.alert.resource = vec![Resource {
            kind: Some(kind.to_owned()),
            id: id.to_owned(),
            ..Resource::default()
        }];
        let event = serde_json::json!({"eventSource": source, "eventID": "4741c7f0-cb0f-584e"});
        notice.alert.event = serde_json::value::to_raw_value(&event).ok();
        let links = Message::of(&notice, &[En]).links;
        let addresses: Vec<&str> = links.iter().map(|link| link.address.as_str()).collect();
        assert_eq!(addresses, expected);
    }
    let event = |host: &str, region: &str| {
        format!(
            "https://{host}/cloudtrailv2/home?region={region}#/events?EventId=4741c7f0-cb0f-584e"
        )
    };
    let aws = event("console.aws.amazon.com", "eu-west-1");
    let here = |source: &str, kind: &str, id: &str, page: &str| {
        let page = format!("https://console.aws.amazon.com/{page}");
        check("eu-west-1", &format!("{source}.amazonaws.com"), kind, id, &[&page, &aws]);
    };
    here(
        "ec2",
        "AWS::EC2::SecurityGroup",
        "sg-1",
        "ec2/home?region=eu-west-1#SecurityGroup:groupId=sg-1",
    );
    here(
        "ec2",
        "AWS::EC2::Snapshot",
        "snap-1",
        "ec2/home?region=eu-west-1#SnapshotDetails:snapshotId=snap-1",
    );
    here("s3", "AWS::S3::Bucket", "a.b", "s3/buckets/a.b?tab=permissions&region=eu-west-1");
    here(
        "s3",
        "AWS::S3::Bucket",
        "arn:aws:s3:::a.b",
        "s3/buckets/a.b?tab=permissions&region=eu-west-1",
    );
    here(
        "iam",
        "AWS::IAM::User",
        "a@b",
        "iam/home?region=eu-west-1#/users/details/a%40b?section=security_credentials",
    );
    here(
        "iam",
        "AWS::IAM::ManagedPolicy",
        "arn:aws:iam::1:policy/a",
        "iam/home?region=eu-west-1#/policies/details/arn%3Aaws%3Aiam%3A%3A1%3Apolicy%2Fa",
    );
    here(
        "lambda",
        "AWS::Lambda::Function",
        "arn:aws:lambda:eu-west-1:1:function:resize:live",
        "lambda/home?region=eu-west-1#/functions/resize?tab=configure",
    );
    here(
        "secretsmanager",
        "secretId",
        "arn:aws:secretsmanager:eu-west-1:1:secret:a/b-AbCdEf",
        "secretsmanager/secret?name=a%2Fb&region=eu-west-1",
    );
    here("guardduty", "detectorId", "12", "guardduty/home?region=eu-west-1#/settings");
    // What has no page of its own is seen in the event.
    check("eu-west-1", "new.amazonaws.com", "x", "y", &[&aws]);
    let china = event("console.amazonaws.cn", "cn-north-1");
    check("cn-north-1", "new.amazonaws.com", "x", "y", &[&china]);
    let government = event("console.amazonaws-us-gov.com", "us-gov-west-1");
    check("us-gov-west-1", "new.amazonaws.com", "x", "y", &[&government]);
    check("us-iso-east-1", "ec2.amazonaws.com", "AWS::EC2::SecurityGroup", "sg-1", &[]);
    check("evil.example/#", "ec2.amazonaws.com", "AWS::EC2::SecurityGroup", "sg-1", &[]);
    let evil =
        "https://console.aws.amazon.com/ec2/home?region=eu-west-1#SecurityGroup:groupId=sg-%22%3E";
    check("eu-west-1", "ec2.amazonaws.com", "AWS::EC2::SecurityGroup", "sg-\">", &[evil, &aws]);
}

#[test]
fn everything_is_one_line_and_bounded() {
    let mut all: Vec<Notice> = notices::HOSTILE.iter().map(|text| notices::hostile(text)).collect();
    all.push(notices::largest());
    for mut notice in all {
        for kind in MessageKind::ALL {
            notice.kind = kind;
            notices::repeat(&mut notice, 9);
            let message = Message::of(&notice, &[Ja, En]);
            assert!(message.heading.chars().count() <= 150, "{}", message.heading);
            let facts = message.facts.iter().chain(&message.changed).chain(&message.small_print);
            let advice = message.tellings.iter().flat_map(|telling| &telling.advice);
            let facts = facts.chain(advice).flat_map(|fact| [&fact.label, &fact.value]);
            let said = message.tellings.iter().flat_map(|telling| &telling.paragraphs);
            for line in facts.chain(said).chain([&message.heading, &message.title]) {
                assert!(!line.contains(char::is_control), "{line:?}");
                assert!(line.chars().count() <= 1100, "{line:?}");
            }
            assert!(text(&message).chars().count() < 12_000);
        }
    }
}
