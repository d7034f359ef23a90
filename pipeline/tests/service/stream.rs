//! A Kinesis stream on loopback that does as Kinesis does where moto does not: a shard that is closed
//! takes no more records and its end names its heirs; a stream that was made anew does not know the
//! positions of the one before it.
//!
//! It also notes what must not be seen: that a shard is read before its parents are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::client::REGION;

/// The stream's name.
pub(crate) const NAME: &str = "trail";

/// The stream, on threads of its own.
pub(crate) struct Stream {
    state: Arc<Mutex<Streams>>,
    url: String,
    _runtime: Runtime,
}

#[derive(Default)]
struct Streams {
    is_there: bool,
    /// How many streams of this name there were before.
    before: u64,
    shards: Vec<Shard>,
    /// The newest sequence number.
    count: u64,
    /// How often each record was given out.
    given: BTreeMap<u64, u64>,
    wrong: Vec<String>,
}

#[derive(Clone)]
struct Shard {
    id: String,
    parents: Vec<String>,
    from: u128,
    to: u128,
    begins: u64,
    is_closed: bool,
    records: Vec<(u64, Vec<u8>)>,
    /// Somebody was told that it is at its end.
    is_read: bool,
}

/// What a call cannot be done for, and its words.
type Refusal = (&'static str, String);

impl Stream {
    /// With so many shards.
    pub(crate) fn new(shards: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let state = Arc::<Mutex<Streams>>::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&state));
        runtime.spawn(async move { axum::serve(listener, router).await });
        let stream = Self { state, url, _runtime: runtime };
        stream.create(shards);
        stream
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.state.lock().unwrap()
    }

    /// Makes it, with so many shards, whose ids begin again.
    pub(crate) fn create(&self, shards: u64) {
        let mut state = self.lock();
        state.is_there = true;
        let share = u128::MAX / u128::from(shards);
        for number in 0..shards {
            let from = share * u128::from(number);
            let to = if number + 1 == shards { u128::MAX } else { from + share - 1 };
            state.add(Vec::new(), from, to);
        }
    }

    pub(crate) fn delete(&self) {
        let mut state = self.lock();
        state.is_there = false;
        state.before += 1;
        state.shards.clear();
    }

    /// Ids of the open shards, by their hash keys.
    pub(crate) fn open(&self) -> Vec<String> {
        let state = self.lock();
        let mut open: Vec<&Shard> = state.shards.iter().filter(|shard| !shard.is_closed).collect();
        open.sort_by_key(|shard| shard.from);
        open.into_iter().map(|shard| shard.id.clone()).collect()
    }

    pub(crate) fn split(&self, id: &str) {
        let mut state = self.lock();
        let (from, to) = state.close(id);
        let middle = from + (to - from) / 2;
        state.add(vec![id.to_owned()], from, middle);
        state.add(vec![id.to_owned()], middle + 1, to);
    }

    /// Merges two neighbours.
    pub(crate) fn merge(&self, low: &str, high: &str) {
        let mut state = self.lock();
        let ((from, _), (_, to)) = (state.close(low), state.close(high));
        state.add(vec![low.to_owned(), high.to_owned()], from, to);
    }

    pub(crate) fn put(&self, hash: u128, data: Vec<u8>) {
        let mut state = self.lock();
        state.count += 1;
        let number = state.count;
        let takes =
            |shard: &&mut Shard| !shard.is_closed && (shard.from..=shard.to).contains(&hash);
        state.shards.iter_mut().find(takes).unwrap().records.push((number, data));
    }

    /// The last sequence number of each shard that has records, with whether it takes no more.
    pub(crate) fn last(&self) -> Vec<(String, String, bool)> {
        let state = self.lock();
        let last = |shard: &Shard| {
            let (number, _) = shard.records.last()?;
            Some((shard.id.clone(), sequence(*number), shard.is_closed))
        };
        state.shards.iter().filter_map(last).collect()
    }

    /// How many records were given out, as often as they were.
    pub(crate) fn given(&self) -> u64 {
        self.lock().given.values().sum()
    }

    /// How often the record of this sequence number was given out.
    pub(crate) fn times(&self, sequence: &str) -> u64 {
        self.lock().given.get(&number(sequence)).copied().unwrap_or(0)
    }

    /// What must not have been seen.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }
}

/// As long as those of Kinesis, which no integer holds.
fn sequence(number: u64) -> String {
    format!("49{number:054}")
}

fn number(sequence: &str) -> u64 {
    sequence[2..].parse().unwrap()
}

impl Streams {
    fn add(&mut self, parents: Vec<String>, from: u128, to: u128) {
        self.count += 1;
        let (id, begins) = (format!("shardId-{:012}", self.shards.len()), self.count);
        let (records, is_closed, is_read) = (Vec::new(), false, false);
        self.shards.push(Shard { id, parents, from, to, begins, is_closed, records, is_read });
    }

    fn close(&mut self, id: &str) -> (u128, u128) {
        let shard = self.shards.iter_mut().find(|shard| shard.id == id).unwrap();
        shard.is_closed = true;
        (shard.from, shard.to)
    }

    fn shard(&self, id: &str) -> Result<&Shard, Refusal> {
        let found = self.shards.iter().find(|shard| shard.id == id);
        found.ok_or(("ResourceNotFoundException", format!("Shard {id} does not exist")))
    }

