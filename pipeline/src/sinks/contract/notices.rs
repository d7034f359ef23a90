//! Messages that the contract sends: a usual one, hostile ones, the largest one.

#![cfg(test)]

use askance_stages::model::{
    Actor, Address, Alert, Behind, Hop, Level, Matched, Origin, Resource, RuleRef,
};
use askance_stages::raise::{AccountFacts, Group, MessageKind, Sample};
use serde_json::json;

use crate::sinks::Notice;
use crate::store::{InLanguages, Words};

/// Texts as attackers put them into names, tags and user agents.
pub const HOSTILE: [&str; 12] = [
    "<!channel> <@U012AB3CD> <!subteam^S012AB3CD> <https://evil.example|AWS console>",
    "*bold* _it_ `code` ```block``` ~no~ :rotating_light:",
    "[AWS console](https://evil.example) ![x](https://evil.example/x.png) # heading",
    "a\r\nBcc: victim@evil.example\r\n\r\nbody",
    "\u{202e}gnp.exe \u{2066}\u{200b}\u{200f}\u{2028}line",
    "\u{1b}[2J\u{1b}]0;title\u{7}\0\u{7f}\u{85}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;</td></table>",
    "{{alert.rule.title}} ${env:SECRET} %s %n {0}",
    "\\\"},\"evil\":{\"a\":\"",
    "=cmd|' /C calc'!A0",
    "日本語\u{3000}と絵文字👩‍👩‍👧‍👦 e\u{301}\u{301}\u{301}",
    "<at>everyone</at> @everyone @here @channel",
];

/// The last characters of the largest alert's event.
pub const END_OF_LARGEST: &str = "end of the largest event";

/// What [`usual`] is about.
pub const GROUP_ARN: &str =
    "arn:aws:ec2:ap-northeast-1:111122223333:security-group/sg-0123456789abcdef0";

/// Alert number `number`, as alerts usually are.
pub fn usual(number: u8) -> Notice {
    let alert = Alert {
        id: format!("{number:032x}"),
        time: Some("2026-11-24T04:14:26Z".to_owned()),
        level: Level::High,
        rule: RuleRef {
            id: "b217715a-a30a-4946-a4e3-0e85de78aa8e".to_owned(),
            title: "Security group lets the whole internet reach an admin port".to_owned(),
            tags: vec!["attack.t1133".to_owned()],
        },
        account: Some("111122223333".to_owned()),
        region: Some("ap-northeast-1".to_owned()),
        actor: Actor {
            kind: Some("IAMUser".to_owned()),
            name: Some("haruka".to_owned()),
            arn: Some("arn:aws:iam::111122223333:user/haruka".to_owned()),
            account: Some("111122223333".to_owned()),
            session: None,
        },
        source: None,
        resource: vec![Resource {
            kind: Some("AWS::EC2::SecurityGroup".to_owned()),
            id: "sg-0123456789abcdef0".to_owned(),
            arn: Some(GROUP_ARN.to_owned()),
            name: Some("sg-0123456789abcdef0".to_owned()),
        }],
        origin: Origin { path: "s3://trail/a.json.gz".to_owned(), index: 3 },
        correlation: None,
        matched: vec![Matched {
            selection: "world".to_owned(),
            field: Some("requestParameters.cidrIp".to_owned()),
            value: Some("0.0.0.0/0".to_owned()),
        }],
        event: event(&json!({
            "eventID": "4741c7f0-cb0f-584e-8f81-3d8636c618da",
            "eventName": "AuthorizeSecurityGroupIngress",
            "eventSource": "ec2.amazonaws.com",
            "sourceIPAddress": "198.51.100.23",
            "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.13.0",
            "requestParameters": {"groupId": "sg-0123456789abcdef0", "cidrIp": "0.0.0.0/0"},
        })),
        is_historic: false,
        shared_event: None,
        behind: None,
        access_key: None,
        address: None,
    };
    notice(alert)
}

/// What is known of the address of [`usual`].
pub fn address() -> Address {
    Address {
        ip: "198.51.100.23".to_owned(),
        country: Some("JP".to_owned()),
        city: Some("Tokyo".to_owned()),
        asn: Some(64500),
        as_name: Some("Example".to_owned()),
    }
}

