//! Trying again: how long to wait, and the only place that sleeps for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Waits that double from `first` to `most`, each shortened by up to half at random so that many who
/// fail together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    attempts: u32,
}

impl Backoff {
    /// From `first` to `most`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, attempts: 0 }
    }

    /// For things that answer within milliseconds when they are well: 100 ms to 30 s.
    pub fn usual() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(30))
    }

    /// How often it failed in a row.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// It went well: the next wait is the first one again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The next wait; `asked` is what the other side asked for, kept if longer.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = delay(self.first, self.most, self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        asked.map_or(wait, |asked| wait.max(asked))
    }

    /// Waits; false if `stop` was set meanwhile.
    pub async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let wait = self.next(None);
        pause(wait, stop).await
    }
}

/// The wait before attempt number `attempts` (0: the first again), with jitter.
pub fn delay(first: Duration, most: Duration, attempts: u32) -> Duration {
    let factor = 1u32.checked_shl(attempts).unwrap_or(u32::MAX);
    let whole = first.saturating_mul(factor).min(most);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Sleeps; false if `stop` was set meanwhile.
pub async fn pause(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = stop.cancelled() => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(3));
        let mut backoff = Backoff::new(first, most);
        for whole in [100, 200, 400, 800, 1600, 3000, 3000] {
            let wait = backoff.next(None).as_millis();
            assert!((whole / 2..=whole).contains(&wait), "{wait} of {whole}");
        }
        assert_eq!(backoff.attempts(), 7);
        backoff.reset();
        assert!(backoff.next(None) <= first);
        assert_eq!(backoff.next(Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert!(delay(first, most, 4_000_000_000) <= most);
    }
}
