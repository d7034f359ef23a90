//! What tests of the program share: servers on loopback, started by whoever needs them first.

pub mod gateway;
pub mod moto;
