//! Unpacks piece by piece: for objects that are large, have several members, or are damaged.

use std::io::{BufRead, BufReader, Cursor, Read};

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{InBuffer, Operation, OutBuffer};

use super::{DecodeLimits, MAX_LAYERS, Packing, damage_of};
use crate::model::{Damage, Reason};

/// Size of one read from below.
const READ: usize = 256 << 10;

/// Packed bytes given to zstd at a time.
const ZSTD_STEP: usize = 4 << 10;

/// Output up to here may be of any ratio: small objects can't hurt.
const RATIO_FREE: u64 = 64 << 20;

/// Reads an object's text piece by piece.
pub struct Stream<'a> {
    kind: Kind<'a>,
    limits: DecodeLimits,
    /// Bytes given out.
    given: u64,
    /// Packed bytes taken in.
    consumed: u64,
    /// Bytes that were read to look at them; given out first.
    seen: Cursor<Vec<u8>>,
}

/// Damage of a layer of packing below, on its way through a reader.
#[derive(Debug)]
pub(super) struct Below(pub(super) Damage);

impl std::fmt::Display for Below {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Below {}

/// What a layer of packing gives, for the layer within.
struct Layer<'a>(Stream<'a>);

impl Read for Layer<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(out).map_err(|damage| std::io::Error::other(Below(damage)))
    }
}

