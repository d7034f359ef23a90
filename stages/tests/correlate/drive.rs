//! The ways through the engine, and what is left of what they tell.

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::correlate::{
    Correlations, Keeper, KeeperCounts, KeeperLimits, MAX_STATE, News, StepCounts, Tell,
};
use askance_stages::model::{Entry, Texts, group_key};
use askance_stages::sigma::{self, ReadOptions, SourceFile};
use jiff::{SignedDuration, Timestamp};

use crate::generate::{Case, LATENESS};
use crate::twin::{seconds, values};

/// Reads and compiles.
pub(crate) fn correlations(text: &str) -> Correlations {
    let file = SourceFile { path: "it.yml".into(), text: text.to_owned().into() };
    let reading = sigma::read(&[file], &ReadOptions::default());
    assert_eq!(reading.problems, [], "{text}");
    Correlations::new(&reading.correlations)
}

/// An episode in the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Final {
    pub(crate) time: i64,
    pub(crate) group: Vec<Option<String>>,
    pub(crate) last: i64,
    pub(crate) count: u64,
    pub(crate) distinct: BTreeSet<String>,
    pub(crate) rules: BTreeMap<String, u64>,
    pub(crate) account: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) events: Vec<Option<String>>,
}

impl Final {
    pub(crate) fn new<'e>(
        group: &Texts,
        time: i64,
        last: i64,
        entries: impl Iterator<Item = &'e Entry>,
    ) -> Self {
        let entries: Vec<&Entry> = entries.collect();
        let mut rules = BTreeMap::new();
        entries.iter().for_each(|it| *rules.entry(it.rule.to_string()).or_default() += 1);
        let one = |of: fn(&Entry) -> Option<String>| {
            let all: BTreeSet<_> = entries.iter().map(|entry| of(entry)).collect();
            all.first().cloned().flatten().filter(|_| all.len() == 1)
        };
        Self {
            time,
            group: group.iter().map(|value| value.map(str::to_owned)).collect(),
            last,
            count: entries.len() as u64,
            distinct: entries.iter().flat_map(|entry| values(entry)).map(str::to_owned).collect(),
            rules,
            account: one(|entry| entry.summary.who.account().map(str::to_owned)),
            actor: one(|entry| entry.summary.who.actor().name),
            source: one(|entry| entry.summary.who.source().map(str::to_owned)),
            events: entries
                .iter()
                .take(20)
                .map(|it| it.summary.event_id.as_deref().map(str::to_owned))
                .collect(),
        }
    }

    fn told(tell: &Tell) -> Self {
        let alert = &tell.alert;
        let it = alert.correlation.as_ref().unwrap();
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        Self {
            time: second(alert.time.as_deref().unwrap()),
            group: it.group.iter().map(|group| group.value.clone()).collect(),
            last: second(&it.last),
            count: it.count,
            distinct: it.values.iter().cloned().collect(),
            rules: it.rules.iter().map(|rule| (rule.id.clone(), rule.count)).collect(),
            account: alert.account.clone(),
            actor: alert.actor.name.clone(),
            source: alert.address.clone(),
            events: it.events.iter().map(|event| event.id.clone()).collect(),
        }
    }

    /// What stands in the end of what was told one after the other.
    pub(crate) fn of(tells: &[Tell], is_early: bool) -> Vec<Self> {
        let mut by_id: BTreeMap<String, Option<Self>> = BTreeMap::new();
        for tell in tells {
            let id = tell.alert.id.clone();
            let it = tell.alert.correlation.as_ref().unwrap();
            match &tell.news {
                News::New => assert!(!by_id.contains_key(&id), "told twice: {tell:?}"),
                News::Update | News::MergedInto(_) => {
                    assert!(is_early && by_id.contains_key(&id), "{tell:?}");
                }
                News::Over => {
                    let before = by_id.get(&id).cloned().flatten();
                    assert_eq!(before, Some(Self::told(tell)), "it is news: {tell:?}");
                    assert!(is_early && !it.is_ongoing, "{tell:?}");
                }
            }
            let is_merged = matches!(tell.news, News::MergedInto(_));
            assert_eq!(it.merged_into.is_some(), is_merged);
            assert!(is_early || !it.is_ongoing, "{tell:?}");
            by_id.insert(id, (!is_merged).then(|| Self::told(tell)));
        }
        let mut found: Vec<_> = by_id.into_values().flatten().collect();
        found.sort();
        found
    }
}

/// Alerts whole, as JSON, each of which was told once and not corrected; in no order of telling.
pub(crate) fn once(tells: &[Tell]) -> Vec<String> {
    let json = |tell: &Tell| {
        assert_eq!(tell.news, News::New, "{tell:?}");
        serde_json::to_string(&tell.alert).unwrap()
    };
    let mut all: Vec<String> = tells.iter().map(json).collect();
    all.sort();
    all
}

