//! Doubles of the table and of the stream, with faults; both live on a clock that tests may stop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askance_stages::decode::HashRange;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::super::leases::sync::Shard;
use super::super::leases::{Change, Lease, LeaseTable, Listing, TableError, apply};
use super::super::position::{Position, Sequence};
use super::super::stream::{
    Answer, Child, Failure, Pushed, Start, Stream, StreamError, StreamRecord,
};

/// The rows of a table; clones share them.
#[derive(Clone, Default)]
pub struct Rows(Arc<Mutex<BTreeMap<String, Lease>>>);

impl Rows {
    /// All rows.
    pub fn all(&self) -> Vec<Lease> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

/// One worker's way to the table.
pub struct TableDouble {
    /// What is in it.
    pub rows: Rows,
    /// The table cannot be reached.
    pub is_cut: Arc<AtomicBool>,
    /// One call in so many fails, half of these after it was done; 0: none.
    pub fails: u32,
}

impl TableDouble {
    /// Waits as a call does; true if its answer is lost.
    async fn call(&self) -> Result<bool, TableError> {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..20))).await;
        if self.is_cut.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_secs(5)).await;
            return Err(TableError::Failed("cut off".to_owned()));
        }
        if self.fails > 0 && fastrand::u32(..self.fails) == 0 {
            return match fastrand::bool() {
                true => Err(TableError::Throttled("slow down".to_owned())),
                false => Ok(true),
            };
        }
        Ok(false)
    }
}

#[async_trait]
impl LeaseTable for TableDouble {
    fn name(&self) -> &str {
        "double"
    }

    async fn ensure(&self) -> Result<(), TableError> {
        Ok(())
    }

    async fn all(&self) -> Result<Listing, TableError> {
        self.call().await?;
        Ok(Listing { leases: self.rows.all(), unreadable: Vec::new() })
    }

    async fn get(&self, key: &str) -> Result<Option<Lease>, TableError> {
        self.call().await?;
        Ok(self.rows.0.lock().unwrap().get(key).cloned())
    }

    async fn write(&self, key: &str, change: &Change) -> Result<bool, TableError> {
        let is_lost = self.call().await?;
        let is_done = {
            let mut rows = self.rows.0.lock().unwrap();
            let before = rows.get(key).cloned();
            let after = apply(before.as_ref(), change);
            // One of another stream begins anew.
            let is_same = !matches!(change, Change::Replace { .. });
            if let (true, Some(before), Some(Some(after))) = (is_same, &before, &after) {
                let is_back = after.position < before.position;
                assert!(!is_back, "{key} goes back: {:?} to {:?}", before.position, after.position);
            }
            match &after {
                None => false,
                Some(None) => rows.remove(key).is_some(),
                Some(Some(lease)) => {
                    rows.insert(key.to_owned(), lease.clone());
                    true
                }
            }
        };
        if is_lost {
            return Err(TableError::Failed("the answer is lost".to_owned()));
        }
        Ok(is_done)
    }
}

/// A stream that is resharded.
#[derive(Clone)]
pub struct StreamDouble {
    began: Instant,
    state: Arc<Mutex<State>>,
    /// One call in so many fails; 0: none.
    pub fails: Arc<AtomicU32>,
    /// Nothing can be reached.
    pub is_cut: Arc<AtomicBool>,
    /// The stream is deleted.
    pub is_gone: Arc<AtomicBool>,
    /// Subscriptions are silent.
    pub is_silent: Arc<AtomicBool>,
    /// Subscriptions that were made.
    pub subscriptions: Arc<AtomicU32>,
    /// Bytes of records that were given out.
    pub given: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    shards: Vec<(Shard, Vec<StreamRecord>)>,
    count: u64,
    epoch: i64,
}

/// When everything arrives, by the stream's clock, in milliseconds since 1970.
pub const NOW: i64 = 1_800_000_000_000;

/// How long an iterator lives.
const ITERATOR: Duration = Duration::from_secs(300);

impl StreamDouble {
    /// With one shard.
    pub fn new() -> Self {
        let stream = Self {
            began: Instant::now(),
            state: Arc::default(),
            fails: Arc::default(),
            is_cut: Arc::default(),
            is_gone: Arc::default(),
            is_silent: Arc::default(),
            subscriptions: Arc::default(),
            given: Arc::default(),
        };
        stream.add(&[], HashRange { from: 0, to: u128::MAX });
        stream
    }

