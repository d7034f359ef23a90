//! The service over doubles of queue, objects and sink and a store that fails, on a clock that stands
//! still: every single step of a small run fails once, in every way, and some fail in pairs.
//!
//! The workers run inline, the source is the real one (`sources/s3_queue`) over SQS and S3 in memory.
//! Whatever happens, in the end every alert is in the file exactly once, every alert was told, and
//! nothing waits.

pub mod faults;
mod neighbours;
pub mod store;
mod tests;
mod world;
