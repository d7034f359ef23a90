//! Counts what two sets of rules find: kept, new, gone, by rule, day and account.

use std::collections::BTreeMap;

use askance_stages::correlate::{Keeper, KeeperCounts, KeeperLimits};
use askance_stages::model::{Alert, Entry, GroupValue};
use askance_stages::tally::Tally;

use super::{Pair, Questions, Side, episodes};
use crate::runtime::seen::Seen;

/// Days and accounts of a rule that are counted apart; the rest is counted together.
const MAX_PLACES: usize = 2000;

/// Samples that are kept of what is new, and of what is gone, for each rule.
const MAX_SAMPLES: usize = 3;

/// What is counted under, where there are too many.
const OTHERS: &str = "others";

/// How many alerts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Both sets give them.
    pub kept: u64,
    /// The candidate alone.
    pub new: u64,
    /// The baseline alone.
    pub gone: u64,
}

impl Counts {
    fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Kept => self.kept += 1,
            Fate::New => self.new += 1,
            Fate::Gone => self.gone += 1,
        }
    }

    /// Of the baseline.
    pub fn before(self) -> u64 {
        self.kept + self.gone
    }

    /// Of the candidate.
    pub fn after(self) -> u64 {
        self.kept + self.new
    }
}

/// An alert that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// When it happened.
    pub time: Option<String>,
    /// In which account.
    pub account: Option<String>,
    /// In which region.
    pub region: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// What it was done to.
    pub resources: Vec<String>,
    /// Where the record stands.
    pub origin: String,
    /// Place of the record in it.
    pub index: u64,
    /// Of an episode: how many events, of which these are the first one's origin and place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Of an episode: what its events have in common.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupValue>,
}

/// What the two forms of a rule found.
#[derive(Debug, Default)]
pub struct OfRule {
    /// All of it.
    pub all: Counts,
    /// By day (UTC).
    pub days: BTreeMap<String, Counts>,
    /// By account.
    pub accounts: BTreeMap<String, Counts>,
    /// Distinct questions: account and resource.
    pub questions: Questions,
    /// Some of what is new.
    pub new: Vec<Sample>,
    /// Some of what is gone.
    pub gone: Vec<Sample>,
    /// Nanoseconds that the baseline's form took, and the candidate's, estimated from a sample.
    pub nanoseconds: (u64, u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    New,
    Gone,
}

/// A comparison under way.
pub struct Comparison<'p> {
    pair: &'p Pair,
    /// By the id that both sets know a rule by.
    pub rules: BTreeMap<String, OfRule>,
    /// Everything together.
    pub all: Counts,
    /// Distinct questions: rule, account and resource.
    pub questions: Questions,
    /// Distinct people (or programs): who acted, and would be asked.
    pub people: Questions,
    /// What the engine counted.
    pub tally: Tally,
    /// Objects that were read.
    pub objects: u64,
    /// What was done for correlations; known at the end.
    pub kept: KeeperCounts,
    /// What correlations of both sets have been fed; `None` once they are told.
    keeper: Option<Keeper<'p>>,
    seen: Seen,
    /// Alerts of the last record of each object that is under way.
    pending: BTreeMap<String, Vec<Alert>>,
}

impl<'p> Comparison<'p> {
    /// Nothing yet.
    pub fn new(pair: &'p Pair) -> Self {
        let limits = KeeperLimits::default();
        // As many as two scans would hold.
        let limits = KeeperLimits { groups: limits.groups * 2, ..limits };
        Self {
            pair,
            rules: BTreeMap::new(),
            all: Counts::default(),
            questions: Questions::default(),
            people: Questions::default(),
            tally: Tally::default(),
            objects: 0,
            kept: KeeperCounts::default(),
            keeper: Some(Keeper::new(&pair.correlations, limits)),
            seen: Seen::default(),
            pending: BTreeMap::new(),
        }
    }

    /// Takes an alert; those of one object come in the order of its records.
    pub fn alert(&mut self, alert: Alert) {
        // The same event read twice is one.
        if !self.seen.is_new(&alert.id) {
            return;
        }
        let path = alert.origin.path.clone();
        let waiting = self.pending.entry(path).or_default();
        let is_next = waiting.first().is_some_and(|one| one.origin.index != alert.origin.index);
        let done = if is_next { std::mem::take(waiting) } else { Vec::new() };
        waiting.push(alert);
        self.record(&done);
    }

    /// An object is done: what the engine counted.
    pub fn end(&mut self, path: &str, tally: &Tally) {
        let done = self.pending.remove(path).unwrap_or_default();
        self.record(&done);
        self.objects += 1;
        for (id, nanoseconds) in &tally.rule_nanoseconds {
            let (side, id) = self.pair.side(id);
            let of = &mut self.rules.entry(id.to_owned()).or_default().nanoseconds;
            if side != Side::Candidate {
                of.0 += nanoseconds;
            }
            if side != Side::Baseline {
                of.1 += nanoseconds;
            }
        }
        self.tally.add(tally);
    }

