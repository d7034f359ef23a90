//! The queue in tests: every shape of notification, everything that can fail, and AWS as moto plays
//! it.

mod faults;
mod moto;
mod notification;
mod stand_in;
