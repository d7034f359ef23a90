//! What somebody who writes into logs could try: no field moves the cursor or forges a line.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::records::{record_with, trail, trail_of};
use crate::sandbox::Sandbox;

/// Text that clears the screen, turns the direction of writing, and forges lines.
const HOSTILE: [&str; 10] = [
    "x\u{1b}[2J\u{1b}[1;1H2026-03-02 00:00:00  LOW  all is well",
    "x\u{1b}]0;title\u{7}\u{1b}]8;;http://x\u{1b}\\y",
    "x\r2026-03-02 00:00:00  LOW       forged",
    "x\n2026-03-02 00:00:00  LOW       forged",
    "x\u{9b}2J\u{85}y\u{90}z",
    "x\u{202e}gnp.exe\u{2066}\u{2069}\u{200f}\u{61c}",
    "x\u{2028}y\u{2029}z\u{b}\u{c}",
    "x\u{8}\u{8}\u{8}\u{7f}y",
    "x\u{feff}\u{200b}\u{200d}\u{e0041}",
    "x\u{0}y\ty",
];

/// Nothing in it does anything but stand there.
#[track_caller]
fn is_harmless(text: &str) {
    let is_harmful = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let harmful: Vec<char> = text.chars().filter(is_harmful).collect();
    assert!(harmful.is_empty(), "{harmful:?} in {text:?}");
}

/// A record with hostile text in every field that anybody reads.
fn hostile(text: &str) -> Value {
    record_with(
        text,
        json!({
            "userAgent": text, "awsRegion": text, "recipientAccountId": text, "sourceIPAddress": text,
            "requestParameters": {"bucketName": text}, "errorMessage": text,
            "userIdentity": {"type": "IAMUser", "userName": text, "arn": text, "principalId": text}
        }),
    )
}

#[test]
fn no_field_gets_into_the_table_or_csv_as_it_is() {
    for text in HOSTILE {
        let sandbox = Sandbox::with("in.json", trail(&[hostile(text)]));
        for format in ["table", "csv"] {
            let args = ["scan", "--rules", "rule.yml", "in.json", "--stats", "--format", format];
            let run = sandbox.run(&args);
            is_harmless(&run.exits(0).out);
            is_harmless(&run.err);
            assert_eq!(run.out.lines().count(), 2, "a heading and an alert:\n{}", run.out);
            assert!(
                !run.err.lines().any(|line| line.starts_with("2026-03-02 00:00")),
                "{}",
                run.err
            );
        }
    }
}

#[test]
fn no_field_of_an_actor_gets_through() {
    for text in HOSTILE {
        for identity in [
            json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::1:assumed-role/a/{text}"),
                "sessionContext": {"sessionIssuer": {"userName": text}}}),
            json!({"type": "AWSService", "invokedBy": text}),
            json!({"type": text, "userName": text}),
            json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": text}}),
        ] {
            let record = record_with("a", json!({ "userIdentity": identity }));
            let sandbox = Sandbox::with("in.json", trail(&[record]));
            let run = sandbox.run(&["scan", "--rules", "rule.yml", "in.json"]);
            is_harmless(&run.exits(0).out);
            assert_eq!(run.out.lines().count(), 2, "{}", run.out);
        }
    }
}

#[test]
fn no_field_gets_into_an_explanation_as_it_is() {
    for text in HOSTILE.into_iter().filter(|text| !text.contains('\0')) {
        let sandbox = Sandbox::with("in.json", trail(&[hostile(text)]));
        sandbox.write("rule.yml", sandbox.read("rule.yml").replace(
            "eventName:",
            "userAgent: x, 'userIdentity.userName|contains': [x, z], 'awsRegion|exists': true, eventName:",
        ));
        let run = sandbox.run(&[
            "explain",
            "in.json",
            "--event",
            text,
            "--rules",
            "rule.yml",
            "--rule",
            "bucket-deleted",
        ]);
        is_harmless(&run.exits(0).out);
        assert!(!run.out.lines().any(|line| line.starts_with("2026")), "{}", run.out);
    }
}

#[test]
fn no_rule_gets_into_lists_and_errors_as_it_is() {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    for text in HOSTILE.into_iter().filter(|text| !text.contains(['\0', '\u{8}', '\u{7f}'])) {
        let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
        let rule = sandbox.read("rule.yml");
        let title = rule
            .replace("title: Bucket deleted", &format!("title: {}", quoted(text)))
            .replace("id: bucket-deleted", &format!("id: {}", quoted(&format!("{text}1"))));
        sandbox.write("titles/rule.yml", &title);
        let broken = rule.replace("high", &quoted(text));
        sandbox.write("broken/rule.yml", &broken);
        for args in [
            &["rules", "list", "titles"][..],
            &["rules", "check", "titles"],
            &["rules", "check", "broken"],
            &["scan", "in.json", "--rules", "titles"],
            &["scan", "in.json", "--rules", "broken"],
            &["scan", "in.json", "--rules", "broken", "--keep-going"],
            &["explain", "in.json", "--event", "a", "--rules", "titles"],
        ] {
            let run = sandbox.run(args);
            is_harmless(&run.out);
            is_harmless(&run.err);
        }
    }
}

#[test]
fn no_file_name_gets_on_the_terminal_as_it_is() {
    for text in HOSTILE.into_iter().filter(|text| !text.contains(['\0', '/'])) {
        let sandbox = Sandbox::with("good.json", trail_of(&["a"]));
        sandbox.write(format!("in/{text}.json"), "not json");
        sandbox.write(format!("in/{text}.gz"), trail_of(&["b"]));
        let run = sandbox.run(&["scan", "in", "--rules", "rule.yml"]);
        run.exits(3).says("is not JSON");
        is_harmless(&run.err);
        is_harmless(&run.out);
        // A name may also come from a shell's pattern.
        let missing = format!("no{text}");
        let rules = format!("no{text}.yml");
        for args in [
            &["scan", &missing][..],
            &["scan", "good.json", "--rules", &rules],
            &["scan", "good.json", "--config", &rules],
            &["scan", "good.json", "--output", &format!("no/{text}")],
            &["explain", &missing, "--event", "a"],
            &["explain", "good.json", "--event", &missing],
            &["explain", "good.json", "--event", "a", "--rule", &missing],
            &["explain", &format!("in/{text}.gz"), "--event", "b"],
        ] {
            let run = sandbox.run(args);
            is_harmless(&run.err);
            is_harmless(&run.out);
        }
    }
}

#[test]
fn a_file_name_need_not_be_utf8() {
    let sandbox = Sandbox::new();
    sandbox.write(Path::new(std::ffi::OsStr::from_bytes(b"in/\xff\xfe.json")), trail_of(&["a"]));
    sandbox.write(Path::new(std::ffi::OsStr::from_bytes(b"in/\xff\xff.json")), "not json");
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a"]).says("is not JSON at byte 0");
}