    /// Takes an event for a correlation.
    pub fn entry(&mut self, entry: Entry) {
        if let Some(keeper) = &mut self.keeper {
            keeper.take(entry);
        }
    }

    /// Everything was read: counts the episodes of correlations.
    pub fn finish(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        let (mut tells, counts) = keeper.finish();
        self.kept = counts;
        tells.retain(|tell| self.seen.is_new(&tell.alert.id));
        let (pairings, both) = episodes::sort(self.pair, tells);
        for alert in &both {
            self.take(Side::Both, Fate::Kept, alert);
        }
        for (baseline, candidate) in &pairings {
            let is_kept = baseline.is_some() && candidate.is_some();
            if let Some(alert) = candidate {
                self.take(Side::Candidate, if is_kept { Fate::Kept } else { Fate::New }, alert);
            }
            match baseline {
                // Counted with the candidate's.
                Some(alert) if is_kept => self.ask(Side::Baseline, alert),
                Some(alert) => self.take(Side::Baseline, Fate::Gone, alert),
                None => {}
            }
        }
    }

    /// Something was forgotten, so that events that were read twice may count twice.
    pub fn forgot(&self) -> bool {
        self.seen.forgot()
    }

    /// All alerts of one record: what both forms of a rule gave is kept.
    fn record(&mut self, alerts: &[Alert]) {
        for alert in alerts {
            let (side, id) = self.pair.side(&alert.rule.id);
            let has = |other: Side| {
                alerts.iter().any(|alert| self.pair.side(&alert.rule.id) == (other, id))
            };
            let fate = match side {
                Side::Both => Fate::Kept,
                // Counted with the candidate's.
                Side::Baseline if has(Side::Candidate) => {
                    self.ask(Side::Baseline, alert);
                    continue;
                }
                Side::Baseline => Fate::Gone,
                Side::Candidate if has(Side::Baseline) => Fate::Kept,
                Side::Candidate => Fate::New,
            };
            self.take(side, fate, alert);
        }
    }

    fn take(&mut self, side: Side, fate: Fate, alert: &Alert) {
        self.ask(side, alert);
        self.count(fate, alert);
    }

    /// Notes who would be asked about what.
    fn ask(&mut self, side: Side, alert: &Alert) {
        let (_, id) = self.pair.side(&alert.rule.id);
        let account = alert.account.as_deref().unwrap_or_default();
        let actor = actor(alert);
        let rule = self.rules.entry(id.to_owned()).or_default();
        let mut ask = |resource: &str| {
            rule.questions.add(side, (account, resource));
            self.questions.add(side, (id, account, resource));
        };
        alert.resource.iter().for_each(|resource| ask(&resource.id));
        if alert.resource.is_empty() {
            ask("");
        }
        self.people.add(side, (account, actor));
    }

    fn count(&mut self, fate: Fate, alert: &Alert) {
        let (_, id) = self.pair.side(&alert.rule.id);
        self.all.add(fate);
        let rule = self.rules.entry(id.to_owned()).or_default();
        rule.all.add(fate);
        let day = alert.time.as_deref().and_then(|time| time.get(..10)).unwrap_or("unknown");
        bounded(&mut rule.days, day).add(fate);
        bounded(&mut rule.accounts, account(alert)).add(fate);
        let samples = match fate {
            Fate::Kept => return,
            Fate::New => &mut rule.new,
            Fate::Gone => &mut rule.gone,
        };
        if samples.len() < MAX_SAMPLES {
            samples.push(sample(alert));
        }
    }
}

fn bounded<'c>(counts: &'c mut BTreeMap<String, Counts>, name: &str) -> &'c mut Counts {
    let is_full = counts.len() >= MAX_PLACES && !counts.contains_key(name);
    counts.entry(if is_full { OTHERS } else { name }.to_owned()).or_default()
}

/// The account; the events of an episode may be of several.
fn account(alert: &Alert) -> &str {
    let none = if alert.correlation.is_some() { "several" } else { "unknown" };
    alert.account.as_deref().unwrap_or(none)
}

fn actor(alert: &Alert) -> Option<&str> {
    alert.actor.arn.as_deref().or(alert.actor.name.as_deref())
}

fn sample(alert: &Alert) -> Sample {
    Sample {
        time: alert.time.clone(),
        account: alert.account.clone(),
        region: alert.region.clone(),
        actor: actor(alert).map(str::to_owned),
        resources: alert.resource.iter().map(|resource| resource.id.clone()).collect(),
        origin: alert.origin.path.clone(),
        index: alert.origin.index,
        events: alert.correlation.as_ref().map(|told| told.count),
        group: alert.correlation.as_ref().map_or_else(Vec::new, |told| told.group.clone()),
    }
}
