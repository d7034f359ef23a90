//! Which leases there must be: decisions over a stream's shards and the table's rows.
//!
//! A shard gets its lease from its parent, at the parent's end. What is decided here is the rest: the
//! first leases of a table, shards that were missed, rows that nobody needs any more, and whether the
//! leases cover every hash key.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use askance_stages::decode::HashRange;

use super::Lease;
use crate::sources::kinesis::position::{Position, Sequence};

/// A shard, as the stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shards that it came from.
    pub parents: Vec<String>,
    /// The hash keys that it takes.
    pub range: HashRange,
    /// Where its records begin.
    pub begins: Sequence,
    /// It takes no more records.
    pub is_closed: bool,
}

/// A lease that must be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing<'s> {
    /// Of this shard.
    pub shard: &'s Shard,
    /// Where reading begins.
    pub position: Position,
}

/// A listing contradicts itself; the next one may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("shard {child} is open, and so is {parent}, which it came from")]
pub struct Inconsistent {
    /// The open child.
    pub child: String,
    /// Its open parent.
    pub parent: String,
}

/// A range of hash keys that nobody reads.
pub type Hole = HashRange;

/// Leases that are missing, parents before children: written in this order, a crash on the way leaves
/// nothing that the next look does not mend.
///
/// `initial` is where a shard begins that hangs from no lease.
///
/// # Errors
/// When the listing contradicts itself.
pub fn missing<'s>(
    shards: &'s [Shard],
    leases: &HashMap<&str, &Lease>,
    initial: &Position,
) -> Result<Vec<Missing<'s>>, Inconsistent> {
    let by_id: HashMap<&str, &Shard> = shards.iter().map(|shard| (&*shard.id, shard)).collect();
    is_consistent(shards, &by_id)?;
    let wanted = unleased_ancestry(shards, &by_id, leases);
    let mut order: Vec<&Shard> =
        wanted.into_iter().filter_map(|id| by_id.get(id).copied()).collect();
    order.sort_by(|a, b| (&a.begins, &a.id).cmp(&(&b.begins, &b.id)));
    // Where the past is not asked for, what is closed is not read.
    let from_now = *initial == Position::Latest;
    let mut made: BTreeMap<(&Sequence, &str), Missing<'s>> = BTreeMap::new();
    // Whether a shard hangs from a lease that is there or is being made.
    let mut hangs: HashSet<&str> = HashSet::new();
    let mut make = |shard: &'s Shard, position: Position| {
        made.entry((&shard.begins, &*shard.id)).or_insert(Missing { shard, position });
    };
    for shard in order {
        let known =
            |id: &&String| by_id.contains_key(id.as_str()) || leases.contains_key(id.as_str());
        let parents: Vec<&String> = shard.parents.iter().filter(known).collect();
        let is_hanging = |id: &str| leases.contains_key(id) || hangs.contains(id);
        if parents.iter().any(|id| is_hanging(id)) {
            for id in parents.iter().filter(|id| !is_hanging(id)) {
                if let Some(parent) = by_id.get(id.as_str()) {
                    make(parent, initial.clone());
                }
            }
            // Its parents made no lease for it at their end: a crash came between.
            let is_finished =
                |id: &&String| leases.get(id.as_str()).is_some_and(|l| l.is_finished());
            if parents.iter().all(is_finished) {
                make(shard, Position::TrimHorizon);
            }
            hangs.insert(&shard.id);
        } else if !from_now || !shard.is_closed {
            make(shard, initial.clone());
            hangs.insert(&shard.id);
        }
    }
    Ok(made.into_values().collect())
}

fn is_consistent(shards: &[Shard], by_id: &HashMap<&str, &Shard>) -> Result<(), Inconsistent> {
    for shard in shards.iter().filter(|shard| !shard.is_closed) {
        let open = |id: &&String| by_id.get(id.as_str()).is_some_and(|parent| !parent.is_closed);
        if let Some(parent) = shard.parents.iter().find(open) {
            return Err(Inconsistent { child: shard.id.clone(), parent: parent.clone() });
        }
    }
    Ok(())
}

/// Open shards without a lease, and their ancestors up to those that have one.
fn unleased_ancestry<'s>(
    shards: &'s [Shard],
    by_id: &HashMap<&str, &'s Shard>,
    leases: &HashMap<&str, &Lease>,
) -> BTreeSet<&'s str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Shard> = shards.iter().filter(|shard| !shard.is_closed).collect();
    while let Some(shard) = waiting.pop() {
        if leases.contains_key(shard.id.as_str()) || !found.insert(&*shard.id) {
            continue;
        }
        waiting.extend(shard.parents.iter().filter_map(|id| by_id.get(id.as_str()).copied()));
    }
    found
}

/// The first hash keys that no unfinished lease covers; overlaps are no trouble. Ranges that a lease does
/// not tell are those of its shard.
pub fn hole<'l>(leases: impl Iterator<Item = &'l Lease>, shards: &[Shard]) -> Option<Hole> {
    let by_id: HashMap<&str, &Shard> = shards.iter().map(|shard| (&*shard.id, shard)).collect();
    let range = |lease: &Lease| {
        lease.range.or_else(|| by_id.get(lease.shard.as_str()).map(|shard| shard.range))
    };
    let mut ranges: Vec<HashRange> =
        leases.filter(|lease| !lease.is_finished()).filter_map(range).collect();
    first_hole(&mut ranges)
}

/// As [`hole`], of the ranges themselves.
pub fn first_hole(ranges: &mut [HashRange]) -> Option<Hole> {
    ranges.sort_by_key(|range| range.from);
    let mut next = 0u128;
    for range in ranges.iter() {
        if range.from > next {
            return Some(HashRange { from: next, to: range.from - 1 });
        }
        next = next.max(range.to.checked_add(1)?);
    }
    Some(HashRange { from: next, to: u128::MAX })
}

/// Rows that nobody needs any more: at their end, with children that are being read, and no parent's
/// row left. A row that goes too early would let a child begin before its parent's end.
pub fn garbage<'l>(leases: &'l [&'l Lease], listed: &HashSet<&str>) -> Vec<&'l Lease> {
    let by_shard: HashMap<&str, &Lease> =
        leases.iter().map(|lease| (&*lease.shard, *lease)).collect();
    let is_read = |id: &String| by_shard.get(id.as_str()).is_some_and(|l| !l.position.is_initial());
    let can_go = |lease: &&&Lease| {
        let is_first = !lease.parents.iter().any(|id| by_shard.contains_key(id.as_str()));
        // A shard that the stream no longer lists had its children made, or never had any.
        let has_heirs = match lease.children.is_empty() {
            true => !listed.contains(lease.shard.as_str()),
            false => lease.children.iter().all(is_read),
        };
        lease.is_finished() && is_first && has_heirs
    };
    leases.iter().filter(can_go).copied().collect()
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
