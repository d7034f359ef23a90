//! The pure stages of askance: bytes in, alerts out.

pub mod sigma;
