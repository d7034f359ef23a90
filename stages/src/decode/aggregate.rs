//! Records that hold others: the aggregation format of the Kinesis Producer Library.
//!
//! Four magic bytes, a small protobuf message read by hand, and its MD5. What is not exactly that is a
//! plain record. Unpacking what the inner records hold is left to the decoder.

use std::fmt;

use md5::{Digest as _, Md5};

use crate::model::{Odd, Reason, Reject};
use crate::tally::Tally;

/// How an aggregate begins.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// Bytes of the checksum at its end.
const CHECKSUM: usize = 16;

/// Most partition keys, and most explicit hash keys, that are kept of one aggregate. An honest one of
/// 10 MiB has a key for each record of some hundred bytes; empty keys could fill the memory.
const MAX_KEYS: usize = 131_072;

/// The hash keys that a shard takes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashRange {
    /// First.
    pub from: u128,
    /// Last.
    pub to: u128,
}

impl HashRange {
    /// Is that key in it?
    #[must_use]
    pub fn contains(&self, key: u128) -> bool {
        (self.from..=self.to).contains(&key)
    }
}

/// An aggregate that is whole: its checksum fits and every message in it can be read.
pub struct Aggregate<'a> {
    message: &'a [u8],
    keys: Vec<&'a [u8]>,
    explicit: Vec<&'a [u8]>,
    count: u64,
}

/// One of the records within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner<'a> {
    /// Its data, and the hash key that decides on its shard, where that can be told.
    Data {
        /// Its data.
        data: &'a [u8],
        /// The explicit hash key, else that of the partition key.
        hash: Option<u128>,
    },
    /// It names a key that its aggregate does not have.
    OutOfTable(&'a [u8]),
}

impl<'a> Aggregate<'a> {
    /// Reads the outside of an aggregate; `None` if these bytes are a plain record, also where they
    /// begin like an aggregate and are too short, do not fit their checksum or are no such message.
    #[must_use]
    pub fn open(record: &'a [u8]) -> Option<Self> {
        let rest = record.strip_prefix(&MAGIC)?;
        let (message, checksum) = rest.split_at_checked(rest.len().checked_sub(CHECKSUM)?)?;
        if Md5::digest(message).as_slice() != checksum {
            return None;
        }
        let mut found = Self { message, keys: Vec::new(), explicit: Vec::new(), count: 0 };
        let mut fields = Fields(message);
        while let Some(field) = fields.next().ok()? {
            match field {
                (1, Value::Bytes(key)) => keep(&mut found.keys, key),
                (2, Value::Bytes(key)) => keep(&mut found.explicit, key),
                (3, Value::Bytes(record)) => {
                    Record::read(record).ok()?;
                    found.count += 1;
                }
                (1..=3, _) => return None,
                // Fields of a later version.
                _ => {}
            }
        }
        Some(found)
    }

    /// How many records are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The records in it, in order: their places are the subsequence numbers.
    pub fn records(&self) -> impl Iterator<Item = Inner<'a>> + '_ {
        let mut fields = Fields(self.message);
        std::iter::from_fn(move || {
            loop {
                // All of it was read before: there is no error.
                match fields.next().ok()?? {
                    (3, Value::Bytes(record)) => return Record::read(record).ok(),
                    _ => continue,
                }
            }
        })
        .map(|record| self.inner(&record))
    }

    fn inner(&self, record: &Record<'a>) -> Inner<'a> {
        let at = |table: &[&'a [u8]], index: u64| {
            usize::try_from(index).ok().and_then(|index| table.get(index).copied())
        };
        let Some(key) = at(&self.keys, record.key) else {
            return Inner::OutOfTable(record.data);
        };
        let hash = match record.explicit.map(|index| at(&self.explicit, index)) {
            None => Some(hash_of(key)),
            Some(None) => return Inner::OutOfTable(record.data),
            Some(Some(explicit)) => {
                std::str::from_utf8(explicit).ok().and_then(|text| text.parse().ok())
            }
        };
        Inner::Data { data: record.data, hash }
    }
}

impl fmt::Debug for Aggregate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Hands on what one record of a stream holds: itself, or the records of the aggregate that it is, from
/// place `skip` on, each with its place. What names a key that is not there is rejected; what does not
/// belong to `range`, the hash keys of its shard, is counted as odd.
pub fn for_each_inner(
    record: &[u8],
    (skip, range): (u64, Option<HashRange>),
    tally: &mut Tally,
    mut take: impl FnMut(Result<(&[u8], Option<u64>), Reject>, &mut Tally),
) {
    let Some(aggregate) = Aggregate::open(record) else {
        if skip == 0 {
            take(Ok((record, None)), tally);
        }
        return;
    };
    for (place, inner) in (0u64..).zip(aggregate.records()).filter(|(place, _)| *place >= skip) {
        match inner {
            Inner::Data { data, hash } => {
                take(Ok((data, Some(place))), tally);
                if range.is_some_and(|range| !hash.is_some_and(|hash| range.contains(hash))) {
                    tally.odd(Odd::OutsideShard);
                }
            }
            Inner::OutOfTable(data) => {
                tally.reject(Reason::BadAggregate);
                let detail = format!("record {place} of the aggregate");
                take(Err(Reject::new(Reason::BadAggregate, 0, data, detail)), tally);
            }
        }
    }
}

/// The hash key of a partition key.
#[must_use]
pub fn hash_of(partition_key: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

fn keep<'a>(table: &mut Vec<&'a [u8]>, key: &'a [u8]) {
    // Whatever names a key past the bound is told as out of its table.
    if table.len() < MAX_KEYS {
        table.push(key);
    }
}

/// An inner record's message.
struct Record<'a> {
    key: u64,
    explicit: Option<u64>,
    data: &'a [u8],
}

/// Bytes are no such message.
struct NoMessage;

impl<'a> Record<'a> {
    fn read(message: &'a [u8]) -> Result<Self, NoMessage> {
        let (mut key, mut explicit, mut data) = (None, None, None);
        let mut fields = Fields(message);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Number(index)) => key = Some(index),
                (2, Value::Number(index)) => explicit = Some(index),
                (3, Value::Bytes(bytes)) => data = Some(bytes),
                (1..=3, _) => return Err(NoMessage),
                // Tags, and fields of a later version.
                _ => {}
            }
        }
        // Both are required by the format.
        Ok(Self { key: key.ok_or(NoMessage)?, explicit, data: data.ok_or(NoMessage)? })
    }
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes, which none of the fields has.
    Fixed,
}

/// The fields of a protobuf message, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, NoMessage> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed
            }
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| NoMessage)?)?)
            }
            5 => {
                self.take(4)?;
                Value::Fixed
            }
            // Groups, which the format never had, and what is no type at all.
            _ => return Err(NoMessage),
        };
        match tag >> 3 {
            0 => Err(NoMessage),
            number => Ok(Some((number, value))),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], NoMessage> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NoMessage)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, NoMessage> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(NoMessage);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(NoMessage)
    }
}

#[cfg(test)]
#[path = "aggregate_tests.rs"]
mod tests;
