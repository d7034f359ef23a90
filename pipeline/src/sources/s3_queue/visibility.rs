//! Messages in hand: hidden from other readers for as long as they are worked on.
//!
//! A message that comes again while it is in hand is not begun a second time; what was received last
//! is what it is hidden and deleted by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::queue::{LONGEST, PATIENCE, Queue};
use crate::aws::words;
use crate::runtime::retry::{Backoff, pause};
use crate::sources::shown::shown;

/// How long before SQS's cap no further extension is asked for: an answer takes time.
const MARGIN: Duration = Duration::from_secs(30);

/// How often giving a message back is tried; it comes back by itself otherwise.
const ATTEMPTS: u32 = 3;

/// One delivery of a message.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// What it is hidden and deleted by.
    pub receipt: String,
    /// How often it was delivered, this time included.
    pub receives: u32,
    /// When it was asked for.
    pub at: Instant,
}

/// A message in hand.
#[derive(Debug)]
pub struct Hand {
    /// Its id, the same at each delivery.
    pub id: String,
    /// Its body.
    pub body: String,
    latest: Mutex<Delivered>,
    all: InHand,
}

/// All messages in hand; clones share them.
#[derive(Debug, Clone, Default)]
pub struct InHand(Arc<Mutex<HashMap<String, std::sync::Weak<Hand>>>>);

/// Whether a change of visibility made a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Made,
    /// The message is deleted, or was delivered anew.
    TooLate,
}

impl InHand {
    /// Takes a message in hand; `None` if it already is, and this delivery is noted there.
    pub fn take(&self, id: String, body: String, delivered: Delivered) -> Option<Arc<Hand>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hand) = all.get(&id).and_then(std::sync::Weak::upgrade) {
            *hand.latest.lock().unwrap_or_else(PoisonError::into_inner) = delivered;
            return None;
        }
        let hand = Hand { id: id.clone(), body, latest: Mutex::new(delivered), all: self.clone() };
        let hand = Arc::new(hand);
        all.insert(id, Arc::downgrade(&hand));
        Some(hand)
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have taken it since.
        if all.get(&self.id).is_some_and(|hand| hand.strong_count() == 0) {
            all.remove(&self.id);
        }
    }
}

impl Hand {
    /// Its latest delivery.
    pub fn latest(&self) -> Delivered {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the message hidden; never ends by itself.
    pub async fn keep_hidden(&self, queue: &Queue) {
        let until_dropped = CancellationToken::new();
        let half = queue.visibility / 2;
        let longest_pause = (queue.visibility / 8).max(Duration::from_millis(100));
        loop {
            pause(half, &until_dropped).await;
            let mut backoff = Backoff::new(Duration::from_millis(100), longest_pause);
            loop {
                // SQS counts its cap from the delivery.
                let left = LONGEST.saturating_sub(self.latest().at.elapsed() + MARGIN);
                if left <= half {
                    warn!(queue = queue.name(), message = %shown(&self.id),
                        "in hand for 12 hours: the message will be delivered again");
                    std::future::pending::<()>().await;
                }
                match change(queue, &self.latest().receipt, queue.visibility.min(left)).await {
                    Ok(Change::Made) => break,
                    Ok(Change::TooLate) => {
                        debug!(queue = queue.name(), message = %shown(&self.id),
                            "the message is no longer hidden by this delivery");
                        break;
                    }
                    Err(error) => {
                        warn!(queue = queue.name(), attempts = backoff.attempts(), %error,
                            "cannot keep a message hidden, will try again");
                        backoff.wait(&until_dropped).await;
                    }
                }
            }
        }
    }

    /// Lets the message come again after a time.
    pub async fn give_back(&self, queue: &Queue, after: Duration) {
        let until_done = CancellationToken::new();
        let mut backoff = Backoff::usual();
        while let Err(error) = change(queue, &self.latest().receipt, after).await {
            if backoff.attempts() + 1 >= ATTEMPTS {
                warn!(queue = queue.name(), %error,
                    "cannot give a message back: it comes again when its visibility ends");
                return;
            }
            backoff.wait(&until_done).await;
        }
    }
}

/// Hides a message for so long from now on, to the second.
async fn change(queue: &Queue, receipt: &str, time: Duration) -> Result<Change, String> {
    let seconds = i32::try_from(time.min(LONGEST).as_millis().div_ceil(1000)).unwrap_or(0);
    let request = queue
        .client
        .change_message_visibility()
        .queue_url(&queue.url)
        .receipt_handle(receipt)
        .visibility_timeout(seconds);
    match tokio::time::timeout(PATIENCE, request.send()).await {
        Ok(Ok(_)) => Ok(Change::Made),
        Ok(Err(error)) => {
            let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default();
            let is_over = ["MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"]
                .iter()
                .any(|known| code.ends_with(known));
            if is_over { Ok(Change::TooLate) } else { Err(shown(&words(&error))) }
        }
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
