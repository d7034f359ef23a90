//! A folder: the files that are there, and those that come.
//!
//! It is walked again and again; files are read once they have stopped growing, and what was read
//! is found in the ledger after a restart.

mod folder;
mod read;
mod seen;
#[cfg(test)]
mod tests;
mod walk;

pub use folder::Directory;
