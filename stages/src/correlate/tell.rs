//! An episode to an alert, or to an entry of the correlations that it feeds.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::compile::Correlation;
use super::given_up::{Run, Shared};
use super::group::{Episode, Group, Kept};
use super::look::identity_of_episode;
use crate::model::{
    Alert, Correlated, Entry, EventRef, GroupValue, Matched, Origin, RuleCount, SharedTexts,
    Summary, Texts, Who, alert_id, identity_number, rfc3339,
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
        let own = |text: Option<&str>| text.map(str::to_owned);
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
            account: own(shared.who.account()),
            region: own(shared.who.region()),
            actor: shared.who.actor(),
            source: None,
            resource: shared.resources(),
            origin: first.and_then(|entry| entry.detail.origin()).unwrap_or(none),
            matched: matched.collect(),
            correlation: Some(Box::new(told)),
            behind: None,
            is_historic: false,
            event: None,
            shared_event: None,
            access_key: own(shared.who.access_key()),
            address: own(shared.who.source()),
        }
    }

    /// What the episode is to a correlation that it feeds, without saying which, at one of its marks. It
    /// is made when the window there is known, and so tells of that one alone.
    pub(super) fn entry(&self, mark: i64, is_first: bool) -> Option<Entry> {
        let time = Timestamp::from_microsecond(mark).ok()?;
        let begin = mark.saturating_sub(self.rule.timespan).max(self.episode.from);
        let shared = self.shared(self.group.range(begin, mark));
        let identity = identity_of_episode(&self.group.values, self.episode.first_hold);
        let episode = alert_id(&self.rule.rule.id, &identity);
        let number = match is_first {
            true => u128::from_str_radix(&episode, 16).unwrap_or_default(),
            false => identity_number(format!("{episode}/{mark}").as_bytes()),
        };
        Some(Entry {
            correlation: Arc::default(),
            group: self.group.values.clone(),
            time,
            identity: number,
            rule: Arc::default(),
            values: Texts::default(),
            // All marks of an episode are of one thing that happened.
            summary: Summary { event_id: Some(episode.into()), ..summary(&shared) },
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
        let mut count = kept.len() as u64 + given_up;
        let mut by_source =
            run.map_or_else(|| vec![0; rule.sources.len()], |run| run.by_source.clone());
        let mut distinct: BTreeSet<&str> = BTreeSet::new();
        run.into_iter().flat_map(|run| &run.values).for_each(|value| {
            distinct.insert(value);
        });
        let mut episodes = Episodes::default();
        for entry in kept {
            if episodes.is_again(rule, entry) {
                count -= 1;
                continue;
            }
            if let Some(count) = by_source.get_mut(usize::from(entry.source)) {
                *count += 1;
            }
            distinct.extend(entry.values.iter().flatten());
        }
        let first = run.map(|run| run.first).or(kept.first().map(|entry| entry.time));
        let rules = rule.sources.iter().zip(by_source).filter(|(_, count)| *count > 0);
        let listed = distinct.iter().take(Correlated::MAX_LISTED);
        let mut listed_episodes = Episodes::default();
        let has_field = rule.condition.has_values();
        let groups = rule.group_by.iter().zip(group.values.iter());
        Correlated {
            kind: rule.kind.clone(),
            group: groups
                .map(|(field, value)| GroupValue {
                    field: field.clone(),
                    value: value.map(str::to_owned),
                })
                .collect(),
            timespan_seconds: u64::try_from(rule.timespan / 1_000_000).unwrap_or_default(),
            first: time(first.unwrap_or(episode.first_hold)),
            last: time(episode.last_hold),
            count,
            measured: episode.measured,
            distinct: has_field.then_some(distinct.len() as u64),
            values: listed.map(|value| value.replace('\u{1f}', " / ")).collect(),
            rules: rules
                .map(|(source, count)| RuleCount {
                    id: source.id.clone(),
                    title: source.title.clone(),
                    count,
                })
                .collect(),
            events: self
                .firsts()
                .filter(|entry| !listed_episodes.is_again(rule, entry))
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
            rule: source.map_or(String::new(), |source| source.id.clone()),
            origin: entry.detail.origin(),
        }
    }
}

/// Episodes of inner correlations that were seen, each of which may be there with several marks.
#[derive(Default)]
struct Episodes<'e>(BTreeSet<(u16, &'e str)>);

impl<'e> Episodes<'e> {
    /// True if the entry is a mark of an episode that was seen already.
    fn is_again(&mut self, rule: &Correlation, entry: &'e Kept) -> bool {
        let source = rule.sources.get(usize::from(entry.source));
        let is_mark = source.is_some_and(|source| source.is_correlation);
        let id = entry.detail.event_id.as_deref().filter(|_| is_mark);
        id.is_some_and(|id| !self.0.insert((entry.source, id)))
    }
}

/// What all entries share, and nothing else.
fn summary(shared: &Shared) -> Summary {
    let Some(of) = &shared.of else { return Summary::default() };
    let places = [
        (0..1, shared.is_one_account),
        (1..2, shared.is_one_region),
        (2..7, shared.is_one_actor),
        (7..8, shared.is_one_source),
        (8..9, shared.is_one_key),
    ];
    let is_one = |place| places.iter().any(|(places, is_one)| places.contains(&place) && *is_one);
    let texts = of.who.0.iter().enumerate();
    let who = Who(texts.map(|(place, text)| text.filter(|_| is_one(place))).collect());
    let resource =
        if shared.is_one_resource { of.resource.clone() } else { SharedTexts::default() };
    Summary { who, resource, ..Summary::default() }
}

/// The time in words; one that is no time is the nearest that is.
fn time(microseconds: i64) -> String {
    let nearest = || if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    rfc3339(Timestamp::from_microsecond(microseconds).unwrap_or_else(|_| nearest()))
}
