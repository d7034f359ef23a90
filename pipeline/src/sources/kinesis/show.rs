//! What the table and the streams of a source have, for people who ask. Nothing is changed.

use std::collections::HashMap;

use serde::Serialize;

use super::leases::LeaseTable as _;
use super::position::{Position, Within};
use super::source::Kinesis;

/// A lease, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaseLine {
    /// Its key in the table.
    pub lease: String,
    /// Who reads it; `None` if nobody does.
    pub owner: Option<String>,
    /// How far it was read.
    pub checkpoint: String,
    /// Changes while it is read.
    pub counter: u64,
    /// The shards that it came from.
    pub parents: Vec<String>,
    /// The shards that it became.
    pub children: Vec<String>,
    /// What is wrong with the row; it is left as it is.
    pub trouble: Option<String>,
}

/// A shard, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardLine {
    /// Name of the stream.
    pub stream: String,
    /// Its id.
    pub shard: String,
    /// It takes no more records.
    pub is_closed: bool,
    /// First hash key.
    pub from: String,
    /// Last hash key.
    pub to: String,
    /// The shards that it came from.
    pub parents: Vec<String>,
    /// How far it was read; `None` if it has no lease.
    pub checkpoint: Option<String>,
}

impl Kinesis {
    /// Every row of the table of leases.
    ///
    /// # Errors
    /// When it cannot be read, in words.
    pub async fn lease_lines(&self) -> Result<Vec<LeaseLine>, String> {
        let listing = self.table().await.all().await.map_err(|error| error.to_string())?;
        let leases = listing.leases.into_iter().map(|lease| LeaseLine {
            checkpoint: words(&lease.position),
            lease: lease.key,
            owner: lease.owner,
            counter: lease.counter,
            parents: lease.parents,
            children: lease.children,
            trouble: None,
        });
        let unreadable = listing.unreadable.into_iter().map(|row| LeaseLine {
            lease: row.key,
            owner: None,
            checkpoint: String::new(),
            counter: 0,
            parents: Vec::new(),
            children: Vec::new(),
            trouble: Some(row.why),
        });
        Ok(leases.chain(unreadable).collect())
    }

    /// Every shard of the streams, with how far it was read.
    ///
    /// # Errors
    /// When a stream cannot be listed or the table cannot be read, in words.
    pub async fn shard_lines(&self) -> Result<Vec<ShardLine>, String> {
        let listing = self.table().await.all().await.map_err(|error| error.to_string())?;
        let reached: HashMap<&str, &Position> =
            listing.leases.iter().map(|lease| (&*lease.key, &lease.position)).collect();
        let mut lines = Vec::new();
        for unit in self.streams(false).await.map_err(|error| error.words)? {
            let shards = unit.stream.shards(None).await.map_err(|error| error.words)?;
            lines.extend(shards.into_iter().map(|shard| ShardLine {
                stream: unit.stream.name().to_owned(),
                checkpoint: reached.get(&*unit.key(&shard.id)).map(|position| words(position)),
                shard: shard.id,
                is_closed: shard.is_closed,
                from: shard.range.from.to_string(),
                to: shard.range.to.to_string(),
                parents: shard.parents,
            }));
        }
        Ok(lines)
    }
}

/// A position, for people: the time that belongs to `AT_TIMESTAMP`, the place within an aggregate.
fn words(position: &Position) -> String {
    match position {
        Position::AtTimestamp(at) => match jiff::Timestamp::from_millisecond(*at) {
            Ok(time) => format!("AT_TIMESTAMP {time:.0}"),
            Err(_) => format!("AT_TIMESTAMP {at}"),
        },
        Position::Record(sequence, Within::Place(place)) if *place > 0 => {
            format!("{sequence}#{place}")
        }
        Position::Record(sequence, _) => sequence.to_string(),
        Position::TrimHorizon | Position::Latest | Position::ShardEnd => position.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::kinesis::position::Sequence;

    #[test]
    fn positions_are_shown_for_people() {
        let at = |within| Position::Record(Sequence::parse("12").unwrap(), within);
        for (position, shown) in [
            (Position::AtTimestamp(1_767_225_600_000), "AT_TIMESTAMP 2026-01-01T00:00:00Z"),
            (Position::AtTimestamp(i64::MAX), "AT_TIMESTAMP 9223372036854775807"),
            (at(Within::Place(0)), "12"),
            (at(Within::All), "12"),
            (at(Within::Place(3)), "12#3"),
            (Position::ShardEnd, "SHARD_END"),
        ] {
            assert_eq!(words(&position), shown);
        }
    }
}
