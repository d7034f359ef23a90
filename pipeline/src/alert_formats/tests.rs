//! Tests of forms: the official schemas and limits hold for usual, hostile and the largest alerts.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use askance_stages::model::{Actor, Address, Alert, Resource};
use askance_stages::raise::{AccountFacts, MessageKind};
use serde_json::Value;

use super::ocsf::OCSF_VERSION;
use super::*;
use crate::sinks::Notice;
use crate::sinks::contract::notices::{GROUP_ARN, HOSTILE, address, hostile, largest, usual};

/// An alert that nothing is known of.
fn bare() -> Notice {
    let mut notice = usual(1);
    let alert = &mut notice.alert;
    (alert.time, alert.account, alert.region) = (None, None, None);
    alert.actor = Actor::default();
    alert.resource.clear();
    alert.matched.clear();
    alert.event = None;
    notice
}

fn all() -> Vec<Notice> {
    let mut notices = vec![usual(1), largest(), bare()];
    notices.extend(HOSTILE.map(hostile));
    let mut told = usual(2);
    told.kind = MessageKind::Update;
    crate::sinks::contract::notices::repeat(&mut told, 7);
    told.account = Some(AccountFacts {
        name: Some("payments".to_owned()),
        ou: Some("prod".to_owned()),
        tags: [("team".to_owned(), "pay".to_owned())].into(),
    });
    told.alert.source = Some(Box::new(address()));
    told.alert.rule.tags =
        ["attack.t1078.004", "attack.exfiltration", "attack.t1537", "cve.2021-1"]
            .map(str::to_owned)
            .into();
    notices.push(told);
    let mut country = usual(3);
    country.alert.source = Some(Box::new(Address { asn: None, as_name: None, ..address() }));
    notices.push(country);
    let mut system = usual(4);
    system.alert.event = None;
    system.alert.source = Some(Box::new(Address { country: None, city: None, ..address() }));
    notices.push(system);
    notices.rotate_right(2);
    notices
}

fn python() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let installed = root.join("target/tools/bin/python3");
    if installed.exists() { installed } else { "python3".into() }
}

