//! Leases: who reads which shard, and how far.
//!
//! The table is that of the Kinesis Client Library 2, so that tools which read such a table can read
//! this one. What is decided stands in pure functions; the table is a port with two ends, DynamoDB and
//! a double of it for tests.

mod change;
mod dynamo;
mod row;
pub mod sync;
mod table;
pub mod taking;

pub use change::Change;
#[cfg(test)]
pub use change::apply;
pub use dynamo::DynamoTable;
pub use table::{LeaseTable, Listing, TableError};

use askance_stages::decode::HashRange;

use super::position::Position;

/// One row of the table: a shard, who reads it, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its key in the table: the shard's id, behind that of the stream where there are several.
    pub key: String,
    /// The stream of several, `account:name:epoch`; `None` where the application reads one.
    pub stream: Option<String>,
    /// The shard's id.
    pub shard: String,
    /// Who reads it; `None` if nobody does.
    pub owner: Option<String>,
    /// Changes with every write of its owner: what does not change is no longer read.
    pub counter: u64,
    /// How far it was read.
    pub position: Position,
    /// How often it changed hands since its position was written.
    pub switches: u64,
    /// The shards that it came from: one, or two after a merge.
    pub parents: Vec<String>,
    /// The shards that it became; known once it is at its end.
    pub children: Vec<String>,
    /// The hash keys of the shard, if they are known.
    pub range: Option<HashRange>,
    /// When the stream was made that the shard is of, in seconds since 1970: one that is deleted and made
    /// anew has shards of the same ids. `None` in rows that do not tell it.
    pub epoch: Option<i64>,
}

impl Lease {
    /// Is the shard read to its end?
    pub fn is_finished(&self) -> bool {
        self.position == Position::ShardEnd
    }
}
