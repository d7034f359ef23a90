//! The service over doubles of queue, objects and sink and a store that fails, on a clock that stands
//! still: every single step of a small run fails once, in every way, and some fail in pairs.
//!
//! The workers run inline. Whatever happens, in the end every alert is in the file exactly once, every
//! alert was told, and nothing waits. The loop that talks to SQS has its own tests of failures over
//! HTTP (`sources/s3_queue/tests`); here a simple queue stands in its place.

mod faults;
mod queue;
mod store;
mod tests;
mod world;
