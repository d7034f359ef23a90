//! What tests of the program share: servers on loopback, started by whoever needs them first.

// Not everybody who shares it needs all of it.
#[allow(dead_code)]
pub mod gateway;
pub mod moto;
