//! Standard input as a source: until it ends.
//!
//! Lines of JSON are handed on a few at a time, so that a pipe that never ends gives alerts soon.
//! Anything else is one object.

mod cutter;
mod input;
mod pipe;
#[cfg(test)]
mod tests;

pub use input::StandardInput;
