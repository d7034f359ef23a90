//! Text patterns, compiled: how a value of a record is compared with what a rule wrote.
//!
//! Letter case is folded letter by letter, each to its lower case (`char::to_lowercase`), on both
//! sides, so that `K` (the Kelvin sign) equals `k`.

use memchr::memmem;

use crate::sigma::ast::{Part, Pattern};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct TextTest {
    shape: Shape,
    is_cased: bool,
}

/// Literals are folded already unless the pattern is cased.
#[derive(Debug, Clone)]
enum Shape {
    /// The whole value.
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(Box<memmem::Finder<'static>>),
    /// `*`: whatever it is.
    Anything,
    /// Anything more: walked part by part.
    Glob(Vec<Part>),
}

/// A value's text and, once someone asked for it, its folded form.
pub(super) struct Subject<'t, 'b> {
    pub text: &'t str,
    buffer: &'b mut String,
    is_folded: bool,
    is_ascii: Option<bool>,
}

impl<'t, 'b> Subject<'t, 'b> {
    pub(super) fn new(text: &'t str, buffer: &'b mut String) -> Self {
        Self { text, buffer, is_folded: false, is_ascii: None }
    }

    fn is_ascii(&mut self) -> bool {
        *self.is_ascii.get_or_insert_with(|| self.text.is_ascii())
    }

    fn folded(&mut self) -> &str {
        if !self.is_folded {
            fold_into(self.text, self.buffer);
            self.is_folded = true;
        }
        self.buffer
    }
}

/// Folds letter case into `out`, which is overwritten.
pub(super) fn fold_into(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.extend(text.chars().map(fold_letter));
    }
}

/// One letter for one letter, so that `?` stands for whatever it stood for before: the only letter
/// whose lower case is two, the dotted capital I, remains.
fn fold_letter(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

/// Folds letter case.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::new();
    fold_into(text, &mut out);
    out
}

impl TextTest {
    pub(super) fn new(pattern: &Pattern) -> Self {
        let literal = |text: &String| if pattern.is_cased { text.clone() } else { fold(text) };
        let shape = match pattern.parts.as_slice() {
            [] => Shape::Exact(String::new()),
            [Part::Literal(text)] => Shape::Exact(literal(text)),
            [Part::Many] => Shape::Anything,
            [Part::Literal(text), Part::Many] => Shape::Prefix(literal(text)),
            [Part::Many, Part::Literal(text)] => Shape::Suffix(literal(text)),
            [Part::Many, Part::Literal(text), Part::Many] => {
                Shape::Contains(Box::new(memmem::Finder::new(&literal(text)).into_owned()))
            }
            parts => Shape::Glob(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Literal(text) => Part::Literal(literal(text)),
                        Part::One => Part::One,
                        Part::Many => Part::Many,
                    })
                    .collect(),
            ),
        };
        Self { shape, is_cased: pattern.is_cased }
    }

    /// The only value it matches, folded; `None` if there are several, or case matters.
    pub(super) fn exact_folded(&self) -> Option<&str> {
        match &self.shape {
            Shape::Exact(text) if !self.is_cased => Some(text),
            _ => None,
        }
    }

    /// True if it names one whole value, without wildcards.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.shape, Shape::Exact(_))
    }

    pub(super) fn matches(&self, subject: &mut Subject<'_, '_>) -> bool {
        // The common cases, without a copy: ASCII folds by bytes on both sides.
        if !self.is_cased {
            let bytes = subject.text.as_bytes();
            let is_same = |part: Option<&[u8]>, text: &String| {
                part.is_some_and(|part| part.eq_ignore_ascii_case(text.as_bytes()))
            };
            match &self.shape {
                // What is folded already stays as it is, so that what is the same by bytes is the same.
                Shape::Exact(text) if is_same(Some(bytes), text) => return true,
                Shape::Exact(_) if subject.is_ascii() => return false,
                Shape::Prefix(text) if subject.is_ascii() => {
                    return is_same(bytes.get(..text.len()), text);
                }
                Shape::Suffix(text) if subject.is_ascii() => {
                    let from = bytes.len().checked_sub(text.len());
                    return is_same(from.and_then(|from| bytes.get(from..)), text);
                }
                _ => {}
            }
        }
        let value = if self.is_cased { subject.text } else { subject.folded() };
        match &self.shape {
            Shape::Exact(text) => value == text,
            Shape::Prefix(text) => value.starts_with(text.as_str()),
            Shape::Suffix(text) => value.ends_with(text.as_str()),
            Shape::Contains(finder) => finder.find(value.as_bytes()).is_some(),
            Shape::Anything => true,
            Shape::Glob(parts) => glob(parts, value),
        }
    }
}

