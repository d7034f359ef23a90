//! Deletes messages that are done, as many together as wait.

use std::time::Duration;

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::queue::{PATIENCE, Queue};
use crate::aws::words;
use crate::runtime::retry::Backoff;
use crate::sources::shown::shown;

/// Most of one call.
const TOGETHER: usize = 10;

/// Calls at once.
const CALLS: usize = 4;

/// How long a batch that is not full waits for more. It stays hidden for longer than that.
const FOR_MORE: Duration = Duration::from_millis(50);

/// How often a message is tried. One that stays comes again, is found in the ledger, and is deleted
/// then.
const ATTEMPTS: u32 = 6;

/// A message to be deleted.
#[derive(Debug)]
pub struct Delete {
    /// Its latest receipt.
    pub receipt: String,
    /// Told whether it is deleted.
    pub done: oneshot::Sender<bool>,
}

/// Deletes until nobody asks any more.
pub async fn run(queue: Queue, mut asked: mpsc::Receiver<Delete>) {
    let mut calls = JoinSet::new();
    let mut batch = Vec::with_capacity(TOGETHER);
    while asked.recv_many(&mut batch, TOGETHER).await > 0 {
        fill(&mut batch, &mut asked).await;
        while calls.len() >= CALLS {
            calls.join_next().await;
        }
        calls.spawn(together(queue.clone(), std::mem::take(&mut batch)));
    }
    while calls.join_next().await.is_some() {}
}

/// Waits a little for a whole batch, or for the end.
async fn fill(batch: &mut Vec<Delete>, asked: &mut mpsc::Receiver<Delete>) {
    let until = Instant::now() + FOR_MORE;
    while batch.len() < TOGETHER {
        let room = TOGETHER - batch.len();
        match tokio::time::timeout_at(until, asked.recv_many(batch, room)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Deletes a batch; what fails of it is tried again.
async fn together(queue: Queue, mut batch: Vec<Delete>) {
    let until_done = CancellationToken::new();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        let error = match call(&queue, &batch).await {
            Ok(failed) => settle(&mut batch, &failed),
            Err(error) => error,
        };
        if batch.is_empty() {
            return;
        }
        if backoff.attempts() + 1 >= ATTEMPTS {
            warn!(queue = queue.name(), messages = batch.len(), %error,
                "cannot delete messages that are done: they come again and are deleted then");
            return;
        }
        warn!(queue = queue.name(), messages = batch.len(), attempts = backoff.attempts(), %error,
            "cannot delete messages, will try again");
        backoff.wait(&until_done).await;
    }
}

/// What could not be deleted of a call that went well.
struct Failed {
    index: usize,
    why: String,
    /// Trying again cannot help: the receipt is an old one.
    is_final: bool,
}

/// Tells those that are deleted, and those that cannot be; leaves the rest, and why.
fn settle(batch: &mut Vec<Delete>, failed: &[Failed]) -> String {
    let mut error = String::new();
    let mut left = Vec::new();
    for (index, delete) in batch.drain(..).enumerate() {
        match failed.iter().find(|failed| failed.index == index) {
            Some(failed) if !failed.is_final => {
                error.clone_from(&failed.why);
                left.push(delete);
            }
            found => {
                // Who asked may have gone.
                let _ = delete.done.send(found.is_none());
            }
        }
    }
    *batch = left;
    error
}

async fn call(queue: &Queue, batch: &[Delete]) -> Result<Vec<Failed>, String> {
    let mut entries = Vec::with_capacity(batch.len());
    for (index, delete) in batch.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(&delete.receipt)
            .build()
            .map_err(|error| error.to_string())?;
        entries.push(entry);
    }
    let request =
        queue.client.delete_message_batch().queue_url(&queue.url).set_entries(Some(entries));
    let answer = match tokio::time::timeout(PATIENCE, request.send()).await {
        Ok(answer) => answer.map_err(|error| shown(&words(&error)))?,
        Err(_) => return Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    // An answer of 200 may tell of failures all the same. What it does not speak of is not deleted.
    let failed = (0..batch.len()).filter_map(|index| {
        let id = index.to_string();
        if let Some(entry) = answer.failed().iter().find(|entry| entry.id() == id) {
            let message = entry.message().unwrap_or_default();
            let why = shown(&format!("{}: {message}", entry.code()));
            return Some(Failed { index, why, is_final: entry.sender_fault() });
        }
        let is_deleted = answer.successful().iter().any(|entry| entry.id() == id);
        let why = "the answer does not speak of it".to_owned();
        (!is_deleted).then_some(Failed { index, why, is_final: false })
    });
    Ok(failed.collect())
}
