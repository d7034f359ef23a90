//! Where each row stands in the table, and the names of the attributes that conditions look at.
//!
//! Ids, keys and names of sinks may be any text of any length, so keys hold hashes of them. What hangs
//! on an alert (its group, what sinks answered, parts of long bodies) stands below the alert's key.

use askance_stages::model::{hex, identity_of};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Partition key.
pub(super) const PK: &str = "pk";
/// Sort key.
pub(super) const SK: &str = "sk";
/// The index that lists alerts by time.
pub(super) const INDEX: &str = "by_time";
/// Partition key of the index.
pub(super) const LISTED_UNDER: &str = "listed_under";
/// Sort key of the index: the event's time and the alert's number.
pub(super) const LISTED_AT: &str = "listed_at";
/// When DynamoDB may drop the row, in seconds since 1970.
pub(super) const EXPIRES: &str = "expires_at";
/// When it was written, in microseconds since 1970.
pub(super) const WRITTEN: &str = "written_at";
/// Counts the changes of a row that decisions rest on.
pub(super) const VERSION: &str = "row_version";
/// The next number to be given out; the version of the table.
pub(super) const NEXT: &str = "next_number";
/// The row's own number.
pub(super) const NUMBER: &str = "row_number";
/// Packed JSON.
pub(super) const BODY: &str = "row_body";
/// Packed JSON of who took note of an alert.
pub(super) const ACK: &str = "ack_body";
/// How many parts a body has that is too long for its row.
pub(super) const PARTS: &str = "body_parts";
/// What the parts are named by.
pub(super) const HASH: &str = "body_hash";
/// What became of an alert.
pub(super) const FATE: &str = "alert_fate";
/// The suppression that names it.
pub(super) const SUPPRESSED: &str = "alert_suppression";
/// The hash of the alert that a message is about.
pub(super) const ALERT: &str = "alert_key";
/// What a message tells.
pub(super) const KIND: &str = "message_kind";
/// Not before this time, in microseconds since 1970.
pub(super) const DUE: &str = "due_at";
/// When it was queued first, in microseconds since 1970.
pub(super) const QUEUED: &str = "queued_at";
/// How often sending was tried.
pub(super) const ATTEMPTS: &str = "attempts_made";
/// Why it was not sent the last time.
pub(super) const ERROR: &str = "last_error";
/// Who sends it; who has the turn.
pub(super) const OWNER: &str = "claim_owner";
/// Counts how often a turn was taken.
pub(super) const TERM: &str = "turn_term";
/// Changes with each claim and each renewal.
pub(super) const MARK: &str = "claim_mark";
/// Numbers of updates of a group that wait, by sink.
pub(super) const UPDATES: &str = "waiting_updates";

/// Key of a group of a correlation, as given.
pub(super) const WINDOW: &str = "window_key";
/// The correlation of a group.
pub(super) const CORRELATION: &str = "window_correlation";
/// What a step of a group gave.
pub(super) const STATE: &str = "window_state";

/// Partitions of the index, so that many alerts at once do not meet in one.
pub(super) const SHARDS: u8 = 16;

