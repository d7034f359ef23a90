//! Replicas that share a table and a bucket on moto, for the tests of this folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::follow::Follower;
use super::making::tests::config;
use super::schedule::Rebuilder;
use crate::aws::{Aws, Place};
use crate::config::Config;
use crate::runtime::clock::Clock;
use crate::store::dynamodb::{DynamoConfig, DynamoStore};
use crate::store::{Retention, Store};
use crate::support::gateway::{Gateway, Turn};
use crate::support::moto::{Moto, unique};
use crate::telemetry::{Families, Health};

/// A bucket of a trail, one for the baseline, and a table.
pub(super) struct Fleet {
    _moto: Moto,
    pub(super) gateway: Gateway,
    trail: String,
    pub(super) seen: String,
    table: String,
    /// How far the replicas' clocks are ahead, in seconds.
    ahead: Arc<AtomicI64>,
}

/// What a replica has of it.
pub(super) struct Replica {
    pub(super) rebuilder: Rebuilder,
    pub(super) follower: Follower,
    pub(super) families: Families,
    pub(super) health: Health,
}

impl Fleet {
    /// With one event in the trail.
    pub(super) async fn new() -> Self {
        let moto = Moto::start();
        let fleet = Self {
            gateway: Gateway::to(moto.url(), &Turn::default()),
            _moto: moto,
            trail: unique("trail"),
            seen: unique("seen"),
            table: unique("fleet"),
            ahead: Arc::default(),
        };
        let s3 = fleet.s3().await;
        for name in [&fleet.trail, &fleet.seen] {
            let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
                .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
                .build();
            let call = s3.create_bucket().bucket(name).create_bucket_configuration(place);
            call.send().await.unwrap();
        }
        fleet.happens("one").await;
        fleet
    }

    pub(super) fn aws(&self) -> Aws {
        Aws::on_loopback(self.gateway.url())
    }

    pub(super) async fn s3(&self) -> aws_sdk_s3::Client {
        self.aws().s3(&Place::default()).await
    }

    /// A user does something.
    pub(super) async fn happens(&self, user: &str) {
        let at = Timestamp::now() - SignedDuration::from_mins(5);
        let record = json!({
            "eventVersion": "1.08", "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventName": "GetRole", "eventSource": "iam.amazonaws.com", "awsRegion": "us-east-1",
            "recipientAccountId": "123456789012", "eventID": user,
            "userIdentity": {"type": "IAMUser", "accountId": "123456789012", "userName": user,
                "arn": format!("arn:aws:iam::123456789012:user/{user}")},
        });
        let body = serde_json::to_vec(&json!({ "Records": [record] })).unwrap();
        let day = at.strftime("%Y/%m/%d");
        let name = format!(
            "123456789012_CloudTrail_us-east-1_{}_{user}.json",
            at.strftime("%Y%m%dT%H%MZ")
        );
        let key = format!("AWSLogs/123456789012/CloudTrail/us-east-1/{day}/{name}");
        let call = self.s3().await.put_object().bucket(&self.trail).key(key).body(body.into());
        call.send().await.unwrap();
    }

    /// The time comes at which the next one is due; until it is put.
    pub(super) fn time_passes(&self) {
        self.ahead.fetch_add(2 * 3600, Ordering::SeqCst);
    }

    pub(super) fn config(&self) -> Config {
        let mut config = config(&self.trail);
        let baseline = config.enrich.baseline.as_mut().unwrap();
        baseline.path = Path::new(&self.address()).to_owned();
        baseline.versions = 1;
        config
    }

    pub(super) fn address(&self) -> String {
        format!("s3://{}/askance/first.bin", self.seen)
    }

    pub(super) async fn store(&self, replica: &str) -> Arc<dyn Store> {
        let days = |count: u64| Duration::from_secs(count * 86_400);
        let config = DynamoConfig {
            table: self.table.clone(),
            replica: replica.to_owned(),
            create: true,
            claim: Duration::from_secs(60),
            retention: Retention { ledger: days(30), alerts: days(400), max_bytes: u64::MAX },
        };
        let client = self.aws().dynamodb(&Place::default()).await;
        Arc::new(DynamoStore::open(client, config, &Families::new()).await.unwrap())
    }

    pub(super) async fn replica(&self, name: &str) -> Replica {
        let (families, health) = (Families::new(), Health::default());
        let (config, aws, store) = (self.config(), self.aws(), self.store(name).await);
        let ahead = Arc::clone(&self.ahead);
        let clock = Clock::of(move || {
            Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))
        });
        // What is put now is new: the bucket's clock goes as the machine's does.
        let ahead = Arc::clone(&self.ahead);
        let on_put = Arc::new(move || ahead.store(0, Ordering::SeqCst));
        let told = (&families, &health);
        let rebuilder = Rebuilder::of(&config, &aws, (&store, &clock), on_put, told).await.unwrap();
        let follower = Follower::of(&config, &aws, told).await.unwrap();
        Replica { rebuilder, follower, families, health }
    }

    pub(super) async fn replicas<const N: usize>(&self, names: [&str; N]) -> Vec<Replica> {
        let mut replicas = Vec::new();
        for name in names {
            replicas.push(self.replica(name).await);
        }
        replicas
    }

    /// Keys in the baseline's bucket.
    pub(super) async fn keys(&self) -> Vec<String> {
        let listed = self.s3().await.list_objects_v2().bucket(&self.seen).send().await.unwrap();
        let keys = listed.contents.unwrap_or_default().into_iter().filter_map(|it| it.key);
        keys.collect()
    }

    /// Somebody puts something else there.
    pub(super) async fn puts(&self, bytes: &[u8]) {
        let call = self.s3().await.put_object().bucket(&self.seen).key("askance/first.bin");
        call.body(bytes.to_vec().into()).send().await.unwrap();
    }
}

impl Replica {
    /// The version that it has in memory.
    pub(super) fn version(&self) -> Option<String> {
        self.follower.held().borrow().as_ref().map(|held| held.version().to_owned())
    }
}
