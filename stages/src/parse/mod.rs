//! From decoded bytes to records.

pub mod structure;
