//! A lease as a row of DynamoDB: attribute names and types of the Kinesis Client Library 2.
//!
//! Rows that it does not understand are told and left alone. Two attributes are askance's own: `startAt`,
//! the time in milliseconds that belongs to a checkpoint `AT_TIMESTAMP`, and `streamEpoch`, when the
//! stream was made.

use std::collections::HashMap;

use askance_stages::decode::HashRange;
use aws_sdk_dynamodb::types::AttributeValue;

use super::Lease;
use crate::sources::kinesis::position::{Position, Sequence, Within};
use crate::sources::shown::shown;

/// A row as DynamoDB has it.
pub type Row = HashMap<String, AttributeValue>;

/// Longest key of a lease that is believed: an account, a stream's name of 128, a time and a shard.
const MAX_KEY: usize = 512;

/// Most shards that one came from, or became.
const MAX_RELATED: usize = 16;

/// A row that is no lease of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its key, as far as it has one, made harmless.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// It is a row of another kind that newer libraries keep in such a table, and no trouble.
    pub is_other_kind: bool,
}

/// Reads a row.
pub fn read(row: &Row) -> Result<Lease, Unreadable> {
    let key = text(row, "leaseKey").unwrap_or_default();
    let trouble = |why: String| Unreadable { key: shown(&key), why, is_other_kind: false };
    if let Some(kind) = text(row, "entityType")
        && kind != "LEASE"
    {
        let why = format!("it is of type {}", shown(&kind));
        return Err(Unreadable { key: shown(&key), why, is_other_kind: true });
    }
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(trouble("`leaseKey` is no key of a lease".to_owned()));
    }
    let stream = text(row, "streamName");
    let shard = match &stream {
        None => key.clone(),
        Some(_) => {
            text(row, "shardId").ok_or_else(|| trouble("`shardId` is missing".to_owned()))?
        }
    };
    if !shard.starts_with("shardId-") {
        return Err(trouble("its key is no shard's".to_owned()));
    }
    let counter = number(row, "leaseCounter")
        .ok_or_else(|| trouble("`leaseCounter` is no number".to_owned()))?;
    let position = position(row).map_err(trouble)?;
    Ok(Lease {
        stream,
        shard,
        owner: text(row, "leaseOwner"),
        counter,
        position,
        switches: number(row, "ownerSwitchesSinceCheckpoint").unwrap_or(0),
        parents: texts(row, "parentShardId"),
        children: texts(row, "childShardIds"),
        range: range(row),
        epoch: row.get("streamEpoch").and_then(|value| value.as_n().ok()?.parse().ok()),
        key,
    })
}

fn position(row: &Row) -> Result<Position, String> {
    let checkpoint = text(row, "checkpoint").ok_or("`checkpoint` is missing")?;
    Ok(match checkpoint.as_str() {
        "TRIM_HORIZON" => Position::TrimHorizon,
        "LATEST" => Position::Latest,
        "SHARD_END" => Position::ShardEnd,
        "AT_TIMESTAMP" => {
            let at = row.get("startAt").and_then(|value| value.as_n().ok());
            let at = at.and_then(|at| at.parse().ok());
            Position::AtTimestamp(at.ok_or("`checkpoint` is AT_TIMESTAMP and `startAt` no time")?)
        }
        digits => {
            let sequence = Sequence::parse(digits);
            let sequence = sequence.ok_or_else(|| format!("`checkpoint` is {}", shown(digits)))?;
            let within = match row.get("checkpointSubSequenceNumber") {
                None => Within::All,
                Some(_) => Within::Place(
                    number(row, "checkpointSubSequenceNumber")
                        .ok_or("`checkpointSubSequenceNumber` is no number")?,
                ),
            };
            Position::Record(sequence, within)
        }
    })
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.as_s().ok().cloned()
}

fn number(row: &Row, name: &str) -> Option<u64> {
    row.get(name)?.as_n().ok()?.parse().ok()
}

fn texts(row: &Row, name: &str) -> Vec<String> {
    let set = row.get(name).and_then(|value| value.as_ss().ok());
    let mut texts: Vec<String> =
        set.map(|set| set.iter().take(MAX_RELATED).cloned().collect()).unwrap_or_default();
    texts.sort();
    texts
}

fn range(row: &Row) -> Option<HashRange> {
    let key = |name: &str| text(row, name)?.parse().ok();
    Some(HashRange { from: key("startingHashKey")?, to: key("endingHashKey")? })
}

/// A string value.
pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A number value.
pub fn n(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// Writes a row; what is empty is left out.
pub fn write(lease: &Lease) -> Row {
    let mut row = Row::from([
        ("leaseKey".to_owned(), s(&lease.key)),
        ("leaseCounter".to_owned(), n(lease.counter)),
        ("ownerSwitchesSinceCheckpoint".to_owned(), n(lease.switches)),
    ]);
    let mut put = |name: &str, value: AttributeValue| {
        row.insert(name.to_owned(), value);
    };
    if let Some(stream) = &lease.stream {
        put("streamName", s(stream));
        put("shardId", s(&lease.shard));
    }
    if let Some(owner) = &lease.owner {
        put("leaseOwner", s(owner));
    }
    for (name, value) in checkpoint(&lease.position) {
        put(name, value);
    }
    for (name, shards) in [("parentShardId", &lease.parents), ("childShardIds", &lease.children)] {
        if !shards.is_empty() {
            put(name, AttributeValue::Ss(shards.clone()));
        }
    }
    if let Some(range) = lease.range {
        put("startingHashKey", s(&range.from.to_string()));
        put("endingHashKey", s(&range.to.to_string()));
    }
    if let Some(epoch) = lease.epoch {
        put("streamEpoch", n(epoch));
    }
    row
}

/// The attributes of a position.
pub fn checkpoint(position: &Position) -> Vec<(&'static str, AttributeValue)> {
    let mut values = vec![("checkpoint", s(&position.to_string()))];
    match position {
        Position::AtTimestamp(at) => values.push(("startAt", n(*at))),
        Position::Record(_, Within::Place(place)) => {
            values.push(("checkpointSubSequenceNumber", n(*place)));
        }
        Position::TrimHorizon | Position::Latest | Position::ShardEnd => {
            values.push(("checkpointSubSequenceNumber", n(0)));
        }
        Position::Record(_, Within::All) => {}
    }
    values
}
