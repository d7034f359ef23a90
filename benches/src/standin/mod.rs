//! A stand-in for S3, SQS, SNS and Kinesis that answers from memory, faster than askance reads.
//!
//! It makes load and faults to measure and torture `askance run` with; moto is what AWS's behaviour
//! is tested against. There are no accounts, signatures or policies here: whoever asks is answered.

mod answer;
mod chunked;
mod content;
mod control;
mod corpus;
mod fault;
mod feed;
mod fresh;
mod kinesis;
mod listing;
mod notification;
mod objects;
mod queue;
mod s3;
mod server;
mod sns;
mod sqs;
mod state;
mod topic;

pub use fault::{Effect, Fault, FaultError};
pub use feed::{FeedConfig, Rate};
pub use server::Standin;
pub use state::{StandinConfig, StandinError};
