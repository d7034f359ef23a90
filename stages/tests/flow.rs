//! Facts about the whole pipe, from bytes to alerts, on made-up inputs.
//!
//! Damaged input has a file of its own, `damage.rs`.

// Helpers of tests fail by panicking, as tests do, and may say on standard error what they skip.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod inputs;

use askance_stages::decode::Input;
use askance_stages::filter::FilterConfig;
use askance_stages::model::{Drop, Odd};

use inputs::{
    Outcome, STOPPED, containers, gzip, record, rules, rules_of, run, run_parts, run_with, stopped,
    trail, zstd,
};

fn two() -> [String; 2] {
    [stopped("e-1"), stopped("e-2")]
}

#[test]
fn every_container_gives_the_same_alerts() {
    let expected = run(trail(&two()).as_bytes());
    assert_eq!(expected.alerts.len(), 2);
    for (name, text) in containers(&two()) {
        let found = run(text.as_bytes());
        assert_eq!(found.ids(), expected.ids(), "{name}");
        assert_eq!(found.places(), [0, 1], "{name}");
        assert_eq!(found.rejects, [], "{name}");
        assert_eq!(found.tally.records, 2, "{name}");
    }
}

#[test]
fn packing_and_parts_change_nothing() {
    let expected = run(trail(&two()).as_bytes());
    for (name, text) in containers(&two()) {
        let members = [gzip(&text.as_bytes()[..50]), gzip(&text.as_bytes()[50..])].concat();
        let packed =
            [text.clone().into_bytes(), gzip(text.as_bytes()), zstd(text.as_bytes()), members];
        for (packing, bytes) in ["plain", "gzip", "zstd", "members"].iter().zip(&packed) {
            let runs = [run(bytes), run_parts(bytes, 4, 7), run_parts(bytes, 4096, 1000)];
            for found in runs {
                assert_eq!(found.ids(), expected.ids(), "{name}, {packing}");
                assert_eq!(found.rejects, [], "{name}, {packing}");
                assert_eq!(found.tally.bytes_text, text.len() as u64, "{name}, {packing}");
            }
        }
    }
}

/// A record of another kind that holds an event name.
#[track_caller]
fn check_kind(record: &str) {
    let found = run(trail(&[record.to_owned()]).as_bytes());
    assert_eq!(found.alerts.len(), 1, "{record}");
}

#[test]
fn insights_network_activity_and_aggregated_events_are_records() {
    check_kind(
        r#"{"eventVersion":"1.09","eventTime":"2024-05-01T10:00:00Z","eventType":"AwsCloudTrailInsight","eventCategory":"Insight","insightDetails":{"state":"Start","eventName":"StopLogging"},"eventName":"StopLogging","eventID":"i"}"#,
    );
    check_kind(
        r#"{"eventVersion":"1.11","eventTime":"2024-05-01T10:00:00Z","eventCategory":"NetworkActivity","eventName":"StopLogging","errorCode":"VpceAccessDenied","vpcEndpointId":"vpce-1","eventID":"n"}"#,
    );
    check_kind(
        r#"{"eventVersion":"1.0","accountId":"111122223333","eventCategory":"Aggregated","eventName":"StopLogging","timeWindow":{"windowStart":"2024-05-01T10:00:00Z","windowEnd":"2024-05-01T10:05:00Z"},"eventID":"g"}"#,
    );
}

#[test]
fn an_aggregated_event_has_the_time_of_its_window_and_its_account() {
    let aggregated = r#"{"eventVersion":"1.0","accountId":"111122223333","eventCategory":"Aggregated","eventName":"StopLogging","timeWindow":{"windowStart":"2024-05-01T10:00:00Z"},"eventID":"g"}"#;
    let found = run(aggregated.as_bytes());
    assert_eq!(found.alerts[0].time.as_deref(), Some("2024-05-01T10:00:00Z"));
    assert_eq!(found.alerts[0].account.as_deref(), Some("111122223333"));
}