pub(crate) fn keep(these: &Correlations, entries: &[Entry]) -> (Vec<Tell>, KeeperCounts) {
    keep_within(these, entries, KeeperLimits::default())
}

/// In less room.
pub(crate) fn keep_within(
    these: &Correlations,
    entries: &[Entry],
    limits: KeeperLimits,
) -> (Vec<Tell>, KeeperCounts) {
    let mut keeper = Keeper::new(these, limits);
    entries.iter().for_each(|entry| keeper.take(entry.clone()));
    let (tells, counts) = keeper.finish();
    assert!(tells.is_sorted_by_key(|tell| tell.alert.time.clone()));
    (tells, counts)
}

pub(crate) fn by_keeper(these: &Correlations, entries: &[Entry]) -> (Vec<Final>, KeeperCounts) {
    let (tells, counts) = keep(these, entries);
    (Final::of(&tells, false), counts)
}

/// A store: states by key, and what was told.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) rows: BTreeMap<String, (Vec<u8>, Timestamp, String)>,
    pub(crate) tells: Vec<Tell>,
    pub(crate) counts: StepCounts,
}

impl Kept {
    pub(crate) fn step(&mut self, these: &Correlations, entries: &[Entry], now: i64) {
        let mut new: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let key = group_key(&entry.correlation, &entry.group);
            assert_eq!(key, entry.key());
            new.entry(key).or_default().push(entry.clone());
        }
        let now = Timestamp::from_second(now).unwrap();
        let due = self.rows.iter().filter(|(_, (_, due, _))| *due <= now);
        let due: Vec<String> = due.map(|(key, _)| key.clone()).collect();
        due.into_iter().for_each(|key| {
            new.entry(key).or_default();
        });
        // As the service does: the inner ones first.
        while let Some(least) = new.iter().map(|(key, new)| these.depth(&self.id(key, new))).min() {
            let round: BTreeMap<_, _> =
                new.extract_if(.., |key, new| these.depth(&self.id(key, new)) == least).collect();
            for entry in self.round(these, round, now) {
                new.entry(entry.key()).or_default().push(entry);
            }
        }
    }

    /// The correlation of a group.
    fn id(&self, key: &str, new: &[Entry]) -> String {
        let id = new.first().map(|entry| entry.correlation.to_string());
        id.unwrap_or_else(|| self.rows[key].2.clone())
    }

    fn round(
        &mut self,
        these: &Correlations,
        round: BTreeMap<String, Vec<Entry>>,
        now: Timestamp,
    ) -> Vec<Entry> {
        let mut outer = Vec::new();
        for (key, entries) in round {
            let id = self.id(&key, &entries);
            let row = self.rows.remove(&key);
            let lateness = SignedDuration::from_secs(LATENESS);
            let state = row.as_ref().map(|(state, ..)| state.as_slice());
            let step = these.step(&id, state, entries, now, lateness);
            self.counts.add(&step.counts);
            self.tells.extend(step.tells);
            outer.extend(step.entries);
            if let Some(state) = step.state {
                assert!(state.len() <= MAX_STATE);
                // As the service does: not at once again.
                let due = step.due.unwrap().max(now + SignedDuration::from_secs(1));
                self.rows.insert(key, (state, due, id));
            }
        }
        outer
    }

    /// Looks at what is due, when it is due, until nothing is kept.
    pub(crate) fn run_out(&mut self, these: &Correlations) {
        for _ in 0..10_000 {
            let Some(due) = self.rows.values().map(|(_, due, _)| *due).min() else { return };
            // Steps are taken at whole seconds.
            self.step(these, &[], due.as_second() + 1);
        }
        panic!("it never ends");
    }
}

/// All batches come at once as far as lateness goes, one step each.
pub(crate) fn by_steps(these: &Correlations, batches: &[Vec<Entry>]) -> (Vec<Tell>, StepCounts) {
    let mut kept = Kept::default();
    for batch in batches {
        kept.step(these, batch, 1_800_000_100);
    }
    kept.run_out(these);
    assert_eq!(kept.counts.given_up + kept.counts.anew + kept.counts.unknown, 0);
    (kept.tells, kept.counts)
}

/// Each entry comes when it is as late as the case says; what is due is looked at every 3 seconds.
pub(crate) fn in_time(these: &Correlations, case: &Case) -> (Vec<Tell>, StepCounts) {
    let mut kept = Kept::default();
    for now in 1_800_000_000..1_800_000_130_i64 {
        let come = case.entries.iter().zip(&case.ways);
        let come = come.filter(|(entry, (late, _))| seconds(entry) + late == now);
        let come: Vec<Entry> = come.map(|(entry, _)| entry.clone()).collect();
        if !come.is_empty() || now % 3 == 0 {
            kept.step(these, &come, now);
        }
    }
    kept.run_out(these);
    (kept.tells, kept.counts)
}
