//! The writes of a lease table: each has a condition, and what it does when that holds.
//!
//! `apply` says it in plain words; DynamoDB's expressions, in `dynamo.rs`, say the same, and one test
//! compares the two.

use super::Lease;
use crate::sources::kinesis::position::Position;

/// A write of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new row, where there is none of that key.
    Create(Lease),
    /// The owner is alive. Holds if the counter is as seen.
    Renew {
        /// The counter as seen.
        counter: u64,
    },
    /// Another owner, or the first one. Holds if the counter is as seen.
    Take {
        /// The counter as seen.
        counter: u64,
        /// The owner as seen.
        before: Option<String>,
        /// The new owner.
        owner: String,
    },
    /// It was read so far. Holds if the counter is as seen.
    Checkpoint {
        /// The counter as seen.
        counter: u64,
        /// How far.
        position: Position,
    },
    /// Nobody reads it any more. Holds if the counter is as seen and the owner is this one.
    Release {
        /// The counter as seen.
        counter: u64,
        /// The owner that gives it back.
        owner: String,
    },
    /// The shards that it became. Holds if the row is there; the counter stays.
    Children(Vec<String>),
    /// The row goes if it is at the shard's end: it may have been made anew meanwhile.
    Delete,
    /// Another lease stands in its place, of a shard of the same id: the stream was made anew. Holds if
    /// the counter is as seen, and goes on from it: whoever held the old one finds another counter.
    Replace {
        /// The counter as seen.
        counter: u64,
        /// The new lease.
        lease: Lease,
    },
    /// The row goes, wherever it is: the stream was made anew. Holds if the counter is as seen.
    Forget {
        /// The counter as seen.
        counter: u64,
    },
}

/// What a write makes of a row; `None` if its condition does not hold. `Some(None)`: no row.
#[cfg(test)]
pub fn apply(row: Option<&Lease>, change: &Change) -> Option<Option<Lease>> {
    let Some(row) = row else {
        return match change {
            Change::Create(lease) => Some(Some(lease.clone())),
            _ => None,
        };
    };
    let mut next = row.clone();
    match change {
        Change::Create(_) => return None,
        Change::Renew { counter } => next.counter = bumped(row, *counter)?,
        Change::Take { counter, before, owner } => {
            next.counter = bumped(row, *counter)?;
            if before.as_ref().is_some_and(|before| before != owner) {
                next.switches += 1;
            }
            next.owner = Some(owner.clone());
        }
        Change::Checkpoint { counter, position } => {
            next.counter = bumped(row, *counter)?;
            next.position = position.clone();
            next.switches = 0;
        }
        Change::Release { counter, owner } => {
            next.counter = bumped(row, *counter)?;
            if row.owner.as_ref() != Some(owner) {
                return None;
            }
            next.owner = None;
        }
        Change::Children(children) => next.children.clone_from(children),
        Change::Delete => return row.is_finished().then_some(None),
        Change::Replace { counter, lease } => {
            next = Lease { counter: bumped(row, *counter)?, ..lease.clone() };
        }
        Change::Forget { counter } => return (row.counter == *counter).then_some(None),
    }
    Some(Some(next))
}

#[cfg(test)]
fn bumped(row: &Lease, seen: u64) -> Option<u64> {
    (row.counter == seen).then(|| seen.saturating_add(1))
}
