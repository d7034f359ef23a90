//! Records of a stream: plain, packed, aggregates of others, and envelopes in envelopes.

mod inputs;

use askance_stages::decode::{HashRange, hash_of};
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::model::{Drop, Odd, Reason};
use askance_stages::tally::Tally;

use inputs::{STOPPED, gzip, rules, stopped};

const ALL: HashRange = HashRange { from: 0, to: u128::MAX };

/// Runs one record; the tally, the paths of alerts, and the reasons of rejects.
fn run(record: &[u8], skip: u64, range: HashRange) -> (Tally, Vec<String>, Vec<Reason>) {
    let detect = Detect::new(rules(STOPPED), DetectConfig::default());
    let mut worker = Worker::new(&detect);
    let (mut paths, mut rejects) = (Vec::new(), Vec::new());
    let mut sink = |output| match output {
        Output::Alert(alert) => paths.push(alert.origin.path.clone()),
        Output::Reject(reject) => rejects.push(reject.reason),
        Output::Unknown(_) | Output::Entry(_) | Output::Given(_) => {}
    };
    let tally =
        worker.run_record(record, (skip, Some(range)), "stream/shard/7", &mut sink, &|| false);
    assert!(tally.is_balanced(), "{tally:?}");
    (tally, paths, rejects)
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// As the Kinesis Producer Library packs: data, and the place of its partition key in `[key]`.
fn aggregate(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
    use md5::Digest as _;
    let mut message = field(1, b"key");
    for (key, data) in records {
        let record = [vec![0x08, *key], field(3, data)].concat();
        message.extend_from_slice(&field(3, &record));
    }
    [&[0xf3, 0x89, 0x9a, 0xc2], &message[..], md5::Md5::digest(&message).as_slice()].concat()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn log_events(messages: &[&str]) -> String {
    let events: Vec<String> = messages
        .iter()
        .map(|text| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(text)))
        .collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

fn event_bridge(detail: &str) -> String {
    format!(
        r#"{{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.cloudtrail","detail":{detail}}}"#
    )
}

#[test]
fn an_aggregate_gives_its_records_with_their_places() {
    let (one, two) = (stopped("a").into_bytes(), gzip(log_events(&[&stopped("b")]).as_bytes()));
    let record = aggregate(&[(0, one), (5, b"lost".to_vec()), (0, two)]);
    let (tally, paths, rejects) = run(&record, 0, ALL);
    assert_eq!(paths, ["stream/shard/7#0", "stream/shard/7#2"]);
    assert_eq!(rejects, [Reason::BadAggregate]);
    assert_eq!(tally.odd.total(), tally.odd.all()[Odd::SourceIsName as usize]);
    let (_, paths, rejects) = run(&record, 2, ALL);
    assert_eq!((paths.as_slice(), rejects.len()), (["stream/shard/7#2".to_owned()].as_slice(), 0));
    assert_eq!(run(&record, 3, ALL).0, Tally::default());
}

#[test]
fn what_belongs_to_another_shard_is_read_and_counted() {
    let record = aggregate(&[(0, stopped("a").into_bytes()), (0, stopped("b").into_bytes())]);
    let hash = hash_of(b"key");
    let (tally, paths, _) = run(&record, 0, HashRange { from: hash, to: hash });
    assert_eq!((paths.len(), tally.odd.all()[Odd::OutsideShard as usize]), (2, 0));
    let (tally, paths, _) = run(&record, 0, HashRange { from: hash + 1, to: u128::MAX });
    assert_eq!((paths.len(), tally.odd.all()[Odd::OutsideShard as usize]), (2, 2));
}

#[test]
fn a_damaged_aggregate_is_a_plain_record() {
    let mut record = aggregate(&[(0, stopped("a").into_bytes())]);
    *record.last_mut().unwrap() ^= 1;
    let (_, paths, rejects) = run(&record, 0, ALL);
    assert!(paths.is_empty());
    assert_eq!(rejects, [Reason::NotJson]);
    // A plain record has one part: what is behind it is done.
    assert_eq!(run(stopped("a").as_bytes(), 1, ALL).0, Tally::default());
    assert_eq!(run(stopped("a").as_bytes(), 0, ALL).1, ["stream/shard/7"]);
    assert_eq!(run(b"", 0, ALL).2, [Reason::Empty]);
    let large = format!(r#"{{"eventVersion":"1.08","eventID":"{}"}}"#, "x".repeat(4 << 20));
    assert_eq!(run(large.as_bytes(), 0, ALL).2, [Reason::TooLarge]);
}

#[test]
fn control_messages_are_counted() {
    let greeting = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}"#;
    let (tally, paths, rejects) = run(&gzip(greeting.as_bytes()), 0, ALL);
    assert_eq!(tally.dropped.all()[Drop::ControlMessage as usize], 1);
    assert!(paths.is_empty() && rejects.is_empty());
}

#[test]
fn touching_objects_and_packed_ones_are_read() {
    let bodies = [log_events(&[&stopped("a"), "no event"]), log_events(&[&stopped("b")])];
    let touching = bodies.concat();
    assert_eq!(run(touching.as_bytes(), 0, ALL).1.len(), 2);
    assert_eq!(run(&gzip(&gzip(touching.as_bytes())), 0, ALL).1.len(), 2);
    let members = [gzip(bodies[0].as_bytes()), gzip(bodies[1].as_bytes())].concat();
    assert_eq!(run(&members, 0, ALL).1.len(), 2);
}

#[test]
fn envelopes_in_envelopes_are_read_up_to_a_depth() {
    assert_eq!(run(event_bridge(&stopped("a")).as_bytes(), 0, ALL).1.len(), 1);
    let mut text = event_bridge(&stopped("a"));
    for depth in 1..=4 {
        text = log_events(&[&text, &stopped("beside it")]);
        let (_, paths, rejects) = run(text.as_bytes(), 0, ALL);
        assert_eq!((paths.len(), rejects.len()), (depth + 1, 0), "{depth} deep");
    }
    text = log_events(&[&text, &stopped("beside it")]);
    let (_, paths, rejects) = run(text.as_bytes(), 0, ALL);
    assert_eq!((paths.len(), rejects), (5, vec![Reason::TooDeep]));
}
