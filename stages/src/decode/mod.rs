//! Unpacks one object: gzip, zstd or plain, told by its first bytes and never by its name.
//!
//! Small gzip objects, which nearly all of a trail is, are unpacked whole by libdeflate into a
//! reused buffer. Large, many-member or damaged ones go through the streaming readers, so that
//! memory stays flat and what precedes damage is kept.

mod aggregate;
mod gzip;
mod stream;

use std::io::Read;

use crate::model::{Damage, Reason};

pub use aggregate::{Aggregate, HashRange, Inner, for_each_inner, hash_of};
pub use stream::Stream;

/// Compressed input up to this size is taken into memory whole.
///
/// CloudTrail's files are at most 50 MB packed, and nearly always under 1 MB.
pub const WHOLE_INPUT: usize = 8 << 20;

/// Unpacked size up to which an object is unpacked whole. Bounds each worker's buffer.
pub const WHOLE_OUTPUT: usize = 32 << 20;

/// How often an object may be packed in itself: Firehose packs what CloudWatch Logs had packed, and
/// some packs that once more.
const MAX_LAYERS: usize = 3;

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
    /// Where what is packed in itself is unpacked again.
    inner: Vec<u8>,
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
        let inflater = libdeflater::Decompressor::new();
        Self { inflater, output: Vec::new(), inner: Vec::new(), limits }
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
            (Packing::Gzip, None) => match self.unpack_whole(head) {
                Some(length) => Ok(Body::Whole(&self.output[..length])),
                None => {
                    let stream = Stream::gzip(head, None, self.limits).peeled()?;
                    Ok(Body::Stream(Box::new(stream)))
                }
            },
            (Packing::Gzip, rest) => {
                let stream = Stream::gzip(head, rest, self.limits).peeled()?;
                Ok(Body::Stream(Box::new(stream)))
            }
            (Packing::Zstd, rest) => {
                let stream = Stream::zstd(head, rest, self.limits)?.peeled()?;
                Ok(Body::Stream(Box::new(stream)))
            }
            (Packing::Plain, Some(rest)) => {
                Ok(Body::Stream(Box::new(Stream::plain(head, Some(rest), self.limits))))
            }
        }
    }
}

impl Decoder {
    /// Unpacks gzip of one member, and what is so packed in it, into the buffer; the length there.
    fn unpack_whole(&mut self, packed: &[u8]) -> Option<usize> {
        let limit = usize::try_from(self.limits.max_object_bytes).unwrap_or(usize::MAX);
        let mut length = gzip::unpack_whole(&mut self.inflater, packed, &mut self.output, limit)?;
        for _ in 1..MAX_LAYERS {
            match Packing::of(&self.output[..length]) {
                Packing::Plain => return Some(length),
                // The streaming way knows it.
                Packing::Zstd => return None,
                Packing::Gzip => {}
            }
            let (packed, inner) = (&self.output[..length], &mut self.inner);
            length = gzip::unpack_whole(&mut self.inflater, packed, inner, limit)?;
            std::mem::swap(&mut self.output, &mut self.inner);
        }
        // The streaming way tells what is packed too often.
        (Packing::of(&self.output[..length]) == Packing::Plain).then_some(length)
    }
}

/// Names what a reader's error means.
fn damage_of(error: &std::io::Error, offset: u64, otherwise: Reason) -> Damage {
    if let Some(stream::Below(damage)) = error.get_ref().and_then(|e| e.downcast_ref()) {
        return damage.clone();
    }
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Reason::Truncated,
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => otherwise,
        _ => Reason::Unreadable,
    };
    Damage { reason, offset, detail: error.to_string() }
}

#[cfg(test)]
mod tests;
