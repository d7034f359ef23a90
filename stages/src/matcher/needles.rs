//! Finds several short texts in a record by vector instructions, many in one pass (Teddy).

use aho_corasick::packed::{Config, MatchKind, Searcher};
use memchr::memmem;

/// Most whole values that are looked for; each takes up to eight patterns, for letter case.
pub(super) const MAX_VALUES: usize = 4;

/// Up to so many patterns one pass for each is quicker than one for all together: a record lies in
/// the nearest cache by then, and the search for one pattern takes its rarest bytes.
const MAX_PASSES: usize = 4;

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

/// A pattern, and what must stand before it for the needle to be there.
#[derive(Debug)]
struct Pattern {
    needle: Needle,
    /// What the pattern and what is before it spell, folded if the case does not matter.
    whole: Vec<u8>,
    is_cased: bool,
    /// How much of `whole` the pattern is.
    length: usize,
    /// Other patterns that this one's text ends like, so that both end at one place.
    alike: Vec<usize>,
}

/// All needles of a set of rules.
#[derive(Debug, Default)]
pub(super) struct Needles {
    patterns: Vec<Pattern>,
    searcher: Option<Searcher>,
    /// By pattern: for one pass each where there is no searcher.
    finders: Vec<memmem::Finder<'static>>,
}

/// A value that can be looked for: text that no number or boolean could be written as.
pub(super) fn is_fit(value: &str) -> bool {
    let is_word = value.len() >= 3
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    let is_scalar = matches!(value, "true" | "false" | "null");
    is_word && !is_scalar && value.bytes().any(|byte| byte.is_ascii_alphabetic() && byte != b'e')
}

impl Needles {
    /// `values` are folded.
    pub(super) fn new<'k>(
        keys: impl Iterator<Item = &'k str>,
        values: &[String],
        with_omitted: bool,
    ) -> Self {
        let mut needles = Self::default();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for (place, key) in keys.enumerate() {
            // A key with dots in it may stand for a path, so only `eventName`, which has none, is
            // taken with its opening quote.
            let whole = if place == 0 { format!("\"{key}\"") } else { format!("{key}\"") };
            let start = rare_tail(&whole);
            texts.push(whole.as_bytes()[start..].to_vec());
            let length = whole.len() - start;
            let needle = Needle::Key(place);
            needles.patterns.push(Pattern {
                needle,
                whole: whole.into(),
                is_cased: true,
                length,
                alike: Vec::new(),
            });
        }
        for (place, value) in values.iter().enumerate() {
            let whole = format!("\"{value}\"").into_bytes();
            for text in case_variants(&whole[whole.len() - 4..]) {
                texts.push(text);
                let (needle, whole) = (Needle::Value(place), whole.clone());
                let alike = Vec::new();
                needles.patterns.push(Pattern { needle, whole, is_cased: false, length: 4, alike });
            }
        }
        let mut fixed = |needle: Needle, text: &str| {
            texts.push(text.as_bytes().to_vec());
            let whole = text.as_bytes().to_vec();
            let length = whole.len();
            let alike = Vec::new();
            needles.patterns.push(Pattern { needle, whole, is_cased: true, length, alike });
        };
        if with_omitted {
            fixed(Needle::Omitted, "omitted\"");
        }
        if values.iter().any(|value| value.contains('k')) {
            fixed(Needle::Kelvin, "\u{212a}");
        }
        for (index, pattern) in needles.patterns.iter_mut().enumerate() {
            let others = texts.iter().enumerate().filter(|(other, text)| {
                *other != index && (text.ends_with(&texts[index]) || texts[index].ends_with(text))
            });
            pattern.alike = others.map(|(other, _)| other).collect();
        }
        if texts.len() > MAX_PASSES {
            let mut builder = Config::new().match_kind(MatchKind::LeftmostFirst).builder();
            needles.searcher = builder.extend(&texts).build();
        }
        needles.finders = texts.iter().map(|text| memmem::Finder::new(text).into_owned()).collect();
        needles
    }

    /// Hands on each needle in `text` with the offset behind it, in no order.
    #[inline]
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Needle, usize)) {
        let mut check = |pattern: &Pattern, end: usize| {
            let Some(start) = end.checked_sub(pattern.whole.len()) else { return };
            let before = &text[start..end - pattern.length];
            let wanted = &pattern.whole[..pattern.whole.len() - pattern.length];
            let is_there = if pattern.is_cased {
                before == wanted
            } else {
                before.eq_ignore_ascii_case(wanted)
            };
            if is_there {
                found(pattern.needle, end);
            }
        };
        match &self.searcher {
            Some(searcher) => {
                // Patterns end in a quote or differ in their ends, so none can hide another by
                // overlapping it, unless two are alike: those are checked together.
                for hit in searcher.find_iter(text) {
                    let first = hit.pattern().as_usize();
                    check(&self.patterns[first], hit.end());
                    for other in &self.patterns[first].alike {
                        if text[..hit.end()].ends_with(self.finders[*other].needle()) {
                            check(&self.patterns[*other], hit.end());
                        }
                    }
                }
            }
            None => {
                for (pattern, finder) in self.patterns.iter().zip(&self.finders) {
                    for at in finder.find_iter(text) {
                        check(pattern, at + pattern.length);
                    }
                }
            }
        }
    }
}

/// Where the rarest part of a key begins: at the letter before its last capital, else five letters
/// before the end. Capitals are rare in trails, and three rare bytes are what the search is quick by.
fn rare_tail(key: &str) -> usize {
    let capital = key.bytes().rposition(|byte| byte.is_ascii_uppercase());
    match capital {
        Some(at) if at > 0 && key.len() - at >= 3 => at - 1,
        _ => key.len().saturating_sub(6),
    }
}

/// The text in every combination of upper and lower case.
fn case_variants(text: &[u8]) -> Vec<Vec<u8>> {
    let mut variants = vec![Vec::new()];
    for byte in text {
        let lower = byte.to_ascii_lowercase();
        let upper = byte.to_ascii_uppercase();
        let longer = |last: u8| {
            variants
                .iter()
                .map(move |start| [start.as_slice(), &[last]].concat())
                .collect::<Vec<_>>()
        };
        let mut next = longer(lower);
        if upper != lower {
            next.extend(longer(upper));
        }
        variants = next;
    }
    variants
}
