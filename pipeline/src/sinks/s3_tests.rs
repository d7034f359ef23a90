//! Tests of the bucket of alerts: objects read back from moto.

use std::io::Read as _;
use std::sync::Mutex;

use askance_stages::raise::MessageKind;

use super::*;
use crate::aws::{Aws, Place};
use crate::config::Span;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::notices::usual;
use crate::sinks::contract::{self, Arrived, Failure, Place as Where};
use crate::sinks::lines::arrived;
use crate::support::moto::{Moto, unique};

struct Store {
    _moto: Moto,
    way: Way,
    aws: Aws,
    name: String,
    /// Keys in the order in which they were seen.
    seen: Mutex<Vec<String>>,
}

impl Store {
    async fn sink(&self, format: S3Format) -> S3 {
        let config = S3SinkConfig {
            bucket: self.name.clone(),
            prefix: "alerts/".to_owned(),
            region: None,
            format,
            gather: Span::seconds(60),
        };
        S3::open(&config, &contract::context(&format!("http://{}", self.way.address))).await
    }

    async fn objects(&self) -> Vec<(String, String)> {
        let s3 = self.aws.s3(&Place::default()).await;
        let listed = s3.list_objects_v2().bucket(&self.name).send().await.unwrap();
        for object in listed.contents() {
            let key = object.key().unwrap().to_owned();
            let mut seen = self.seen.lock().unwrap();
            if !seen.contains(&key) {
                seen.push(key);
            }
        }
        let keys = self.seen.lock().unwrap().clone();
        let mut objects = Vec::new();
        for key in keys {
            let got = s3.get_object().bucket(&self.name).key(&key).send().await.unwrap();
            let packed = got.body.collect().await.unwrap().into_bytes();
            let mut text = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
            objects.push((key, text));
        }
        objects
    }
}

#[async_trait]
impl Where for Store {
    const IS_FOR_PEOPLE: bool = false;
    const TELLS_MORE: bool = false;

    async fn start() -> Self {
        let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
        let aws = Aws::on_loopback(moto.url());
        let name = unique("alerts");
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
            .build();
        let s3 = aws.s3(&Place::default()).await;
        s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.unwrap();
        let address = moto.url().trim_start_matches("http://").parse().unwrap();
        let way =
            Way::to(address, Speech::Http(403, "<Error><Code>AccessDenied</Code></Error>")).await;
        Self { _moto: moto, way, aws, name, seen: Mutex::default() }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(self.sink(S3Format::Json).await)
    }

    async fn arrived(&self) -> Vec<Arrived> {
        self.objects().await.iter().flat_map(|(_, text)| arrived(text)).collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        how != Failure::Refuses
    }
}

contract::contract!(keeps_the_contract, Store);

#[tokio::test]
async fn alerts_lie_by_date_and_account_and_a_repeat_overwrites_itself() {
    let store = Store::start().await;
    let mut sink = store.sink(S3Format::Json).await;
    let mut elsewhere = usual(2);
    elsewhere.alert.account = Some("444455556666".to_owned());
    let mut timeless = usual(3);
    timeless.alert.time = None;
    let batch = [usual(1), elsewhere, timeless, usual(4)];
    for _ in 0..2 {
        let results = sink.send(&batch).await;
        assert!(results.len() == 4 && results.iter().all(Result::is_ok), "{results:?}");
    }
    let objects = store.objects().await;
    let mut folders: Vec<&str> =
        objects.iter().map(|(key, _)| key.rsplit_once('/').unwrap().0).collect();
    folders.sort_unstable();
    assert_eq!(
        folders,
        [
            "alerts/date=2026-11-24/account=111122223333",
            "alerts/date=2026-11-24/account=444455556666",
            "alerts/date=__HIVE_DEFAULT_PARTITION__/account=111122223333",
        ]
    );
    let (key, text) =
        objects.iter().find(|(key, _)| key.contains("2026-11-24/account=1111")).unwrap();
    assert!(key.ends_with(".jsonl.gz"));
    assert_eq!(*text, format!("{}\n{}\n", usual(1).json, usual(4).json));
}

#[tokio::test]
async fn findings_are_updated() {
    let store = Store::start().await;
    let mut sink = store.sink(S3Format::Ocsf).await;
    assert!(sink.takes_updates());
    let mut again = usual(1);
    again.kind = MessageKind::Update;
    again.message_id = "people/again".to_owned();
    assert!(sink.send(&[usual(1)]).await[0].is_ok());
    assert!(sink.send(&[again]).await[0].is_ok());
    let mut activities: Vec<i64> = store
        .objects()
        .await
        .iter()
        .map(|(_, text)| {
            serde_json::from_str::<serde_json::Value>(text).unwrap()["activity_id"]
                .as_i64()
                .unwrap()
        })
        .collect();
    activities.sort_unstable();
    assert_eq!(activities, [1, 2]);
}

#[tokio::test]
async fn only_what_is_in_the_bucket_was_sent() {
    let store = Store::start().await;
    let mut sink = store.sink(S3Format::Json).await;
    store.way.fail(Failure::Refuses);
    let mut elsewhere = usual(2);
    elsewhere.alert.account = None;
    let results = sink.send(&[usual(1), elsewhere]).await;
    assert_eq!(results.len(), 2);
    for result in results {
        let Err(SendError::Down(words)) = result else { panic!("{result:?}") };
        assert!(
            words.starts_with("cannot write s3://") && words.contains("AccessDenied"),
            "{words}"
        );
    }
    assert!(store.objects().await.is_empty());
}
