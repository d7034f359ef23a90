//! The pure stages of askance: bytes of CloudTrail in, alerts out.
//!
//! [`flow::Worker::run`] is the whole pipe from bytes to alerts; read it first. [`raise::Raise`] decides
//! which alerts are told. Nothing in this crate touches files,
//! sockets, the environment, threads or the clock.

pub mod alert;
pub mod correlate;
pub mod decode;
pub mod enrich;
pub mod filter;
pub mod flow;
pub mod matcher;
pub mod model;
pub mod parse;
pub mod raise;
pub mod sigma;
pub mod tally;
pub mod yaml;
