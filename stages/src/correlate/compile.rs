//! Correlations as they were read to correlations ready to be evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::model::{Level, RuleRef, identity_of};
use crate::sigma::ast::{self, Emit};

use super::condition::Condition;

/// How long an episode may go on before it is cut, unless four time spans are longer: a run that never
/// ends is told once a day.
pub const MAX_EPISODE: i64 = 24 * 3600 * 1_000_000;

/// Longest time span in microseconds, some 290 years: longer ones are taken as this.
const MAX_SPAN: i64 = i64::MAX / 1024;

/// All correlations of a set of rules; immutable. Empty by default.
#[derive(Debug, Default)]
pub struct Correlations {
    /// What is fed stands behind what feeds it.
    pub(super) all: Vec<Correlation>,
    by_id: HashMap<String, usize, FixedState>,
    /// By id of a rule or correlation: what it feeds.
    feeds: HashMap<Arc<str>, Fed, FixedState>,
}

/// A correlation, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Correlation {
    pub(super) rule: RuleRef,
    pub(super) level: Level,
    pub(super) kind: String,
    /// The distinct rules and correlations that feed it.
    pub(super) sources: Vec<Source>,
    pub(super) group_by: Vec<String>,
    /// In microseconds.
    pub(super) timespan: i64,
    pub(super) condition: Condition,
    pub(super) emit: Emit,
    /// It only feeds others.
    pub(super) is_silent: bool,
    /// It feeds others.
    pub(super) is_inner: bool,
    /// It feeds others of which some ask whether its episodes go on, not only how many there are.
    pub(super) is_marked: bool,
    /// How many correlations stand one behind the other before it.
    pub(super) depth: u32,
    /// Tells one definition from another.
    pub(super) fingerprint: String,
}

/// A rule or correlation that feeds one.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) is_correlation: bool,
}

/// What a rule feeds.
#[derive(Debug)]
pub(super) struct Fed {
    /// The rule's id.
    pub(super) rule: Arc<str>,
    pub(super) feeds: Vec<Feed>,
}

/// That a rule feeds a correlation, and by which fields of its events.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) correlation: Arc<str>,
    /// Paths of the fields to group by, aliases resolved.
    pub(super) group: Vec<String>,
    /// Paths of the fields whose values are looked at.
    pub(super) fields: Vec<String>,
    /// It asks whether episodes go on.
    pub(super) takes_marks: bool,
}

impl Correlations {
    /// Makes correlations ready. Those that only feed are kept as long as what they feed is.
    #[must_use]
    pub fn new(read: &[ast::Correlation]) -> Self {
        let depths = depths(read);
        let mut order: Vec<usize> = (0..read.len()).collect();
        order.sort_by_key(|index| depths[*index]);
        let mut these = Self::default();
        for index in order {
            these.add(&read[index], depths[index]);
        }
        for it in &mut these.all {
            let feeds = these.feeds.get(it.rule.id.as_str()).map_or(&[][..], |fed| &fed.feeds);
            it.is_inner = !feeds.is_empty();
            it.is_marked = feeds.iter().any(|feed| feed.takes_marks);
        }
        these
    }

    /// True if there is none, so that nothing has to be done for them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Ids of the correlations that raise alerts.
    pub fn told_ids(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter(|it| !it.is_silent).map(|it| it.rule.id.as_str())
    }

    /// True if the rule of this id feeds a correlation.
    #[must_use]
    pub fn is_fed_by(&self, rule_id: &str) -> bool {
        self.feeds.contains_key(rule_id)
    }

    pub(super) fn fed_by(&self, id: &str) -> Option<&Fed> {
        self.feeds.get(id)
    }

