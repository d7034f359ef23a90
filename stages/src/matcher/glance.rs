//! Reads single values out of a record's text without parsing it.
//!
//! Whatever can't be read at a glance is [`Behind::Unclear`], and then counts as anything.

use memchr::{memchr, memmem};

/// What stands behind a key's closing quote.
pub(super) enum Behind<'t> {
    /// No colon: it was no key.
    NotAKey,
    /// The inside of a string, to be read by [`plain_text`].
    String(&'t [u8]),
    /// `true`, `false` or an integer, which tests treat as their text.
    Word(&'t str),
    /// Null: no value.
    Null,
    /// Something else.
    Unclear,
}

/// Reads what stands behind the closing quote that ends before `at`.
#[inline]
pub(super) fn value_behind(text: &[u8], at: usize) -> Behind<'_> {
    let rest = match text.get(at..) {
        // Nearly always there is no white space.
        Some([b':', b'"', ..]) => &text[at + 2..],
        Some(rest) => {
            let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else {
                return Behind::NotAKey;
            };
            let rest = rest.trim_ascii_start();
            match rest.strip_prefix(b"\"") {
                Some(string) => string,
                None => return word(rest),
            }
        }
        None => return Behind::NotAKey,
    };
    let Some(end) = memchr(b'"', rest) else { return Behind::Unclear };
    Behind::String(&rest[..end])
}

/// A string's inside as text, if it is ASCII without escapes; else it may be anything.
#[inline]
pub(super) fn plain_text(inside: &[u8]) -> Option<&str> {
    let is_plain = inside.is_ascii() && memchr(b'\\', inside).is_none();
    if is_plain { std::str::from_utf8(inside).ok() } else { None }
}

/// What stands behind a colon and is no string.
fn word(rest: &[u8]) -> Behind<'_> {
    let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'));
    let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
    // Fractions and exponents are written anew by tests, so their text here says little.
    if !matches!(after.first(), Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t')) {
        return Behind::Unclear;
    }
    // Other numbers (`-0`, `05`, `1.50`, ...) are written anew by tests.
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let is_integer = word.len() < 19
        && digits.iter().all(u8::is_ascii_digit)
        && (word == b"0" || digits.first().is_some_and(|digit| *digit != b'0'));
    match word {
        b"null" => Behind::Null,
        b"true" | b"false" => std::str::from_utf8(word).map_or(Behind::Unclear, Behind::Word),
        _ if is_integer => std::str::from_utf8(word).map_or(Behind::Unclear, Behind::Word),
        _ => Behind::Unclear,
    }
}

/// Could something that is looked for be written with escapes? Keys and whole values that are looked
/// for are letters, digits and `._-:`, and the Kelvin sign folds to a `k`; other escapes (`\u003c`,
/// which some writers like) can't be part of one.
pub(super) fn may_hide_needle(text: &[u8], unicode: &memmem::Finder<'_>) -> bool {
    unicode.find_iter(text).any(|at| {
        let code = text
            .get(at + 2..at + 6)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                character.is_ascii_alphanumeric() || "._-:\"\\\u{212a}".contains(character)
            }
            None => true,
        }
    })
}
