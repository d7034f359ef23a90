//! Kinesis streams: a consumer that shares shards with others by leases, as the Kinesis Client Library
//! does.
//!
//! `worker` takes leases and keeps them alive, `consumer` reads one shard under its lease, `reader` asks
//! or is told, `audit` compares leases with shards. The stream and the table are ports: `aws_stream` and
//! `leases/dynamo` are AWS, and tests bring doubles.

mod audit;
mod aws_stream;
mod consumer;
mod ending;
mod env;
mod held;
pub mod leases;
mod name;
mod position;
mod reader;
mod show;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod worker;

pub use show::{LeaseLine, ShardLine};
pub use source::Kinesis;
