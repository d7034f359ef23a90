//! An episode to an alert, or to an entry of the correlations that it feeds.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;

use super::compile::Correlation;
use super::given_up::{Run, Shared};
use super::group::{Episode, Group, Kept};
use super::look::identity_of_episode;
use crate::model::{
    Actor, Alert, Correlated, Entry, EventRef, GroupValue, Matched, Origin, RuleCount, Summary,
    alert_id, rfc3339,
};

/// An episode that is told of.
pub(super) struct Telling<'t> {
    pub(super) rule: &'t Correlation,
    pub(super) group: &'t Group,
    pub(super) episode: &'t Episode,
}

impl Telling<'_> {
    /// The alert, under an id.
    pub(super) fn alert(&self, id: &str, is_ongoing: bool, merged_into: Option<&str>) -> Alert {
        let shared = summary(&self.shared(self.entries()));
        let mut told = self.correlated();
        told.is_ongoing = is_ongoing;
        told.merged_into = merged_into.map(str::to_owned);
        let matched = told.group.iter().map(|it| Matched {
            selection: "group-by".to_owned(),
            field: Some(it.field.clone()),
            value: it.value.clone(),
        });
        let first = self.firsts().next();
        let none = Origin { path: String::new(), index: 0 };
        Alert {
            id: id.to_owned(),
            time: Some(time(self.episode.first_hold)),
            level: self.rule.level,
            rule: self.rule.rule.clone(),
            account: shared.account,
            region: shared.region,
            actor: shared.actor,
            source: None,
            resource: shared.resource,
            origin: first.and_then(origin).unwrap_or(none),
            matched: matched.collect(),
            correlation: Some(Box::new(told)),
            behind: None,
            is_historic: false,
            event: None,
            shared_event: None,
            access_key: None,
        }
    }

    /// What the episode is to a correlation that it feeds, without saying which. It is made when its
    /// first window is known, and so tells of that one alone.
    pub(super) fn entry(&self) -> Option<Entry> {
        let time = Timestamp::from_microsecond(self.episode.first_hold).ok()?;
        let window = self.group.range(self.episode.from, self.episode.first_hold);
        let mut summary = summary(&self.shared(window));
        let identity = identity_of_episode(&self.group.values, self.episode.first_hold);
        let identity = alert_id(&self.rule.rule.id, &identity);
        summary.event_id = Some(identity.clone());
        Some(Entry {
            correlation: String::new(),
            group: self.group.values.clone(),
            time,
            identity,
            rule: self.rule.rule.id.clone(),
            values: Vec::new(),
            summary,
        })
    }

    fn entries(&self) -> Range<usize> {
        self.group.range(self.episode.from, self.episode.last_hold)
    }

    /// The given-up part of this episode.
    fn run(&self) -> Option<&Run> {
        let given_up = self.group.given_up.as_ref()?;
        given_up.run.as_ref().filter(|_| self.episode.is_open)
    }

    fn shared(&self, entries: Range<usize>) -> Shared {
        let mut shared = self.run().map_or_else(Shared::default, |run| run.shared.clone());
        self.group.entries[entries].iter().for_each(|entry| shared.add(&entry.detail));
        shared
    }

    /// The episode's entries by time, as far as they are kept.
    fn firsts(&self) -> impl Iterator<Item = &Kept> {
        let samples = self.run().map_or(&[][..], |run| &run.samples);
        samples.iter().chain(&self.group.entries[self.entries()])
    }

    fn correlated(&self) -> Correlated {
        let Self { rule, group, episode } = self;
        let kept = &group.entries[self.entries()];
        let run = self.run();
        let given_up = group.given_up.as_ref().map_or(0, |given_up| match run {
            Some(_) => given_up.count_of_run(episode.last_hold),
            None => given_up.count_since(episode.from),
        });
        let count = kept.len() as u64 + given_up;
        let mut by_source =
            run.map_or_else(|| vec![0; rule.sources.len()], |run| run.by_source.clone());
        let mut distinct: BTreeSet<&str> = BTreeSet::new();
        run.into_iter().flat_map(|run| &run.values).for_each(|value| {
            distinct.insert(value);
        });
        for entry in kept {
            if let Some(count) = by_source.get_mut(usize::from(entry.source)) {
                *count += 1;
            }
            distinct.extend(entry.values.iter().map(AsRef::as_ref));
        }
        let first = run.map(|run| run.first).or(kept.first().map(|entry| entry.time));
        let rules = rule.sources.iter().zip(by_source).filter(|(_, count)| *count > 0);
        let listed = distinct.iter().take(Correlated::MAX_LISTED);
        let has_field = rule.condition.has_values();
        let groups = rule.group_by.iter().zip(&group.values);
        Correlated {
            kind: rule.kind.clone(),
            group: groups
                .map(|(field, value)| GroupValue { field: field.clone(), value: value.clone() })
                .collect(),
            timespan_seconds: u64::try_from(rule.timespan / 1_000_000).unwrap_or_default(),
            first: time(first.unwrap_or(episode.first_hold)),
            last: time(episode.last_hold),
            count,
            measured: episode.measured,
            distinct: has_field.then_some(distinct.len() as u64),
            values: listed.map(|value| value.replace('\u{1f}', " / ")).collect(),
            rules: rules
                .map(|((id, title), count)| RuleCount {
                    id: id.clone(),
                    title: title.clone(),
                    count,
                })
                .collect(),
            events: self
                .firsts()
                .take(Correlated::MAX_LISTED)
                .map(|entry| self.event(entry))
                .collect(),
            is_ongoing: false,
            merged_into: None,
        }
    }

    fn event(&self, entry: &Kept) -> EventRef {
        let source = self.rule.sources.get(usize::from(entry.source));
        EventRef {
            id: entry.detail.event_id.as_deref().map(str::to_owned),
            time: time(entry.time),
            rule: source.map_or(String::new(), |(id, _)| id.clone()),
            origin: origin(entry),
        }
    }
}

/// What all entries share, and nothing else.
fn summary(shared: &Shared) -> Summary {
    let Some(of) = &shared.of else { return Summary::default() };
    let who = &of.who;
    let own = |is_one: bool, text: Option<&str>| text.filter(|_| is_one).map(str::to_owned);
    Summary {
        account: own(shared.is_one_account, who.account()),
        region: own(shared.is_one_region, who.region()),
        actor: if shared.is_one_actor { who.actor() } else { Actor::default() },
        resource: if shared.is_one_resource { of.resource.to_vec() } else { Vec::new() },
        origin: None,
        event_id: None,
    }
}

fn origin(entry: &Kept) -> Option<Origin> {
    let path = entry.detail.path.as_deref()?;
    Some(Origin { path: path.to_owned(), index: entry.detail.index })
}

/// The time in words; one that is no time is the nearest that is.
fn time(microseconds: i64) -> String {
    let nearest = || if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    rfc3339(Timestamp::from_microsecond(microseconds).unwrap_or_else(|_| nearest()))
}
