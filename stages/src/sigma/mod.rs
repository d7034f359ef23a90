//! The rule language: Sigma documents in, a checked set of rules out.
//!
//! [`read`] takes all files at once and tells everything that is wrong with them. The types of what
//! it returns are in [`ast`]. It follows the Sigma specification 2.1 and is strict: what it cannot
//! do, or what was probably not meant, is an error by name, since a typo must never widen or
//! silence a rule. It reads no files and matches no records.

pub mod ast;

mod askance;
mod classify;
mod condition;
mod correlation;
mod detection;
mod document;
mod encode;
mod ending;
mod expand;
mod filter;
mod item;
mod modifier;
mod network;
mod pattern;
mod pcre;
mod problem;
mod reading;
mod record_keys;
mod regexes;
mod rule;
mod scope;
mod selection;
mod value;
mod wording;

pub use correlation::duration;
pub use ending::{Ended, Ending, parse_day};
pub use pcre::crate_syntax;
pub use problem::{LeftOut, Problem, Severity, Skipped};
pub use reading::{ReadOptions, Reading, SourceFile, read};
pub use selection::selection;

#[cfg(test)]
mod tests;
