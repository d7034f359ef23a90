//! Takes groups of correlations a step on: those for which something came, and those that are due.

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::correlate::{News, StepCounts};
use askance_stages::model::{Alert, Entry};
use askance_stages::raise::Change;
use jiff::{SignedDuration, Timestamp};

use super::plan::Plan;
use crate::sources::Fence;
use crate::store::{Basis, Store, StoreError, Window};

/// A group is not looked at again sooner than so: it would be due at once for ever.
const AT_LEAST: SignedDuration = SignedDuration::from_secs(1);

/// What came for a group; nothing for one that is due.
#[derive(Debug, Clone)]
pub struct Came {
    /// The correlation.
    pub correlation: String,
    /// New events, with what must hold when they are committed.
    pub entries: Vec<(Entry, Option<Fence>)>,
    /// All of it comes from a replay that tells people.
    pub is_historic: bool,
}

/// Groups and what came for each, by [`Entry::key`].
pub type Groups = BTreeMap<String, Came>;

/// Adds an event to what came.
pub fn came(groups: &mut Groups, entry: Entry, fence: Option<Fence>, is_historic: bool) {
    let group = groups.entry(entry.key()).or_insert_with(|| Came {
        correlation: entry.correlation.to_string(),
        entries: Vec::new(),
        is_historic,
    });
    group.is_historic &= is_historic;
    group.entries.push((entry, fence));
}

/// What steps gave.
#[derive(Debug, Default)]
pub struct Stepped {
    /// New alerts.
    pub news: Vec<Alert>,
    /// Alerts that have changed.
    pub changes: Vec<Change>,
    /// Groups that have changed.
    pub windows: Vec<Window>,
    /// What all of it rests on.
    pub basis: Basis,
    /// What was not as it should be.
    pub counts: StepCounts,
}

/// Steps groups, and those of other correlations that they feed.
///
/// # Errors
/// When the store cannot be read.
pub async fn step(
    store: &dyn Store,
    plan: &Plan,
    groups: Groups,
    now: Timestamp,
    lateness: SignedDuration,
) -> Result<Stepped, StoreError> {
    let mut stepped = Stepped::default();
    let mut windows: BTreeMap<String, Window> = BTreeMap::new();
    let mut changed: BTreeSet<String> = BTreeSet::new();
    let mut todo = groups;
    let depth = |came: &Came| plan.detect.correlations.depth(&came.correlation);
    // What is fed comes in a later round, together with what is due there. The reader refuses circles, so
    // this ends.
    while let Some(least) = todo.values().map(depth).min() {
        let round: Groups = todo.extract_if(.., |_, came| depth(came) == least).collect();
        let unread: BTreeSet<String> =
            round.keys().filter(|key| !windows.contains_key(*key)).cloned().collect();
        let (found, basis) = store.windows(&unread).await?;
        stepped.basis.add(basis);
        windows.extend(found);
        for (key, group) in round {
            let window = windows.entry(key.clone()).or_insert_with(|| Window {
                key: key.clone(),
                correlation: group.correlation.clone(),
                state: None,
                due: None,
            });
            let state = window.state.as_deref();
            let correlations = &plan.detect.correlations;
            let entries = group.entries.into_iter().map(|(entry, _)| entry).collect();
            let step = correlations.step(&group.correlation, state, entries, now, lateness);
            stepped.counts.add(&step.counts);
            for tell in step.tells {
                let mut alert = Alert { is_historic: group.is_historic, ..tell.alert };
                plan.detect.enrich.place(&mut alert);
                match tell.news {
                    News::New => stepped.news.push(alert),
                    News::Update | News::MergedInto(_) => {
                        stepped.changes.push(Change { alert, is_news: true });
                    }
                    News::Over => stepped.changes.push(Change { alert, is_news: false }),
                }
            }
            for entry in step.entries {
                came(&mut todo, entry, None, group.is_historic);
            }
            let soonest = now.checked_add(AT_LEAST).unwrap_or(Timestamp::MAX);
            let due = step.due.map(|due| due.max(soonest));
            if window.due != due || window.state != step.state {
                changed.insert(key);
            }
            window.due = due;
            window.state = step.state;
        }
    }
    stepped.windows = windows.into_values().filter(|it| changed.contains(&it.key)).collect();
    Ok(stepped)
}
