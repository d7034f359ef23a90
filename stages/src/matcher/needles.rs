//! Finds several short texts in a record in one pass: keys and whole values, which end in a quote.

use memchr::memmem;

use super::probe::{Probe, Text};

/// Most whole values that are looked for.
pub(super) const MAX_VALUES: usize = 4;

/// So many bytes before its closing quote a pattern is compared at once.
const TAIL: usize = 16;

/// What was found; see [`Needles::find`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needle {
    /// A key, by its place, up to its closing quote.
    Key(usize),
    /// A string with this whole value, by its place.
    Value(usize),
    /// The key that tells of a cut object.
    Omitted,
    /// The Kelvin sign, which folds to `k`.
    Kelvin,
}

/// A key or a value, up to its closing quote.
#[derive(Debug)]
struct Pattern {
    needle: Needle,
    /// Folded if the case does not matter.
    whole: Vec<u8>,
    is_cased: bool,
    /// Its last bytes.
    tail: u128,
    /// Which bits of the bytes in the record are to be like them.
    mask: u128,
}

/// All needles of a set of rules.
#[derive(Debug, Default)]
pub(super) struct Needles {
    patterns: Vec<Pattern>,
    probe: Probe,
    kelvin: Option<memmem::Finder<'static>>,
}

/// A value that can be looked for: text that no number or boolean could be written as.
pub(super) fn is_fit(value: &str) -> bool {
    let is_word = value.len() >= 3
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    let is_scalar = matches!(value, "true" | "false" | "null");
    is_word && !is_scalar && value.bytes().any(|byte| byte.is_ascii_alphabetic() && byte != b'e')
}

impl Pattern {
    fn new(needle: Needle, whole: &str, is_cased: bool) -> Self {
        let whole = whole.as_bytes().to_vec();
        let last = whole.iter().rev().take(TAIL);
        let (mut tail, mut mask) = (0, 0);
        for (index, byte) in last.enumerate() {
            let shift = 8 * (TAIL - 1 - index);
            // Letters of either case differ in one bit, which no other byte has in its place.
            let bits = if !is_cased && byte.is_ascii_alphabetic() { !0x20 } else { 0xff };
            mask |= u128::from(bits as u8) << shift;
            tail |= u128::from(byte & bits as u8) << shift;
        }
        Self { needle, whole, is_cased, tail, mask }
    }

    /// Does the text before `end`, whose last bytes are `tail`, end like this?
    #[inline]
    fn is_before(&self, text: &[u8], end: usize, tail: u128) -> bool {
        if tail & self.mask != self.tail {
            return false;
        }
        let Some(start) = end.checked_sub(self.whole.len()) else { return false };
        self.whole.len() <= TAIL || {
            let before = &text[start..end - TAIL];
            let wanted = &self.whole[..self.whole.len() - TAIL];
            if self.is_cased { before == wanted } else { before.eq_ignore_ascii_case(wanted) }
        }
    }
}

impl Needles {
    /// `values` are folded.
    pub(super) fn new<'k>(keys: impl Iterator<Item = &'k str>, values: &[String]) -> Self {
        let mut patterns: Vec<Pattern> = Vec::new();
        for (place, key) in keys.enumerate() {
            // A key with dots in it may stand for a path, so only `eventName`, which has none, is
            // taken with its opening quote.
            let whole = if place == 0 { format!("\"{key}\"") } else { format!("{key}\"") };
            patterns.push(Pattern::new(Needle::Key(place), &whole, true));
        }
        for (place, value) in values.iter().enumerate() {
            patterns.push(Pattern::new(Needle::Value(place), &format!("\"{value}\""), false));
        }
        patterns.push(Pattern::new(Needle::Omitted, "omitted\"", true));
        let texts: Vec<Text<'_>> = patterns
            .iter()
            .map(|pattern| Text { whole: &pattern.whole, is_cased: pattern.is_cased })
            .collect();
        let probe = Probe::new(&texts);
        let kelvin = values
            .iter()
            .any(|value| value.contains('k'))
            .then(|| memmem::Finder::new("\u{212a}").into_owned());
        Self { patterns, probe, kelvin }
    }

    /// Hands on each needle in `text` with the offset behind it, in no order.
    #[inline]
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Needle, usize)) {
        self.probe.find(text, |quote| {
            let end = quote + 1;
            let tail = tail_before(text, end);
            for pattern in &self.patterns {
                if pattern.is_before(text, end, tail) {
                    found(pattern.needle, end);
                }
            }
        });
        if let Some(at) = self.kelvin.as_ref().and_then(|kelvin| kelvin.find(text)) {
            found(Needle::Kelvin, at);
        }
    }
}

/// The last bytes before `end`, with zeros before the text's beginning.
#[inline]
fn tail_before(text: &[u8], end: usize) -> u128 {
    match text[..end].last_chunk() {
        Some(tail) => u128::from_le_bytes(*tail),
        None => {
            let mut tail = [0; TAIL];
            tail[TAIL - end..].copy_from_slice(&text[..end]);
            u128::from_le_bytes(tail)
        }
    }
}
