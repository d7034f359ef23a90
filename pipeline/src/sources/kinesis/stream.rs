//! A stream as a port: what is asked of Kinesis, and how it fails. Who may read what, and in which
//! order, is decided elsewhere.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::leases::sync::Shard;
use super::position::Sequence;

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    TrimHorizon,
    /// With what arrived at that time, in milliseconds since 1970.
    At(i64),
    /// With this record.
    With(Sequence),
    /// Behind this record.
    After(Sequence),
}

/// A record as it stands in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its number.
    pub sequence: Sequence,
    /// What was put.
    pub data: Bytes,
    /// When it arrived, by Kinesis' clock, in milliseconds since 1970.
    pub arrived: Option<i64>,
}

/// A shard that another one became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its id.
    pub id: String,
    /// The shards that it came from.
    pub parents: Vec<String>,
    /// The hash keys that it takes, if they are told.
    pub range: Option<askance_stages::decode::HashRange>,
}

/// What reading once gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Records, in order; empty is no end.
    pub records: Vec<StreamRecord>,
    /// Where to go on: an iterator when polled, a sequence number when pushed. `None` at the end.
    pub next: Option<String>,
    /// How far this is behind what was put last.
    pub behind: Option<Duration>,
    /// At the end, the shards that it became.
    pub children: Vec<Child>,
}

/// A stream.
#[async_trait]
pub trait Stream: Send + Sync {
    /// Its name, as messages and alerts have it.
    fn name(&self) -> &str;

    /// When it was made, in seconds since 1970: one that is deleted and made anew is another stream.
    ///
    /// # Errors
    /// When it is not there, or may not be looked at.
    async fn epoch(&self) -> Result<i64, StreamError>;

    /// Its shards: all, or those with records from a position on.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn shards(
        &self,
        from: Option<&super::position::Position>,
    ) -> Result<Vec<Shard>, StreamError>;

    /// An iterator for polling.
    ///
    /// # Errors
    /// When there is none.
    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, StreamError>;

    /// Up to `limit` records behind an iterator.
    ///
    /// # Errors
    /// When they cannot be read; the iterator is still good unless it has expired.
    async fn records(&self, iterator: &str, limit: u32) -> Result<Answer, StreamError>;

    /// Has records pushed, for up to five minutes.
    ///
    /// # Errors
    /// When it is not allowed now.
    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Pushed>, StreamError>;
}

/// A subscription.
#[async_trait]
pub trait Pushed: Send {
    /// The next event; `None` when the subscription has ended and another one may begin.
    ///
    /// # Errors
    /// When it broke off.
    async fn next(&mut self) -> Result<Option<Answer>, StreamError>;
}

/// Why a stream could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct StreamError {
    /// What kind.
    pub kind: Failure,
    /// What was attempted, on what, what was said, and what to do.
    pub words: String,
}

/// Kinds of failure; the names are labels of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It asks for a pause.
    Throttled,
    /// The iterator is too old.
    Expired,
    /// There is no such stream, or no such shard.
    NotFound,
    /// The position is not one of this stream.
    BadPosition,
    /// Somebody else subscribes, or the stream is not ready.
    InUse,
    /// It may not be read.
    Denied,
    /// What came is damaged.
    Damaged,
    /// It could not be reached, or failed.
    Failed,
}

impl Failure {
    /// As in counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Expired => "expired_iterator",
            Self::NotFound => "not_found",
            Self::BadPosition => "bad_position",
            Self::InUse => "in_use",
            Self::Denied => "denied",
            Self::Damaged => "damaged",
            Self::Failed => "failed",
        }
    }
}
