//! The store in one DynamoDB table, shared by as many replicas as there are.
//!
//! **Nobody owns anything for long.** There is no leader and no lock: a commit says on which versions of
//! which rows it was decided, and fails as a conflict when one of them has changed; then it is decided
//! anew. So two replicas that meet the same alert, or two alerts of one group, cannot both tell people.
//!
//! **A commit that is larger than a transaction** (100 rows) is written in an order in which an end at
//! any place loses and doubles nothing:
//! 1. parts of long bodies, words of rules, names of sinks: the same however often they are written,
//!    and not seen by anybody before the rows that point to them;
//! 2. alerts with their groups, rates, messages and the states of correlations, in one transaction. More alerts than one holds are
//!    refused as too large; the caller decides about fewer at a time. Each such piece stands for itself:
//!    what was written is known as a repeat when the object comes again, the rest is told then;
//! 3. rejects, in transactions of their own, each reject once by its hash;
//! 4. ledger rows. They alone make an object count as read, so they come when all else is there.
//!
//! What an answer got lost of may have been written: each step again finds its rows and changes nothing.
//!
//! **Times.** Decisions use the replica's clock as every store does; an error of seconds moves when
//! something is told. Claims of messages use no clock but each replica's own monotonic one (`due.rs`).

mod alerts;
mod calls;
mod commit;
mod due;
mod held;
mod keys;
mod known;
mod objects;
mod outbox;
mod row;
mod settle;
mod table;
mod trouble;
mod turns;
mod upkeep;
mod windows;
mod writes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use askance_stages::raise::Asks;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};

use self::calls::Table;
use self::due::Claims;
use super::{
    Ack, AlertChoice, Basis, Commit, Depth, Knowledge, OutboxChoice, OutboxRow, Queued, RejectRow,
    Retention, Settled, Store, StoreError, StoreStats, StoredAlert, Turn, Window,
};
use crate::telemetry::Families;

/// Alerts of one commit: with a group, a key and a message or two each, what a transaction holds.
const ALERTS_AT_ONCE: usize = 16;

/// DynamoDB counts a table's bytes every six hours: asking more often than so tells nothing new.
const BYTES_HOLD: Duration = Duration::from_secs(300);

/// How a table is opened.
#[derive(Debug, Clone)]
pub struct DynamoConfig {
    /// The table's name.
    pub table: String,
    /// This replica's name, the same after a restart: sinks' own places are kept under it.
    pub replica: String,
    /// It is made if it is not there, and told to drop what is old.
    pub create: bool,
    /// How long a message that is being sent is left to the replica that took it.
    pub claim: Duration,
    /// How long things are kept.
    pub retention: Retention,
}

/// A store in one table. Clones would be two owners of messages: share it in an `Arc`.
#[derive(Debug)]
pub struct DynamoStore {
    table: Table,
    replica: String,
    /// Owner of claims: this process.
    owner: String,
    claim_for: Duration,
    retention: Retention,
    claims: Mutex<Claims>,
    remembered: Mutex<Remembered>,
}

/// What was written and need not be again: bounded by the rules and sinks of the configuration.
#[derive(Debug, Default)]
struct Remembered {
    words: HashMap<String, String>,
    sinks: HashSet<String>,
    /// The table's size, and when it was asked for.
    bytes: Option<(Instant, u64)>,
}

impl DynamoStore {
    /// Opens the table for a service: makes it if it is not there and may be made.
    ///
    /// # Errors
    /// `Broken` if it is not there and cannot be made, is not a store's, is newer than this program,
    /// or permissions are missing; `Transient` if it cannot be reached.
    pub async fn open(
        client: Client,
        config: DynamoConfig,
        families: &Families,
    ) -> Result<Self, StoreError> {
        let create = config.create;
        let store = Self::of(client, config, families);
        store.table.prepare(create).await?;
        Ok(store)
    }

    /// Opens the table for a command, beside services that may run.
    ///
    /// # Errors
    /// As [`DynamoStore::open`]; it is never made.
    pub async fn open_beside(
        client: Client,
        config: DynamoConfig,
        families: &Families,
    ) -> Result<Self, StoreError> {
        let store = Self::of(client, config, families);
        store.table.require().await?;
        Ok(store)
    }

