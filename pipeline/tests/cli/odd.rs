//! What looks odd and is read all the same: a counter in the summary, no line, still matched.

use serde_json::json;

use crate::records::{record, record_with, spoiled, trail};
use crate::sandbox::{Run, Sandbox};

/// A file of one odd record and a plain one: both match, and the summary counts this.
#[track_caller]
fn check(odd: impl AsRef<[u8]>, counted: &str) -> Run {
    let plain = format!(",{}]}}", record("plain"));
    let bytes = [b"{\"Records\":[", odd.as_ref(), plain.as_bytes()].concat();
    let sandbox = Sandbox::with("in.json", bytes);
    let run = sandbox.scan(&["in.json", "--no-event"]);
    run.exits(0).is_calm();
    assert_eq!(run.alerts().len(), 2, "both match:\n{}\n{}", run.out, run.err);
    if counted.is_empty() {
        assert!(!run.err.contains("odd but read"), "{}", run.err);
    } else {
        run.says_line(&format!("odd but read: {counted}"));
    }
    run
}

#[track_caller]
fn check_agent(agent: &[u8], counted: &str) {
    check(spoiled("odd", "aws-cli/2.24.10", agent), counted);
}

#[test]
fn bytes_that_are_not_utf8_are_odd() {
    check_agent(b"a\xff\xfeb", "1 invalid_utf8");
    check_agent(b"\xc3\x28", "1 invalid_utf8");
    check_agent(b"\xed\xa0\x80", "1 invalid_utf8");
}

#[test]
fn an_alert_of_invalid_utf8_is_still_json() {
    let sandbox = Sandbox::with("in.json", spoiled("odd", "films", b"fi\xfflms"));
    let run = sandbox.scan(&["in.json"]);
    assert_eq!(run.exits(0).alerts()[0]["resource"][0]["id"], "fi\u{fffd}lms");
    assert_eq!(run.alerts()[0]["event"]["requestParameters"]["bucketName"], "fi\u{fffd}lms");
}

#[test]
fn surrogates_without_their_other_half_are_odd() {
    check_agent(br"\ud83d", "1 lone_surrogate");
    check_agent(br"x\udc00y", "1 lone_surrogate");
    check_agent(br"\ud83d\u0041", "1 lone_surrogate");
    check_agent(br"\ud83d\ude00", "");
}

#[test]
fn nul_bytes_are_odd_where_json_does_not_allow_them() {
    check_agent(b"a\0b", "1 control_character");
    check_agent(br"a\u0000b", "");
}

#[test]
fn huge_numbers_are_odd() {
    let number = |text: &str| spoiled("odd", "null", text.as_bytes());
    check(number("1e999"), "1 huge_number");
    check(number("-1e999"), "1 huge_number");
    check(number(&"9".repeat(40)), "1 huge_number");
    check(number(&"9".repeat(5_000)), "1 huge_number");
    check(number("18446744073709551615"), "");
}

#[test]
fn no_records_are_odd() {
    for (text, counted) in [
        ("{\"Records\":null}", "1 records_null"),
        ("{\"Records\": []}", "1 records_empty"),
        ("[]", "1 records_empty"),
        ("{\"Events\": []}", "1 records_empty"),
    ] {
        let sandbox = Sandbox::with("in.json", text);
        let run = sandbox.scan(&["in.json"]);
        run.exits(0).is_calm().found(&[]).says_line(&format!("odd but read: {counted}"));
    }
}

#[test]
fn what_is_missing_is_odd_and_shown_as_unknown() {
    let bare = json!({"type": "IAMUser", "userName": "mika"});
    for (changes, counted, key) in [
        (json!({"eventTime": null}), "1 no_event_time", "time"),
        (json!({"recipientAccountId": null, "userIdentity": bare}), "1 no_account", "account"),
    ] {
        let odd = record_with("odd", changes);
        let run = check(odd.to_string(), counted);
        assert_eq!(run.alerts()[0][key], json!(null));
        let sandbox = Sandbox::with("in.json", trail(&[odd]));
        let table = sandbox.run(&["scan", "--rules", "rule.yml", "in.json"]);
        table.exits(0).shows("unknown");
    }
    check(record_with("odd", json!({"eventID": null})).to_string(), "1 no_event_id");
    check(record_with("odd", json!({"eventID": ""})).to_string(), "1 no_event_id");
}

#[test]
fn dates_that_are_none_or_out_of_range_are_odd() {
    for time in [
        "yesterday",
        "",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-13-45T99:99:99Z",
        "99999-01-01T00:00:00Z",
        "-000001-01-01T00:00:00Z",
        "2005-12-31T23:59:59Z",
    ] {
        check(record_with("odd", json!({ "eventTime": time })).to_string(), "1 bad_event_time");
    }
    for time in [json!(17), json!({}), json!([])] {
        check(record_with("odd", json!({ "eventTime": time })).to_string(), "1 bad_event_time");
    }
}

#[test]
fn a_source_that_is_a_name_is_odd() {
    let odd = |source: &str| record_with("odd", json!({ "sourceIPAddress": source })).to_string();
    check(odd("cloudformation.amazonaws.com"), "1 source_is_a_name");
    check(odd("AWS Internal"), "1 source_is_a_name");
    check(odd("2001:db8::1"), "");
}

#[test]
fn an_unknown_event_version_is_odd() {
    for version in [json!("2.0"), json!("next"), json!(null)] {
        let odd = record_with("odd", json!({ "eventVersion": version })).to_string();
        check(odd, "1 unknown_event_version");
    }
    check(record_with("odd", json!({"eventVersion": "1.99"})).to_string(), "");
}

#[test]
fn values_of_other_types_than_usual_are_still_matched() {
    for changes in [
        json!({"userIdentity": "mika"}),
        json!({"userIdentity": [1, 2]}),
        json!({"requestParameters": "films"}),
        json!({"awsRegion": 7}),
        json!({"resources": {"ARN": 1}}),
        json!({"recipientAccountId": 111_122_223_333_u64}),
    ] {
        let sandbox = Sandbox::with("in.json", trail(&[record_with("odd", changes.clone())]));
        let run = sandbox.scan(&["in.json"]);
        run.exits(0).is_calm().found(&["odd"]);
        let table = sandbox.run(&["scan", "--rules", "rule.yml", "in.json"]);
        assert_eq!(table.exits(0).out.lines().count(), 2, "{changes}");
    }
}

#[test]
fn a_key_that_stands_twice_does_not_hide_a_record() {
    let twice = spoiled(
        "odd",
        "\"eventName\":\"DeleteBucket\"",
        br#""eventName":"DeleteBucket","eventName":"DeleteBucket""#,
    );
    check(twice, "");
}

#[test]
fn the_same_event_id_twice_raises_one_alert_and_is_counted() {
    let run = {
        let sandbox = Sandbox::with("in.json", trail(&[record("a"), record("a"), record("b")]));
        sandbox.scan(&["in.json"])
    };
    run.exits(0).is_calm().found(&["a", "b"]).says("1 repeat left out");
}