#[test]
fn digests_and_control_messages_are_dropped() {
    let digest = r#"{"awsAccountId":"1","digestStartTime":"2024-05-01T10:00:00Z","digestS3Object":"x","logFiles":[{"s3Object":"y"}]}"#;
    let control = r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: Checking health"}]}"#;
    for (text, drop) in [(digest, Drop::Digest), (control, Drop::ControlMessage)] {
        let found = run(text.as_bytes());
        assert_eq!(found.tally.dropped.all()[drop as usize], 1, "{text}");
        assert_eq!((found.tally.records, found.rejects.len()), (0, 0), "{text}");
    }
}

#[test]
fn files_without_records_are_odd_and_not_damaged() {
    for (text, odd) in
        [(r#"{"Records":[]}"#, Odd::RecordsEmpty), (r#"{"Records":null}"#, Odd::RecordsNull)]
    {
        let found = run(text.as_bytes());
        assert_eq!(found.tally.odd.all()[odd as usize], 1, "{text}");
        assert_eq!(found.rejects, [], "{text}");
    }
}

#[track_caller]
fn check_unknown(detection: &str, record: &str, unknown: usize, alerts: usize) {
    let rules = || rules_of(detection);
    let found = run_with(rules(), FilterConfig::default(), Input::Whole(record.as_bytes()));
    assert_eq!(
        (found.unknown.len(), found.alerts.len()),
        (unknown, alerts),
        "{detection} on {record}"
    );
}

#[test]
fn what_was_cut_leaves_rules_undecided() {
    let cut = r#"{"eventName":"PutRule","requestParameters":{"omitted":true,"kept":"k"}}"#;
    check_unknown("{s: {requestParameters.x: 1}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.kept: k}, condition: s}", cut, 0, 1);
    check_unknown("{s: {requestParameters.x: 1, eventName: PutRule}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.x: 1, eventName: Other}, condition: s}", cut, 0, 0);
    check_unknown(
        "{s: {requestParameters.x: 1}, t: {eventName: PutRule}, condition: s or t}",
        cut,
        0,
        1,
    );
    check_unknown(
        "{s: {requestParameters.x: 1}, t: {eventName: Other}, condition: s or t}",
        cut,
        1,
        0,
    );
    check_unknown("{s: {requestParameters.x: 1}, condition: not s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.x|exists: true}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.x|exists: false}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.x: null}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.x|neq: 1}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters.kept|neq: 1}, condition: s}", cut, 0, 1);
    check_unknown("{s: [secret], condition: s}", cut, 1, 0);
    check_unknown("{s: [putrule], condition: s}", cut, 0, 1);
    check_unknown("{s: {responseElements.x: 1}, condition: s}", cut, 0, 0);
    // A search within an object that was cut, or that holds one.
    check_unknown("{s: {requestParameters|contains: gone}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters|re: gone}, condition: not s}", cut, 1, 0);
    check_unknown("{s: {requestParameters|contains|neq: gone}, condition: s}", cut, 1, 0);
    check_unknown("{s: {requestParameters|contains: kept}, condition: s}", cut, 0, 1);
    check_unknown("{s: {requestParameters: gone}, condition: s}", cut, 0, 0);
    let inner = r#"{"eventName":"PutRule","requestParameters":{"a":[{"omitted":true}]}}"#;
    check_unknown("{s: {requestParameters|contains: gone}, condition: s}", inner, 1, 0);
    check_unknown("{s: {requestParameters.b|contains: gone}, condition: s}", inner, 0, 0);
    let whole = r#"{"eventName":"PutRule","requestParameters":{"omitted":false}}"#;
    check_unknown("{s: {requestParameters.x: 1}, condition: s}", whole, 0, 0);
    check_unknown("{s: {requestParameters|contains: gone}, condition: s}", whole, 0, 0);
    check_unknown("{s: [secret], condition: s}", whole, 0, 0);
}

fn at(time: &str) -> Option<jiff::Timestamp> {
    Some(time.parse().unwrap())
}

/// How many of three records pass, and how many are dropped for `drop`.
#[track_caller]
fn check_filter(filter: FilterConfig, passed: u64, drop: Drop) {
    let of = |id: &str, time: &str, account: &str, region: &str| {
        stopped(id)
            .replace("2024-05-01T10:00:00Z", time)
            .replace(
                "\"recipientAccountId\":\"111122223333\"",
                &format!("\"recipientAccountId\":\"{account}\""),
            )
            .replace("us-east-1", region)
    };
    let records = [
        of("1", "2024-05-01T10:00:00Z", "1", "us-east-1"),
        of("2", "2024-05-01T11:00:00Z", "2", "eu-west-1"),
        of("3", "2024-05-01T12:00:00Z", "3", "us-east-1"),
    ];
    let text = trail(&records);
    let found = run_with(rules(STOPPED), filter.clone(), Input::Whole(text.as_bytes()));
    assert_eq!(found.tally.passed, passed, "{filter:?}");
    assert_eq!(found.tally.dropped.all()[drop as usize], 3 - passed, "{filter:?}");
    assert_eq!(found.alerts.len() as u64, passed, "{filter:?}");
}

#[test]
fn from_is_inclusive_and_to_is_exclusive() {
    let all = FilterConfig::default;
    check_filter(all(), 3, Drop::Time);
    check_filter(FilterConfig { from: at("2024-05-01T11:00:00Z"), ..all() }, 2, Drop::Time);
    check_filter(FilterConfig { to: at("2024-05-01T11:00:00Z"), ..all() }, 1, Drop::Time);
    let (from, to) = (at("2024-05-01T11:00:00Z"), at("2024-05-01T12:00:00Z"));
    check_filter(FilterConfig { from, to, ..all() }, 1, Drop::Time);
}

#[test]
fn accounts_and_regions_narrow() {
    let all = FilterConfig::default;
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    check_filter(FilterConfig { accounts: list(&["1", "3"]), ..all() }, 2, Drop::Account);
    check_filter(FilterConfig { regions: list(&["eu-west-1"]), ..all() }, 1, Drop::Region);
    check_filter(FilterConfig { regions: list(&["eu"]), ..all() }, 0, Drop::Region);
}

#[test]
fn a_record_without_a_time_is_dropped_where_a_time_is_asked_for() {
    let filter = FilterConfig { from: at("2024-05-01T11:00:00Z"), ..FilterConfig::default() };
    let text = r#"{"eventName":"StopLogging"}"#;
    let found = run_with(rules(STOPPED), filter, Input::Whole(text.as_bytes()));
    assert_eq!(found.tally.dropped.all()[Drop::NoTime as usize], 1);
    assert_eq!(run(text.as_bytes()).alerts.len(), 1);
}

#[test]
fn the_same_event_has_the_same_id_wherever_it_is_read() {
    let again = [stopped("e"), record("f", "Other"), stopped("e").replace("\"eve\"", "\"adam\"")];
    let found = run(trail(&again).as_bytes());
    assert_eq!(found.places(), [0, 2]);
    assert_eq!(found.ids()[0], found.ids()[1]);
    let other = run(stopped("e").replace("111122223333", "444455556666").as_bytes());
    assert_ne!(other.ids()[0], found.ids()[0], "another account's event is another event");
}

fn id_of(outcome: &Outcome) -> &str {
    outcome.ids()[0]
}

#[test]
fn without_an_event_id_the_content_is_the_identity_and_white_space_is_not() {
    let bare = |text: &str| text.replace(r#""eventID":"e","#, "");
    let compact = bare(&stopped("e"));
    let spaced = compact.replace("\":", "\" :\n\t").replace(",\"", " ,\r\n\"");
    let (one, two) = (run(compact.as_bytes()), run(spaced.as_bytes()));
    assert_eq!(id_of(&one), id_of(&two));
    let lines = format!("[\n{spaced}\n]");
    assert_eq!(id_of(&run(lines.as_bytes())), id_of(&one));
    let other = run(compact.replace("\"eve\"", "\"ev e\"").as_bytes());
    assert_ne!(id_of(&other), id_of(&one), "white space within a text counts");
}
