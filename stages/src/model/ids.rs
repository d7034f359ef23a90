//! What makes things the same wherever they are read: ids, hashes, and texts within bounds.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Texts;

/// Names a group of a correlation: the correlation's id (its hash where it is long or not plain), `/`,
/// and a hash of the values.
#[must_use]
pub fn group_key(correlation: &str, group: &Texts) -> String {
    let mut hash = Sha256::new();
    for value in group.iter() {
        // Length and presence keep the values apart.
        let length = value.map_or(u64::MAX, |value| value.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(value.unwrap_or_default());
    }
    let is_plain = correlation.len() <= 64
        && correlation.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let id = if is_plain { correlation.to_owned() } else { identity_of(correlation.as_bytes()) };
    format!("{id}/{}", hex(&hash.finalize()[..16]))
}

/// The identity of what these bytes name: 32 hexadecimal digits.
#[must_use]
pub fn identity_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

/// The same as a number.
#[must_use]
pub fn identity_number(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// An alert's id: of a rule's and of what makes the event, or the episode, the same. 128 bits are
/// enough that two alerts never share one.
#[must_use]
pub fn alert_id(rule_id: &str, identity: &str) -> String {
    let mut hash = Sha256::new();
    // The length keeps rule and event apart.
    hash.update((rule_id.len() as u64).to_le_bytes());
    hash.update(rule_id.as_bytes());
    hash.update(identity.as_bytes());
    hex(&hash.finalize()[..16])
}

/// The bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The text if it is short; else its beginning and a hash of the whole, so that two long texts with
/// the same beginning stay two.
#[must_use]
pub fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let hash = identity_of(text.as_bytes());
    let room = most.saturating_sub(hash.len() + '…'.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    Cow::Owned(format!("{}…{hash}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Entry;

    #[test]
    fn long_texts_with_the_same_beginning_stay_two() {
        let (left, right) = ("ä".repeat(5000), "ä".repeat(5001));
        let (left, right) = (bounded(&left, Entry::MAX_TEXT), bounded(&right, Entry::MAX_TEXT));
        assert!(left.len() <= Entry::MAX_TEXT && right.len() <= Entry::MAX_TEXT);
        assert_ne!(left, right);
        assert_eq!(bounded("short", Entry::MAX_TEXT), "short");
        assert!(bounded(&"x".repeat(100), 8).len() < 40);
    }

    #[test]
    fn an_identity_is_the_same_in_digits_and_as_a_number() {
        for bytes in [&b""[..], b"a", b"one more"] {
            assert_eq!(identity_of(bytes), format!("{:032x}", identity_number(bytes)));
        }
    }

    #[test]
    fn keys_of_groups_are_short_and_keep_values_apart() {
        let key =
            |id: &str, group: &[Option<&str>]| group_key(id, &group.iter().copied().collect());
        let keys = [
            key("a", &[]),
            key("a", &[None]),
            key("a", &[Some("")]),
            key("a", &[Some("x"), Some("yz")]),
            key("a", &[Some("xy"), Some("z")]),
            key("b", &[None]),
            key("Many \u{202e} calls", &[None]),
            key(&"x".repeat(65), &[None]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(key.len() <= 97 && key.is_ascii(), "{key}");
            assert!(!keys[..index].contains(key), "{key}");
        }
    }
}
