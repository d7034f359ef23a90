//! What is kept of one group of a correlation, and the episodes in it.
//!
//! Everything here is a function of the set of entries; how they came does not matter. What is told of
//! it, and when, is decided in `look`.

use super::compile::Correlation;
use super::condition::Window;
use super::given_up::GivenUp;
use crate::model::{Entry, Summary, Texts};

/// One entry as it is kept. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) time: i64,
    /// When it was read, by the clock of who keeps it.
    pub(super) arrived: i64,
    pub(super) identity: u128,
    /// Place of its rule among the sources.
    pub(super) source: u16,
    /// All was said of its window; it is kept for the windows behind it.
    pub(super) is_judged: bool,
    pub(super) values: Texts,
    pub(super) detail: Summary,
}

/// A group with its past as far as it matters.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Group {
    /// The values that its entries share.
    pub(super) values: Texts,
    /// By time, identity and source; each of these once.
    pub(super) entries: Vec<Kept>,
    pub(super) given_up: Option<GivenUp>,
    /// Episodes about which something was said.
    pub(super) told: Vec<Told>,
    /// What the next of them is numbered.
    pub(super) next: u32,
}

/// What was said of an episode.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Told {
    pub(super) id: String,
    /// In the order in which they were first told.
    pub(super) number: u32,
    pub(super) first_hold: i64,
    pub(super) last_hold: i64,
    /// Hash of what was told last; empty if nothing was.
    pub(super) digest: String,
    /// Nothing more will be said.
    pub(super) is_settled: bool,
    /// Another episode's id, which tells of this one too.
    pub(super) merged_into: Option<String>,
    /// The last mark that the correlations that it feeds have got.
    pub(super) handed_on: Option<i64>,
}

/// A run of windows in which the condition holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Episode {
    /// Time from which entries belong to it.
    pub(super) from: i64,
    /// Time of the first window that holds.
    pub(super) first_hold: i64,
    /// Time of the last one, and of the last entry.
    pub(super) last_hold: i64,
    /// What was measured in the first window.
    pub(super) measured: f64,
    /// It goes on where the one before was cut.
    pub(super) follows: bool,
    /// It began among entries that are given up.
    pub(super) is_open: bool,
}

impl Kept {
    pub(super) fn new(entry: Entry, source: u16, arrived: i64) -> Self {
        let Entry { time, identity, values, summary, .. } = entry;
        Self {
            time: time.as_microsecond(),
            arrived,
            identity,
            source,
            is_judged: false,
            values,
            detail: summary,
        }
    }

    fn order(&self) -> (i64, u128, u16) {
        (self.time, self.identity, self.source)
    }
}

impl Group {
    /// Adds entries; answers how many were there before.
    pub(super) fn add(&mut self, new: Vec<Kept>) -> u64 {
        let before = self.entries.len() + new.len();
        self.entries.extend(new);
        // Stable, so that of two that are the same the one that was there first stays.
        self.entries.sort_by_key(Kept::order);
        self.entries.dedup_by_key(|entry| entry.order());
        (before - self.entries.len()) as u64
    }

    /// Places of the entries of a span of time, both ends included.
    pub(super) fn range(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let from = self.entries.partition_point(|entry| entry.time < from);
        let to = self.entries.partition_point(|entry| entry.time <= to);
        from..to.max(from)
    }

    /// The episodes of all windows that are not judged, by time.
    pub(super) fn episodes(&self, rule: &Correlation) -> Vec<Episode> {
        let mut found: Vec<Episode> = Vec::new();
        found.extend(self.given_up.as_ref().and_then(GivenUp::episode));
        self.holds(rule, |time, measured| self.extend(rule, &mut found, time, measured));
        found
    }

    /// Hands on the windows that hold, as far as they are not judged: when each ends, by time, and what
    /// is measured in it.
    pub(super) fn holds(&self, rule: &Correlation, mut take: impl FnMut(i64, f64)) {
        let entries = &self.entries;
        let mut window = Window::new(&rule.condition, entries, rule.sources.len());
        let (mut from, mut at) = (0, 0);
        while let Some(entry) = entries.get(at) {
            let time = entry.time;
            let begin = time.saturating_sub(rule.timespan);
            let to = at + entries[at..].iter().take_while(|entry| entry.time == time).count();
            from += entries[from..].iter().take_while(|entry| entry.time < begin).count();
            window.move_to(from, to);
            let is_asked = entries[at..to].iter().any(|entry| !entry.is_judged);
            at = to;
            if !is_asked {
                continue;
            }
            let given_up = self.given_up.as_ref();
            let more = given_up.map_or(0, |given_up| given_up.count_since(begin));
            let is_counted = rule.condition.counts_events();
            let held = window.holds(if is_counted { more } else { 0 }).or_else(|| {
                // Its window reaches back into what is given up of a run that holds.
                let run = given_up.filter(|it| it.reaches(begin))?.episode()?;
                (rule.condition.is_monotone && !is_counted).then_some(run.measured)
            });
            if let Some(measured) = held {
                take(time, measured);
            }
        }
    }

    /// Adds a window that holds to the last episode, or begins one.
    fn extend(&self, rule: &Correlation, found: &mut Vec<Episode>, time: i64, measured: f64) {
        let begin = time.saturating_sub(rule.timespan);
        let longest = rule.longest();
        let mut episode = Episode {
            from: begin,
            first_hold: time,
            last_hold: time,
            measured,
            follows: false,
            is_open: false,
        };
        match found.last_mut() {
            Some(last) if begin <= last.last_hold => {
                if time.saturating_sub(last.first_hold) <= longest {
                    last.last_hold = time;
                    return;
                }
                episode.follows = true;
                episode.from = last.last_hold.saturating_add(1);
            }
            Some(_) | None => {
                // The one before may be settled and its entries judged.
                let before = self.told.iter().filter(|told| told.is_settled);
                let ends = before.map(|told| told.last_hold).filter(|end| *end < time);
                if let Some(end) = ends.max().filter(|end| begin <= *end) {
                    episode.from = end.saturating_add(1);
                }
            }
        }
        found.push(episode);
    }
}