/// What the official schema says against these findings.
fn faults(findings: &[Value]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ocsf_check.py");
    let mut child = Command::new(python())
        .arg(script)
        .args([OCSF_VERSION, "detection_finding", "cloud"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut stdin = child.stdin.take().unwrap();
    for finding in findings {
        writeln!(stdin, "{finding}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || !told.is_empty(), "{failed} (run: make tools)");
    told
}

fn told(notice: &Notice) -> Told<'_> {
    Told {
        kind: notice.kind,
        group: Some(&notice.group),
        words: &notice.words,
        account: notice.account.as_ref(),
        left_out: &[],
    }
}

#[test]
fn findings_keep_to_the_official_schema() {
    let findings: Vec<Value> =
        all().iter().map(|notice| ocsf_told(&notice.alert, &told(notice))).collect();
    assert_eq!(faults(&findings), "");
    let notice = usual(3);
    let mut cut = ocsf_told(&notice.alert, &Told { left_out: &["event"], ..told(&notice) });
    assert_eq!(faults(std::slice::from_ref(&cut)), "");
    cut["class_uid"] = 2003.into();
    cut["metadata"]["nonsense"] = 1.into();
    let told = faults(&[cut]);
    assert!(told.contains("$.class_uid") && told.contains("nonsense"), "{told}");
}

#[test]
fn a_finding_says_who_what_where() {
    let notices = all();
    let finding = ocsf_told(&notices.last().unwrap().alert, &told(notices.last().unwrap()));
    let check = |pointer: &str, expected: Value| {
        assert_eq!(finding.pointer(pointer), Some(&expected), "{pointer}");
    };
    check("/class_uid", 2004.into());
    check("/type_uid", 200_402.into());
    check("/severity_id", 4.into());
    check("/count", 7.into());
    check("/time", 1_795_493_666_000_i64.into());
    check("/cloud/account/uid", "111122223333".into());
    check("/cloud/account/name", "payments".into());
    check("/api/operation", "AuthorizeSecurityGroupIngress".into());
    check("/evidences/0/src_endpoint/ip", "198.51.100.23".into());
    check("/evidences/0/src_endpoint/location/country", "JP".into());
    check("/evidences/0/src_endpoint/location/city", "Tokyo".into());
    check("/evidences/0/src_endpoint/autonomous_system/number", 64500.into());
    check("/evidences/0/src_endpoint/autonomous_system/name", "Example".into());
    check("/evidences/0/actor/user/name", "haruka".into());
    check("/finding_info/attacks/0/sub_technique/uid", "T1078.004".into());
    check("/finding_info/attacks/1/tactic/name", "Exfiltration".into());
    check("/resources/0/uid", GROUP_ARN.into());
    check("/resources/0/name", "sg-0123456789abcdef0".into());
    check("/resources/0/type", "AWS::EC2::SecurityGroup".into());
    check("/resources/0/region", "ap-northeast-1".into());
    let new = ocsf(&notices[0].alert, None, &notices[0].words, None);
    assert_eq!(new["activity_id"], 1);
    assert_eq!(new["message"], "You opened an admin port to the whole internet. Is it meant?");
}

#[test]
fn a_finding_without_a_time_says_so() {
    let finding = ocsf(&bare().alert, None, &bare().words, None);
    assert_eq!(finding["time"], 0);
    assert!(finding.get("start_time").is_none());
}

fn product() -> Product {
    Product { account: "999988887777".to_owned(), region: "us-gov-west-1".to_owned() }
}

fn asff_of(notice: &Notice) -> Value {
    let now = "2026-11-25T00:00:00Z".parse().unwrap();
    let words = (&notice.words, notice.account.as_ref());
    asff(&notice.alert, Some(&notice.group), words, &product(), now)
}

#[test]
fn findings_keep_to_the_limits_of_security_hub() {
    for notice in all() {
        let finding = asff_of(&notice);
        let length = |pointer: &str| {
            let text = finding.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            text.chars().count()
        };
        for (pointer, most) in [
            ("/Id", 512),
            ("/GeneratorId", 512),
            ("/Title", 256),
            ("/Description", 1024),
            ("/Remediation/Recommendation/Text", 512),
        ] {
            assert!(length(pointer) <= most, "{pointer} {finding}");
        }
        for pointer in ["/Id", "/GeneratorId", "/Title", "/Description", "/CreatedAt", "/UpdatedAt"]
        {
            assert!(length(pointer) > 0, "{pointer} {finding}");
        }
        let resources = finding["Resources"].as_array().unwrap();
        assert!((1..=32).contains(&resources.len()));
        for resource in resources {
            let id = resource["Id"].as_str().unwrap().chars().count();
            assert!((1..=512).contains(&id), "{resource}");
        }
        let fields = finding["ProductFields"].as_object().unwrap();
        assert!(
            fields.len() <= 50
                && fields.values().all(|value| value.as_str().unwrap().chars().count() <= 2048)
        );
        assert!(!finding["FindingProviderFields"]["Types"].as_array().unwrap().is_empty());
        assert!(finding.to_string().len() < 240_000);
    }
}

#[test]
fn resources_have_their_types() {
    let check = |kind: Option<&str>, expected: &str| {
        let mut notice = usual(1);
        notice.alert.resource[0].kind = kind.map(str::to_owned);
        assert_eq!(asff_of(&notice)["Resources"][0]["Type"], expected, "{kind:?}");
    };
    check(Some("AWS::EC2::SecurityGroup"), "AwsEc2SecurityGroup");
    check(Some("AWS::EC2::VPC"), "AwsEc2Vpc");
    check(Some("AWS::IAM::ManagedPolicy"), "AwsIamPolicy");
    check(Some("AWS::S3::Object"), "AwsS3Object");
    check(Some("AWS::Glue::Job"), "Other");
    check(Some("pipelineName"), "Other");
    check(None, "Other");
    let none = asff_of(&bare());
    assert_eq!(none["Resources"][0]["Type"], "AwsAccount");
    assert_eq!(none["Resources"][0]["Id"], "AWS::::Account:unknown");
}

#[test]
fn resources_are_named_by_arn_once_and_where_they_are() {
    let mut notice = usual(1);
    let known = notice.alert.resource[0].clone();
    // By name and by ARN it is the same; of another region and of none.
    let again = Resource { id: GROUP_ARN.to_owned(), ..known.clone() };
    let bucket = Resource {
        kind: Some("AWS::S3::Bucket".to_owned()),
        id: "films".to_owned(),
        arn: Some("arn:aws:s3:::films".to_owned()),
        name: Some("films".to_owned()),
    };
    let key = Resource {
        kind: Some("AWS::KMS::Key".to_owned()),
        id: "arn:aws-cn:kms:cn-north-1:444455556666:key/1".to_owned(),
        arn: Some("arn:aws-cn:kms:cn-north-1:444455556666:key/1".to_owned()),
        name: Some("1".to_owned()),
    };
    let account = Resource {
        kind: Some("AWS::Organizations::Account".to_owned()),
        id: "111122223333".to_owned(),
        ..Resource::default()
    };
    let long = Resource { arn: Some(format!("{GROUP_ARN}{}", "x".repeat(600))), ..known.clone() };
    notice.alert.resource = vec![known, again, bucket, key, account, long];
    let finding = asff_of(&notice);
    let resources = finding["Resources"].as_array().unwrap();
    let shown = |key: &str| -> Vec<&str> {
        resources.iter().map(|resource| resource[key].as_str().unwrap()).collect()
    };
    let expected = [
        GROUP_ARN,
        "arn:aws:s3:::films",
        "arn:aws-cn:kms:cn-north-1:444455556666:key/1",
        "AWS::::Account:111122223333",
        "sg-0123456789abcdef0",
    ];
    assert_eq!(shown("Id"), expected);
    assert_eq!(shown("Region")[1..3], ["ap-northeast-1", "cn-north-1"]);
    assert_eq!(shown("Partition")[1..3], ["aws", "aws-cn"]);
    let finding = ocsf_told(&notice.alert, &told(&notice));
    assert_eq!(finding["resources"].as_array().unwrap().len(), 5);
    assert_eq!(finding["resources"][1]["name"], "films");
    assert_eq!(finding["resources"][2]["region"], "cn-north-1");
    assert_eq!(faults(&[finding]), "");
}

#[test]
fn the_product_is_the_accounts_own() {
    let notice = all().pop().unwrap();
    let finding = asff_of(&notice);
    let arn = "arn:aws-us-gov:securityhub:us-gov-west-1:999988887777:product/999988887777/default";
    assert_eq!(finding["ProductArn"], arn);
    assert_eq!(finding["AwsAccountId"], "999988887777");
    let fields = &finding["ProductFields"];
    assert_eq!(fields["askance/account"], "111122223333");
    assert_eq!(fields["askance/source-country"], "JP");
    assert_eq!(fields["askance/source-city"], "Tokyo");
    assert_eq!(fields["askance/source-asn"], "64500");
    assert_eq!(fields["askance/source-as-name"], "Example");
    assert_eq!(finding["FindingProviderFields"]["Severity"]["Label"], "HIGH");
    assert_eq!(finding["FindingProviderFields"]["Types"][0], "Effects/Data Exfiltration");
    assert_eq!(finding["CreatedAt"], "2026-11-24T04:14:26Z");
    assert_eq!(finding["LastObservedAt"], "2026-11-24T05:40:00Z");
}

#[test]
fn the_native_form_is_the_alert_with_its_version() {
    let text = include_str!("../../../docs/alert.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap();
    for notice in all() {
        let text = native(&notice.alert, notice.kind, &notice.group, &[]);
        let alert = serde_json::to_string(&notice.alert).unwrap();
        assert!(text.ends_with(&alert[1..]), "the alert keeps its bytes");
        assert!(!text.contains('\n'));
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(value["count"], notice.group.count);
        for key in ["schema_version", "kind", "count", "first", "last", "accounts"] {
            assert!(value.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        // Hostile ids and times are no alerts of ours; the form is what counts here.
        if notice.alert.rule.id == usual(1).alert.rule.id {
            schema.validate(&value).unwrap();
        }
    }
}

#[test]
fn what_is_too_large_loses_the_least_needed_first() {
    let notice = largest();
    let check = |limit: usize, expected: &[&str]| {
        let text = fit(&notice.alert, limit, |alert, left_out| {
            native(alert, notice.kind, &notice.group, left_out)
        });
        let value: Value = serde_json::from_str(&text).unwrap();
        let left_out = value["left_out"]["parts"].as_array().cloned().unwrap_or_default();
        assert_eq!(left_out, expected.iter().map(|&part| Value::from(part)).collect::<Vec<_>>());
        let command = format!("askance alerts show {}", notice.alert.id);
        assert!(left_out.is_empty() || value["left_out"]["whole"] == command);
        text.len()
    };
    assert!(check(usize::MAX, &[]) > 256 << 10);
    assert!(check(200_000, &["event"]) <= 200_000);
    assert!(check(50_000, &["event", "matched"]) <= 50_000);
    assert!(check(20_000, &["event", "matched", "long texts"]) <= 20_000);
}

#[test]
fn everything_at_its_worst_is_small_once_it_is_shortened() {
    let worst = "\u{1}".repeat(1 << 16);
    let mut alert: Alert = hostile(&worst).alert;
    alert.resource = vec![alert.resource[0].clone(); 20];
    let text = fit(&alert, 200_000, |alert, left_out| {
        native(alert, MessageKind::New, &usual(1).group, left_out)
    });
    assert!(text.len() < 200_000, "{}", text.len());
}
