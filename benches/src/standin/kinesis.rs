//! One Kinesis stream of any number of open shards, each of which holds the corpus over and over: a
//! file is a record. What is behind the reader never ends, so that it reads as fast as it can.

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::corpus::File;
use super::state::ACCOUNT;

/// Bytes of an answer past which no record is added; AWS's own limit is 10 MiB before base64.
const MOST_BYTES: usize = 4 << 20;

/// When the stream was made, in seconds since 1970; all records arrived then.
const MADE: u64 = 1_700_000_000;

/// Names of operations, as `x-amz-target` has them behind `Kinesis_20131202.`.
const OPERATIONS: [&str; 4] =
    ["DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"];

/// The stream.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// How many shards it has; 0: there is no stream.
    pub(crate) shards: u64,
    /// The corpus, each file in base64.
    records: Vec<Bytes>,
}

/// The operation of a target; `None` if it is of another service.
pub(crate) fn operation(target: &str) -> Option<&'static str> {
    let name = target.strip_prefix("Kinesis_20131202.")?;
    Some(OPERATIONS.into_iter().find(|known| *known == name).unwrap_or("Unknown"))
}

impl Stream {
    pub(crate) fn new(shards: u64, files: &[File]) -> Self {
        let record = |file: &File| {
            let bytes = file.content.slice(0..file.content.len()).concat();
            Bytes::from(BASE64_STANDARD.encode(bytes))
        };
        let records = if shards == 0 { Vec::new() } else { files.iter().map(record).collect() };
        Self { shards, records }
    }

    pub(crate) fn answer(&self, region: &str, operation: &str, body: &[u8]) -> Answer {
        let input = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let text = |key: &str| input[key].as_str().unwrap_or_default();
        let named = match text("StreamARN") {
            "" => text("StreamName").to_owned(),
            arn => arn.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        if self.shards == 0 || self.records.is_empty() {
            return error(400, "ResourceNotFoundException", "there is no stream here");
        }
        match operation {
            "DescribeStreamSummary" => told(&json!({ "StreamDescriptionSummary": {
                "StreamName": named,
                "StreamARN": format!("arn:aws:kinesis:{region}:{ACCOUNT}:stream/{named}"),
                "StreamStatus": "ACTIVE",
                "StreamCreationTimestamp": MADE,
                "RetentionPeriodHours": 24,
                "OpenShardCount": self.shards,
                "EnhancedMonitoring": [],
            }})),
            "ListShards" => {
                let shards: Vec<Value> =
                    (0..self.shards).map(|number| self.shard(number)).collect();
                told(&json!({ "Shards": shards }))
            }
            "GetShardIterator" => {
                let at = match text("ShardIteratorType") {
                    "AT_SEQUENCE_NUMBER" => number(text("StartingSequenceNumber")),
                    "AFTER_SEQUENCE_NUMBER" => number(text("StartingSequenceNumber")) + 1,
                    _ => 0,
                };
                told(&json!({ "ShardIterator": format!("{}/{at}", text("ShardId")) }))
            }
            "GetRecords" => self.records(text("ShardIterator"), &input),
            _ => error(400, "UnknownOperationException", "this stand-in does not know it"),
        }
    }

    /// Hash keys are shared out evenly; the last shard takes what is left over.
    fn shard(&self, number: u64) -> Value {
        let share = u128::MAX / u128::from(self.shards);
        let begin = share * u128::from(number);
        let end = if number + 1 == self.shards { u128::MAX } else { begin + share - 1 };
        json!({
            "ShardId": format!("shardId-{number:012}"),
            "HashKeyRange": { "StartingHashKey": begin.to_string(), "EndingHashKey": end.to_string() },
            "SequenceNumberRange": { "StartingSequenceNumber": sequence(0) },
        })
    }

    fn records(&self, iterator: &str, input: &Value) -> Answer {
        let Some((shard, at)) = iterator.rsplit_once('/') else {
            return error(400, "ExpiredIteratorException", "this iterator was not given here");
        };
        let most = usize::try_from(input["Limit"].as_u64().unwrap_or(10_000)).unwrap_or(10_000);
        let mut at = number(at);
        let mut body = String::with_capacity(2 * MOST_BYTES);
        body.push_str("{\"Records\":[");
        for count in 0..most {
            if count > 0 && body.len() >= MOST_BYTES {
                break;
            }
            let file = usize::try_from(at).unwrap_or(0) % self.records.len();
            let data = std::str::from_utf8(&self.records[file]).unwrap_or_default();
            let comma = if count > 0 { "," } else { "" };
            body.push_str(&format!(
                "{comma}{{\"ApproximateArrivalTimestamp\":{MADE}.0,\"PartitionKey\":\"{file}\",\"SequenceNumber\":\"{}\",\"Data\":\"{data}\"}}",
                sequence(at)
            ));
            at += 1;
        }
        body.push_str(&format!(
            "],\"MillisBehindLatest\":60000,\"NextShardIterator\":\"{shard}/{at}\"}}"
        ));
        Answer::text(200, "application/x-amz-json-1.1", body)
    }
}

/// As long as AWS's are.
fn sequence(at: u64) -> String {
    format!("4{at:055}")
}

fn number(text: &str) -> u64 {
    let digits = if text.len() == 56 { &text[1..] } else { text };
    digits.parse().unwrap_or(0)
}

fn told(value: &Value) -> Answer {
    Answer::text(200, "application/x-amz-json-1.1", value.to_string())
}

/// An error, as the service tells it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "__type": code, "message": message }).to_string();
    Answer::text(status, "application/x-amz-json-1.1", body).with("x-amzn-errortype", code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_have_the_length_of_real_ones_and_come_back() {
        assert_eq!(sequence(0).len(), 56);
        assert_eq!(number(&sequence(123)), 123);
        assert!(sequence(9) < sequence(10));
    }

    #[test]
    fn shards_cover_every_hash_key() {
        let stream = Stream { shards: 3, records: vec![Bytes::from_static(b"e30=")] };
        let edge = |number: u64, key: &str| -> u128 {
            stream.shard(number)["HashKeyRange"][key].as_str().unwrap().parse().unwrap()
        };
        assert_eq!((edge(0, "StartingHashKey"), edge(2, "EndingHashKey")), (0, u128::MAX));
        assert_eq!(edge(0, "EndingHashKey") + 1, edge(1, "StartingHashKey"));
        assert_eq!(edge(1, "EndingHashKey") + 1, edge(2, "StartingHashKey"));
    }

    #[test]
    fn reading_goes_on_where_it_was() {
        let stream = Stream { shards: 1, records: vec![Bytes::from_static(b"e30=")] };
        let ask = |operation: &str, input: Value| -> Value {
            let answer = stream.answer("eu-west-1", operation, input.to_string().as_bytes());
            assert_eq!(answer.status, 200);
            serde_json::from_slice(&answer.body.concat()).unwrap()
        };
        let first = ask("GetShardIterator", json!({ "ShardId": "shardId-000000000000" }));
        let read =
            ask("GetRecords", json!({ "ShardIterator": first["ShardIterator"], "Limit": 2 }));
        let records = read["Records"].as_array().unwrap();
        assert_eq!((records.len(), &records[1]["Data"]), (2, &json!("e30=")));
        let after = json!({
            "ShardId": "shardId-000000000000", "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
            "StartingSequenceNumber": records[1]["SequenceNumber"],
        });
        assert_eq!(ask("GetShardIterator", after)["ShardIterator"], read["NextShardIterator"]);
    }
}
