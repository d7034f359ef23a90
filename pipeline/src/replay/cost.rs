//! What a replay costs, before it is begun: requests at S3's list price, and a time.

use std::time::Duration;

/// US dollars for 1,000 requests, S3 Standard in us-east-1: a listing, a download.
const LIST_PER_1000: f64 = 0.005;
const GET_PER_1000: f64 = 0.0004;

/// US dollars for 1,000,000 requests to a standard queue, of ten messages or a deletion.
const SQS_PER_MILLION: f64 = 0.40;

/// US dollars for a gigabyte that leaves AWS (the first 10 TB of a month); within a region it is free.
const TRANSFER_PER_GB: f64 = 0.09;

/// Packed bytes a second of one core, as `askance scan` reads them (docs/performance.md), and of the
/// network. The slower of both counts.
const BYTES_PER_CORE: f64 = 60e6;
const BYTES_OF_NETWORK: f64 = 300e6;

/// Objects a second that one machine fetches, whatever their size.
const OBJECTS: f64 = 1000.0;

/// An estimate; all money is in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Listing, done already.
    pub listing: f64,
    /// Downloads.
    pub downloads: f64,
    /// Messages, for a replay by a fleet.
    pub messages: f64,
    /// If the program runs outside of AWS; 0 is paid within the bucket's region.
    pub transfer: f64,
    /// How long it may take on this machine.
    pub time: Duration,
}

impl Estimate {
    /// For so many objects and packed bytes, found by so many requests, on so many cores.
    pub fn of(objects: u64, bytes: u64, requests: u64, cores: usize) -> Self {
        let rate = (BYTES_PER_CORE * cores.max(1) as f64).min(BYTES_OF_NETWORK);
        let seconds = (bytes as f64 / rate).max(objects as f64 / OBJECTS);
        let messages = objects as f64 / 10.0 * 3.0;
        Self {
            listing: requests as f64 / 1000.0 * LIST_PER_1000,
            downloads: objects as f64 / 1000.0 * GET_PER_1000,
            messages: messages / 1e6 * SQS_PER_MILLION,
            transfer: bytes as f64 / 1e9 * TRANSFER_PER_GB,
            time: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_adds_up() {
        let estimate = Estimate::of(1_000_000, 500_000_000_000, 2000, 2);
        assert_eq!(estimate.listing, 0.01);
        assert_eq!(estimate.downloads, 0.4);
        assert_eq!(estimate.transfer, 45.0);
        assert_eq!(estimate.time.as_secs(), 4166);
        assert_eq!(Estimate::of(0, 0, 1, 1).time, Duration::ZERO);
        // Many small objects take as long as their requests.
        assert_eq!(Estimate::of(60_000, 1, 1, 64).time.as_secs(), 60);
    }
}
