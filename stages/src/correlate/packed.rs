//! Numbers and texts as bytes: each text once, numbers as short as they are, a checksum around all.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};

use crate::model::{Pack, Texts};

/// Bytes of the checksum.
const CHECKSUM: usize = 8;

/// Most texts of a state that is read.
const MAX_TEXTS: u64 = 100_000;

/// Writes numbers and texts.
#[derive(Debug, Default)]
pub(super) struct Writer<'w> {
    body: Vec<u8>,
    texts: Vec<u8>,
    places: HashMap<&'w str, u64, RandomState>,
}

impl<'w> Writer<'w> {
    pub(super) fn number(&mut self, number: u64) {
        write_number(&mut self.body, number);
    }

    /// A number that may be negative; small ones are short.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn float(&mut self, number: f64) {
        self.body.extend(number.to_le_bytes());
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.body.push(u8::from(flag));
    }

    pub(super) fn wide(&mut self, number: u128) {
        self.body.extend(number.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &'w str) {
        let next = self.places.len() as u64;
        let place = *self.places.entry(text).or_insert_with(|| {
            write_number(&mut self.texts, text.len() as u64);
            self.texts.extend(text.as_bytes());
            next
        });
        self.number(place + 1);
    }

    /// A text of which there is hardly a second one: it stands where it is written.
    pub(super) fn own_text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.number(0) };
        self.number(text.len() as u64 + 1);
        self.body.extend(text.as_bytes());
    }

    pub(super) fn optional(&mut self, text: Option<&'w str>) {
        match text {
            Some(text) => self.text(text),
            None => self.number(0),
        }
    }

    /// A list of texts, each of which may be missing.
    pub(super) fn texts<S: Deref<Target = str>>(&mut self, texts: &'w Texts<S>) {
        self.number(texts.iter().count() as u64);
        texts.iter().for_each(|text| self.optional(text));
    }

    pub(super) fn list<T>(&mut self, items: &'w [T], mut write: impl FnMut(&mut Self, &'w T)) {
        self.number(items.len() as u64);
        items.iter().for_each(|item| write(self, item));
    }

    /// All of it.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = vec![0; CHECKSUM];
        write_number(&mut bytes, self.places.len() as u64);
        bytes.extend(self.texts);
        bytes.extend(self.body);
        let sum = Sha256::digest(&bytes[CHECKSUM..]);
        bytes[..CHECKSUM].copy_from_slice(&sum[..CHECKSUM]);
        bytes
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what a [`Writer`] wrote; everything else is `None`.
#[derive(Debug)]
pub(super) struct Reader<'r> {
    rest: &'r [u8],
    texts: Vec<&'r str>,
    /// The same, of those that were taken to be shared.
    shared: Vec<Option<Arc<str>>>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(bytes: &'r [u8]) -> Option<Self> {
        let (sum, rest) = bytes.split_at_checked(CHECKSUM)?;
        if Sha256::digest(rest)[..CHECKSUM] != *sum {
            return None;
        }
        let mut reader = Self { rest, texts: Vec::new(), shared: Vec::new() };
        let count = reader.number().filter(|count| *count <= MAX_TEXTS)?;
        for _ in 0..count {
            let length = usize::try_from(reader.number()?).ok()?;
            let text = reader.take(length)?;
            reader.texts.push(std::str::from_utf8(text).ok()?);
        }
        Some(reader)
    }

    fn take(&mut self, length: usize) -> Option<&'r [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array::<1>()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.array()?)).filter(|number| number.is_finite())
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.array::<1>()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    pub(super) fn wide(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.array()?))
    }

    /// A text, or none: the outer `None` is for what can't be read.
    pub(super) fn optional(&mut self) -> Option<Option<&'r str>> {
        let place = self.number()?;
        let Some(place) = place.checked_sub(1) else { return Some(None) };
        let text = self.texts.get(usize::try_from(place).ok()?)?;
        Some(Some(text))
    }

    pub(super) fn text(&mut self) -> Option<&'r str> {
        self.optional()?
    }

    /// A text or none, of which whoever reads the same one gets the same.
    pub(super) fn shared(&mut self) -> Option<Option<Arc<str>>> {
        let place = self.number()?;
        let Some(place) = place.checked_sub(1) else { return Some(None) };
        let place = usize::try_from(place).ok()?;
        let text = *self.texts.get(place)?;
        self.shared.resize(self.texts.len(), None);
        let shared = self.shared[place].get_or_insert_with(|| Arc::from(text));
        Some(Some(shared.clone()))
    }

    /// What [`Writer::own_text`] wrote.
    pub(super) fn own_text(&mut self) -> Option<Option<&'r str>> {
        let length = self.number()?;
        let Some(length) = length.checked_sub(1) else { return Some(None) };
        let text = self.take(usize::try_from(length).ok()?)?;
        Some(Some(std::str::from_utf8(text).ok()?))
    }

    /// A list of texts, each of which may be missing.
    pub(super) fn texts<S: for<'p> From<&'p str>>(&mut self) -> Option<Texts<S>> {
        let count = self.number()?;
        let mut pack = Pack::default();
        for _ in 0..count {
            pack.push(self.optional()?);
        }
        Some(pack.texts())
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.number()?;
        // Nothing is made ready for what may not be there.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Some(items)
    }

    /// True if all was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            numbers in prop::collection::vec(any::<(u64, i64, u128, bool)>(), 0..20),
            texts in prop::collection::vec(any::<Option<String>>(), 0..20),
            float in -1e300_f64..1e300,
        ) {
            let mut writer = Writer::default();
            writer.list(&numbers, |writer, (number, signed, wide, flag)| {
                writer.number(*number);
                writer.signed(*signed);
                writer.wide(*wide);
                writer.flag(*flag);
            });
            writer.list(&texts, |writer, text| writer.optional(text.as_deref()));
            texts.iter().for_each(|text| writer.own_text(text.as_deref()));
            writer.list(&texts, |writer, text| writer.optional(text.as_deref()));
            writer.float(float);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes).unwrap();
            let read = reader.list(|reader| {
                Some((reader.number()?, reader.signed()?, reader.wide()?, reader.flag()?))
            });
            prop_assert_eq!(read, Some(numbers));
            let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            prop_assert_eq!(reader.list(Reader::optional), Some(texts.clone()));
            for text in &texts {
                prop_assert_eq!(reader.own_text(), Some(*text));
            }
            let shared = reader.list(Reader::shared).unwrap();
            prop_assert_eq!(shared.iter().map(Option::as_deref).collect::<Vec<_>>(), texts);
            prop_assert_eq!(reader.float(), Some(float));
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn other_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut sealed = Sha256::digest(&bytes)[..CHECKSUM].to_vec();
            sealed.extend(&bytes);
            if let Some(mut reader) = Reader::new(&sealed) {
                while reader.list(Reader::optional).is_some() && !reader.is_at_end() {}
            }
            prop_assert!(bytes.len() < CHECKSUM || Reader::new(&bytes).is_none());
        }
    }
}
