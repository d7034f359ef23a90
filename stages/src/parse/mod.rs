//! From decoded bytes to records.

pub mod split;

mod header;
mod lenient;
mod record;
mod shallow;
mod structure;

pub use record::Parser;
pub use shallow::Member;
pub use split::{MAX_RECORD, Piece, Splitter, Step};
pub use structure::{Found, MAX_DEPTH, Structure, Walk};

/// Unescapes the inside of a JSON string that holds a record; `out` is overwritten.
pub fn unescape(inside: &[u8], out: &mut String) {
    lenient::unescape(inside, out);
}