    pub(super) fn place(&self, id: &str) -> Option<(usize, &Correlation)> {
        self.by_id.get(id).map(|at| (*at, &self.all[*at]))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Correlation> {
        self.by_id.get(id).map(|at| &self.all[*at])
    }

    fn add(&mut self, read: &ast::Correlation, depth: u32) {
        let mut sources: Vec<Source> = Vec::new();
        let mut places = Vec::with_capacity(read.feeders.len());
        for feeder in &read.feeders {
            let known = sources.iter().position(|source| source.id == feeder.id);
            places.push(known.unwrap_or_else(|| {
                sources.push(Source {
                    id: feeder.id.clone(),
                    title: feeder.title.clone(),
                    // What feeds stands before what it feeds.
                    is_correlation: self.by_id.contains_key(&feeder.id),
                });
                let feed = Feed {
                    correlation: Arc::from(read.id.as_str()),
                    group: read.group_by.iter().map(|name| resolve(read, feeder, name)).collect(),
                    fields: read.fields.iter().map(|name| resolve(read, feeder, name)).collect(),
                    takes_marks: read.kind.starts_with("temporal"),
                };
                let rule: Arc<str> = Arc::from(feeder.id.as_str());
                let fed = self.feeds.entry(rule.clone());
                fed.or_insert_with(|| Fed { rule, feeds: Vec::new() }).feeds.push(feed);
                sources.len() - 1
            }));
        }
        let timespan = i64::try_from(read.timespan.as_micros()).unwrap_or(MAX_SPAN).min(MAX_SPAN);
        self.by_id.insert(read.id.clone(), self.all.len());
        self.all.push(Correlation {
            rule: RuleRef {
                id: read.id.clone(),
                title: read.title.clone(),
                tags: read.tags.clone(),
            },
            level: read.level,
            kind: read.kind.clone(),
            condition: Condition::new(read, &places),
            sources,
            group_by: read.group_by.clone(),
            timespan,
            emit: read.emit,
            is_silent: read.is_silent,
            is_inner: false,
            is_marked: false,
            depth,
            fingerprint: fingerprint(read),
        });
    }
}

impl Correlation {
    /// Longest that an episode goes on, in microseconds.
    pub(super) fn longest(&self) -> i64 {
        MAX_EPISODE.max(self.timespan.saturating_mul(4))
    }
}

/// The path that a name stands for in the events of a rule.
fn resolve(read: &ast::Correlation, feeder: &ast::Feeder, name: &str) -> String {
    let is_it = |word: &str| word == feeder.id || Some(word) == feeder.name.as_deref();
    let alias = read.aliases.iter().find(|alias| alias.name == name);
    let field = alias.and_then(|alias| alias.fields.iter().find(|(rule, _)| is_it(rule)));
    field.map_or(name, |(_, path)| path).to_owned()
}

/// How many correlations stand before each. The reader refuses those that feed themselves.
fn depths(read: &[ast::Correlation]) -> Vec<u32> {
    let places: HashMap<&str, usize> =
        read.iter().enumerate().map(|(index, it)| (it.id.as_str(), index)).collect();
    let mut depths = vec![0_u32; read.len()];
    // Each round settles at least one more level.
    for _ in 0..read.len() {
        let mut has_changed = false;
        for (index, it) in read.iter().enumerate() {
            let inner = it.feeders.iter().filter_map(|feeder| places.get(feeder.id.as_str()));
            let depth = inner.map(|inner| depths[*inner] + 1).max().unwrap_or(0);
            has_changed |= depth != depths[index];
            depths[index] = depth;
        }
        if !has_changed {
            break;
        }
    }
    depths
}

/// A hash of all that what is kept of a group depends on.
fn fingerprint(read: &ast::Correlation) -> String {
    let told = format!(
        "1 {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        read.kind,
        read.feeders.iter().map(|feeder| &feeder.id).collect::<Vec<_>>(),
        read.timespan,
        read.group_by,
        read.bounds,
        read.fields,
        read.percentile,
        read.condition,
        read.aliases,
        read.emit,
    );
    identity_of(told.as_bytes())[..16].to_owned()
}
