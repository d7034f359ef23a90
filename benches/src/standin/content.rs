//! The bytes of an object and what S3 says of them; no copy is made to answer with them.

use std::ops::Range;

use axum::body::Bytes;
use jiff::Timestamp;
use md5::{Digest as _, Md5};

/// An object's bytes, in two parts so that objects can share all but their ends.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    head: Bytes,
    tail: Bytes,
    /// The entity tag, without its quotes.
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
}

impl Content {
    /// An object with its MD5 as entity tag, as S3 gives it.
    pub(crate) fn new(bytes: Bytes) -> Self {
        let etag = md5(&bytes);
        Self { head: bytes, tail: Bytes::new(), etag, modified: Timestamp::now() }
    }

    /// An object whose end alone is its own; so is the entity tag, which S3 promises to be no MD5.
    pub(crate) fn ending(head: Bytes, tail: Bytes) -> Self {
        let etag = md5(&tail);
        Self { head, tail, etag, modified: Timestamp::now() }
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Some of it; the range lies within.
    pub(crate) fn slice(&self, range: Range<usize>) -> [Bytes; 2] {
        let edge = self.head.len();
        let head = self.head.slice(range.start.min(edge)..range.end.min(edge));
        let tail = self.tail.slice(range.start.max(edge) - edge..range.end.max(edge) - edge);
        [head, tail]
    }
}

/// The MD5 of bytes, in hexadecimal.
pub(crate) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_may_cross_the_edge() {
        let content = Content::ending(Bytes::from_static(b"abcd"), Bytes::from_static(b"efg"));
        let text = |range: Range<usize>| String::from_utf8(content.slice(range).concat()).unwrap();
        assert_eq!(text(0..7), "abcdefg");
        assert_eq!(text(2..5), "cde");
        assert_eq!(text(5..7), "fg");
        assert_eq!(text(1..2), "b");
        assert_eq!(text(4..4), "");
    }

    #[test]
    fn the_entity_tag_is_the_md5() {
        assert_eq!(Content::new(Bytes::new()).etag, "d41d8cd98f00b204e9800998ecf8427e");
    }
}