    fn call(&mut self, action: &str, asked: &Value) -> Result<Value, Refusal> {
        if !self.is_there {
            return Err(("ResourceNotFoundException", format!("Stream {NAME} not found.")));
        }
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        match action {
            "DescribeStreamSummary" => Ok(json!({"StreamDescriptionSummary": {
                "StreamName": NAME,
                "StreamARN": format!("arn:aws:kinesis:{REGION}:123456789012:stream/{NAME}"),
                "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24, "EnhancedMonitoring": [],
                "StreamCreationTimestamp": 1_700_000_000 + self.before,
                "OpenShardCount": self.shards.iter().filter(|shard| !shard.is_closed).count(),
            }})),
            "ListShards" => {
                let is_latest = asked["ShardFilter"]["Type"] == "AT_LATEST";
                let is_oldest = asked["ShardFilter"]["Type"] == "AT_TRIM_HORIZON";
                let wanted = |shard: &&Shard| {
                    !(is_latest && shard.is_closed || is_oldest && !shard.parents.is_empty())
                };
                let shards = self.shards.iter().filter(wanted).map(listed);
                Ok(json!({"Shards": shards.collect::<Vec<_>>()}))
            }
            "GetShardIterator" => self.iterator(
                text("ShardId"),
                text("ShardIteratorType"),
                text("StartingSequenceNumber"),
            ),
            "GetRecords" => {
                let limit = usize::try_from(asked["Limit"].as_u64().unwrap()).unwrap();
                self.records(text("ShardIterator"), limit)
            }
            other => Err(("UnknownOperationException", format!("nobody plays {other}"))),
        }
    }

    fn iterator(&self, id: &str, kind: &str, start: &str) -> Result<Value, Refusal> {
        let shard = self.shard(id)?;
        let after = match kind {
            "AT_SEQUENCE_NUMBER" => number(start) - 1,
            "AFTER_SEQUENCE_NUMBER" => number(start),
            _ => 0,
        };
        if !start.is_empty() && number(start) < shard.begins {
            let words = format!("{start} is invalid because it did not come from this stream.");
            return Err(("InvalidArgumentException", words));
        }
        Ok(json!({"ShardIterator": format!("{id} {after} {}", self.before)}))
    }

    fn records(&mut self, iterator: &str, limit: usize) -> Result<Value, Refusal> {
        let parts: Vec<&str> = iterator.split(' ').collect();
        let (id, after) = (parts[0], parts[1].parse::<u64>().unwrap());
        if parts[2] != self.before.to_string() {
            return Err(("InvalidArgumentException", "Invalid ShardIterator.".to_owned()));
        }
        let shard = self.shard(id)?.clone();
        for parent in &shard.parents {
            if !self.shard(parent)?.is_read {
                self.wrong.push(format!("{id} is read before the end of {parent}"));
            }
        }
        let behind = shard.records.iter().filter(|(number, _)| *number > after);
        let found: Vec<&(u64, Vec<u8>)> = behind.clone().take(limit).collect();
        let left = behind.count() - found.len();
        let after = found.last().map_or(after, |(number, _)| *number);
        for (number, _) in &found {
            *self.given.entry(*number).or_default() += 1;
        }
        let found: Vec<Value> = found
            .into_iter()
            .map(|(number, data)| {
                json!({"SequenceNumber": sequence(*number), "PartitionKey": "key",
                    "Data": STANDARD.encode(data), "ApproximateArrivalTimestamp": 1_700_000_000.5})
            })
            .collect();
        let mut told = json!({"Records": found, "MillisBehindLatest": left});
        if shard.is_closed && left == 0 {
            let heirs = self.shards.iter().filter(|heir| heir.parents.contains(&shard.id));
            let heirs: Vec<Value> = heirs
                .map(|heir| {
                    json!({"ShardId": heir.id, "ParentShards": heir.parents,
                        "HashKeyRange": range(heir)})
                })
                .collect();
            told["ChildShards"] = heirs.into();
            let shard = self.shards.iter_mut().find(|known| known.id == shard.id).unwrap();
            shard.is_read = true;
        } else {
            told["NextShardIterator"] = format!("{id} {after} {}", self.before).into();
        }
        Ok(told)
    }
}

fn range(shard: &Shard) -> Value {
    json!({"StartingHashKey": shard.from.to_string(), "EndingHashKey": shard.to.to_string()})
}

fn listed(shard: &Shard) -> Value {
    let mut numbers = json!({"StartingSequenceNumber": sequence(shard.begins)});
    if shard.is_closed {
        numbers["EndingSequenceNumber"] = sequence(u64::MAX).into();
    }
    let mut told = json!({"ShardId": shard.id, "SequenceNumberRange": numbers,
        "HashKeyRange": range(shard)});
    for (name, id) in ["ParentShardId", "AdjacentParentShardId"].iter().zip(&shard.parents) {
        told[*name] = id.clone().into();
    }
    told
}

async fn answer(
    State(state): State<Arc<Mutex<Streams>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let action = target.rsplit('.').next().unwrap();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    match state.lock().unwrap().call(action, &asked) {
        Ok(told) => (StatusCode::OK, told.to_string()),
        Err((kind, words)) => {
            (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": words}).to_string())
        }
    }
}