/// An alert with this text wherever a log could put it, and in the rule's words.
pub fn hostile(text: &str) -> Notice {
    let mut alert = usual(1).alert;
    // Each has an id of its own, as alerts of different events have.
    let number = text.bytes().fold(7_u128, |sum, byte| sum.wrapping_mul(31) + u128::from(byte));
    alert.id = format!("{number:032x}");
    let own = || Some(text.to_owned());
    alert.rule.title = text.to_owned();
    alert.rule.id = text.to_owned();
    alert.region = own();
    alert.account = own();
    alert.actor = Actor { kind: own(), name: own(), arn: own(), account: own(), session: own() };
    alert.source = Some(Box::new(Address {
        ip: text.to_owned(),
        country: own(),
        city: own(),
        asn: Some(u32::MAX),
        as_name: own(),
    }));
    let hop = Hop { actor: alert.actor.clone(), at: text.to_owned() };
    alert.behind = Some(Box::new(Behind { first: hop.clone(), via: vec![hop; 7] }));
    alert.resource = vec![Resource { kind: own(), id: text.to_owned(), arn: own(), name: own() }];
    alert.matched = vec![Matched { selection: text.to_owned(), field: own(), value: own() }];
    alert.event = event(&json!({
        "eventID": text, "eventName": text, "eventSource": text, "userAgent": text,
        "sourceIPAddress": text, "errorCode": text,
    }));
    let mut notice = notice(alert);
    let words = || InLanguages { en: own(), ja: own() };
    notice.words = Words {
        description: own(),
        ask: words(),
        why: words(),
        fix: words(),
        controls: vec![text.to_owned()],
        references: vec![text.to_owned()],
    };
    notice.account = Some(AccountFacts { name: own(), ..AccountFacts::default() });
    notice
}

/// An alert as large as CloudTrail lets an event be, with everything else at its longest.
pub fn largest() -> Notice {
    let mut alert = usual(1).alert;
    let long = "組織の名前 <&> \"quoted\" ".repeat(40);
    alert.actor.name = Some(long.clone());
    alert.actor.session = Some(long.clone());
    alert.resource = (0..20)
        .map(|index| Resource {
            kind: Some("groupId".to_owned()),
            id: format!("{long}{index}"),
            arn: Some(format!("arn:aws:ec2:eu-west-1:1:security-group/{index}")),
            name: None,
        })
        .collect();
    alert.matched = (0..60)
        .map(|index| Matched {
            selection: "world".to_owned(),
            field: Some(format!("requestParameters.{long}{index}")),
            value: Some(long.chars().take(Matched::MAX_VALUE).collect()),
        })
        .collect();
    alert.event = event(&json!({
        "eventID": "4741c7f0-cb0f-584e-8f81-3d8636c618da",
        "eventName": long, "eventSource": "ec2.amazonaws.com", "userAgent": long,
        "requestParameters": "x".repeat(256 << 10),
        "responseElements": END_OF_LARGEST,
    }));
    let mut notice = notice(alert);
    let words = || InLanguages { en: Some(long.repeat(4)), ja: Some(long.repeat(4)) };
    notice.words = Words { ask: words(), why: words(), fix: words(), ..notice.words };
    notice
}

/// Says that it came `count` times.
pub fn repeat(notice: &mut Notice, count: u64) {
    notice.group.count = count;
    notice.group.last = Some("2026-11-24T05:40:00Z".to_owned());
    notice.group.accounts.push("444455556666".to_owned());
    notice.group.samples.push(Sample {
        id: "f".repeat(32),
        time: Some("2026-11-24T05:40:00Z".to_owned()),
        account: Some("444455556666".to_owned()),
    });
}

/// A new alert as it is told.
pub fn notice(alert: Alert) -> Notice {
    let ask = InLanguages {
        en: Some("You opened an admin port to the whole internet. Is it meant?".to_owned()),
        ja: Some("管理用ポートが公開されました。必要な設定でしょうか。".to_owned()),
    };
    Notice {
        kind: MessageKind::New,
        json: serde_json::to_string(&alert).expect("an alert is JSON"),
        group: Group::begin(&alert, vec!["people".to_owned()]),
        words: Words { ask, ..Words::default() },
        account: None,
        reference: None,
        message_id: format!("people/{}/1", alert.id),
        alert,
    }
}

fn event(value: &serde_json::Value) -> Option<Box<serde_json::value::RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}
