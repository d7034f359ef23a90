//! The pure stages of askance: bytes in, alerts out.

pub mod parse;
pub mod sigma;
