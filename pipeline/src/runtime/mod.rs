//! Workers, and the order in which their results come out.

pub mod pool;
pub mod turnstile;
