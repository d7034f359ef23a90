//! What is remembered: which objects were read, which alerts were raised, what is still to be sent.
//!
//! **Invariant**: what one object gave (its ledger row, alerts, rejects, messages) is committed in
//! one transaction, and only then is the object acknowledged. All implementations pass
//! `contract.rs`.

#[cfg(test)]
pub mod contract;
pub mod dynamodb;
mod error;
pub mod sqlite;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use askance_stages::correlate::Bundle;
use askance_stages::raise::{Asks, Group, Known, MessageKind, Outcome};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

pub use error::StoreError;
pub use turns::{Turn, TurnKeeper};

/// Most groups that are known for one key, the latest ones: a thing that goes on for a year must not
/// make every look-up read a year. An event so late that its group is past them begins a new one.
pub const MAX_GROUPS: usize = 100;

/// The ledger remembers objects at least this long, whatever the configuration says: a queue may
/// bring one again for two weeks, a person who sends old notifications anew even later.
pub const LEDGER_AT_LEAST: Duration = Duration::from_secs(30 * 86_400);

/// One transaction.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Objects that are done.
    pub objects: Vec<ObjectDone>,
    /// What became of their alerts.
    pub outcome: Arc<Outcome>,
    /// What their alerts' rules say to people, by rule id; only of rules in `outcome`.
    pub words: Vec<(String, Words)>,
    /// What could not be read.
    pub rejects: Vec<RejectRow>,
    /// States of groups of correlations.
    pub windows: Vec<Window>,
    /// Events for correlations as they came, of an input that has an end: see [`Store::events`].
    pub events: Arc<Vec<Bundle>>,
    /// What the outcome and the states were decided on: it comes with [`Store::known`] and
    /// [`Store::windows`]. None is a store that was empty.
    pub basis: Basis,
    /// The time at which it is committed.
    pub now: Option<Timestamp>,
}

/// What is known, and what that rests on.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// For [`askance_stages::raise::Raise::run`].
    pub known: Known,
    /// For [`Commit::basis`].
    pub basis: Basis,
}

/// Versions of the rows that a decision rests on, by names of the store's own; what is not named was
/// not there. A store that one program at a time writes to leaves it empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis(pub BTreeMap<String, u64>);

impl Basis {
    /// Takes another's versions too.
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// A group of a correlation, as it is kept from step to step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// [`askance_stages::model::Entry::key`] of its entries.
    pub key: String,
    /// Id of the correlation.
    pub correlation: String,
    /// What the last step gave, of at most [`askance_stages::correlate::MAX_STATE`] bytes; `None`:
    /// nothing is to be kept.
    pub state: Option<Vec<u8>>,
    /// When the next step is due if nothing comes.
    pub due: Option<Timestamp>,
}

/// Behind which of the kept events others are asked for: a part of them and a number of the store's
/// own.
pub type EventPlace = (u8, i64);

/// An object in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDone {
    /// What makes it the same object: `s3://bucket/key#etag`, or path, size and time of a file.
    pub key: String,
    /// The source's name.
    pub source: String,
    /// Records in it.
    pub records: u64,
    /// Alerts in it.
    pub alerts: u64,
}

/// What a rule says to people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Words {
    /// The rule's description.
    pub description: Option<String>,
    /// The question.
    pub ask: InLanguages,
    /// Why it is dangerous.
    pub why: InLanguages,
    /// What to do.
    pub fix: InLanguages,
    /// Control numbers.
    pub controls: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
}

/// A text in English and Japanese, as far as the rule has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct InLanguages {
    /// English.
    pub en: Option<String>,
    /// Japanese.
    pub ja: Option<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct RejectRow {
    /// When it was found.
    pub at: String,
    /// The source's name.
    pub source: String,
    /// Path or address of the object or message.
    pub origin: String,
    /// Why, as named in counters.
    pub reason: String,
    /// Where in the unpacked text, in bytes.
    pub offset: u64,
    /// Words for people.
    pub detail: String,
    /// The first bytes of it, as text.
    pub evidence: String,
}

/// A message waiting for its sink, with everything that is told.
#[derive(Debug, Clone)]
pub struct Queued {
    /// Its number, in the order of being queued.
    pub number: i64,
    /// What is told.
    pub kind: MessageKind,
    /// The alert as JSON.
    pub alert: String,
    /// Its id.
    pub alert_id: String,
    /// Its group, with the count as it is now.
    pub group: Group,
    /// What its rule says to people.
    pub words: Words,
    /// How often sending it was tried.
    pub attempts: u32,
    /// When it was queued first.
    pub queued: Timestamp,
    /// What the sink answered when the alert was told: the id of the message to reply to.
    pub reference: Option<String>,
}

