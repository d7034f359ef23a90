//! CloudTrail's objects in S3, as notifications of them arrive in an SQS queue.
//!
//! A message is deleted only after everything of all its objects is committed. What cannot be read is
//! refused with evidence; which of it is deleted, left to the queue's dead-letter queue or tried
//! again is told by [`super::s3::Outcome::disposal`], and to users by `docs/sources.md`.

mod activity;
mod deletes;
mod message;
mod notification;
mod queue;
mod receiver;
#[cfg(test)]
mod tests;
mod visibility;

pub use notification::MARK;
pub use queue::{S3Queue, region_of_queue};
