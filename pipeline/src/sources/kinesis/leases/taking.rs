//! Who takes which lease: pure decisions over what was seen of the table.
//!
//! Whether a lease is still held is never told by a clock in the table: each worker notes, on its own
//! monotonic clock, when it last saw the lease's counter change.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::Lease;

/// Most leases that are stolen at a time: each costs its reader a moment.
const MAX_STEALS: usize = 4;

/// After so many times of not being renewed a lease is taken even past one's share.
const LONG_OVERDUE: u32 = 3;

/// When counters were last seen to change.
#[derive(Debug, Default)]
pub struct Seen(HashMap<String, (u64, Option<String>, Instant)>);

impl Seen {
    /// Notes what the table has now. A lease that is seen first counts as just renewed.
    pub fn note(&mut self, leases: &[Lease], now: Instant) {
        let mut next = HashMap::with_capacity(leases.len());
        for lease in leases {
            let state = (lease.counter, lease.owner.clone());
            let at = match self.0.remove(&lease.key) {
                Some((counter, owner, at)) if (counter, &owner) == (state.0, &state.1) => at,
                _ => now,
            };
            next.insert(lease.key.clone(), (state.0, state.1, at));
        }
        self.0 = next;
    }

    /// How long ago a lease was seen to change.
    fn age(&self, key: &str, now: Instant) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |(_, _, at)| now.saturating_duration_since(*at))
    }
}

/// Why a lease is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nobody has it.
    Free,
    /// Its owner does not renew it any more.
    Expired,
    /// Its owner has more than its share.
    Stolen,
}

impl Why {
    /// As in counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Expired => "expired",
            Self::Stolen => "stolen",
        }
    }
}

/// The leases that `me` should take now, and why. `pick` tells a number below its argument, so that
/// several who look at the same table choose differently.
pub fn choose<'l>(
    me: &str,
    leases: &'l [Lease],
    (seen, now): (&Seen, Instant),
    failover: Duration,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Vec<(&'l Lease, Why)> {
    let mut loads: BTreeMap<&str, Vec<&Lease>> = BTreeMap::from([(me, Vec::new())]);
    let (mut takeable, mut overdue) = (Vec::new(), Vec::new());
    let mut count = 0;
    for lease in leases.iter().filter(|lease| !lease.is_finished()) {
        count += 1;
        let age = seen.age(&lease.key, now);
        match lease.owner.as_deref() {
            Some(owner) if owner == me || age <= failover => {
                loads.entry(owner).or_default().push(lease);
            }
            owner => {
                let why = if owner.is_some() { Why::Expired } else { Why::Free };
                let is_overdue = age > failover * LONG_OVERDUE;
                if is_overdue { overdue.push((lease, why)) } else { takeable.push((lease, why)) }
            }
        }
    }
    let share = usize::div_ceil(count, loads.len());
    let mine = loads.remove(me).map_or(0, |mine| mine.len());
    shuffle(&mut overdue, pick);
    shuffle(&mut takeable, pick);
    let is_any_free = !overdue.is_empty() || !takeable.is_empty();
    let mut taken = overdue;
    let room = share.saturating_sub(mine + taken.len());
    taken.extend(takeable.into_iter().take(room));
    if is_any_free || mine >= share {
        return taken;
    }
    steal(share - mine, share, loads.into_values().collect(), pick)
}

/// Leases of whoever has most, down to its share; one of somebody who is just at it, where that evens
/// a difference of more than one.
fn steal<'l>(
    need: usize,
    share: usize,
    others: Vec<Vec<&'l Lease>>,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Vec<(&'l Lease, Why)> {
    let Some(mut most) = others.into_iter().max_by_key(Vec::len) else { return Vec::new() };
    let excess = most.len().saturating_sub(share);
    let count = match excess {
        0 if most.len() == share && need > 1 => 1,
        excess => excess.min(need).min(MAX_STEALS),
    };
    shuffle(&mut most, pick);
    most.into_iter().take(count).map(|lease| (lease, Why::Stolen)).collect()
}

fn shuffle<T>(items: &mut [T], pick: &mut dyn FnMut(usize) -> usize) {
    for index in (1..items.len()).rev() {
        items.swap(index, pick(index + 1));
    }
}

#[cfg(test)]
#[path = "taking_tests.rs"]
mod tests;
