//! A bound in bytes on what is in memory at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::Gauge;

/// A permit's size: so that large budgets fit the semaphore's count.
const UNIT: u64 = 1024;

/// Bytes that may be held at once; clones share them.
#[derive(Debug, Clone)]
pub struct Budget {
    semaphore: Arc<Semaphore>,
    units: u32,
    held: Gauge,
}

/// A share of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub struct Hold {
    _permit: Option<OwnedSemaphorePermit>,
    bytes: i64,
    held: Gauge,
}

impl Budget {
    /// A budget of so many bytes; `held` shows how many are in use.
    pub fn new(bytes: u64, held: Gauge) -> Self {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1);
        // The semaphore's own bound is far above any memory.
        let units = units.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { semaphore: Arc::new(Semaphore::new(units as usize)), units, held }
    }

    /// All of it, in bytes.
    pub fn capacity(&self) -> u64 {
        u64::from(self.units) * UNIT
    }

    /// Waits for so many bytes, in the order of asking. What is larger than the whole budget waits
    /// for all of it.
    pub async fn acquire(&self, bytes: u64) -> Hold {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.units);
        // The semaphore is never closed.
        let permit = Arc::clone(&self.semaphore).acquire_many_owned(units).await.ok();
        let bytes = i64::from(units) * UNIT as i64;
        self.held.add(bytes);
        Hold { _permit: permit, bytes, held: self.held.clone() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn no_more_is_held_than_the_budget() {
        let held = crate::telemetry::gauge_for_tests();
        let budget = Budget::new(10 * UNIT, held.clone());
        let first = budget.acquire(6 * UNIT).await;
        assert_eq!(held.get(), 6 * UNIT as i64);
        let waits = tokio::time::timeout(Duration::from_millis(20), budget.acquire(5 * UNIT));
        assert!(waits.await.is_err());
        drop(first);
        let all = budget.acquire(100 * UNIT).await;
        assert_eq!(held.get(), 10 * UNIT as i64);
        drop(all);
        assert_eq!(held.get(), 0);
    }
}