/// Walks the parts; at a mismatch it goes back to the last `*` only, so the cost is at most the
/// product of both lengths.
fn glob(parts: &[Part], value: &str) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let is_step = match parts.get(part) {
            None => at == value.len(),
            Some(Part::Many) => {
                back = Some((part + 1, at));
                part += 1;
                continue;
            }
            Some(Part::One) => value[at..].chars().next().is_some_and(|character| {
                at += character.len_utf8();
                true
            }),
            Some(Part::Literal(text)) => {
                let is_here = value[at..].starts_with(text.as_str());
                if is_here {
                    at += text.len();
                }
                is_here
            }
        };
        if is_step {
            if part == parts.len() {
                return true;
            }
            part += 1;
            continue;
        }
        let Some((retry, from)) = back else { return false };
        let Some(next) = value[from..].chars().next() else { return false };
        at = from + next.len_utf8();
        part = retry;
        back = Some((retry, at));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(written: &str, is_cased: bool) -> Pattern {
        let mut parts = Vec::new();
        for character in written.chars() {
            match (character, parts.last_mut()) {
                ('*', _) => parts.push(Part::Many),
                ('?', _) => parts.push(Part::One),
                (c, Some(Part::Literal(text))) => text.push(c),
                (c, _) => parts.push(Part::Literal(c.to_string())),
            }
        }
        Pattern { parts, is_cased }
    }

    fn matches(written: &str, is_cased: bool, value: &str) -> bool {
        let mut buffer = String::new();
        TextTest::new(&pattern(written, is_cased)).matches(&mut Subject::new(value, &mut buffer))
    }

    /// The obvious way: by recursion.
    fn plain(pattern: &[char], value: &[char]) -> bool {
        match pattern {
            [] => value.is_empty(),
            ['*', rest @ ..] => (0..=value.len()).any(|skip| plain(rest, &value[skip..])),
            ['?', rest @ ..] => !value.is_empty() && plain(rest, &value[1..]),
            [c, rest @ ..] => value.first() == Some(c) && plain(rest, &value[1..]),
        }
    }

    #[test]
    fn shapes_match_what_they_say() {
        for (written, value, expected) in [
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("ab*", "ABXX", true),
            ("*cd", "abCD", true),
            ("*b*", "aBc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*c*e", "aXcYe", true),
            ("a*c*e", "aXcY", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b", "a\n\nb", true),
            ("?", "\n", true),
            ("?", "é", true),
            ("STRASSE*", "strasse 1", true),
            ("\u{212a}ey", "key", true),
            ("key", "\u{212a}EY", true),
            ("?stanbul", "\u{130}STANBUL", true),
            ("\u{130}stanbul", "\u{130}STANBUL", true),
            ("istanbul", "\u{130}STANBUL", false),
        ] {
            assert_eq!(matches(written, false, value), expected, "{written} on {value}");
        }
        assert!(!matches("abc", true, "ABC"));
        assert!(matches("a*C", true, "axC"));
    }

    proptest! {
        #[test]
        fn globs_agree_with_recursion(written in "[ab*?]{0,8}", value in "[ab\n]{0,10}") {
            let pattern: Vec<char> = written.chars().collect();
            let chars: Vec<char> = value.chars().collect();
            prop_assert_eq!(matches(&written, false, &value), plain(&pattern, &chars));
        }

        /// The ways without a copy find what folding both sides does.
        #[test]
        fn letter_case_is_folded_whatever_the_shape(
            written in "[*]?[aAkK\u{212a}éÉ\u{130}]{0,4}[*]?",
            value in "[aAkK\u{212a}éÉ\u{130}]{0,5}",
        ) {
            let pattern: Vec<char> = written.chars().map(fold_letter).collect();
            let folded: Vec<char> = fold(&value).chars().collect();
            prop_assert_eq!(matches(&written, false, &value), plain(&pattern, &folded));
        }
    }
}