enum Kind<'a> {
    Plain(Source<'a>),
    /// Between members.
    Gzip(Option<Source<'a>>),
    Member(Source<'a>, Decompress),
    Zstd(Source<'a>, Box<Unzstd>),
    /// What was unpacked before the damage has been given out; now it is told.
    Damaged(Option<Damage>),
    Done,
}

/// What comes behind the bytes that were unpacked.
enum Next {
    /// The member ended well.
    Member,
    Damage(Damage),
}

/// The packed bytes, counted.
struct Source<'a> {
    reader: BufReader<Box<dyn Read + 'a>>,
    consumed: u64,
}

impl<'a> Source<'a> {
    fn of(reader: Box<dyn Read + 'a>) -> Self {
        Self { reader: BufReader::with_capacity(READ, reader), consumed: 0 }
    }

    fn new(head: &'a [u8], rest: Option<&'a mut dyn Read>) -> Self {
        let reader: Box<dyn Read + 'a> = match rest {
            Some(rest) => Box::new(Cursor::new(head).chain(rest)),
            None => Box::new(Cursor::new(head)),
        };
        Self::of(reader)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(out)?;
        self.consumed += count as u64;
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.consumed += amount as u64;
        self.reader.consume(amount);
    }
}

impl<'a> Stream<'a> {
    pub(super) fn plain(
        head: &'a [u8],
        rest: Option<&'a mut dyn Read>,
        limits: DecodeLimits,
    ) -> Self {
        Self::begin(Kind::Plain(Source::new(head, rest)), limits)
    }

    pub(super) fn gzip(
        head: &'a [u8],
        rest: Option<&'a mut dyn Read>,
        limits: DecodeLimits,
    ) -> Self {
        Self::begin(Kind::Gzip(Some(Source::new(head, rest))), limits)
    }

    pub(super) fn zstd(
        head: &'a [u8],
        rest: Option<&'a mut dyn Read>,
        limits: DecodeLimits,
    ) -> Result<Self, Damage> {
        Ok(Self::begin(Kind::unzstd(Source::new(head, rest))?, limits))
    }

    fn begin(kind: Kind<'a>, limits: DecodeLimits) -> Self {
        Self { kind, limits, given: 0, consumed: 0, seen: Cursor::default() }
    }

    /// Unpacks what comes out once more, for as long as that is packed too.
    pub(super) fn peeled(mut self) -> Result<Self, Damage> {
        for _ in 0..MAX_LAYERS {
            let mut head = vec![0; 4096];
            let mut filled = 0;
            let mut damage = None;
            while filled < 4 && damage.is_none() {
                match self.read(&mut head[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(found) => damage = Some(found),
                }
            }
            head.truncate(filled);
            let packing = Packing::of(&head);
            if packing == Packing::Plain || damage.is_some() {
                if damage.is_some() {
                    self.kind = Kind::Damaged(damage);
                }
                self.seen = Cursor::new(head);
                return Ok(self);
            }
            let limits = self.limits;
            let source = Source::of(Box::new(Cursor::new(head).chain(Layer(self))));
            let kind = match packing {
                Packing::Zstd => Kind::unzstd(source)?,
                Packing::Gzip | Packing::Plain => Kind::Gzip(Some(source)),
            };
            self = Self::begin(kind, limits);
        }
        let detail = format!("packed in itself more than {MAX_LAYERS} times");
        Err(Damage { reason: Reason::Bomb, offset: 0, detail })
    }

    /// Reads some bytes into `out`, which is not empty; 0 at the end.
    ///
    /// # Errors
    /// Damage: nothing comes after it.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Damage> {
        if let count @ 1.. = Read::read(&mut self.seen, out).unwrap_or(0) {
            return Ok(count);
        }
        let count = match self.read_any(out) {
            Ok(count) => count,
            Err(damage) => {
                self.kind = Kind::Done;
                return Err(damage);
            }
        };
        self.note_consumed();
        self.given += count as u64;
        let Some(damage) = self.excess() else { return Ok(count) };
        // What is within the limit is given out before the damage is told.
        let too_many = self.given.saturating_sub(self.limits.max_object_bytes);
        let kept = count.saturating_sub(usize::try_from(too_many).unwrap_or(usize::MAX));
        if kept == 0 {
            self.kind = Kind::Done;
            return Err(damage);
        }
        self.kind = Kind::Damaged(Some(damage));
        Ok(kept)
    }

    /// Too much came out, or too much for what went in.
    fn excess(&self) -> Option<Damage> {
        let is_packed = !matches!(self.kind, Kind::Plain(_));
        let ratio = self.limits.max_ratio.max(1);
        let detail = if self.given > self.limits.max_object_bytes {
            format!("more than {} bytes (limits.max_object)", self.limits.max_object_bytes)
        } else if is_packed && self.given > RATIO_FREE && self.given / ratio > self.consumed {
            format!("more than {} to 1 (limits.max_ratio)", self.limits.max_ratio)
        } else {
            return None;
        };
        Some(Damage { reason: Reason::Bomb, offset: self.consumed, detail })
    }

    /// Notes how many packed bytes were taken in so far; at the end there is no source to ask.
    fn note_consumed(&mut self) {
        self.consumed = match &self.kind {
            Kind::Plain(source)
            | Kind::Gzip(Some(source))
            | Kind::Member(source, _)
            | Kind::Zstd(source, _) => source.consumed,
            Kind::Gzip(None) | Kind::Damaged(_) | Kind::Done => self.consumed,
        };
    }

    fn read_any(&mut self, out: &mut [u8]) -> Result<usize, Damage> {
        loop {
            self.note_consumed();
            let consumed = self.consumed;
            match &mut self.kind {
                Kind::Done => return Ok(0),
                Kind::Plain(source) => {
                    return source
                        .read(out)
                        .map_err(|e| damage_of(&e, consumed, Reason::Unreadable));
                }
                Kind::Zstd(source, unzstd) => {
                    let (count, next) = unzstd.unpack(source, out);
                    match next {
                        None => {}
                        Some(Next::Member) => self.kind = Kind::Done,
                        Some(Next::Damage(damage)) => self.kind = Kind::Damaged(Some(damage)),
                    }
                    if count > 0 {
                        return Ok(count);
                    }
                }
                Kind::Gzip(source) => {
                    let source = source.take().ok_or_else(lost_source)?;
                    self.kind = next_member(source)?;
                }
                Kind::Member(source, inflater) => {
                    let (count, next) = inflate(source, inflater, out);
                    if let Some(next) = next {
                        let Kind::Member(source, _) = std::mem::replace(&mut self.kind, Kind::Done)
                        else {
                            return Err(lost_source());
                        };
                        self.kind = match next {
                            Next::Member => Kind::Gzip(Some(source)),
                            Next::Damage(damage) => Kind::Damaged(Some(damage)),
                        };
                    }
                    if count > 0 {
                        return Ok(count);
                    }
                }
                Kind::Damaged(damage) => return Err(damage.take().unwrap_or_else(lost_source)),
            }
        }
    }
}

impl<'a> Kind<'a> {
    fn unzstd(source: Source<'a>) -> Result<Self, Damage> {
        let decoder = zstd::stream::raw::Decoder::new()
            .map_err(|error| damage_of(&error, 0, Reason::Internal))?;
        Ok(Self::Zstd(source, Box::new(Unzstd { decoder, is_mid: false })))
    }
}

/// The source is put back after every step; this is reached by a defect only.
fn lost_source() -> Damage {
    Damage { reason: Reason::Internal, offset: 0, detail: "the reader was lost".to_owned() }
}

/// Looks at what follows a member (or begins the object): another member, padding, or garbage.
fn next_member(mut source: Source<'_>) -> Result<Kind<'_>, Damage> {
    let offset = source.consumed;
    let unreadable = |error: &std::io::Error| damage_of(error, offset, Reason::Unreadable);
    let next = source.fill_buf().map_err(|error| unreadable(&error))?;
    let Some(first) = next.first().copied() else { return Ok(Kind::Done) };
    let is_first = offset == 0;
    // A header may lie across two reads: a short buffer is not yet a reason to call it garbage.
    let begins_member = next.iter().zip(super::gzip::MAGIC).all(|(have, want)| *have == want)
        && next.get(3).is_none_or(|flags| flags & 0xe0 == 0);
    if is_first || begins_member {
        return Ok(Kind::Member(source, Decompress::new_gzip(15)));
    }
    if first == 0 && is_zeros(&mut source).map_err(|error| unreadable(&error))? {
        return Ok(Kind::Done);
    }
    let detail = "behind the last gzip member".to_owned();
    Err(Damage { reason: Reason::TrailingGarbage, offset, detail })
}

/// Zeros to the end are padding, as tapes and some copies leave it.
fn is_zeros(source: &mut Source<'_>) -> std::io::Result<bool> {
    loop {
        let next = source.fill_buf()?;
        if next.is_empty() {
            return Ok(true);
        }
        if next.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let count = next.len();
        source.consume(count);
    }
}

/// Unpacks some of a member; every byte that came out before damage is counted.
fn inflate(
    source: &mut Source<'_>,
    inflater: &mut Decompress,
    out: &mut [u8],
) -> (usize, Option<Next>) {
    let mut count = 0;
    while count < out.len() {
        let input = match source.fill_buf() {
            Ok(input) => input,
            Err(error) => {
                let damage = damage_of(&error, source.consumed, Reason::Unreadable);
                return (count, Some(Next::Damage(damage)));
            }
        };
        if input.is_empty() {
            let detail = "the last gzip member is cut".to_owned();
            let damage = Damage { reason: Reason::Truncated, offset: source.consumed, detail };
            return (count, Some(Next::Damage(damage)));
        }
        let (read, written) = (inflater.total_in(), inflater.total_out());
        let result = inflater.decompress(input, &mut out[count..], FlushDecompress::None);
        // Both fit: they are at most the lengths just given.
        let read = (inflater.total_in() - read) as usize;
        count += (inflater.total_out() - written) as usize;
        source.consume(read);
        match result {
            Ok(Status::StreamEnd) => return (count, Some(Next::Member)),
            Ok(Status::Ok | Status::BufError) => {}
            Err(error) => {
                let words = error.to_string();
                let is_check = words.contains("check");
                let reason =
                    if is_check { Reason::BadChecksum } else { Reason::CorruptCompression };
                let damage = Damage { reason, offset: source.consumed, detail: words };
                return (count, Some(Next::Damage(damage)));
            }
        }
    }
    (count, None)
}

/// Zstandard frames, one after the other.
struct Unzstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    /// A frame has begun and not ended.
    is_mid: bool,
}

impl Unzstd {
    /// Unpacks some; every byte that came out before damage is counted. [`Next::Member`] at the end.
    fn unpack(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> (usize, Option<Next>) {
        let mut count = 0;
        while count < out.len() {
            let offset = source.consumed;
            let damage =
                |reason, detail: String| Some(Next::Damage(Damage { reason, offset, detail }));
            let input = match source.fill_buf() {
                Ok(input) => input,
                Err(error) => return (count, damage(Reason::Unreadable, error.to_string())),
            };
            if input.is_empty() {
                if self.is_mid {
                    let detail = "the last zstd frame is cut".to_owned();
                    return (count, damage(Reason::Truncated, detail));
                }
                return (count, Some(Next::Member));
            }
            let is_first = offset == 0;
            // An error hides what the same call unpacked, so little is given at a time, and what
            // may be the checksum, four bytes, by itself.
            let step = match input.len() {
                length @ 0..=4 => length,
                length => (length - 4).min(ZSTD_STEP),
            };
            let mut from = InBuffer::around(&input[..step]);
            let mut into = OutBuffer::around(&mut out[count..]);
            let result = self.decoder.run(&mut from, &mut into);
            let (read, written) = (from.pos(), into.pos());
            count += written;
            source.consume(read);
            match result {
                Ok(hint) => {
                    // Nothing read and nothing written would go on for ever.
                    if read == 0 && written == 0 && hint > 0 && self.is_mid {
                        return (count, damage(Reason::CorruptCompression, String::new()));
                    }
                    self.is_mid = hint > 0;
                }
                Err(error) => {
                    let words = error.to_string();
                    let reason = if words.contains("checksum") {
                        Reason::BadChecksum
                    } else if !is_first && !self.is_mid {
                        Reason::TrailingGarbage
                    } else {
                        Reason::CorruptCompression
                    };
                    return (count, damage(reason, words));
                }
            }
        }
        (count, None)
    }
}
