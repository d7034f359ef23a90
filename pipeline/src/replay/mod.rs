//! Jobs that read the past: what is kept of one between its runs, what it will cost, and handing its
//! objects to a fleet.
//!
//! Listing and fetching are `sources/s3_replay`, the command is `cli/replay`.

mod cost;
mod enqueue;
mod job;

pub use cost::Estimate;
pub use enqueue::{EnqueueError, Enqueuer};
pub use job::{Done, Job, JobError, Mode, Plan, Spec, State, Way, fingerprint, store_of};
