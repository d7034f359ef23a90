//! A lease that is held: renewed, moved on and given back, each write fenced by its counter.
//!
//! It is lost for good once a write finds another counter, or once it could not be renewed for so long
//! that others may take it. Whoever reads under it stops then and writes nothing more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leases::{Change, Lease, LeaseTable, TableError};
use super::position::Position;

/// One holding of a lease; taken again, it is another one.
pub struct Held {
    lease: Lease,
    me: Arc<str>,
    table: Arc<dyn LeaseTable>,
    failover: Duration,
    counter: tokio::sync::Mutex<u64>,
    renewed: Mutex<Instant>,
    lost: CancellationToken,
}

/// Why a write under a lease did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeldError {
    /// Somebody else has it, or may have.
    #[error("the lease is lost")]
    Lost,
    /// The table could not be written; the lease is still held.
    #[error("{0}")]
    Table(#[from] TableError),
}

impl Held {
    /// A lease that `me` has taken, as it stands in the table; the write was begun at `taken`: others may
    /// have seen it from then on.
    pub fn new(
        lease: Lease,
        me: &Arc<str>,
        table: &Arc<dyn LeaseTable>,
        (failover, taken): (Duration, Instant),
    ) -> Self {
        Self {
            counter: tokio::sync::Mutex::new(lease.counter),
            lease,
            me: Arc::clone(me),
            table: Arc::clone(table),
            failover,
            renewed: Mutex::new(taken),
            lost: CancellationToken::new(),
        }
    }

    /// The lease as it was when it was taken.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The table that it stands in.
    pub fn table(&self) -> &Arc<dyn LeaseTable> {
        &self.table
    }

    /// Set once it is lost.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Is it lost, also because it was not renewed in time?
    pub fn is_lost(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.elapsed() > self.failover {
            self.lost.cancel();
        }
        self.lost.is_cancelled()
    }

    /// Shows others that it is held.
    ///
    /// # Errors
    /// When it is lost, or could not be written.
    pub async fn renew(&self) -> Result<(), HeldError> {
        self.write(|counter| Change::Renew { counter }, |_| true).await
    }

    /// Notes how far it was read.
    ///
    /// # Errors
    /// When it is lost, or could not be written.
    pub async fn checkpoint(&self, position: &Position) -> Result<(), HeldError> {
        let change = |counter| Change::Checkpoint { counter, position: position.clone() };
        self.write(change, |lease| lease.position == *position).await
    }

    /// Gives it back, so that others need not wait. No write follows.
    ///
    /// # Errors
    /// When it is lost, or could not be written.
    pub async fn release(&self) -> Result<(), HeldError> {
        let owner = self.me.to_string();
        let change = |counter| Change::Release { counter, owner: owner.clone() };
        self.write(change, |_| false).await?;
        self.lost.cancel();
        Ok(())
    }

    /// Writes; `is_written` tells of a row whether it is what was to be written.
    async fn write(
        &self,
        change: impl Fn(u64) -> Change + Send,
        is_written: impl Fn(&Lease) -> bool + Send,
    ) -> Result<(), HeldError> {
        let mut counter = self.counter.lock().await;
        // Twice: the first finds that a write whose answer was lost had happened all the same.
        for _ in 0..2 {
            if self.is_lost() {
                return Err(HeldError::Lost);
            }
            let began = Instant::now();
            if self.table.write(&self.lease.key, &change(*counter)).await? {
                *counter = counter.saturating_add(1);
                self.note_renewed(began);
                return Ok(());
            }
            let row = self.table.get(&self.lease.key).await?;
            let mine = |row: &Lease| {
                row.owner.as_deref() == Some(&*self.me) && row.counter == counter.saturating_add(1)
            };
            let Some(row) = row.filter(mine) else { break };
            *counter = row.counter;
            self.note_renewed(began);
            if is_written(&row) {
                return Ok(());
            }
        }
        self.lost.cancel();
        Err(HeldError::Lost)
    }

    fn note_renewed(&self, at: Instant) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
