//! Where objects come from.

pub mod files;
mod stdin;
