//! Texts with holes: `i-0<hex:16>`, `arn:aws:iam::<account>:role/<role>`. Compiled once, filled often.
//!
//! `<` never stands in the texts themselves: CloudTrail writes it as `\u003c`. Nothing here escapes anything; a
//! template that stands in JSON holds text that is already escaped.

use crate::generate::{
    calendar,
    pool::{self, Pools},
    random::{Random, mix},
};

/// A compiled text with holes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template(Vec<Piece>);

/// What the holes of one record are filled from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) account: &'a str,
    /// Another account of the same organisation.
    pub(crate) partner: &'a str,
    pub(crate) region: &'a str,
    pub(crate) pools: &'a Pools,
    /// Names of things are drawn from this, so that a name is the same everywhere in one record.
    pub(crate) draw: u64,
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// Start of the caller's session, seconds since 1970.
    pub(crate) created: u64,
    /// Number of the caller's session, from which its access key id is made.
    pub(crate) session: u64,
    pub(crate) caller_name: &'a str,
    pub(crate) request: &'a [u8],
}

#[derive(Clone, Debug)]
enum Piece {
    Text(Box<str>),
    Account,
    Partner,
    Region,
    CallerName,
    Request,
    Uuid,
    Hex(usize),
    Base64(usize),
    Upper(usize),
    Alphanumeric(usize),
    Number(u64),
    Time,
    Epoch,
    Created,
    LongDate,
    Expiry,
    AccessKey,
    Thing { pool: usize, variant: u64 },
    Pick(Box<[Box<str>]>),
}

const HEX: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xY";

impl Template {
    /// Compiles `text`.
    ///
    /// # Panics
    /// On an unknown hole or a missing `>`: the texts are this crate's own, and a test compiles them all.
    pub(crate) fn compile(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            let (hole, tail) = after.split_once('>').expect("every hole of our texts is closed");
            pieces.push(Piece::parse(hole));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Self(pieces)
    }

    /// Whether nothing would be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the text with its holes filled.
    pub(crate) fn fill(&self, out: &mut Vec<u8>, scene: &Scene<'_>, random: &mut Random) {
        for piece in &self.0 {
            piece.fill(out, scene, random);
        }
    }
}

impl Piece {
    fn parse(hole: &str) -> Self {
        let (name, argument) = hole.split_once(':').unwrap_or((hole, ""));
        let size = || argument.parse().expect("the size of a hole is a number");
        match name {
            "account" => Self::Account,
            "partner" => Self::Partner,
            "region" => Self::Region,
            "caller" => Self::CallerName,
            "request" => Self::Request,
            "uuid" => Self::Uuid,
            "hex" => Self::Hex(size()),
            "base64" => Self::Base64(size()),
            "upper" => Self::Upper(size()),
            "alnum" => Self::Alphanumeric(size()),
            "number" => Self::Number(size() as u64),
            "time" => Self::Time,
            "epoch" => Self::Epoch,
            "created" => Self::Created,
            "date" => Self::LongDate,
            "expiry" => Self::Expiry,
            "accesskey" => Self::AccessKey,
            "pick" => Self::Pick(argument.split('|').map(Into::into).collect()),
            thing => {
                let (thing, variant) = thing.split_once('.').unwrap_or((thing, "0"));
                let pool = pool::index(thing).expect("every other hole is the name of a pool");
                let variant = variant.parse().expect("a variant is a number");
                Self::Thing { pool, variant }
            }
        }
    }

    fn fill(&self, out: &mut Vec<u8>, scene: &Scene<'_>, random: &mut Random) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Account => out.extend_from_slice(scene.account.as_bytes()),
            Self::Partner => out.extend_from_slice(scene.partner.as_bytes()),
            Self::Region => out.extend_from_slice(scene.region.as_bytes()),
            Self::CallerName => out.extend_from_slice(scene.caller_name.as_bytes()),
            Self::Request => out.extend_from_slice(scene.request),
            Self::Uuid => uuid(out, random),
            Self::Hex(length) => letters(out, random, HEX, 4, *length),
            Self::Base64(length) => letters(out, random, BASE64, 6, *length),
            Self::Upper(length) => letters(out, random, UPPER, 5, *length),
            Self::Alphanumeric(length) => letters(out, random, ALPHANUMERIC, 6, *length),
            Self::Number(limit) => number(out, random.below(*limit)),
            Self::Time => calendar::iso(out, scene.time),
            Self::Epoch => number(out, scene.time * 1000 + random.below(1000)),
            Self::Created => calendar::iso(out, scene.created),
            Self::LongDate => calendar::long(out, scene.time),
            Self::Expiry => calendar::long(out, scene.time + 3600),
            Self::AccessKey => letters(out, &mut Random::new(scene.session), UPPER, 5, 9),
            Self::Thing { pool, variant } => {
                let hash = mix(scene.draw, (*pool as u64) << 8 | variant);
                out.extend_from_slice(scene.pools.name(*pool, hash).as_bytes());
            }
            Self::Pick(choices) => out.extend_from_slice(random.pick(choices).as_bytes()),
        }
    }
}

/// Appends a random UUID of version 4.
pub(crate) fn uuid(out: &mut Vec<u8>, random: &mut Random) {
    let bits = (u128::from(random.next()) << 64 | u128::from(random.next())).to_le_bytes();
    let mut text = *b"xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
    let mut nibbles = bits.iter().flat_map(|byte| [byte & 15, byte >> 4]);
    for place in text.iter_mut().filter(|place| matches!(place, b'x' | b'8')) {
        let nibble = nibbles.next().expect("a UUID has 31 places and there are 32 nibbles");
        *place = HEX[usize::from(if *place == b'8' { 8 | nibble & 3 } else { nibble })];
    }
    out.extend_from_slice(&text);
}

/// Appends `value` in decimal.
pub(crate) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn letters(out: &mut Vec<u8>, random: &mut Random, alphabet: &[u8], bits: u32, length: usize) {
    let mask = alphabet.len() as u64 - 1;
    let (mut word, mut left) = (0, 0);
    for _ in 0..length {
        if left < bits {
            (word, left) = (random.next(), 64);
        }
        out.push(alphabet[(word & mask) as usize]);
        word >>= bits;
        left -= bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn filled(text: &str) -> String {
        let pools = Pools::new(1, "111122223333");
        let scene = Scene {
            account: "111122223333",
            partner: "444455556666",
            region: "us-east-1",
            pools: &pools,
            draw: 5,
            time: calendar::START,
            created: calendar::START,
            session: 9,
            caller_name: "aiko",
            request: b"r",
        };
        let mut out = Vec::new();
        Template::compile(text).fill(&mut out, &scene, &mut Random::new(1));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn holes_are_filled() {
        assert_eq!(filled("<account>/<region>/<caller>"), "111122223333/us-east-1/aiko");
        assert_eq!(filled("<hex:16>").len(), 16);
        assert_eq!(filled("<uuid>").len(), 36);
        assert!(filled("<uuid>").bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()));
        assert_eq!(filled("<pick:a|a>"), "a");
    }

    #[test]
    fn a_thing_keeps_its_name_within_a_record() {
        let text = filled("<i> <i> <i.1>");
        let words: Vec<_> = text.split(' ').collect();
        assert_eq!(words[0], words[1]);
        assert_ne!(words[0], words[2]);
    }
}
