//! A store that fails where it is told to, over a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askance_stages::raise::Asks;
use async_trait::async_trait;
use jiff::Timestamp;

use super::faults::{Faults, Step};
use crate::store::{
    Ack, AlertChoice, Basis, Commit, Depth, Knowledge, OutboxChoice, OutboxRow, Queued, RejectRow,
    Retention, Settled, Store, StoreError, StoreStats, StoredAlert, Turn, Window,
};

/// Fails, or asks the store within.
pub struct FailingStore {
    /// The real one.
    pub inner: Arc<dyn Store>,
    /// Which steps fail.
    pub faults: Arc<Faults>,
}

/// Does a step as it is told; half a transaction is none.
macro_rules! step {
    ($self:ident, $what:literal, $call:expr) => {{
        let failed =
            || Err(StoreError::Transient { attempt: $what, cause: "simulated".to_owned() });
        match $self.faults.step($what).await {
            Step::Go => $call.await,
            Step::Fail | Step::Half => failed(),
            Step::FailAfter => {
                $call.await?;
                failed()
            }
        }
    }};
}

#[async_trait]
impl Store for FailingStore {
    async fn are_done(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        step!(self, "are_done", self.inner.are_done(keys))
    }

    async fn known(&self, asks: &Asks) -> Result<Knowledge, StoreError> {
        step!(self, "known", self.inner.known(asks))
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        step!(self, "commit", self.inner.commit(commit))
    }

    async fn windows(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError> {
        step!(self, "windows", self.inner.windows(keys))
    }

    async fn windows_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.inner.windows_due(now, limit).await
    }

    async fn windows_next(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.inner.windows_next(now).await
    }

    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        step!(self, "due", self.inner.due(sink, now, limit))
    }

    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(sink).await
    }

    async fn settle(
        &self,
        sink: &str,
        settled: Vec<Settled>,
        position: Option<String>,
    ) -> Result<(), StoreError> {
        step!(self, "settle", self.inner.settle(sink, settled, position))
    }

    async fn position(&self, sink: &str) -> Result<Option<String>, StoreError> {
        step!(self, "position", self.inner.position(sink))
    }

    async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        self.inner.depths().await
    }

    async fn outbox(&self, choice: &OutboxChoice) -> Result<Vec<OutboxRow>, StoreError> {
        self.inner.outbox(choice).await
    }

    async fn retry(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        self.inner.retry(choice).await
    }

    async fn discard(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        self.inner.discard(choice).await
    }

    async fn alerts(&self, choice: &AlertChoice) -> Result<Vec<StoredAlert>, StoreError> {
        self.inner.alerts(choice).await
    }

    async fn acknowledge(&self, choice: &AlertChoice, ack: &Ack) -> Result<u64, StoreError> {
        self.inner.acknowledge(choice, ack).await
    }

    async fn rejects(&self, after: i64, limit: usize) -> Result<Vec<(i64, RejectRow)>, StoreError> {
        self.inner.rejects(after, limit).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats().await
    }

    async fn turn(&self, name: &str) -> Result<Turn, StoreError> {
        self.inner.turn(name).await
    }

    async fn change_turn(&self, name: &str, seen: u64, next: &Turn) -> Result<bool, StoreError> {
        self.inner.change_turn(name, seen, next).await
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        self.inner.bytes().await
    }

    async fn compact(&self, retention: Retention, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.compact(retention, now).await
    }
}