/// What became of sending a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It was sent; what later messages of this alert refer to.
    Sent {
        /// The message.
        number: i64,
        /// The sink's own id of what was sent.
        reference: Option<String>,
    },
    /// It is to be tried again.
    Later {
        /// The message.
        number: i64,
        /// When.
        due: Timestamp,
        /// Why it was not sent.
        error: String,
    },
    /// It can't be sent: it is put with the dead letters.
    Dead {
        /// The message.
        number: i64,
        /// Why.
        error: String,
    },
}

/// How many messages of a sink wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// The sink's name.
    pub sink: String,
    /// Waiting, dead ones not included.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// When the oldest waiting message was queued.
    pub oldest: Option<String>,
}

/// A message, as `askance outbox list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxRow {
    /// Its number.
    pub number: i64,
    /// The sink's name.
    pub sink: String,
    /// The alert.
    pub alert: String,
    /// The alert's title.
    pub title: String,
    /// New, update or more.
    pub kind: String,
    /// `waiting` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due: String,
    /// When it was queued.
    pub queued: String,
    /// Why it was not sent the last time.
    pub error: Option<String>,
}

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxChoice {
    /// Of this sink.
    pub sink: Option<String>,
    /// Dead letters alone.
    pub is_dead: bool,
    /// These numbers; empty: all.
    pub numbers: Vec<i64>,
}

/// An alert in the store.
#[derive(Debug, Clone, Serialize)]
pub struct StoredAlert {
    /// Its id.
    pub id: String,
    /// It as JSON.
    pub alert: Box<serde_json::value::RawValue>,
    /// What became of it: told, merged, suppressed, capped.
    pub fate: String,
    /// When it was raised.
    pub raised: String,
    /// The alert that it joined.
    pub leader: String,
    /// The suppression that names it.
    pub suppressed_by: Option<String>,
    /// Its group, if it leads one.
    pub group: Option<Group>,
    /// What its rule says.
    pub words: Words,
    /// Who took note of it, when, and what they said.
    pub ack: Option<Ack>,
}

/// Somebody took note of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Ack {
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
    /// What they said.
    pub note: Option<String>,
}

/// Which alerts; everything that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertChoice {
    /// This one, or those whose id begins so.
    pub id: Option<String>,
    /// Of events from this time on.
    pub from: Option<Timestamp>,
    /// Of events before this time.
    pub to: Option<Timestamp>,
    /// Level, as in [`askance_stages::model::Level`]: this and above.
    pub level: Option<askance_stages::model::Level>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this account.
    pub account: Option<String>,
    /// With this fate.
    pub fate: Option<String>,
    /// Those that nobody took note of.
    pub is_open: bool,
    /// At most so many, the latest first.
    pub limit: Option<usize>,
}

/// What is in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Bytes on disk.
    pub bytes: u64,
    /// Objects in the ledger.
    pub objects: u64,
    /// Alerts by fate.
    pub alerts: std::collections::BTreeMap<String, u64>,
    /// Alerts by the suppression that named them.
    pub suppressed: std::collections::BTreeMap<String, u64>,
    /// Rejects.
    pub rejects: u64,
    /// Groups of correlations.
    pub windows: u64,
    /// Rows that went before their time since the store was too large, since it was made.
    pub gone_early: u64,
    /// By sink.
    pub outbox: Vec<Depth>,
    /// Version of the tables.
    pub version: u32,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Ledger rows and rejects.
    pub ledger: Duration,
    /// Alerts.
    pub alerts: Duration,
    /// Bytes on disk past which the oldest go early.
    pub max_bytes: u64,
}

