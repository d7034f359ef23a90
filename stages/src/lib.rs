//! The pure stages of askance: bytes in, alerts out.

pub mod decode;
pub mod model;
pub mod parse;
pub mod sigma;
pub mod yaml;
