//! What tests of sources share: the contract that all of them pass, and doubles of what they are
//! given.

pub mod contract;
pub mod double;
