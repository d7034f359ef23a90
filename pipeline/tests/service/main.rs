//! `askance run` as a program among its neighbours: a bucket, a queue and a topic on loopback.
//!
//! The neighbours are moto where AWS's behaviour counts, and the stand-in of `benches` where it is the
//! faults that count. What each part does inside is left to its own tests.

// Helpers of tests fail by panicking, as tests do, and say on standard error what they saw.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod backtest;
mod backtest_correlations;
mod baseline;
mod client;
mod corpus;
mod correlations;
mod end_to_end;
mod fleet;
mod kills;
mod place;
mod program;
mod reload;
mod replay;
mod replay_on_moto;
mod reshard;
mod stream;
mod stream_place;
mod trouble;

#[path = "../support/mod.rs"]
mod support;
