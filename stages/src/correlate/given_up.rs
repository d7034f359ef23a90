//! What is left of entries that a group had no room for: numbers.

use super::group::{Episode, Kept};
use crate::model::{Correlated, Summary, Texts};

/// Most times that are counted apart; past it neighbours are counted together.
const MAX_TIMES: usize = 600;

/// Entries that were given up, the oldest of the group.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct GivenUp {
    /// The time of the last one.
    pub(super) until: i64,
    /// How many there were at which time, for counting windows. By time.
    pub(super) times: Vec<(i64, u64)>,
    /// The episode that was going on.
    pub(super) run: Option<Run>,
}

/// The given-up part of an episode.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// As far as it was known when entries were last given up. What was given up behind its last window
    /// is not in the numbers here: it is of the episode only if that goes on.
    pub(super) episode: Episode,
    /// Time of the first entry.
    pub(super) first: i64,
    pub(super) arrived: i64,
    pub(super) count: u64,
    pub(super) by_source: Vec<u64>,
    /// The first distinct values, as many as are listed.
    pub(super) values: Vec<Box<str>>,
    /// The first entries, as many as are listed.
    pub(super) samples: Vec<Kept>,
    /// What all of them share.
    pub(super) shared: Shared,
}

/// What several entries have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Shared {
    /// `None` before the first entry.
    pub(super) of: Option<Summary>,
    pub(super) is_one_account: bool,
    pub(super) is_one_region: bool,
    pub(super) is_one_actor: bool,
    pub(super) is_one_resource: bool,
    pub(super) is_one_source: bool,
    pub(super) is_one_key: bool,
}

impl Shared {
    pub(super) fn add(&mut self, detail: &Summary) {
        let Some(of) = &self.of else {
            *self = Self {
                of: Some(detail.clone()),
                is_one_account: true,
                is_one_region: true,
                is_one_actor: true,
                is_one_resource: true,
                is_one_source: true,
                is_one_key: true,
            };
            return;
        };
        self.is_one_resource &= of.resource == detail.resource;
        if of.who == detail.who {
            return;
        }
        self.is_one_account &= of.who.account() == detail.who.account();
        self.is_one_region &= of.who.region() == detail.who.region();
        self.is_one_actor &= of.who.is_same_actor(&detail.who);
        self.is_one_source &= of.who.source() == detail.who.source();
        self.is_one_key &= of.who.access_key() == detail.who.access_key();
    }
}

impl GivenUp {
    /// The episode that was going on.
    pub(super) fn episode(&self) -> Option<Episode> {
        self.run.as_ref().map(|run| run.episode)
    }

    /// True if a window that begins then reaches back into what is given up.
    pub(super) fn reaches(&self, begin: i64) -> bool {
        begin <= self.until
    }

    /// True for a time among those that are given up.
    pub(super) fn reaches_past(&self, time: i64) -> bool {
        time < self.until
    }

    /// How many were given up from a time on.
    pub(super) fn count_since(&self, begin: i64) -> u64 {
        self.times.iter().rev().take_while(|(time, _)| *time >= begin).map(|(_, count)| count).sum()
    }

    /// How many of a span of time were given up, both ends included.
    fn count_within(&self, from: i64, to: i64) -> u64 {
        let times = self.times.iter().filter(|(time, _)| (from..=to).contains(time));
        times.map(|(_, count)| count).sum()
    }

    /// How many were given up of the episode that goes on, whose last window ends then.
    pub(super) fn count_of_run(&self, last_hold: i64) -> u64 {
        self.run.as_ref().map_or(0, |run| {
            let behind = run.episode.last_hold.saturating_add(1);
            run.count + self.count_within(behind, last_hold)
        })
    }

    /// Takes entries, the next ones by time, of the episode that goes on or of none.
    pub(super) fn take(&mut self, entries: &[Kept], episode: Option<Episode>, sources: usize) {
        let Some(last) = entries.last() else { return };
        if let Some(episode) = episode {
            let end = episode.last_hold.min(last.time);
            let before = match &self.run {
                Some(_) => self.count_of_run(end),
                None => self.count_within(episode.from, end),
            };
            let earliest = self.times.iter().find(|(time, _)| *time >= episode.from);
            let earliest = earliest.map(|(time, _)| *time);
            let run = self.run.get_or_insert_with(|| Run {
                episode,
                first: earliest.unwrap_or(i64::MAX),
                arrived: i64::MIN,
                count: 0,
                by_source: vec![0; sources],
                values: Vec::new(),
                samples: Vec::new(),
                shared: Shared::default(),
            });
            run.count = before;
            run.episode = Episode { last_hold: end, is_open: true, ..episode };
            let is_of = |entry: &&Kept| (episode.from..=end).contains(&entry.time);
            entries.iter().filter(is_of).for_each(|it| run.add(it));
        }
        for entry in entries {
            match self.times.last_mut() {
                Some((time, count)) if *time == entry.time => *count += 1,
                Some(_) | None => self.times.push((entry.time, 1)),
            }
        }
        while self.times.len() > MAX_TIMES {
            let (_, count) = self.times.remove(0);
            self.times[0].1 += count;
        }
        self.until = self.until.max(last.time);
    }

    /// Counts entries that come after all around them was given up.
    pub(super) fn take_late(&mut self, entries: &[Kept]) {
        for entry in entries {
            match self.times.binary_search_by_key(&entry.time, |(time, _)| *time) {
                Ok(at) => self.times[at].1 += 1,
                Err(at) if at < self.times.len() => self.times[at].1 += 1,
                Err(_) => self.times.push((entry.time, 1)),
            }
            let is_of =
                |run: &&mut Run| (run.episode.from..=run.episode.last_hold).contains(&entry.time);
            if let Some(run) = self.run.as_mut().filter(is_of) {
                run.add(entry);
            }
        }
    }

    /// Forgets counts of times that no window reaches any more.
    pub(super) fn forget_before(&mut self, begin: i64) {
        self.times.retain(|(time, _)| *time >= begin);
    }
}

impl Run {
    fn add(&mut self, entry: &Kept) {
        self.count += 1;
        self.first = self.first.min(entry.time);
        self.arrived = self.arrived.max(entry.arrived);
        if let Some(count) = self.by_source.get_mut(usize::from(entry.source)) {
            *count += 1;
        }
        for value in entry.values.iter().flatten() {
            let is_new = !self.values.iter().any(|known| **known == *value);
            if is_new && self.values.len() < Correlated::MAX_LISTED {
                self.values.push(value.into());
            }
        }
        if self.samples.len() < Correlated::MAX_LISTED {
            // Of a sample it is told where it was read, and when.
            let detail = Summary {
                path: entry.detail.path.clone(),
                index: entry.detail.index,
                event_id: entry.detail.event_id.clone(),
                ..Summary::default()
            };
            self.samples.push(Kept { values: Texts::default(), detail, ..entry.clone() });
        }
        self.shared.add(&entry.detail);
    }
}
