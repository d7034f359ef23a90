//! A row as a map of attributes, and bodies that are packed and cut into parts where they are long.
//!
//! An item of DynamoDB holds 400 KB, a transaction 4 MB. A body of up to [`INLINE`] bytes (packed)
//! stands in its row, so that 100 rows never are too much for a transaction. A longer one stands in
//! parts of its own, named by its hash, which are written before the row that points to them: a row
//! never points to what is not there, and parts that nothing points to go when their time is over.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{BODY, EXPIRES, HASH, Key, PARTS, PK, SK, hash_bytes};
use crate::store::StoreError;

/// Longest packed body that stands in its row.
pub(super) const INLINE: usize = 32 << 10;

/// Bytes of a part.
const PART: usize = 256 << 10;

/// Seconds that parts stay longer than their row: DynamoDB drops each of them within days after its
/// time, in no order.
const LATER: i64 = 14 * 86_400;

/// Most bytes that a body unpacks to: far more than the largest record makes.
const MOST: u64 = 256 << 20;

/// Attributes of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(pub(super) HashMap<String, AttributeValue>);

impl Row {
    /// A row at a place.
    pub(super) fn at(key: &Key) -> Self {
        let mut row = Self::default();
        row.text(PK, &key.pk);
        row.text(SK, &key.sk);
        row
    }

    /// Its place.
    pub(super) fn key(&self) -> Key {
        let text = |name| self.get_text(name).unwrap_or_default().to_owned();
        Key { pk: text(PK), sk: text(SK) }
    }

    /// Puts text.
    pub(super) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), AttributeValue::S(value.into()));
    }

    /// Puts a number.
    pub(super) fn number(&mut self, name: &str, value: impl Into<i128>) {
        self.0.insert(name.to_owned(), number(value));
    }

    /// Puts bytes.
    pub(super) fn bytes(&mut self, name: &str, value: Vec<u8>) {
        self.0.insert(name.to_owned(), AttributeValue::B(Blob::new(value)));
    }

    /// Puts numbers by names.
    pub(super) fn numbers(&mut self, name: &str, values: &HashMap<String, i64>) {
        let values = values.iter().map(|(name, value)| (name.clone(), number(*value))).collect();
        self.0.insert(name.to_owned(), AttributeValue::M(values));
    }

    /// Its text, if it has one of that name.
    pub(super) fn get_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// Its number.
    pub(super) fn get_number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok())
    }

    /// Its bytes.
    pub(super) fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).and_then(|value| value.as_b().ok()).map(AsRef::as_ref)
    }

    /// Its numbers by names.
    pub(super) fn get_numbers(&self, name: &str) -> HashMap<String, i64> {
        let Some(Ok(values)) = self.0.get(name).map(AttributeValue::as_m) else {
            return HashMap::new();
        };
        let read = |value: &AttributeValue| value.as_n().ok().and_then(|text| text.parse().ok());
        values.iter().filter_map(|(name, value)| Some((name.clone(), read(value)?))).collect()
    }

    /// Puts a packed body; answers the rows of its parts, which must be written before this one.
    pub(super) fn body(&mut self, packed: Vec<u8>) -> Vec<Self> {
        if packed.len() <= INLINE {
            self.bytes(BODY, packed);
            return Vec::new();
        }
        let (hash, pk) = (hash_bytes(&packed), self.key().pk);
        let parts: Vec<Self> = packed
            .chunks(PART)
            .enumerate()
            .map(|(index, part)| {
                let mut row = Self::at(&Key::part(&pk, &hash, index));
                row.bytes(BODY, part.to_vec());
                if let Some(expires) = self.get_number(EXPIRES) {
                    row.number(EXPIRES, expires + LATER);
                }
                row
            })
            .collect();
        self.number(PARTS, parts.len() as i64);
        self.text(HASH, hash);
        parts
    }

    /// The places of the parts of its body; none if the body stands in the row.
    pub(super) fn parts(&self) -> Vec<Key> {
        let (Some(count), Some(hash)) = (self.get_number(PARTS), self.get_text(HASH)) else {
            return Vec::new();
        };
        let pk = self.key().pk;
        let count = usize::try_from(count).unwrap_or(0).min(MOST as usize / PART);
        (0..count).map(|index| Key::part(&pk, hash, index)).collect()
    }

    /// Reads its body; `parts` holds at least its own.
    ///
    /// # Errors
    /// When it is not what was written.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        parts: &HashMap<Key, Self>,
    ) -> Result<T, StoreError> {
        let keys = self.parts();
        if keys.is_empty() {
            return unpack(self.get_bytes(BODY).unwrap_or_default());
        }
        let mut packed = Vec::new();
        for key in keys {
            packed
                .extend(parts.get(&key).and_then(|part| part.get_bytes(BODY)).unwrap_or_default());
        }
        unpack(&packed)
    }
}

/// A number as DynamoDB has it.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Packs JSON.
pub(super) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    let defect = |cause: String| StoreError::Broken { attempt: "pack a row", cause };
    let json = serde_json::to_vec(value).map_err(|error| defect(error.to_string()))?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(&json).and_then(|()| encoder.finish());
    packed.map_err(|error| defect(error.to_string()))
}

/// Unpacks JSON.
pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    let broken = |cause: String| StoreError::Broken {
        attempt: "read a row",
        cause: format!(
            "it is not what askance wrote ({cause}): the table must be askance's alone; restore it \
             from a backup, or begin with a new one"
        ),
    };
    let mut json = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(MOST);
    decoder.read_to_end(&mut json).map_err(|error| broken(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text that cannot be packed into less.
    fn noise(bytes: usize) -> String {
        let mut random = fastrand::Rng::with_seed(7);
        (0..bytes).map(|_| random.alphanumeric()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: std::ops::RangeInclusive<usize>) {
        let mut row = Row::at(&Key::alert("x"));
        row.number(EXPIRES, 17);
        let parts = row.body(pack(&text).unwrap());
        assert!(expected.contains(&parts.len()), "{} parts", parts.len());
        for part in &parts {
            assert!(part.get_bytes(BODY).unwrap().len() <= PART);
            assert_eq!(part.get_number(EXPIRES), Some(17 + LATER));
        }
        assert_eq!(row.parts(), parts.iter().map(Row::key).collect::<Vec<_>>());
        let parts = parts.into_iter().map(|part| (part.key(), part)).collect();
        assert_eq!(row.read::<String>(&parts).unwrap(), text);
    }

    #[test]
    fn long_bodies_are_cut_and_come_back_whole() {
        check("", 0..=0);
        check(&"long ".repeat(100_000), 0..=0);
        check(&noise(60_000), 1..=1);
        check(&noise(5_000_000), 14..=20);
    }

    #[test]
    fn a_body_whose_parts_are_gone_or_foreign_is_told() {
        let mut row = Row::at(&Key::alert("x"));
        drop(row.body(pack(&noise(100_000)).unwrap()));
        let error = row.read::<String>(&HashMap::new()).unwrap_err().to_string();
        assert!(error.contains("not what askance wrote"), "{error}");
        let error = Row::at(&Key::alert("y")).read::<String>(&HashMap::new()).unwrap_err();
        assert!(!error.is_transient());
    }
}