/// A row's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Partition.
    pub(super) pk: String,
    /// Place in it.
    pub(super) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The version of the table.
    pub(super) fn table() -> Self {
        Self::new("meta", "table")
    }

    /// Numbers of alerts and messages.
    pub(super) fn numbers() -> Self {
        Self::new("meta", "numbers")
    }

    /// Numbers of rejects.
    pub(super) fn reject_numbers() -> Self {
        Self::new("meta", "rejects")
    }

    /// An alert, by the hash of its id.
    pub(super) fn alert(hash: &str) -> Self {
        Self::new(format!("a#{hash}"), "alert")
    }

    /// The group that an alert leads.
    pub(super) fn group(leader: &str) -> Self {
        Self::new(format!("a#{leader}"), "group")
    }

    /// What a sink answered when an alert was told.
    pub(super) fn told(alert: &str, sink: &str) -> Self {
        Self::new(format!("a#{alert}"), format!("told#{}", hash(&[sink])))
    }

    /// A part of a body, beside the row that it belongs to.
    pub(super) fn part(pk: &str, body: &str, index: usize) -> Self {
        Self::new(pk, format!("part#{body}#{index:04}"))
    }

    /// An object in the ledger.
    pub(super) fn object(key: &str) -> Self {
        Self::new(format!("o#{}", hash(&[key])), "object")
    }

    /// The groups of a key.
    pub(super) fn head(key: &str) -> Self {
        Self::new(format!("k#{}", hash(&[key])), "head")
    }

    /// How many alerts of a rule were told lately.
    pub(super) fn rate(rule: &str) -> Self {
        Self::new(format!("t#{}", hash(&[rule])), "rate")
    }

    /// What a rule says.
    pub(super) fn words(rule: &str) -> Self {
        Self::new(format!("w#{}", hash(&[rule])), "words")
    }

    /// That a reject is there.
    pub(super) fn reject_seen(reject: &str) -> Self {
        Self::new(format!("r#{reject}"), "reject")
    }

    /// A reject in the list of them.
    pub(super) fn reject(number: i64) -> Self {
        Self::new("rejects", format!("{number:019}"))
    }

    /// A message.
    pub(super) fn message(sink: &str, state: State, number: i64) -> Self {
        Self::new(messages(sink), format!("{}{number:019}", state.prefix()))
    }

    /// A sink's own place, of one replica.
    pub(super) fn position(sink: &str, replica: &str) -> Self {
        Self::new(format!("p#{}", hash(&[sink])), hash(&[replica]))
    }

    /// A group of a correlation.
    pub(super) fn window(key: &str) -> Self {
        Self::new(format!("c#{}", hash(&[key])), "window")
    }

    /// A sink for which messages were queued.
    pub(super) fn sink(name: &str) -> Self {
        Self::new("sinks", hash(&[name]))
    }

    /// A turn.
    pub(super) fn turn(name: &str) -> Self {
        Self::new(format!("u#{}", hash(&[name])), "turn")
    }

    /// Its name in a basis.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.pk, self.sk)
    }
}

/// The state of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Dead,
}

impl State {
    /// What sort keys begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Waiting => "w#",
            Self::Dead => "d#",
        }
    }
}

/// The partition of a sink's messages.
pub(super) fn messages(sink: &str) -> String {
    format!("q#{}", hash(&[sink]))
}

/// The partition of the index that an alert is listed in. Ids are hexadecimal digits, so those that
/// begin alike stand in one.
pub(super) fn shard(id: &str) -> String {
    listed_under(id.bytes().next().unwrap_or(0) % SHARDS)
}

/// The name of a partition of the index.
pub(super) fn listed_under(shard: u8) -> String {
    format!("alert#{shard:02}")
}

/// The name of a partition of the index in which groups of correlations stand by when they are due.
pub(super) fn due_under(shard: u8) -> String {
    format!("window#{shard:02}")
}

/// The partition of a group of a correlation.
pub(super) fn window_shard(key: &str) -> String {
    due_under(hash(&[key]).bytes().next().unwrap_or(0) % SHARDS)
}

/// A time as text that sorts as times do.
pub(super) fn sortable(time: Timestamp) -> String {
    let above_least = i128::from(time.as_microsecond()) - i128::from(i64::MIN);
    format!("{above_least:020}")
}

/// A hash over parts, each with its length so that none runs into the next; 32 hexadecimal digits.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

/// A hash over bytes.
pub(super) fn hash_bytes(bytes: &[u8]) -> String {
    identity_of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_text() {
        let times = [i64::MIN, -62_135_596_800, -1, 0, 1, 1_790_000_000];
        let texts: Vec<String> = times
            .iter()
            .map(|second| Timestamp::from_second(*second).unwrap_or(Timestamp::MIN))
            .map(sortable)
            .collect();
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn keys_are_short_whatever_they_are_made_of() {
        let long = "long ".repeat(40_000);
        for key in [Key::object(&long), Key::told(&hash(&[&long]), &long), Key::head(&long)] {
            assert!(key.pk.len() < 100 && key.sk.len() < 100);
        }
        assert_ne!(hash(&["a", "b"]), hash(&["ab", ""]));
    }

    #[test]
    fn ids_that_begin_alike_are_listed_together() {
        assert_eq!(shard("3fa4"), shard("3"));
        assert_ne!(shard("3fa4"), shard("4fa4"));
    }
}
