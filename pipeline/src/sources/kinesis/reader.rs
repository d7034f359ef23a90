//! Reads one shard: asks for records, or has them pushed. It knows of no lease and commits nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::env::{Env, Unit};
use super::position::Sequence;
use super::stream::{Answer, Child, Failure, Pushed, Start, StreamError, StreamRecord};
use crate::config::KinesisMode;
use crate::runtime::budget::Hold;

/// What reading once gave, with its share of the memory.
pub struct Fetched {
    /// Records, in order; empty is no end.
    pub records: Vec<StreamRecord>,
    /// Their share of the bytes that may be in memory; `None` where there are no records.
    pub hold: Option<Hold>,
    /// How far this is behind what was put last.
    pub behind: Option<Duration>,
    /// Where to go on, also where no record came: a sequence number that was pushed.
    pub reached: Option<Sequence>,
    /// The shard is at its end.
    pub end: Option<End>,
}

/// The end of a shard.
pub enum End {
    /// It became these.
    Children(Vec<Child>),
    /// There is nothing more, and nobody says what it became.
    Untold,
}

/// Reads one shard.
pub struct Reader<'r> {
    env: &'r Env,
    unit: &'r Unit,
    shard: &'r str,
    start: Start,
    /// Nothing is asked before: Kinesis bounds how often.
    not_before: Instant,
    way: Way,
}

enum Way {
    Polling { iterator: Option<String> },
    Pushed { events: Option<Box<dyn Pushed>> },
}

impl<'r> Reader<'r> {
    /// A reader that begins there.
    pub fn new(env: &'r Env, unit: &'r Unit, shard: &'r str, start: Start) -> Self {
        let way = match env.mode {
            KinesisMode::Polling => Way::Polling { iterator: None },
            KinesisMode::FanOut => Way::Pushed { events: None },
        };
        Self { env, unit, shard, start, not_before: Instant::now(), way }
    }

    /// Begins again elsewhere.
    pub fn rewind(&mut self, start: Start) {
        self.start = start;
        match &mut self.way {
            Way::Polling { iterator } => *iterator = None,
            Way::Pushed { events } => *events = None,
        }
    }

    /// Reads once more, when it is time to.
    ///
    /// # Errors
    /// When that failed; called again, it goes on where it was.
    pub async fn next(&mut self) -> Result<Fetched, StreamError> {
        match self.way {
            Way::Polling { .. } => self.ask().await,
            Way::Pushed { .. } => self.wait_for_event().await,
        }
    }

    async fn ask(&mut self) -> Result<Fetched, StreamError> {
        let Way::Polling { iterator } = &mut self.way else { return Err(no_way()) };
        tokio::time::sleep_until(self.not_before).await;
        let times = &self.env.times;
        self.not_before = Instant::now() + times.poll;
        // Answers are large and not counted before they are here: few are on their way at once.
        let permit = self.env.fetches.acquire().await;
        let stream = &self.unit.stream;
        let current = match iterator {
            Some(current) => current.clone(),
            None => {
                let new = stream.iterator(self.shard, &self.start).await?;
                iterator.insert(new).clone()
            }
        };
        let answer = match stream.records(&current, self.env.max_records).await {
            Ok(answer) => answer,
            Err(error) => {
                if matches!(error.kind, Failure::Expired | Failure::BadPosition) {
                    *iterator = None;
                    self.not_before = Instant::now();
                }
                return Err(error);
            }
        };
        let Answer { records, next, behind, children } = answer;
        let end = match (&next, children.is_empty()) {
            (Some(_), true) => None,
            (None, false) => Some(End::Children(children)),
            (None, true) => Some(End::Untold),
            // A shard that has heirs takes no more records, so there is no place to go on: the same
            // place is asked again.
            (Some(_), false) => {
                let words = format!(
                    "cannot read stream {}: {} ends and goes on",
                    stream.name(),
                    self.shard
                );
                return Err(StreamError { kind: Failure::Damaged, words });
            }
        };
        if next.is_some() {
            *iterator = next;
        }
        let is_behind = behind.is_some_and(|behind| !behind.is_zero());
        if is_behind && !records.is_empty() {
            self.not_before = Instant::now() + times.quick;
        }
        if let Some(last) = records.last() {
            self.start = Start::After(last.sequence.clone());
        }
        let hold = hold(self.env, &records).await;
        drop(permit);
        Ok(Fetched { records, hold, behind, reached: None, end })
    }

    async fn wait_for_event(&mut self) -> Result<Fetched, StreamError> {
        loop {
            let Way::Pushed { events } = &mut self.way else { return Err(no_way()) };
            let Some(subscription) = events else {
                tokio::time::sleep_until(self.not_before).await;
                // A second subscription within seconds of a good one is refused.
                self.not_before = Instant::now() + self.env.times.resubscribe;
                *events = Some(self.unit.stream.subscribe(self.shard, &self.start).await?);
                continue;
            };
            let next = tokio::time::timeout(self.env.times.silence, subscription.next()).await;
            let answer = match next {
                Ok(Ok(Some(answer))) => answer,
                // Five minutes are over: the next subscription goes on behind what was handed on.
                Ok(Ok(None)) => {
                    *events = None;
                    continue;
                }
                Ok(Err(error)) => {
                    *events = None;
                    return Err(error);
                }
                Err(_) => {
                    *events = None;
                    self.env.metrics.failed("silent");
                    let seconds = self.env.times.silence.as_secs();
                    let words = format!(
                        "cannot go on to read shard {} of stream {}: nothing came for {seconds} s",
                        self.shard,
                        self.unit.stream.name()
                    );
                    return Err(StreamError { kind: Failure::Failed, words });
                }
            };
            let Answer { records, next, behind, children } = answer;
            let reached = next.as_deref().and_then(Sequence::parse);
            let end = match (&reached, children.is_empty()) {
                (Some(_), _) => None,
                (None, false) => Some(End::Children(children)),
                (None, true) => Some(End::Untold),
            };
            if let Some(reached) = &reached {
                self.start = Start::After(reached.clone());
            } else {
                // It cannot be gone on from nowhere.
                *events = None;
                if let Some(last) = records.last() {
                    self.start = Start::After(last.sequence.clone());
                }
            }
            let hold = hold(self.env, &records).await;
            return Ok(Fetched { records, hold, behind, reached, end });
        }
    }
}

async fn hold(env: &Env, records: &[StreamRecord]) -> Option<Hold> {
    if records.is_empty() {
        return None;
    }
    let bytes: u64 = records.iter().map(|record| record.data.len() as u64).sum();
    Some(env.context.budget.acquire(bytes).await)
}

/// The way does not change while it is read; this is reached by a defect only.
fn no_way() -> StreamError {
    StreamError { kind: Failure::Failed, words: "the reader changed its way".to_owned() }
}
