//! Puts the objects of a listing into a queue, as S3 would announce them, for a fleet to read.
//!
//! What was sent is in the job's ledger. A message that was sent just before the end of the program
//! is sent again by the next run: who reads it knows the object by the job's name, and drops it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::aws::words;
use crate::runtime::retry::Backoff;
use crate::sources::Asked;
use crate::sources::s3::Marked;
use crate::sources::s3_replay::{ListingError, ListingReader, Progress, Row};
use crate::sources::shown::shown;
use crate::store::{Commit, ObjectDone, Store, StoreError};

/// Messages of one call, as SQS allows.
const TOGETHER: usize = 10;

/// Calls at once.
const AT_ONCE: usize = 8;

/// How often a batch is sent before the job ends, to be started again.
const ATTEMPTS: u32 = 8;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why not everything was put into the queue. Started again, the job goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// The listing is damaged.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The ledger cannot be asked or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue takes no messages.
    #[error(
        "cannot send messages to queue {queue}: {cause}: check its address, and grant sqs:SendMessage on it"
    )]
    Queue {
        /// Its address.
        queue: String,
        /// What it answered.
        cause: String,
    },
    /// It was told to stop.
    #[error("stopped before everything was in the queue")]
    Stopped,
}

/// Puts objects into a queue.
pub struct Enqueuer {
    /// Calls SQS.
    pub client: aws_sdk_sqs::Client,
    /// The queue's address.
    pub queue_url: String,
    /// The bucket that the objects are in.
    pub bucket: String,
    /// The job, and which events it asks for.
    pub asked: Asked,
    /// The objects.
    pub listing: PathBuf,
    /// The job's ledger.
    pub store: Arc<dyn Store>,
    /// How far it is.
    pub progress: Arc<Progress>,
    /// Set to end early.
    pub stop: CancellationToken,
}

impl Enqueuer {
    /// Sends everything that was not sent by an earlier run.
    ///
    /// # Errors
    /// When the queue takes no more, or the job's files cannot be used.
    pub async fn run(&self) -> Result<(), EnqueueError> {
        let mut reader = ListingReader::open(&self.listing)?;
        loop {
            // Packed lines of some kilobytes: no wait that others would notice.
            let rows = reader.next(TOGETHER * AT_ONCE)?;
            if rows.is_empty() {
                return Ok(());
            }
            let rows = self.unsent(rows).await?;
            stream::iter(rows.chunks(TOGETHER))
                .map(|batch| self.send(batch))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            // After all of them are in the queue: never noted and not sent.
            let objects = rows.iter().map(|row| self.noted(row)).collect();
            let commit = Commit { objects, now: Some(Timestamp::now()), ..Commit::default() };
            self.store.commit(commit).await?;
            rows.iter().for_each(|(size, ..)| self.progress.done(*size));
        }
    }

    async fn unsent(&self, rows: Vec<Row>) -> Result<Vec<Row>, EnqueueError> {
        let keys: Vec<String> = rows.iter().map(|row| self.key(row)).collect();
        let known = self.store.are_done(&keys).await?;
        let mut unsent = Vec::new();
        for (row, is_sent) in rows.into_iter().zip(known) {
            if is_sent {
                self.progress.known(row.0);
            } else {
                unsent.push(row);
            }
        }
        Ok(unsent)
    }

    fn key(&self, (_, etag, key): &Row) -> String {
        format!("enqueued s3://{}/{key}#{etag}", self.bucket)
    }

    fn noted(&self, row: &Row) -> ObjectDone {
        ObjectDone { key: self.key(row), source: "replay".to_owned(), records: 0, alerts: 0 }
    }

    /// Sends a batch until each message of it is in the queue.
    async fn send(&self, batch: &[Row]) -> Result<(), EnqueueError> {
        let mut waiting: Vec<usize> = (0..batch.len()).collect();
        let mut backoff = Backoff::usual();
        loop {
            if self.stop.is_cancelled() {
                return Err(EnqueueError::Stopped);
            }
            let cause = match self.attempt(batch, &waiting).await {
                Ok((failed, _)) if failed.is_empty() => return Ok(()),
                Ok((failed, why)) => {
                    waiting = failed;
                    why
                }
                Err(why) => why,
            };
            let queue = shown(&self.queue_url);
            warn!(%queue, %cause, "not all messages were taken, will try again");
            if backoff.attempts() + 1 >= ATTEMPTS {
                return Err(EnqueueError::Queue { queue, cause });
            }
            if !backoff.wait(&self.stop).await {
                return Err(EnqueueError::Stopped);
            }
        }
    }

    /// Sends once; answers which were not taken, and why the last of them was not.
    async fn attempt(
        &self,
        batch: &[Row],
        waiting: &[usize],
    ) -> Result<(Vec<usize>, String), String> {
        let entries = waiting.iter().filter_map(|index| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            // It has both of what it needs.
            entry.message_body(self.body(&batch[*index])).build().ok()
        });
        let request = self
            .client
            .send_message_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries.collect()));
        let answer = match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(shown(&words(&error))),
            Err(_) => return Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let taken: Vec<usize> =
            answer.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect();
        let failed = waiting.iter().copied().filter(|index| !taken.contains(index)).collect();
        let why = answer.failed().last().map_or_else(String::new, |entry| {
            shown(&format!("{}: {}", entry.code(), entry.message().unwrap_or_default()))
        });
        Ok((failed, why))
    }

    /// As S3 announces an object, with the replay beside it.
    fn body(&self, (size, etag, key): &Row) -> String {
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": self.bucket},
                "object": {
                    "key": utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
                    "size": size,
                    "eTag": etag,
                },
            },
            crate::sources::MARK: Marked::from(&self.asked),
        }]})
        .to_string()
    }
}
