//! Places in a shard: sequence numbers, and the names of places that have none.
//!
//! Sequence numbers have up to 56 digits, more than any integer holds: they stay text and are compared
//! by length, then by digits.

use std::cmp::Ordering;
use std::fmt;

/// Most digits of a sequence number that are believed; Kinesis' own have 56.
const MAX_DIGITS: usize = 128;

/// How far a shard has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// What arrived at that time and later, in milliseconds since 1970.
    AtTimestamp(i64),
    /// Everything that the stream still has.
    TrimHorizon,
    /// What comes from now on. Never written here: a time is, which stays what it is after a crash.
    Latest,
    /// Up to this record.
    Record(Sequence, Within),
    /// To its end.
    ShardEnd,
}

/// How far a record has been read that may hold others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// Up to the record of that place within it, that one included. Of a plain record this is 0.
    Place(u64),
    /// All of it, or there is no record of that number.
    All,
}

/// The number of a record in its shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequence(String);

impl Sequence {
    /// Reads it; `None` if it is no number.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty()
            && text.len() <= MAX_DIGITS
            && text.bytes().all(|byte| byte.is_ascii_digit());
        let digits = text.trim_start_matches('0');
        is_number.then(|| Self(if digits.is_empty() { "0" } else { digits }.to_owned()))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Sequence {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Position {
    /// Where the order of kinds puts it; numbers compare among each other.
    fn rank(&self) -> u8 {
        match self {
            Self::AtTimestamp(_) => 0,
            Self::TrimHorizon => 1,
            Self::Latest => 2,
            Self::Record(..) => 3,
            Self::ShardEnd => 4,
        }
    }

    /// Was nothing of the shard read yet?
    pub fn is_initial(&self) -> bool {
        matches!(self, Self::AtTimestamp(_) | Self::TrimHorizon | Self::Latest)
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::AtTimestamp(a), Self::AtTimestamp(b)) => a.cmp(b),
            (Self::Record(a, x), Self::Record(b, y)) => a.cmp(b).then(x.cmp(y)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Position {
    /// As the `checkpoint` of a lease table has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtTimestamp(_) => f.write_str("AT_TIMESTAMP"),
            Self::TrimHorizon => f.write_str("TRIM_HORIZON"),
            Self::Latest => f.write_str("LATEST"),
            Self::Record(sequence, _) => sequence.fmt(f),
            Self::ShardEnd => f.write_str("SHARD_END"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Sequence {
        Sequence::parse(text).unwrap()
    }

    #[test]
    fn positions_are_in_the_order_of_reading() {
        let long = "49590338271490256608559692538361571095921575989136588898";
        let longer = "49590338271490256608559692538361571095921575989136588899";
        let ordered = [
            Position::AtTimestamp(5),
            Position::AtTimestamp(9),
            Position::TrimHorizon,
            Position::Latest,
            Position::Record(at("9"), Within::Place(0)),
            Position::Record(at("10"), Within::Place(0)),
            Position::Record(at(long), Within::Place(0)),
            Position::Record(at(long), Within::Place(10)),
            Position::Record(at(long), Within::All),
            Position::Record(at(longer), Within::Place(0)),
            Position::ShardEnd,
        ];
        assert!(ordered.is_sorted());
        assert_eq!(at("007"), at("7"));
        assert_eq!(at("000").as_str(), "0");
        for bad in ["", "-1", "1e3", "１", &"9".repeat(129)] {
            assert_eq!(Sequence::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn short_numbers_compare_as_integers(a: u128, b: u128) {
            prop_assert_eq!(at(&a.to_string()).cmp(&at(&b.to_string())), a.cmp(&b));
        }
    }
}
