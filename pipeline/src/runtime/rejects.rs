//! Takes rejects out of the store and has them written where the configuration says.
//!
//! They stay in the store as well. What is kept of it is the number of the last one that was written;
//! at an end between writing and keeping, some are written again, with the same numbers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::retry::{Backoff, pause};
use crate::sinks::RejectWriter;
use crate::store::Store;
use crate::telemetry::{Health, Part, SinkMetrics};

/// Under which name the place is kept in the store, and counted: no sink can be named so by accident.
pub const NAME: &str = "(rejects)";

/// Most rejects that are written at once.
const MAX_BATCH: usize = 500;

/// Longest that is waited without a look.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Writes rejects for as long as the program runs.
pub struct RejectDeliverer {
    /// Where they go.
    pub writer: RejectWriter,
    /// Where they come from.
    pub store: Arc<dyn Store>,
    /// Counters of [`NAME`].
    pub metrics: SinkMetrics,
    /// Told when writing fails and when it goes well again.
    pub health: Health,
    /// Changes after each commit.
    pub committed: watch::Receiver<u64>,
    /// Set when what is there is to be written once more, and then nothing.
    pub stop: CancellationToken,
}

impl RejectDeliverer {
    /// Writes until it is told to stop.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        let mut is_open = false;
        loop {
            self.committed.mark_unchanged();
            let written = match is_open {
                true => self.write().await,
                false => self.resume().await.map(|()| 1),
            };
            match written {
                Ok(count) => {
                    is_open = true;
                    if backoff.attempts() > 0 {
                        info!("rejects are written again");
                    }
                    backoff.reset();
                    self.health.well(&Part::Sink(NAME.to_owned()));
                    if count == 0 && !self.wait().await {
                        return;
                    }
                }
                Err(why) => {
                    warn!(%why, "rejects are not written, will try again");
                    self.metrics.failed("down");
                    self.health.trouble(Part::Sink(NAME.to_owned()), why);
                    if !backoff.wait(&self.stop).await {
                        return;
                    }
                }
            }
        }
    }

    async fn resume(&mut self) -> Result<(), String> {
        let position = self.store.position(NAME).await.map_err(|error| error.to_string())?;
        let is_new = self.writer.resume(position.as_deref()).await.map_err(|e| e.to_string())?;
        if is_new { self.keep().await } else { Ok(()) }
    }

    /// Writes what is there; answers how many.
    async fn write(&mut self) -> Result<usize, String> {
        let after = self.writer.after();
        let rows = self.store.rejects(after, MAX_BATCH).await.map_err(|error| error.to_string())?;
        if rows.is_empty() {
            return Ok(0);
        }
        self.writer.write(&rows).await.map_err(|error| error.to_string())?;
        self.keep().await?;
        self.metrics.sent(rows.len() as u64);
        Ok(rows.len())
    }

    async fn keep(&self) -> Result<(), String> {
        let position = Some(self.writer.position());
        self.store.settle(NAME, Vec::new(), position).await.map_err(|error| error.to_string())
    }

    /// Waits for more; false at the end.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            changed = self.committed.changed() => {
                // The committer has ended: the stop comes soon.
                if changed.is_err() { pause(LOOK_EVERY, &self.stop).await } else { true }
            }
            () = tokio::time::sleep(LOOK_EVERY) => true,
        }
    }
}

#[cfg(test)]
#[path = "rejects_tests.rs"]
mod tests;
