//! Unpacks one object: gzip, zstd or plain, told by its first bytes and never by its name.
//!
//! Small gzip objects, which nearly all of a trail is, are unpacked whole by libdeflate into a
//! reused buffer. Large, many-member or damaged ones go through the streaming readers, so that
//! memory stays flat and what precedes damage is kept.

mod gzip;
mod stream;

use std::io::Read;

use crate::model::{Damage, Reason};

pub use stream::Stream;

/// Compressed input up to this size is taken into memory whole.
///
/// CloudTrail's files are at most 50 MB packed, and nearly always under 1 MB.
pub const WHOLE_INPUT: usize = 8 << 20;

/// Unpacked size up to which an object is unpacked whole. Bounds each worker's buffer.
pub const WHOLE_OUTPUT: usize = 32 << 20;

/// What an object may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes that one object may unpack to.
    pub max_object_bytes: u64,
    /// Most bytes that come out for each byte that goes in, looked at past 64 MiB of output.
    pub max_ratio: u64,
}

impl Default for DecodeLimits {
    /// 64 GiB, and 500 to 1: real trails pack 10 to 30 to 1, repeated test data 100 to 1, and a
    /// gzip bomb of zeros 1,030 to 1.
    fn default() -> Self {
        Self { max_object_bytes: 64 << 30, max_ratio: 500 }
    }
}

/// One object as it came.
pub enum Input<'a> {
    /// All of its bytes.
    Whole(&'a [u8]),
    /// Its first bytes, and a reader of the rest.
    Parts(&'a [u8], &'a mut dyn Read),
}

/// An object's text.
pub enum Body<'a> {
    /// All of it, undamaged.
    Whole(&'a [u8]),
    /// To be read piece by piece.
    Stream(Box<Stream<'a>>),
}

/// Unpacks objects one after the other, and keeps the buffers between them.
pub struct Decoder {
    inflater: libdeflater::Decompressor,
    output: Vec<u8>,
    limits: DecodeLimits,
}

/// How an object is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Plain,
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        if head.starts_with(&gzip::MAGIC) {
            return Self::Gzip;
        }
        // A zstd frame, or a skippable frame (0x184D2A50 to 5F, little-endian) before one.
        let is_skippable =
            head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18];
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable {
            return Self::Zstd;
        }
        Self::Plain
    }
}

impl Decoder {
    /// Makes a decoder with these limits.
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        Self { inflater: libdeflater::Decompressor::new(), output: Vec::new(), limits }
    }

    /// Begins to unpack an object.
    ///
    /// # Errors
    /// When its very beginning cannot be understood; damage further on comes from the stream.
    pub fn open<'a>(&'a mut self, input: Input<'a>) -> Result<Body<'a>, Damage> {
        let (head, rest) = match input {
            Input::Whole(bytes) => (bytes, None),
            Input::Parts(head, rest) => (head, Some(rest)),
        };
        match (Packing::of(head), rest) {
            (Packing::Plain, None) if head.len() as u64 <= self.limits.max_object_bytes => {
                Ok(Body::Whole(head))
            }
            (Packing::Plain, None) => {
                Ok(Body::Stream(Box::new(Stream::plain(head, None, self.limits))))
            }
            (Packing::Gzip, None) => {
                let limit = usize::try_from(self.limits.max_object_bytes).unwrap_or(usize::MAX);
                match gzip::unpack_whole(&mut self.inflater, head, &mut self.output, limit) {
                    Some(length) => Ok(Body::Whole(&self.output[..length])),
                    None => Ok(Body::Stream(Box::new(Stream::gzip(head, None, self.limits)))),
                }
            }
            (Packing::Gzip, rest) => {
                Ok(Body::Stream(Box::new(Stream::gzip(head, rest, self.limits))))
            }
            (Packing::Zstd, rest) => {
                Ok(Body::Stream(Box::new(Stream::zstd(head, rest, self.limits)?)))
            }
            (Packing::Plain, Some(rest)) => {
                Ok(Body::Stream(Box::new(Stream::plain(head, Some(rest), self.limits))))
            }
        }
    }
}

/// Names what a reader's error means.
fn damage_of(error: &std::io::Error, offset: u64, otherwise: Reason) -> Damage {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Reason::Truncated,
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => otherwise,
        _ => Reason::Unreadable,
    };
    Damage { reason, offset, detail: error.to_string() }
}

#[cfg(test)]
mod tests;
