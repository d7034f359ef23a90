//! The rule language: Sigma documents in, a checked set of rules out.

pub mod ast;