    /// Deletes it and makes it anew under its name, with so many shards. Their ids begin again; sequence
    /// numbers go on, as those of Kinesis do with the time.
    pub fn make_anew(&self, shards: u128) {
        let mut state = self.state.lock().unwrap();
        state.epoch += 1;
        state.shards.clear();
        drop(state);
        let share = u128::MAX / shards;
        for number in 0..shards {
            let to = if number + 1 == shards { u128::MAX } else { share * (number + 1) - 1 };
            self.add(&[], HashRange { from: share * number, to });
        }
    }

    fn is_of(&self, epoch: i64) -> Result<(), StreamError> {
        if self.state.lock().unwrap().epoch == epoch {
            return Ok(());
        }
        // What it says of what belonged to the old one depends on how long ago that was.
        let kind = if fastrand::bool() { Failure::NotFound } else { Failure::BadPosition };
        Err(StreamError { kind, words: kind.name().to_owned() })
    }

    fn add(&self, parents: &[String], range: HashRange) {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let id = format!("shardId-{:012}", state.shards.len());
        let begins = Sequence::parse(&state.count.to_string()).unwrap();
        let shard = Shard { id, parents: parents.to_vec(), range, begins, is_closed: false };
        state.shards.push((shard, Vec::new()));
    }

    /// Ids of the open shards, by their hash keys.
    pub fn open(&self) -> Vec<(String, HashRange)> {
        let state = self.state.lock().unwrap();
        let open = state.shards.iter().filter(|(shard, _)| !shard.is_closed);
        let mut open: Vec<_> = open.map(|(shard, _)| (shard.id.clone(), shard.range)).collect();
        open.sort_by_key(|(_, range)| range.from);
        open
    }

    fn close(&self, id: &str) -> HashRange {
        let mut state = self.state.lock().unwrap();
        let (shard, _) = state.shards.iter_mut().find(|(shard, _)| shard.id == id).unwrap();
        shard.is_closed = true;
        shard.range
    }

    /// Splits a shard in the middle.
    pub fn split(&self, id: &str) {
        let HashRange { from, to } = self.close(id);
        let middle = from + (to - from) / 2;
        self.add(&[id.to_owned()], HashRange { from, to: middle });
        self.add(&[id.to_owned()], HashRange { from: middle + 1, to });
    }

    /// Merges two neighbours.
    pub fn merge(&self, low: &str, high: &str) {
        let (from, to) = (self.close(low).from, self.close(high).to);
        self.add(&[low.to_owned(), high.to_owned()], HashRange { from, to });
    }

    /// Forgets a shard, as retention does.
    pub fn forget(&self, id: &str) {
        self.state.lock().unwrap().shards.retain(|(shard, _)| shard.id != id);
    }

    /// Puts a record.
    pub fn put(&self, hash: u128, data: &[u8]) {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let sequence = Sequence::parse(&state.count.to_string()).unwrap();
        let mut shards = state.shards.iter_mut();
        let takes = |shard: &Shard| !shard.is_closed && shard.range.contains(hash);
        let (_, records) = shards.find(|(shard, _)| takes(shard)).unwrap();
        records.push(StreamRecord {
            sequence,
            data: Bytes::copy_from_slice(data),
            arrived: Some(NOW),
        });
    }

