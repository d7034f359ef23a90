//! CloudTrail's objects in S3, as notifications of them arrive in an SQS queue.
//!
//! A message is deleted only after everything of all its objects is committed. What cannot be read is
//! refused with evidence; which of it is deleted, left to the queue's dead-letter queue or tried
//! again is told by [`outcome::Outcome::disposal`], and to users by `docs/sources.md`.

mod queue;
mod receiver;
mod message;
mod notification;
mod visibility;
mod buckets;
mod fetch;
mod body;
mod outcome;
mod deletes;
mod troubles;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod moto_tests;
#[cfg(test)]
mod notification_tests;
#[cfg(test)]
mod stand_in;

pub use queue::S3Queue;
