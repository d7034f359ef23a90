//! CloudTrail's objects in S3, as notifications of them arrive in an SQS queue.
//!
//! A message is deleted only after everything of all its objects is committed. What cannot be read is
//! refused with evidence; which of it is deleted, left to the queue's dead-letter queue or tried
//! again is told by [`outcome::Outcome::disposal`], and to users by `docs/sources.md`.

mod body;
mod buckets;
mod deletes;
#[cfg(test)]
mod fault_tests;
mod fetch;
mod message;
#[cfg(test)]
mod moto_tests;
mod notification;
#[cfg(test)]
mod notification_tests;
mod outcome;
mod queue;
mod receiver;
#[cfg(test)]
mod stand_in;
mod troubles;
mod visibility;

pub use queue::S3Queue;