    fn of(client: Client, config: DynamoConfig, families: &Families) -> Self {
        Self {
            table: Table { client, name: config.table, families: families.clone() },
            owner: format!("{}/{:016x}", config.replica, fastrand::u64(..)),
            replica: config.replica,
            claim_for: config.claim,
            retention: config.retention,
            claims: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // What is held is whole after every step.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a row that is written now may be dropped, in seconds since 1970.
    fn expires(&self, now: Timestamp, keep: Duration) -> i64 {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        now.checked_add(keep).unwrap_or(Timestamp::MAX).as_second()
    }

    /// Bytes of the table, as DynamoDB counts them every few hours.
    async fn table_bytes(&self) -> Result<u64, StoreError> {
        if let Some((at, bytes)) = self.remembered().bytes
            && at.elapsed() < BYTES_HOLD
        {
            return Ok(bytes);
        }
        let described = self.table.describe().await?;
        let bytes = described.and_then(|table| table.table_size_bytes()).unwrap_or(0);
        let bytes = u64::try_from(bytes).unwrap_or(0);
        self.remembered().bytes = Some((Instant::now(), bytes));
        Ok(bytes)
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn are_done(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        self.find_objects(keys).await
    }

    async fn known(&self, asks: &Asks) -> Result<Knowledge, StoreError> {
        self.look_up(asks).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let now = commit.now.unwrap_or_else(Timestamp::now);
        self.put_alerts(&commit, now).await?;
        self.put_rejects(&commit.rejects, now).await?;
        self.put_objects(&commit.objects, now).await
    }

    fn alerts_at_once(&self) -> usize {
        ALERTS_AT_ONCE
    }

    async fn windows(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError> {
        self.find_windows(keys).await
    }

    async fn windows_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.find_due(now, limit).await
    }

    async fn windows_next(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        // Other replicas' groups are everybody's once those replicas are gone.
        Ok(Some(now.checked_add(windows::LOOK_AGAIN).unwrap_or(Timestamp::MAX)))
    }

    fn windows_at_once(&self) -> usize {
        windows::AT_ONCE
    }

    fn settles_at_once(&self) -> usize {
        settle::TOGETHER
    }

    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        self.take_due(sink, now, limit).await
    }

    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        self.look_ahead(sink).await
    }

    async fn settle(
        &self,
        sink: &str,
        settled: Vec<Settled>,
        position: Option<String>,
    ) -> Result<(), StoreError> {
        self.note_settled(sink, &settled, position.as_deref()).await
    }

    async fn position(&self, sink: &str) -> Result<Option<String>, StoreError> {
        self.find_position(sink).await
    }

    async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        self.count_messages().await
    }

    async fn outbox(&self, choice: &OutboxChoice) -> Result<Vec<OutboxRow>, StoreError> {
        self.list_messages(choice).await
    }

    async fn retry(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        self.make_due(choice).await
    }

    async fn discard(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        self.drop_messages(choice).await
    }

    async fn alerts(&self, choice: &AlertChoice) -> Result<Vec<StoredAlert>, StoreError> {
        self.list_alerts(choice).await
    }

    async fn acknowledge(&self, choice: &AlertChoice, ack: &Ack) -> Result<u64, StoreError> {
        self.note_ack(choice, ack).await
    }

    async fn rejects(&self, after: i64, limit: usize) -> Result<Vec<(i64, RejectRow)>, StoreError> {
        self.list_rejects(after, limit).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.count_all().await
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        self.table_bytes().await
    }

    async fn compact(&self, retention: Retention, now: Timestamp) -> Result<u64, StoreError> {
        self.let_go(retention, now).await
    }

    /// Rows go by themselves.
    async fn upkeep(&self, _retention: Retention, _now: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn turn(&self, name: &str) -> Result<Turn, StoreError> {
        self.find_turn(name).await
    }

    async fn change_turn(&self, name: &str, seen: u64, next: &Turn) -> Result<bool, StoreError> {
        self.put_turn(name, seen, next).await
    }

    async fn close(&self) {
        self.give_back_claims().await;
    }
}

#[cfg(test)]
mod faults_tests;
#[cfg(test)]
mod replicas_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
