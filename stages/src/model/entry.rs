//! What a correlation needs to know of an event that a rule matched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Actor, Origin, Resource};

/// One event for one correlation, because a rule matched it; or, in a chain, one episode of another
/// correlation.
///
/// All its texts are bounded: see [`bounded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Id of the correlation that it is for.
    pub correlation: String,
    /// Values of the fields that it groups by, in its order; `None` where the event has no such field.
    pub group: Vec<Option<String>>,
    /// When it happened; in a chain, when the condition first held.
    #[serde(with = "micros")]
    pub time: Timestamp,
    /// What makes it the same: 32 hexadecimal digits.
    pub identity: String,
    /// Id of the rule or correlation that gave it.
    pub rule: String,
    /// Values of the condition's `field`; several where the event has a list of them.
    pub values: Vec<String>,
    /// What the alert tells of it.
    pub summary: Summary,
}

/// What is told of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Who acted.
    pub actor: Actor,
    /// What was acted on, the first [`Summary::MAX_RESOURCES`].
    pub resource: Vec<Resource>,
    /// Where the record was read.
    pub origin: Option<Origin>,
    /// `eventID`.
    pub event_id: Option<String>,
}

impl Summary {
    /// Most resources that are kept of an event.
    pub const MAX_RESOURCES: usize = 4;
}

impl Entry {
    /// Longest text of a group or value, in bytes: see [`bounded`].
    pub const MAX_TEXT: usize = 256;
    /// Most values of an event.
    pub const MAX_VALUES: usize = 16;

    /// Names the group of the correlation: what its state is kept under. At most 97 bytes of ASCII.
    #[must_use]
    pub fn key(&self) -> String {
        group_key(&self.correlation, &self.group)
    }
}

/// Names a group of a correlation: the correlation's id (its hash where it is long or not plain), `/`,
/// and a hash of the values.
#[must_use]
pub fn group_key(correlation: &str, group: &[Option<String>]) -> String {
    let mut hash = Sha256::new();
    for value in group {
        // Length and presence keep the values apart.
        let length = value.as_ref().map_or(u64::MAX, |value| value.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(value.as_deref().unwrap_or_default());
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
pub fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let hash = identity_of(text.as_bytes());
    let room = most.saturating_sub(hash.len() + '…'.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…{hash}", &text[..end])
}

/// Times as microseconds since 1970.
mod micros {
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(time.as_microsecond())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_microsecond(i64::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn keys_of_groups_are_short_and_keep_values_apart() {
        let key = |id: &str, group: &[Option<&str>]| {
            let group: Vec<_> = group.iter().map(|value| value.map(str::to_owned)).collect();
            group_key(id, &group)
        };
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
