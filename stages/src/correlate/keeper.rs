//! Holds the groups of a finite input in memory and evaluates them at its end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::chain;
use super::compile::{Correlation, Correlations};
use super::group::{Group, Kept};
use super::look::{Moment, Tell};
use super::step::StepCounts;
use crate::model::{Entry, Texts, parse_time};

/// What a keeper may hold.
#[derive(Debug, Clone, Copy)]
pub struct KeeperLimits {
    /// Groups. Past it the older half of them, by their last event, is evaluated and let go of.
    pub groups: usize,
    /// Entries of a group. Past it the oldest are given up.
    pub entries: usize,
}

impl Default for KeeperLimits {
    /// So many groups that an input of one kind seldom has more, so many entries that a group is
    /// evaluated at once without being felt.
    fn default() -> Self {
        Self { groups: 1_000_000, entries: 20_000 }
    }
}

/// What a keeper did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct KeeperCounts {
    /// Entries taken.
    pub entries: u64,
    /// Groups that they belonged to.
    pub groups: u64,
    /// Groups that were evaluated before the end for want of room: what came for them later counts as
    /// another group.
    pub let_go: u64,
    /// What was not as it should be.
    pub steps: StepCounts,
}

/// All groups of an input.
#[derive(Debug)]
pub struct Keeper<'c> {
    these: &'c Correlations,
    limits: KeeperLimits,
    groups: HashMap<Key, Held, RandomState>,
    texts: Shelf,
    tells: Vec<Tell>,
    counts: KeeperCounts,
}

/// Place of the correlation, values of the group.
type Key = (usize, Texts);

/// A group that is held: sorted and evaluated only when it is time.
#[derive(Debug, Default)]
struct Held {
    new: Vec<Kept>,
    group: Option<Box<Group>>,
    last: i64,
}

/// Texts that many entries share, each once.
#[derive(Debug, Default)]
struct Shelf(HashSet<Arc<str>, RandomState>);

impl Shelf {
    /// Most texts; past it all are put anew.
    const MAX: usize = 1 << 20;

    /// Puts a text there, or takes the one that is there already.
    fn share(&mut self, text: &mut Arc<str>) {
        if let Some(known) = self.0.get(text) {
            text.clone_from(known);
            return;
        }
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        self.0.insert(text.clone());
    }
}

impl<'c> Keeper<'c> {
    /// Makes a keeper that holds nothing yet.
    #[must_use]
    pub fn new(these: &'c Correlations, limits: KeeperLimits) -> Self {
        Self {
            these,
            limits,
            groups: HashMap::default(),
            texts: Shelf::default(),
            tells: Vec::new(),
            counts: KeeperCounts::default(),
        }
    }

    /// Takes an entry.
    pub fn take(&mut self, mut entry: Entry) {
        self.counts.entries += 1;
        let place = self.these.place(&entry.correlation);
        let Some((place, rule)) = place else {
            self.counts.steps.unknown += 1;
            return;
        };
        let source = rule.sources.iter().position(|source| *source.id == *entry.rule);
        let Some(source) = source.and_then(|source| u16::try_from(source).ok()) else {
            self.counts.steps.unknown += 1;
            return;
        };
        let values = std::mem::take(&mut entry.group);
        let mut kept = Kept::new(entry, source, i64::MIN);
        self.texts.share(kept.detail.who.0.packed_mut());
        self.texts.share(kept.detail.resource.packed_mut());
        kept.detail.path.iter_mut().for_each(|path| self.texts.share(path));
        let held = self.groups.entry((place, values)).or_insert_with(|| {
            self.counts.groups += 1;
            Held { last: i64::MIN, ..Held::default() }
        });
        held.last = held.last.max(kept.time);
        if held.new.is_empty() {
            held.new.reserve_exact(1);
        }
        held.new.push(kept);
        if held.new.len() > self.limits.entries.max(1) {
            self.make_room(place);
        }
        if self.groups.len() > self.limits.groups.max(1) {
            self.let_go();
        }
    }

    /// Evaluates the groups that only events feed, since nothing more comes for them. Those that
    /// episodes feed go on waiting.
    pub fn evaluate_whole(&mut self) {
        let these = self.these;
        let is_whole = |key: &Key, _: &mut Held| these.all[key.0].depth == 0;
        let whole: Vec<(Key, Held)> = self.groups.extract_if(is_whole).collect();
        for (key, held) in whole {
            self.evaluate(&key, held);
        }
    }

    /// What evaluating gave so far.
    #[must_use]
    pub fn tells(&mut self) -> Vec<Tell> {
        std::mem::take(&mut self.tells)
    }

    /// Evaluates what is held and answers all that is to be told, by time, and what was done.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Tell>, KeeperCounts) {
        // What is fed stands behind what feeds it, and may have got new groups by then.
        for place in 0..self.these.all.len() {
            let of_place = |key: &Key, _: &mut Held| key.0 == place;
            let held: Vec<(Key, Held)> = self.groups.extract_if(of_place).collect();
            for (key, held) in held {
                self.evaluate(&key, held);
            }
        }
        let mut tells = self.tells;
        tells.sort_by_cached_key(|tell| {
            (tell.alert.time.as_deref().and_then(parse_time), tell.alert.id.clone())
        });
        (tells, self.counts)
    }

    /// Gives up the oldest entries of the groups of a correlation that hold too many.
    fn make_room(&mut self, place: usize) {
        let rule = &self.these.all[place];
        let room = self.limits.entries.max(1);
        // Nothing is over before the end of the input.
        let at = Moment { now: i64::MIN, lateness: i64::MAX, is_finite: true };
        for ((of, values), held) in &mut self.groups {
            if *of == place && held.new.len() > room {
                let group = held.fill(values, &mut self.counts.steps);
                let seen = group.look(rule, at, room / 2);
                self.counts.steps.given_up += seen.given_up;
                self.tells.extend(seen.tells);
            }
        }
    }

    /// Evaluates the older half of the groups.
    fn let_go(&mut self) {
        let mut ends: Vec<i64> = self.groups.values().map(|held| held.last).collect();
        let middle = ends.len() / 2;
        let (_, middle, _) = ends.select_nth_unstable(middle);
        let middle = *middle;
        let old = self.groups.iter().filter(|(_, held)| held.last <= middle);
        let old: Vec<_> = old.map(|(key, _)| key.clone()).collect();
        self.counts.let_go += old.len() as u64;
        for key in old {
            self.close(&key);
        }
    }

    /// Evaluates a group for the last time; what it feeds gets its episodes.
    fn close(&mut self, key: &Key) {
        if let Some(held) = self.groups.remove(key) {
            self.evaluate(key, held);
        }
    }

    fn evaluate(&mut self, key: &Key, mut held: Held) {
        let rule: &Correlation = &self.these.all[key.0];
        if held.group.is_none() && !rule.condition.may_hold(&held.new) {
            return;
        }
        let group = held.fill(&key.1, &mut self.counts.steps);
        let at = Moment { now: i64::MAX, lateness: 0, is_finite: true };
        let seen = group.look(rule, at, usize::MAX);
        self.tells.extend(seen.tells);
        for entry in chain::entries(self.these, rule, &seen.handed_on) {
            self.take(entry);
        }
    }
}

impl Held {
    /// Puts what is new where it belongs.
    fn fill(&mut self, values: &Texts, counts: &mut StepCounts) -> &mut Group {
        let group = self
            .group
            .get_or_insert_with(|| Box::new(Group { values: values.clone(), ..Group::default() }));
        group.take_kept(std::mem::take(&mut self.new), counts);
        group
    }
}
