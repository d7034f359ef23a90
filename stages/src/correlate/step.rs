//! One step of a group that is kept elsewhere: its state and what is new to its state and what to tell.

use jiff::{SignedDuration, Timestamp};

use super::chain;
use super::compile::{Correlation, Correlations};
use super::group::{Group, Kept};
use super::look::{Moment, Tell};
use super::state;
use crate::model::Entry;

/// Most entries that a group keeps; what is past it is given up, the oldest first, and counted.
pub const MAX_ENTRIES: usize = 1000;

/// What stands behind another correlation waits so much longer, in microseconds: that one is not always
/// stepped at the very moment it is due.
const BEHIND: i64 = 30_000_000;

/// What a step gave.
#[derive(Debug, Default)]
pub struct Step {
    /// The group's state from now on, at most [`MAX_STATE`](super::MAX_STATE) bytes; `None`: nothing is to be
    /// kept, and a row that there is goes.
    pub state: Option<Vec<u8>>,
    /// When the next step is wanted if no entry comes before. `None` only where nothing is kept.
    pub due: Option<Timestamp>,
    /// What is to be told, in this order.
    pub tells: Vec<Tell>,
    /// Entries for correlations that this one feeds.
    pub entries: Vec<Entry>,
    /// What was not as it should be.
    pub counts: StepCounts,
}

/// What was not as it should be; adds up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct StepCounts {
    /// Entries that were there already.
    pub repeated: u64,
    /// Entries that had no room; they are counted and no more.
    pub given_up: u64,
    /// Entries that came after their episode was settled.
    pub too_late: u64,
    /// States that began anew: unreadable, or of another definition of the correlation.
    pub anew: u64,
    /// Entries for a correlation, or from a rule, that there is no more.
    pub unknown: u64,
}

impl StepCounts {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.repeated += other.repeated;
        self.given_up += other.given_up;
        self.too_late += other.too_late;
        self.anew += other.anew;
        self.unknown += other.unknown;
    }
}

impl Correlations {
    /// Takes a group of a correlation one step on.
    ///
    /// `state` is what the last step gave, `new` what has come since, all of this group (by
    /// [`Entry::key`]). With the same entries, however they are divided among steps and in whatever
    /// order they come, the same is told in the end, as long as each is there within `lateness`.
    #[must_use]
    pub fn step(
        &self,
        correlation: &str,
        state: Option<&[u8]>,
        new: Vec<Entry>,
        now: Timestamp,
        lateness: SignedDuration,
    ) -> Step {
        let mut step = Step::default();
        let Some(rule) = self.get(correlation) else {
            step.counts.unknown = new.len() as u64;
            return step;
        };
        let at = Moment {
            now: now.as_microsecond(),
            lateness: self.lateness(rule, lateness),
            is_finite: false,
        };
        let mut group = match state.map(|bytes| state::read(rule, bytes)) {
            Some(Some(group)) => group,
            Some(None) => {
                step.counts.anew = 1;
                Group::default()
            }
            None => Group::default(),
        };
        if let Some(first) = new.first() {
            group.values.clone_from(&first.group);
        }
        group.take(rule, new, at.now, &mut step.counts);
        let room = state::room(&group.entries).min(MAX_ENTRIES);
        let seen = group.look(rule, at, room);
        step.counts.given_up += seen.given_up;
        step.counts.too_late += seen.too_late;
        step.tells = seen.tells;
        step.entries = chain::entries(self, rule, &seen.handed_on);
        if group.entries.is_empty() && group.given_up.is_none() {
            return step;
        }
        step.state = Some(state::write(rule, &group));
        step.due = seen.due.map(|due| Timestamp::from_microsecond(due).unwrap_or(Timestamp::MAX));
        step
    }

    /// How many correlations stand one behind the other before the one of this id. Of groups that are stepped
    /// at the same time those of less depth come first, and what they give is stepped with the others: else
    /// these would forget what they wait with.
    #[must_use]
    pub fn depth(&self, correlation: &str) -> u32 {
        self.get(correlation).map_or(0, |rule| rule.depth)
    }

    /// How late an entry may be in microseconds: what stands behind another correlation waits for that
    /// one too.
    fn lateness(&self, rule: &Correlation, lateness: SignedDuration) -> i64 {
        let own = i64::try_from(lateness.as_micros()).unwrap_or(i64::MAX).max(0);
        let depth = i64::from(rule.depth);
        own.saturating_mul(depth + 1).saturating_add(BEHIND.saturating_mul(depth))
    }
}

impl Group {
    /// Takes entries of this group.
    pub(super) fn take(
        &mut self,
        rule: &Correlation,
        new: Vec<Entry>,
        now: i64,
        counts: &mut StepCounts,
    ) {
        let mut kept = Vec::with_capacity(new.len());
        for entry in new {
            let source = rule.sources.iter().position(|source| *source.id == *entry.rule);
            match source.and_then(|source| u16::try_from(source).ok()) {
                Some(source) => kept.push(Kept::new(entry, source, now)),
                None => counts.unknown += 1,
            }
        }
        self.take_kept(kept, counts);
    }

    /// Takes entries whose source is known.
    pub(super) fn take_kept(&mut self, mut kept: Vec<Kept>, counts: &mut StepCounts) {
        if let Some(given_up) = &mut self.given_up {
            // What came before them can't be told from them any more.
            let (late, others): (Vec<_>, _) =
                kept.into_iter().partition(|it| given_up.reaches_past(it.time));
            given_up.take_late(&late);
            counts.given_up += late.len() as u64;
            kept = others;
        }
        counts.repeated += self.add(kept);
    }
}
