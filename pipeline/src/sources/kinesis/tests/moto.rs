//! The source against AWS as moto plays it: the contract of sources, and resharding while it reads.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_kinesis::primitives::Blob;

use super::super::Kinesis;
use super::super::leases::{Lease, LeaseTable as _};
use crate::aws::{Aws, Place as At};
use crate::config::KinesisConfig;
use crate::sources::Source;
use crate::sources::tests::contract::{self, Place};
use crate::sources::tests::double::{Runtime, until};
use crate::support::moto::{Moto, unique};

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

/// A split and a merge while it is read: everything comes, and parents are finished before children.
#[tokio::test]
async fn resharding_loses_nothing() {
    let mut trail = Trail::new(1).await;
    trail.config.max_records = 100;
    let mut runtime = Runtime::new();
    let running = runtime.run(trail.source());
    let mut expected = BTreeSet::new();
    let mut found = BTreeSet::new();
    let half = (u128::MAX / 2 + 1).to_string();
    for round in 0..3 {
        for number in 0..10 {
            let line = format!("{{\"round\":{round},\"number\":{number}}}");
            trail.put_record(&number.to_string(), line.as_bytes()).await;
            expected.insert(line);
        }
        if round == 0 {
            let split = trail.kinesis.split_shard().stream_name(&trail.name);
            let split = split.shard_to_split("shardId-000000000000").new_starting_hash_key(&half);
            split.send().await.unwrap();
        }
        if round == 1 {
            let merge = trail.kinesis.merge_shards().stream_name(&trail.name);
            let merge = merge.shard_to_merge("shardId-000000000001");
            merge.adjacent_shard_to_merge("shardId-000000000002").send().await.unwrap();
        }
        while !expected.is_subset(&found) {
            let (_, bytes) = runtime.commit_next().await;
            found.extend(String::from_utf8(bytes).unwrap().lines().map(str::to_owned));
        }
    }
    assert_eq!(found, expected);
    running.stopped().await;
    let leases = trail.leases().await;
    let last = leases.iter().find(|lease| lease.shard == "shardId-000000000003").unwrap();
    assert_eq!(last.parents, ["shardId-000000000001", "shardId-000000000002"]);
    assert!(leases.iter().all(|lease| lease.owner.is_none()), "given back: {leases:?}");
    let finished = |lease: &&Lease| lease.shard != last.shard;
    assert!(leases.iter().filter(finished).all(Lease::is_finished), "{leases:?}");
    let count = |name: &str| runtime.count(&runtime.families.kinesis_lease_changes, name);
    assert_eq!(count("finished"), 3);
    until("the counters are told", || count("returned") == 1).await;
}
