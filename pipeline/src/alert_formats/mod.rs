//! Alerts in the forms that programs take: askance's own JSON, OCSF, ASFF.
//!
//! Pure functions of an alert and what is known with it. What people read is made in `sinks/words`;
//! who is sent what is the sinks' business.

mod act;
mod arn;
mod asff;
mod asff_kinds;
mod attack;
mod clip;
mod native;
mod ocsf;

pub use asff::{Product, asff};
pub use clip::{clip, fit};
pub use native::native;
pub use ocsf::{Told, ocsf, ocsf_told};

#[cfg(test)]
mod tests;
