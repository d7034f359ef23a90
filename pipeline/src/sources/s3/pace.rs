//! How many requests are made at once: more for as long as S3 keeps up, fewer when it asks for fewer.
//!
//! Additive increase, multiplicative decrease, as TCP does it: one more for each window that went
//! well, seven tenths after S3 said "slow down". Requests that were under way when it said so say it
//! again, which counts once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Where it begins.
const FIRST: f64 = 16.0;

/// What is left of the limit after "slow down".
const CUT: f64 = 0.7;

/// Within so long "slow down" is said again by requests that were under way.
const ECHO: Duration = Duration::from_millis(500);

/// The limit of the moment, from 1 to `most`.
#[derive(Debug)]
struct Limit {
    at_once: f64,
    most: f64,
    slowed: Option<Instant>,
}

impl Limit {
    fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { at_once: FIRST.min(most), most, slowed: None }
    }

    fn went_well(&mut self) {
        self.at_once = (self.at_once + 1.0 / self.at_once).min(self.most);
    }

    fn slow_down(&mut self, now: Instant) {
        if self.slowed.is_some_and(|at| now.duration_since(at) < ECHO) {
            return;
        }
        self.slowed = Some(now);
        self.at_once = (self.at_once * CUT).max(1.0);
    }
}

/// Lets requests begin, as many at once as S3 seems to bear.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    under_way: usize,
    slowed: u64,
}

/// One request that may be made; its place is free again when it is dropped.
#[derive(Debug)]
pub struct Turn<'p>(&'p Pace);

impl Pace {
    /// At most so many requests at once, however well it goes.
    pub fn new(most: usize) -> Self {
        let state = State { limit: Limit::new(most), under_way: 0, slowed: 0 };
        Self { state: Mutex::new(state), freed: Notify::new() }
    }

    /// Waits until one more request may be made.
    pub async fn turn(&self) -> Turn<'_> {
        loop {
            let freed = self.freed.notified();
            if self.try_begin() {
                return Turn(self);
            }
            freed.await;
        }
    }

    /// A request was answered.
    pub fn went_well(&self) {
        self.state().limit.went_well();
        // Room for one more may have come; whoever waits looks for himself.
        self.freed.notify_one();
    }

    /// S3 asked for fewer requests.
    pub fn slow_down(&self) {
        let mut state = self.state();
        state.slowed += 1;
        state.limit.slow_down(Instant::now());
    }

    /// How often S3 asked for fewer requests.
    pub fn slowed(&self) -> u64 {
        self.state().slowed
    }

    fn try_begin(&self) -> bool {
        let mut state = self.state();
        let is_free = (state.under_way as f64) < state.limit.at_once.floor();
        state.under_way += usize::from(is_free);
        is_free
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_went_well_allows_one_more() {
        let mut limit = Limit::new(100);
        (0..16).for_each(|_| limit.went_well());
        assert_eq!(limit.at_once.floor(), 16.0);
        limit.went_well();
        assert_eq!(limit.at_once.floor(), 17.0 - f64::from(u8::from(limit.at_once < 17.0)));
        (0..100_000).for_each(|_| limit.went_well());
        assert_eq!(limit.at_once, 100.0);
    }

    #[test]
    fn slow_down_is_heard_once_for_what_was_under_way_and_never_stops_everything() {
        let mut limit = Limit::new(100);
        let now = Instant::now();
        (0..16).for_each(|_| limit.slow_down(now));
        assert_eq!(limit.at_once, FIRST * CUT);
        for seconds in 1..60 {
            limit.slow_down(now + Duration::from_secs(seconds));
        }
        assert_eq!(limit.at_once, 1.0);
    }

    #[tokio::test]
    async fn no_more_are_under_way_than_the_limit() {
        let pace = Pace::new(2);
        let first = pace.turn().await;
        let _second = pace.turn().await;
        let third = tokio::time::timeout(Duration::from_millis(20), pace.turn()).await;
        assert!(third.is_err());
        drop(first);
        let _third = pace.turn().await;
        pace.slow_down();
        assert_eq!(pace.slowed(), 1);
        assert!(!pace.try_begin());
    }
}
