//! Workers, and the order in which their results come out; for the service, the way from sources to
//! the store and on to the sinks.

pub mod budget;
pub mod clock;
pub mod commit;
pub mod correlating;
pub mod deliver;
mod ending;
pub mod intake;
pub mod plan;
pub mod pool;
pub mod rejects;
pub mod reload;
pub mod retry;
pub mod seen;
pub mod service;
#[cfg(test)]
pub mod simulation;
pub mod turnstile;
pub mod work;
pub mod workers;