    /// Milliseconds on the test's clock since the stream was made.
    fn now(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    fn fault(&self) -> Result<(), StreamError> {
        let error = |kind: Failure| Err(StreamError { kind, words: kind.name().to_owned() });
        if self.is_gone.load(Ordering::SeqCst) {
            return error(Failure::NotFound);
        }
        if self.is_cut.load(Ordering::SeqCst) {
            return error(Failure::Failed);
        }
        let fails = self.fails.load(Ordering::SeqCst);
        if fails > 0 && fastrand::u32(..fails) == 0 {
            return error(if fastrand::bool() { Failure::Throttled } else { Failure::Failed });
        }
        Ok(())
    }

    /// Where a start is: records from this sequence number on, the number itself left out.
    fn place(&self, id: &str, start: &Start) -> Result<u64, StreamError> {
        let state = self.state.lock().unwrap();
        let Some((shard, _)) = state.shards.iter().find(|(shard, _)| shard.id == id) else {
            let words = format!("{id} is gone");
            return Err(StreamError { kind: Failure::NotFound, words });
        };
        if let Start::With(sequence) | Start::After(sequence) = start
            && *sequence < shard.begins
        {
            let words = format!("{sequence} did not come from {id}");
            return Err(StreamError { kind: Failure::BadPosition, words });
        }
        Ok(match start {
            // Everything arrives at once, as far as a time that is asked for tells.
            Start::TrimHorizon | Start::At(_) => shard.begins.as_str().parse().unwrap(),
            Start::With(sequence) => sequence.as_str().parse::<u64>().unwrap() - 1,
            Start::After(sequence) => sequence.as_str().parse().unwrap(),
        })
    }

    /// Up to `limit` records behind a place, and the place behind them.
    fn read(&self, id: &str, place: u64, limit: usize) -> (Answer, u64) {
        let state = self.state.lock().unwrap();
        let Some((shard, records)) = state.shards.iter().find(|(shard, _)| shard.id == id) else {
            return (Answer::default(), place);
        };
        let number = |record: &StreamRecord| record.sequence.as_str().parse::<u64>().unwrap();
        let more = records.iter().filter(|record| number(record) > place);
        let records: Vec<StreamRecord> = more.clone().take(limit).cloned().collect();
        let bytes: u64 = records.iter().map(|record| record.data.len() as u64).sum();
        self.given.fetch_add(bytes, Ordering::SeqCst);
        let left = more.count() - records.len();
        let place = records.last().map_or(place, number);
        let is_end = shard.is_closed && left == 0;
        let children =
            state.shards.iter().filter(|(child, _)| is_end && child.parents.contains(&shard.id));
        let children = children
            .map(|(child, _)| Child {
                id: child.id.clone(),
                parents: child.parents.clone(),
                range: Some(child.range),
            })
            .collect();
        let next = (!is_end).then(|| place.to_string());
        let behind = Some(Duration::from_millis(left as u64));
        (Answer { records, next, behind, children }, place)
    }
}

#[async_trait]
impl Stream for StreamDouble {
    fn name(&self) -> &str {
        "double"
    }

    async fn epoch(&self) -> Result<i64, StreamError> {
        self.fault()?;
        Ok(self.state.lock().unwrap().epoch)
    }

    async fn shards(&self, from: Option<&Position>) -> Result<Vec<Shard>, StreamError> {
        self.fault()?;
        let state = self.state.lock().unwrap();
        let wanted = |shard: &Shard| match from {
            Some(Position::Latest) => !shard.is_closed,
            Some(Position::TrimHorizon) => shard.parents.is_empty(),
            _ => true,
        };
        let shards = state.shards.iter().map(|(shard, _)| shard);
        Ok(shards.filter(|shard| wanted(shard)).cloned().collect())
    }

    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, StreamError> {
        self.fault()?;
        let place = self.place(shard, start)?;
        let epoch = self.state.lock().unwrap().epoch;
        Ok(format!("{shard} {place} {} {epoch}", self.now()))
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Answer, StreamError> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        self.fault()?;
        let mut parts = iterator.split(' ');
        let mut part = || parts.next().unwrap();
        let (shard, place, made, epoch) = (part(), part(), part(), part());
        self.is_of(epoch.parse().unwrap())?;
        let now = self.now();
        if now - made.parse::<u128>().unwrap() > ITERATOR.as_millis() {
            return Err(StreamError { kind: Failure::Expired, words: "too old".to_owned() });
        }
        let (mut answer, _) = self.read(shard, place.parse().unwrap(), limit as usize);
        answer.next = answer.next.map(|place| format!("{shard} {place} {now} {epoch}"));
        Ok(answer)
    }

    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Pushed>, StreamError> {
        self.fault()?;
        self.subscriptions.fetch_add(1, Ordering::SeqCst);
        let place = self.place(shard, start)?;
        let (until, epoch) = (Instant::now() + ITERATOR, self.state.lock().unwrap().epoch);
        let (stream, shard) = (self.clone(), shard.to_owned());
        Ok(Box::new(Subscription { stream, shard, place, until, epoch }))
    }
}

struct Subscription {
    stream: StreamDouble,
    shard: String,
    place: u64,
    until: Instant,
    epoch: i64,
}

#[async_trait]
impl Pushed for Subscription {
    async fn next(&mut self) -> Result<Option<Answer>, StreamError> {
        if self.stream.is_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.stream.fault()?;
            self.stream.is_of(self.epoch)?;
            if Instant::now() >= self.until {
                return Ok(None);
            }
            let (mut answer, place) = self.stream.read(&self.shard, self.place, 50);
            let is_news = !answer.records.is_empty() || answer.next.is_none();
            self.place = place;
            answer.next = answer.next.filter(|_| answer.children.is_empty());
            if is_news {
                return Ok(Some(answer));
            }
        }
        // Nothing new: the place is told all the same.
        let (answer, _) = self.stream.read(&self.shard, self.place, 0);
        Ok(Some(Answer { records: Vec::new(), ..answer }))
    }
}
