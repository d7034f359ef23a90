//! From decoded bytes to records.

pub mod split;

mod header;
mod lenient;
mod record;
mod structure;

pub use record::Parser;
pub use split::{MAX_RECORD, Piece, Splitter, Step};
pub use structure::{Found, MAX_DEPTH, Structure, Walk};
