//! From decoded bytes to records.

pub mod split;

mod header;
mod lenient;
mod quick;
mod record;
mod shallow;
mod structure;

pub use record::Parser;
pub use shallow::{Member, Steps};
pub use split::{MAX_RECORD, Piece, Splitter, Step};
pub use structure::{Found, MAX_DEPTH, Structure, Walk};

/// Is this whole object an envelope around records, or a list of them, rather than a record?
#[must_use]
pub fn is_envelope(structure: Structure, text: &[u8]) -> bool {
    use header::{Header, Whole};
    if header::is_plain_record(text) {
        return false;
    }
    match header::look(structure, text, true) {
        Header::List { .. } => true,
        Header::Whole { kind, .. } => match kind {
            Whole::Quoted { .. } | Whole::Detail { .. } | Whole::Dropped(_) | Whole::Odd(_) => true,
            Whole::Record { .. } => false,
        },
        Header::More | Header::TooDeep | Header::Malformed => false,
    }
}

/// Unescapes the inside of a JSON string that holds a record; `out` is overwritten.
pub fn unescape(inside: &[u8], out: &mut String) {
    lenient::unescape(inside, out);
}
