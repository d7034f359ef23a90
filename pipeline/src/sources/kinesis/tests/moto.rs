//! The source against AWS as moto plays it: the contract of sources, and resharding while it reads.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use askance_stages::decode::HashRange;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_sdk_kinesis::primitives::Blob;

use super::super::Kinesis;
use super::super::leases::{Change, Lease, LeaseTable as _, apply};
use super::super::position::{Position, Sequence, Within};
use crate::aws::{Aws, Place as At, Role};
use crate::config::{KinesisConfig, StreamConfig};
use crate::sources::tests::contract::{self, Place};
use crate::sources::tests::double::{Runtime, until};
use crate::sources::{Body, Object, Source};
use crate::support::moto::{Moto, unique};

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Streams of moto's.
struct Trail {
    _moto: Moto,
    aws: Aws,
    kinesis: aws_sdk_kinesis::Client,
    name: String,
    config: KinesisConfig,
    puts: usize,
}

impl Trail {
    async fn new(shards: i32) -> Self {
        let moto = Moto::start();
        let aws = Aws::on_loopback(moto.url());
        let kinesis = aws.kinesis(&At::default()).await;
        let name = unique("trail");
        let config = format!(
            r#"{{"stream": ["{name}"], "application": "{name}", "initial_position": "trim_horizon",
                "failover": "1s", "poll": "200ms", "max_records": 1}}"#
        );
        let trail = Self {
            _moto: moto,
            aws,
            kinesis,
            name,
            config: serde_json::from_str(&config).unwrap(),
            puts: 0,
        };
        trail.create(shards).await;
        trail
    }

    async fn create(&self, shards: i32) {
        self.kinesis
            .create_stream()
            .stream_name(&self.name)
            .shard_count(shards)
            .send()
            .await
            .unwrap();
    }

    async fn put_record(&self, key: &str, data: &[u8]) {
        let put = self.kinesis.put_record().stream_name(&self.name).partition_key(key);
        put.data(Blob::new(data)).send().await.unwrap();
    }

    fn source(&self) -> Box<dyn Source> {
        Box::new(Kinesis::open(&self.config, &self.aws).unwrap())
    }

    async fn leases(&self) -> Vec<Lease> {
        let table = Kinesis::open(&self.config, &self.aws).unwrap().table().await;
        table.all().await.unwrap().leases
    }

    async fn is_finished(&self, shard: &str) {
        let began = Instant::now();
        loop {
            let leases = self.leases().await;
            if leases.iter().any(|lease| lease.shard == shard && lease.is_finished()) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{shard} is not read to its end");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sum of the sequence numbers that the leases have reached; moto counts from 1 in each shard.
    async fn reached(&self) -> usize {
        let leases = self.leases().await;
        leases.iter().map(|lease| lease.position.to_string().parse().unwrap_or(0)).sum()
    }
}

#[async_trait]
impl Place for Trail {
    async fn put(&mut self, name: &str, line: &str) {
        self.puts += 1;
        self.put_record(name, line.as_bytes()).await;
    }

    fn open(&self) -> Box<dyn Source> {
        self.source()
    }

    async fn is_acknowledged(&mut self) {
        let began = Instant::now();
        while self.reached().await < self.puts {
            assert!(began.elapsed() < Duration::from_secs(60), "the leases do not move on");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn is_not_acknowledged(&mut self) {
        assert!(self.reached().await < self.puts, "a lease has moved on");
    }

    async fn break_off(&mut self) {
        self.kinesis.delete_stream().stream_name(&self.name).send().await.unwrap();
    }

    async fn mend(&mut self) {
        self.create(1).await;
    }
}

#[tokio::test]
async fn everything_comes_out_once() {
    contract::everything_comes_out_once(&mut Trail::new(1).await).await;
}

#[tokio::test]
async fn everything_of_several_shards_comes_out_once() {
    contract::everything_comes_out_once(&mut Trail::new(3).await).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_done() {
    contract::nothing_is_acknowledged_before_it_is_done(&mut Trail::new(1).await).await;
}

#[tokio::test]
async fn what_is_given_back_comes_again() {
    contract::what_is_given_back_comes_again(&mut Trail::new(1).await).await;
}

#[tokio::test]
async fn stop_ends_it_and_loses_nothing() {
    contract::stop_ends_it_and_loses_nothing(&mut Trail::new(2).await).await;
}

#[tokio::test]
async fn an_unreachable_place_recovers() {
    contract::an_unreachable_place_recovers(&mut Trail::new(1).await).await;
}

/// What is committed and not acknowledged when the program dies comes again, under the same addresses:
/// there is no row in the ledger for a batch, and alerts are told once by their ids.
#[tokio::test]
async fn after_a_crash_the_last_batch_comes_again() {
    let trail = Trail::new(1).await;
    trail.put_record("1", b"one").await;
    trail.put_record("1", b"two").await;
    let mut runtime = Runtime::new();
    let running = runtime.run(trail.source());
    runtime.commit_next().await;
    let (object, ack) = runtime.next_object().await;
    assert_eq!(object.key, None);
    let address = |object: &Object| match &object.body {
        Body::Batch(batch) => batch.parts[0].path.clone(),
        other => panic!("a batch was to come: {other:?}"),
    };
    let first = address(&object);
    assert_eq!(first, format!("kinesis://{}/shardId-000000000000/2", trail.name));
    running.crash();
    drop((object, ack));
    let again = runtime.run(trail.source());
    let (object, ack) = runtime.next_object().await;
    assert_eq!(address(&object), first);
    drop(object);
    ack.done();
    runtime.nothing_comes(Duration::from_millis(700)).await;
    again.stopped().await;
}

/// A stream of another account is read with a role; the table is one's own.
#[tokio::test]
async fn a_stream_of_another_account_is_read_with_a_role() {
    let moto = Moto::start();
    let aws = Aws::loaded_on_loopback(moto.url()).await;
    let arn = "arn:aws:iam::444455556666:role/reader".to_owned();
    let role = Some(Role { arn: arn.clone(), external_id: None });
    let theirs = aws.kinesis(&At { region: None, role }).await;
    let name = unique("theirs");
    theirs.create_stream().stream_name(&name).shard_count(1).send().await.unwrap();
    let put = theirs.put_record().stream_name(&name).partition_key("1");
    put.data(Blob::new(b"theirs")).send().await.unwrap();
    let stream = format!("arn:aws:kinesis:eu-west-1:444455556666:stream/{name}");
    let config = format!(
        r#"{{"stream": ["{stream}"], "role_arn": "{arn}", "application": "{name}",
            "initial_position": "trim_horizon", "failover": "1s"}}"#
    );
    let config: KinesisConfig = serde_json::from_str(&config).unwrap();
    let mut runtime = Runtime::new();
    let running = runtime.run(Box::new(Kinesis::open(&config, &aws).unwrap()));
    assert_eq!(runtime.commit_next().await.1, b"theirs\n");
    running.stopped().await;
    let mine = aws.dynamodb(&At::default()).await;
    assert!(mine.describe_table().table_name(&name).send().await.is_ok());
    // Without the role it is not found, which is told.
    let mut config = config;
    config.role_arn = None;
    config.stream[0].name = name;
    let running = runtime.run(Box::new(Kinesis::open(&config, &aws).unwrap()));
    until("it is told", || !runtime.health.why_unready().is_empty()).await;
    let why = runtime.health.why_unready().concat();
    assert!(why.contains("check its name and region"), "{why}");
    running.stopped().await;
}

/// A split and a merge while it is read. moto puts records into closed shards and tells no children, so
/// that ends are found by the list of shards; `stand_in.rs` plays a stream that does as Kinesis does.
#[tokio::test]
async fn resharding_is_followed_by_the_list_of_shards() {
    let mut trail = Trail::new(1).await;
    trail.config.max_records = 100;
    let mut runtime = Runtime::new();
    let running = runtime.run(trail.source());
    let mut expected = BTreeSet::new();
    for number in 0..10 {
        let line = format!("{{\"number\":{number}}}");
        trail.put_record(&number.to_string(), line.as_bytes()).await;
        expected.insert(line);
    }
    let mut found = BTreeSet::new();
    while !expected.is_subset(&found) {
        let (_, bytes) = runtime.commit_next().await;
        found.extend(String::from_utf8(bytes).unwrap().lines().map(str::to_owned));
    }
    assert_eq!(found, expected);
    let half = (u128::MAX / 2 + 1).to_string();
    let split = trail.kinesis.split_shard().stream_name(&trail.name);
    let split = split.shard_to_split("shardId-000000000000").new_starting_hash_key(&half);
    split.send().await.unwrap();
    trail.is_finished("shardId-000000000000").await;
    let leases = trail.leases().await;
    let first = leases.iter().find(|lease| lease.shard == "shardId-000000000000").unwrap();
    assert_eq!(first.children, ["shardId-000000000001", "shardId-000000000002"]);
    let merge = trail.kinesis.merge_shards().stream_name(&trail.name);
    let merge = merge.shard_to_merge("shardId-000000000001");
    merge.adjacent_shard_to_merge("shardId-000000000002").send().await.unwrap();
    trail.is_finished("shardId-000000000001").await;
    trail.is_finished("shardId-000000000002").await;
    running.stopped().await;
    let leases = trail.leases().await;
    let last = leases.iter().find(|lease| lease.shard == "shardId-000000000003").unwrap();
    assert_eq!(last.parents, ["shardId-000000000001", "shardId-000000000002"]);
    assert_eq!(last.position, Position::TrimHorizon);
    assert!(leases.iter().all(|lease| lease.owner.is_none()), "given back: {leases:?}");
    let count = |name: &str| runtime.count(&runtime.families.kinesis_lease_changes, name);
    assert_eq!(count("finished"), 3);
}

/// Every write of the table, in DynamoDB and in words, does the same to the same row.
#[tokio::test]
async fn the_table_does_what_the_words_say() {
    let trail = Trail::new(1).await;
    let table = Kinesis::open(&trail.config, &trail.aws).unwrap().table().await;
    table.ensure().await.unwrap();
    table.ensure().await.unwrap();
    let at = |text: &str, within| Position::Record(Sequence::parse(text).unwrap(), within);
    let lease = Lease {
        key: "shardId-000000000000".to_owned(),
        stream: None,
        shard: "shardId-000000000000".to_owned(),
        owner: None,
        counter: 0,
        position: Position::AtTimestamp(1_800_000_000_123),
        switches: 0,
        parents: vec!["a".to_owned(), "b".to_owned()],
        children: Vec::new(),
        range: Some(HashRange { from: 0, to: u128::MAX }),
        epoch: Some(1_700_000_000),
    };
    let renewed = Lease {
        position: Position::TrimHorizon,
        parents: Vec::new(),
        epoch: Some(1_800_000_000),
        ..lease.clone()
    };
    let me = || Some("me".to_owned());
    let changes = [
        Change::Renew { counter: 0 },
        Change::Create(lease.clone()),
        Change::Create(lease.clone()),
        Change::Renew { counter: 1 },
        Change::Renew { counter: 0 },
        Change::Take { counter: 0, before: None, owner: "me".to_owned() },
        Change::Take { counter: 1, before: None, owner: "me".to_owned() },
        Change::Take { counter: 2, before: me(), owner: "you".to_owned() },
        Change::Checkpoint { counter: 2, position: at("5", Within::All) },
        Change::Checkpoint { counter: 3, position: at("123456789", Within::Place(7)) },
        Change::Checkpoint { counter: 4, position: at("123456790", Within::All) },
        Change::Take { counter: 5, before: Some("you".to_owned()), owner: "me".to_owned() },
        Change::Children(vec!["c".to_owned(), "d".to_owned()]),
        Change::Release { counter: 6, owner: "you".to_owned() },
        Change::Release { counter: 6, owner: "me".to_owned() },
        Change::Delete,
        Change::Checkpoint { counter: 7, position: Position::ShardEnd },
        Change::Delete,
        Change::Delete,
        Change::Replace { counter: 8, lease: renewed.clone() },
        Change::Forget { counter: 8 },
        Change::Create(lease.clone()),
        Change::Take { counter: 0, before: None, owner: "me".to_owned() },
        Change::Checkpoint { counter: 1, position: at("5", Within::All) },
        Change::Replace { counter: 1, lease: renewed.clone() },
        Change::Replace { counter: 2, lease: renewed },
        Change::Forget { counter: 2 },
        Change::Forget { counter: 3 },
    ];
    let mut words: Option<Lease> = None;
    for change in changes {
        let is_written = table.write(&lease.key, &change).await.unwrap();
        let expected = apply(words.as_ref(), &change);
        // Only a row that is there has a condition on it; deleting nothing does nothing.
        assert_eq!(is_written, expected.is_some(), "{change:?} on {words:?}");
        if let Some(next) = expected {
            words = next;
        }
        assert_eq!(table.get(&lease.key).await.unwrap(), words, "after {change:?}");
        assert_eq!(table.all().await.unwrap().leases, Vec::from_iter(words.clone()));
    }
}

/// Rows of others, and broken ones, are told and left as they are; a table of another kind is not used.
#[tokio::test]
async fn foreign_and_broken_rows_are_named_and_left() {
    let trail = Trail::new(1).await;
    let table = Kinesis::open(&trail.config, &trail.aws).unwrap().table().await;
    table.ensure().await.unwrap();
    let db = trail.aws.dynamodb(&At::default()).await;
    let rows: [&[(&str, AttributeValue)]; 6] = [
        &[("leaseKey", s("shardId-000000000007")), ("checkpoint", s("TRIM_HORIZON"))],
        &[
            ("leaseKey", s("shardId-000000000008")),
            ("leaseCounter", n(1)),
            ("checkpoint", s("soon")),
        ],
        &[("leaseKey", s("some row")), ("leaseCounter", n(1)), ("checkpoint", s("1"))],
        &[("leaseKey", s("\u{1b}[31mred")), ("checkpoint", n(1))],
        &[("leaseKey", s("worker")), ("entityType", s("WORKER_METRIC_STATS"))],
        &[
            ("leaseKey", s("1:other:5:shardId-000000000000")),
            ("streamName", s("1:other:5")),
            ("shardId", s("shardId-000000000000")),
            ("leaseCounter", n(1)),
            ("checkpoint", s("LATEST")),
        ],
    ];
    for row in rows {
        let item = row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        db.put_item().table_name(&trail.name).set_item(Some(item)).send().await.unwrap();
    }
    let listing = table.all().await.unwrap();
    assert_eq!((listing.leases.len(), listing.unreadable.len()), (1, 5));
    assert!(listing.unreadable.iter().all(|row| !row.key.contains('\u{1b}')));
    let mut runtime = Runtime::new();
    let running = runtime.run(trail.source());
    trail.put_record("1", b"{}").await;
    runtime.commit_next().await;
    let failures = |reason: &str| runtime.count(&runtime.families.kinesis_failures, reason);
    assert_eq!((failures("bad_row"), failures("foreign_row")), (4, 1));
    running.stopped().await;
    let scan = db.scan().table_name(&trail.name).send().await.unwrap().items.unwrap();
    for row in rows {
        assert!(
            scan.iter()
                .any(|found| row.iter().all(|(name, value)| found.get(*name) == Some(value))
                    && found.len() == row.len()),
            "{row:?} was changed"
        );
    }
    // A table with another key is not touched.
    let other = unique("other");
    let create = db.create_table().table_name(&other).billing_mode(BillingMode::PayPerRequest);
    let attribute =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let create = create.attribute_definitions(attribute.build().unwrap());
    create.key_schema(key.build().unwrap()).send().await.unwrap();
    let mut config = trail.config.clone();
    config.application = other;
    let table = Kinesis::open(&config, &trail.aws).unwrap().table().await;
    let error = table.ensure().await.unwrap_err().to_string();
    assert!(error.contains("is no table of leases"), "{error}");
    config.application = unique("absent");
    config.create_table = false;
    let table = Kinesis::open(&config, &trail.aws).unwrap().table().await;
    let error = table.ensure().await.unwrap_err().to_string();
    assert!(error.contains("create_table: true"), "{error}");
}

/// Two streams, one of them by ARN, share a table; keys tell them apart.
#[tokio::test]
async fn several_streams_share_an_application() {
    let (one, two) = (Trail::new(1).await, Trail::new(2).await);
    let mut config = one.config.clone();
    let arn = format!("arn:aws:kinesis:eu-west-1:123456789012:stream/{}", two.name);
    config.stream.push(StreamConfig { name: arn, role_arn: None, external_id: None });
    let mut runtime = Runtime::new();
    let running = runtime.run(Box::new(Kinesis::open(&config, &one.aws).unwrap()));
    one.put_record("1", b"one").await;
    two.put_record("1", b"two").await;
    let mut found = BTreeSet::new();
    for _ in 0..2 {
        found.insert(String::from_utf8(runtime.commit_next().await.1).unwrap());
    }
    assert_eq!(found, BTreeSet::from(["one\n".to_owned(), "two\n".to_owned()]));
    running.stopped().await;
    let leases = one.leases().await;
    assert_eq!(leases.len(), 3);
    for lease in leases {
        let stream = lease.stream.unwrap();
        assert!(stream.starts_with("123456789012:trail-"), "{stream}");
        assert_eq!(lease.key, format!("{stream}:{}", lease.shard));
    }
}
