//! A stream and a table of leases, and homes for the program beside them; records as subscriptions and
//! producers put them.

use std::collections::BTreeMap;
use std::io::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::client::{REGION, client};
use crate::corpus::{Object, unpack};
use crate::place::ALERTS;
use crate::program::Home;
use crate::stream::{NAME, Stream};
use crate::support::gateway::{Gateway, Turn};
use crate::support::moto::{Moto, unique};

/// A stream and its table of leases.
pub(crate) struct StreamPlace {
    pub(crate) stream: Stream,
    moto: Moto,
    turn: Turn,
    table: String,
    runtime: Runtime,
    leases: aws_sdk_dynamodb::Client,
    _gateway: Gateway,
}

/// A row of the table of leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) checkpoint: String,
    pub(crate) parents: Vec<String>,
    pub(crate) epoch: Option<String>,
}

impl Row {
    /// Grows while the shard is read.
    pub(crate) fn reached(&self) -> (u8, usize, &str) {
        match &*self.checkpoint {
            "TRIM_HORIZON" | "AT_TIMESTAMP" | "LATEST" => (0, 0, ""),
            "SHARD_END" => (2, 0, ""),
            digits => (1, digits.len(), digits),
        }
    }
}

impl StreamPlace {
    /// With a stream of one shard.
    pub(crate) fn new() -> Self {
        let (moto, turn) = (Moto::start(), Turn::default());
        let gateway = Gateway::to(moto.url(), &turn);
        let leases = client!(aws_sdk_dynamodb, gateway.url());
        let runtime = Runtime::new().unwrap();
        let (stream, table) = (Stream::new(1), unique("leases"));
        Self { stream, moto, turn, table, runtime, leases, _gateway: gateway }
    }

    /// A home with a store of its own, whose alerts go to a file; `more` is put into the source's settings.
    pub(crate) fn home(&self, more: &str) -> Home {
        let config = format!(
            "sources:\n    live: {{type: kinesis, stream: {NAME}, application: {}, {more}}}\n\
             sinks:\n    file: {{type: file, path: {ALERTS}}}\n\
             routes:\n    - {{to: [file]}}\n\
             alerts: {{merge_window: 0s}}\n\
             store: {{type: sqlite, path: askance.db}}\n\
             metrics: {{listen: \"127.0.0.1:0\"}}\n",
            self.table
        );
        let gateway = Gateway::to(self.moto.url(), &self.turn);
        let environment = [
            ("AWS_ENDPOINT_URL_KINESIS", self.stream.url().to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", gateway.url().to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ];
        let home = Home::new(&config, environment);
        std::fs::create_dir(home.path("out")).unwrap();
        home
    }

    /// Puts the records of an object in one of the forms that they come in.
    pub(crate) fn put(&self, object: &Object) {
        let records = unpack(&object.bytes);
        match fastrand::u8(..3) {
            0 => records.iter().for_each(|record| self.put_one(record.to_string().into_bytes())),
            1 => records.chunks(1).for_each(|one| self.put_one(enveloped(one))),
            _ => self.put_one(enveloped(&records)),
        }
    }

    fn put_one(&self, data: Vec<u8>) {
        self.stream.put(fastrand::u128(..), data);
    }

    /// The table of leases as it is at one moment; empty before there is one.
    pub(crate) fn leases(&self) -> BTreeMap<String, Row> {
        let scan = self.leases.scan().table_name(&self.table).consistent_read(true);
        let Ok(answer) = self.runtime.block_on(scan.send()) else { return BTreeMap::new() };
        let row = |row: std::collections::HashMap<String, AttributeValue>| {
            let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned();
            let parents = row.get("parentShardId").and_then(|value| value.as_ss().ok());
            let epoch = row.get("streamEpoch").and_then(|value| value.as_n().ok());
            let found = Row {
                checkpoint: text("checkpoint").unwrap(),
                parents: parents.cloned().unwrap_or_default(),
                epoch: epoch.cloned(),
            };
            (text("leaseKey").unwrap(), found)
        };
        answer.items.unwrap_or_default().into_iter().map(row).collect()
    }

    /// Is everything that was put done with?
    pub(crate) fn is_read(&self) -> bool {
        let leases = self.leases();
        self.stream.last().iter().all(|(shard, last, is_closed)| match leases.get(shard) {
            Some(row) if *is_closed => row.checkpoint == "SHARD_END",
            Some(row) => row.checkpoint == *last,
            // Removed, since its heirs are being read.
            None => *is_closed && !leases.is_empty(),
        })
    }
}

/// What a subscription of CloudWatch Logs writes.
fn enveloped(records: &[Value]) -> Vec<u8> {
    let event = |(index, record): (usize, &Value)| {
        json!({"id": format!("{index:056}"), "timestamp": 1_772_452_800_000u64,
            "message": record.to_string()})
    };
    let envelope = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "trail",
        "logStream": "123456789012_CloudTrail_eu-west-1", "subscriptionFilters": ["askance"],
        "logEvents": records.iter().enumerate().map(event).collect::<Vec<_>>(),
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(envelope.to_string().as_bytes()).unwrap();
    encoder.finish().unwrap()
}