/// Where the state is kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Which of these objects are in the ledger, in order.
    async fn are_done(&self, keys: &[String]) -> Result<Vec<bool>, StoreError>;

    /// What is known of what [`askance_stages::raise::Raise`] asks.
    async fn known(&self, asks: &Asks) -> Result<Knowledge, StoreError>;

    /// Writes everything of a commit, or nothing; objects are in the ledger only after all else is
    /// written. Where several programs share the store, one whose basis has become stale fails with
    /// [`StoreError::Conflict`], one that is too large with [`StoreError::TooLarge`].
    async fn commit(&self, commit: Commit) -> Result<(), StoreError>;

    /// The groups of correlations of these keys that are there, by key, and what a step of them rests
    /// on.
    async fn windows(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError>;

    /// Keys and correlations of groups that are due, the earliest first, at most `limit`. One that was
    /// changed at this moment may be missing, or be there though it is due later now.
    async fn windows_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError>;

    /// When to look for groups that are due again: when the earliest of all is; where other programs
    /// write too, a while from now at the latest. `None`: there is none.
    async fn windows_next(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Events for correlations that were committed as they came: by part, behind this place, at most
    /// `limit` bundles; and the place behind them, `None` at the end. For an input that has an end,
    /// whose groups are evaluated then: to take each group's state on with every object would cost
    /// more the longer it is. Stores that several programs share keep none.
    async fn events(
        &self,
        _behind: Option<EventPlace>,
        _limit: usize,
    ) -> Result<(Vec<Bundle>, Option<EventPlace>), StoreError> {
        Ok((Vec::new(), None))
    }

    /// Most groups that are worth giving to one [`Store::commit`].
    fn windows_at_once(&self) -> usize {
        usize::MAX
    }

    /// Most alerts that are worth giving to one [`Store::commit`].
    fn alerts_at_once(&self) -> usize {
        usize::MAX
    }

    /// Most messages that one [`Store::settle`] writes in the same transaction as the position.
    fn settles_at_once(&self) -> usize {
        usize::MAX
    }

    /// Messages of a sink that are due, in order, at most `limit`. A message waits for earlier ones
    /// of the same alert, dead letters aside. One that was queued later than `now`, by a clock that
    /// was ahead or was put back since, is due: nobody can tell how long it would wait. Where several
    /// programs share the store, what is answered is the caller's to send: others get it only when
    /// the caller has neither settled it nor asked again for a time.
    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError>;

    /// When the next message of a sink is due, if one waits.
    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Notes what became of messages; `position` is kept with it, in the same transaction, for
    /// [`Store::position`].
    async fn settle(
        &self,
        sink: &str,
        settled: Vec<Settled>,
        position: Option<String>,
    ) -> Result<(), StoreError>;

    /// What a sink noted last of its own place (the length of a file).
    async fn position(&self, sink: &str) -> Result<Option<String>, StoreError>;

    /// How many messages wait, by sink.
    async fn depths(&self) -> Result<Vec<Depth>, StoreError>;

    /// Messages for people to look at.
    async fn outbox(&self, choice: &OutboxChoice) -> Result<Vec<OutboxRow>, StoreError>;

    /// Makes messages due now, dead ones too; answers how many.
    async fn retry(&self, choice: &OutboxChoice) -> Result<u64, StoreError>;

    /// Takes messages out; answers how many.
    async fn discard(&self, choice: &OutboxChoice) -> Result<u64, StoreError>;

    /// Alerts, the latest first.
    async fn alerts(&self, choice: &AlertChoice) -> Result<Vec<StoredAlert>, StoreError>;

    /// Notes that somebody took note of alerts; answers how many.
    async fn acknowledge(&self, choice: &AlertChoice, ack: &Ack) -> Result<u64, StoreError>;

    /// Rejects with numbers above `after`, in order, at most `limit`.
    async fn rejects(&self, after: i64, limit: usize) -> Result<Vec<(i64, RejectRow)>, StoreError>;

    /// What is in it.
    async fn stats(&self) -> Result<StoreStats, StoreError>;

    /// Bytes on disk, cheap enough to be asked every few seconds.
    async fn bytes(&self) -> Result<u64, StoreError>;

    /// Lets go of what is older than it is kept; answers how many rows.
    async fn compact(&self, retention: Retention, now: Timestamp) -> Result<u64, StoreError>;

    /// What a service does once an hour: compacts, where rows do not go by themselves.
    async fn upkeep(&self, retention: Retention, now: Timestamp) -> Result<u64, StoreError> {
        self.compact(retention, now).await
    }

    /// A turn as it is now; one that was never taken is nobody's, with a count of 0.
    async fn turn(&self, name: &str) -> Result<Turn, StoreError>;

    /// Writes a turn, if its count is still `seen`; false if somebody was faster. A [`TurnKeeper`] knows
    /// what to write.
    async fn change_turn(&self, name: &str, seen: u64, next: &Turn) -> Result<bool, StoreError>;

    /// Ends the use of it; not doing so loses nothing.
    async fn close(&self) {}
}
