//! What the live queue does, for the queue of replays to keep out of its way.
//!
//! The past is read only while nothing new has come for a moment and there is room for what may come:
//! a new message waits behind no more of the past than is in hand already.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::runtime::retry::pause;

/// So long nothing new must have come.
const QUIET: Duration = Duration::from_secs(1);

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Which of a source's two queues is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// What is written now.
    Live,
    /// What a replay asks for.
    Past,
}

/// What the live queue does.
#[derive(Debug)]
pub struct Activity {
    last: Mutex<Instant>,
    in_hand: AtomicUsize,
}

/// A message of the live queue in hand, for as long as it lives.
#[derive(Debug)]
pub struct InHand(Arc<Activity>);

impl Activity {
    /// Nothing yet; what waits in the live queue comes first all the same.
    pub fn new() -> Self {
        Self { last: Mutex::new(Instant::now()), in_hand: AtomicUsize::new(0) }
    }

    /// Messages came.
    pub fn came(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// One of them is in hand.
    pub fn take(self: &Arc<Self>) -> InHand {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        InHand(Arc::clone(self))
    }

    /// Waits until the live queue is quiet; false at the end. With all of `concurrency` in hand it
    /// is not asked for more, so that its silence says nothing.
    pub async fn until_quiet(&self, concurrency: usize, stop: &CancellationToken) -> bool {
        while !self.is_quiet(concurrency) {
            if !pause(EVERY, stop).await {
                return false;
            }
        }
        !stop.is_cancelled()
    }

    fn is_quiet(&self, concurrency: usize) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.elapsed() >= QUIET && self.in_hand.load(Ordering::Relaxed) < concurrency
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_past_waits_until_nothing_new_comes_and_there_is_room() {
        let activity = Arc::new(Activity::new());
        let stop = CancellationToken::new();
        assert!(!activity.is_quiet(2));
        tokio::time::advance(QUIET).await;
        assert!(activity.is_quiet(2));
        activity.came();
        let (first, _second) = (activity.take(), activity.take());
        tokio::time::advance(QUIET * 5).await;
        assert!(!activity.is_quiet(2), "it is full");
        drop(first);
        assert!(activity.until_quiet(2, &stop).await);
        activity.came();
        stop.cancel();
        assert!(!activity.until_quiet(2, &stop).await);
    }
}
