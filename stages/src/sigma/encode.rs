//! Values as an attacker's encoding shows them: Base64 at any offset, UTF-16, dashes of flags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ast::Part;
use super::pattern;

/// Which UTF-16 a modifier asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    /// `utf16le`, `wide`.
    Little,
    /// `utf16be`.
    Big,
    /// `utf16`: little endian behind its byte order mark.
    Marked,
}

pub(super) fn utf16(text: &str, order: Utf16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
    if order == Utf16::Marked {
        bytes.extend([0xff, 0xfe]);
    }
    for unit in text.encode_utf16() {
        match order {
            Utf16::Little | Utf16::Marked => bytes.extend(unit.to_le_bytes()),
            Utf16::Big => bytes.extend(unit.to_be_bytes()),
        }
    }
    bytes
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What is certain of the Base64 of any text that holds `bytes`, at each of the three offsets.
///
/// `None` where nothing would be certain at some offset: a single byte.
pub(super) fn base64_offsets(bytes: &[u8]) -> Option<[String; 3]> {
    if bytes.len() < 2 {
        return None;
    }
    Some([0, 1, 2].map(|offset| {
        let mut shifted = vec![b' '; offset];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD.encode(&shifted);
        // A character is certain if all its six bits come from the value.
        let first = [0, 2, 3][offset];
        let last = shifted.len() * 8 / 6;
        encoded[first..last].to_owned()
    }))
}

/// The five characters that begin a flag on one system or another.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// Most flags in one value: five to that power is the number of variants.
pub(super) const MAX_FLAGS: usize = 4;

/// All variants of a value with each flag's dash written each way; `None` for more than
/// [`MAX_FLAGS`] flags. A dash begins a flag if a letter, digit or underscore stands after it and none
/// before it: `-enc`, `--enc`, `"/c`, but not `well-known`.
pub(super) fn dash_variants(parts: &[Part]) -> Option<Vec<Vec<Part>>> {
    let mut variants: Vec<Vec<Part>> = vec![Vec::new()];
    let mut flags = 0;
    for part in parts {
        let Part::Literal(text) = part else {
            for variant in &mut variants {
                pattern::push(variant, part.clone());
            }
            continue;
        };
        let mut start = 0;
        for at in flag_dashes(text) {
            flags += 1;
            if flags > MAX_FLAGS {
                return None;
            }
            let dash = text[at..].chars().next()?;
            let mut next = Vec::with_capacity(variants.len() * DASHES.len());
            for variant in &variants {
                for dash in DASHES {
                    let mut more = variant.clone();
                    pattern::push_literal(&mut more, &text[start..at]);
                    pattern::push_literal(&mut more, dash.encode_utf8(&mut [0; 4]));
                    next.push(more);
                }
            }
            variants = next;
            start = at + dash.len_utf8();
        }
        for variant in &mut variants {
            pattern::push_literal(variant, &text[start..]);
        }
    }
    Some(variants)
}

/// Where the dashes of flags stand.
fn flag_dashes(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let begins = !is_word(before) && DASHES.contains(&letter);
        if begins && letters.peek().is_some_and(|(_, next)| is_word(*next)) {
            found.push(at);
        }
        before = letter;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_has_the_order_asked_for() {
        assert_eq!(utf16("cmd", Utf16::Little), b"c\0m\0d\0");
        assert_eq!(utf16("cmd", Utf16::Big), b"\0c\0m\0d");
        assert_eq!(utf16("c", Utf16::Marked), [0xff, 0xfe, b'c', 0]);
        assert_eq!(utf16("😀", Utf16::Big), [0xd8, 0x3d, 0xde, 0x00]);
    }

    #[test]
    fn every_offset_is_found_in_the_encoding_of_a_text_that_holds_the_value() {
        for value in ["ab", "foo", "/bin/bash", "http://", "日本語", "IEX ("] {
            let variants = base64_offsets(value.as_bytes()).unwrap();
            for (offset, variant) in variants.iter().enumerate() {
                assert!(!variant.is_empty());
                for (fill, tail) in [('x', "yz~"), ('\u{7f}', ""), ('\0', "\u{7f}")] {
                    let text = fill.to_string().repeat(offset + 3) + value + tail;
                    assert!(base64(text.as_bytes()).contains(variant), "{value} at {offset}");
                }
            }
        }
    }

    #[test]
    fn offsets_of_a_known_value() {
        let expected = ["Zm9v", "Zvb", "mb2"].map(str::to_owned);
        assert_eq!(base64_offsets(b"foo"), Some(expected));
        assert_eq!(base64_offsets(b"f"), None);
        assert_eq!(base64_offsets(b""), None);
    }

    #[track_caller]
    fn check_dashes(text: &str, expected: usize) {
        let parts = pattern::parse(text);
        let variants = dash_variants(&parts).map(|variants| {
            assert!(variants.contains(&parts), "the value itself is a variant");
            variants.len()
        });
        assert_eq!(variants.unwrap_or(0), expected, "{text}");
    }

    #[test]
    fn flags_are_varied_and_other_dashes_are_not() {
        check_dashes("-enc", 5);
        check_dashes(" /c foo", 5);
        check_dashes("a -b \u{2014}c", 25);
        check_dashes("a-b", 1);
        check_dashes("--flag", 5);
        check_dashes("\"/c", 5);
        check_dashes("(-x=-y)", 25);
        check_dashes("well-known /etc/passwd", 5);
        check_dashes("- x", 1);
        check_dashes("*-f*", 5);
        check_dashes("-a -b -c -d", 625);
        check_dashes("-a -b -c -d -e", 0);
    }
}
