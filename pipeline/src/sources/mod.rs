//! Where objects come from.
//!
//! A source hands [`Envelope`]s to the [`Intake`] and is told the end of each through its
//! acknowledgement: only after everything that an object gave is committed may it be deleted, moved
//! past or noted as read. A source never names a sink.

mod directory;
pub mod envelope;
pub mod files;
mod kinesis;
mod known;
mod open;
pub mod s3;
mod s3_queue;
pub mod s3_replay;
pub mod shown;
mod standard_input;
mod stdin;
#[cfg(test)]
pub mod tests;
mod troubles;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use envelope::{
    Ack, Asked, Batch, Body, Envelope, Fence, Item, Object, Part, Refused, Verdict,
};
pub use kinesis::{Kinesis, LeaseLine, ShardLine};
pub use known::{are_known, is_known};
pub use open::open;
pub use s3_queue::{MARK, region_of_queue};

use crate::runtime::budget::Budget;
use crate::runtime::intake::Intake;
use crate::store::Store;
use crate::telemetry::{Health, SourceMetrics};

/// What a source is given.
#[derive(Clone)]
pub struct SourceContext {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Where envelopes go; waits while the workers are behind.
    pub intake: Intake,
    /// Bytes that may be in memory at once, of all sources together.
    pub budget: Budget,
    /// The ledger: which objects were read before.
    pub store: Arc<dyn Store>,
    /// Set when the source is to take nothing new. What is in hand is finished, then `run` ends.
    pub stop: CancellationToken,
    /// Its counters.
    pub metrics: SourceMetrics,
    /// Told when the place cannot be read, and when it is well again.
    pub health: Health,
}

/// A place that objects come from.
#[async_trait]
pub trait Source: Send + Sync {
    /// Reads until `context.stop` is set or there is nothing more to come.
    ///
    /// It backs off when the place cannot be reached, and goes on when it can.
    ///
    /// # Errors
    /// When going on makes no sense without somebody doing something; it is started again later, with
    /// a pause that grows.
    async fn run(&self, context: SourceContext) -> Result<(), SourceError>;
}

/// Why a source ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt}: {cause}")]
pub struct SourceError {
    /// What was attempted, on what.
    pub attempt: String,
    /// Why it failed, and what to do.
    pub cause: String,
}
