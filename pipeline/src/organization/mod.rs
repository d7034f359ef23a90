//! One's own accounts as AWS Organizations lists them: asked now and then, and the last good answer kept.
//!
//! The answer is a file. Whoever wants to know accounts reads that (`context.rs`), so that a new one is taken
//! over like any other file that changes, and one that is old still holds while Organizations is away.

mod ask;
mod kept;
mod refresh;
#[cfg(test)]
mod tests;

pub use kept::{fill, read};
pub use refresh::Refresher;
