//! Decides what becomes of alerts: told, joined with earlier ones, suppressed or held back.
//!
//! Pure: what the store knows and the time are arguments, and what is to be written is the result.
//! It does not know how alerts are kept or sent.

mod condition;
mod group;
mod revise;
mod route;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Alert, parse_time};

pub use condition::{Condition, ConditionError};
pub use group::{Group, MAX_ACCOUNTS, MAX_SAMPLES, Sample, group_keys};
pub use revise::{Change, Revised};
pub use route::{AccountFacts, Hours, Route};

/// How alerts are raised; immutable until the configuration changes.
#[derive(Debug, Default)]
pub struct Raise {
    /// Alerts of one group whose events lie this close are one; zero: each by itself.
    pub merge_window: SignedDuration,
    /// How long after a repeat the group's new count is told.
    pub update_interval: SignedDuration,
    /// Kept and counted, told to nobody.
    pub suppressions: Vec<Suppression>,
    /// Most alerts of one rule that are told in a time.
    pub rate_cap: Option<RateCap>,
    /// Which alerts go where.
    pub routes: Vec<Route>,
    /// What is known of accounts, by id.
    pub accounts: BTreeMap<String, AccountFacts>,
}

/// Alerts that are told to nobody until a day.
#[derive(Debug)]
pub struct Suppression {
    /// Its name, for counters and lists.
    pub name: String,
    /// Which alerts.
    pub condition: Condition,
    /// The last moment at which it holds.
    pub until: Timestamp,
}

/// See [`Raise::rate_cap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateCap {
    /// So many...
    pub count: u64,
    /// ...in this time.
    pub per: SignedDuration,
}

/// What the store knows of the alerts at hand.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Ids of alerts that are in it, whatever became of them.
    pub seen: HashSet<String>,
    /// Groups by each of their keys, latest first.
    pub groups: HashMap<String, Vec<Group>>,
    /// By rule id: how many were told lately.
    pub rates: HashMap<String, Rate>,
    /// By id of an alert: the group that it leads.
    pub leading: HashMap<String, Group>,
}

/// How many alerts of a rule were told since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Begin of the time that is counted.
    pub since: Timestamp,
    /// So many were told in it.
    pub told: u64,
    /// The alert under which those past the cap are counted.
    pub held_under: Option<String>,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It goes to sinks.
    Told,
    /// It joined an earlier one.
    Merged,
    /// A suppression names it.
    Suppressed,
    /// Too many of its rule came.
    Capped,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 4] = [Self::Told, Self::Merged, Self::Suppressed, Self::Capped];

    /// Its name in the store and in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Merged => "merged",
            Self::Suppressed => "suppressed",
            Self::Capped => "capped",
        }
    }

    /// The fate of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.name() == name)
    }
}

/// An alert to be kept.
#[derive(Debug, Clone)]
pub struct Raised {
    /// The alert. Shared with whoever decides anew where a transaction failed.
    pub alert: Arc<Alert>,
    /// It as one line of JSON.
    pub json: String,
    /// What became of it.
    pub fate: Fate,
    /// The alert whose group it is in: its own id if it began the group.
    pub leader: String,
    /// The name of the suppression.
    pub suppressed_by: Option<String>,
    /// Keys under which the group is found again.
    pub keys: Vec<String>,
}

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The sink's name.
    pub sink: String,
    /// The group's leader.
    pub alert: String,
    /// What is told of it.
    pub kind: MessageKind,
    /// Not before this time.
    pub due: Timestamp,
}

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageKind {
    /// A new alert.
    New,
    /// It came again.
    Update,
    /// So many more of its rule were held back.
    More,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::New, Self::Update, Self::More];

    /// Its name in the store and in what is sent.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Update => "update",
            Self::More => "more",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is to be written.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// New alerts, in order.
    pub raised: Vec<Raised>,
    /// Alerts that are there and have changed; each id once.
    pub revised: Vec<Revised>,
    /// Groups that changed, by leader; those of new leaders included.
    pub groups: BTreeMap<String, Group>,
    /// Messages, in order; an update replaces one of the same sink and alert that was not sent yet.
    pub messages: Vec<Message>,
    /// Rates that changed, by rule id.
    pub rates: BTreeMap<String, Rate>,
    /// Alerts that were there already.
    pub repeats: u64,
}

impl Raise {
    /// Decides about alerts in the order given.
    #[must_use]
    pub fn run(&self, alerts: Vec<Alert>, known: Known, now: Timestamp) -> Outcome {
        self.run_with(alerts.into_iter().map(Arc::new), Vec::new(), known, now)
    }

    /// Decides about alerts as [`Raise::run`] does, then about those that were raised before and have
    /// changed.
    #[must_use]
    pub fn run_with(
        &self,
        alerts: impl IntoIterator<Item = Arc<Alert>>,
        changed: Vec<Change>,
        mut known: Known,
        now: Timestamp,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for alert in alerts {
            if known.seen.contains(&alert.id) {
                outcome.repeats += 1;
                continue;
            }
            known.seen.insert(alert.id.clone());
            self.one(alert, &mut known, now, &mut outcome);
        }
        self.revise(changed, &known, now, &mut outcome);
        outcome
    }

    fn one(&self, alert: Arc<Alert>, known: &mut Known, now: Timestamp, outcome: &mut Outcome) {
        let json = serde_json::to_string(&*alert).unwrap_or_default();
        let seen = condition::seen(&alert, &json);
        let suppressed = self
            .suppressions
            .iter()
            .find(|suppression| suppression.until >= now && suppression.condition.holds(&seen));
        let keys = if self.merge_window.is_zero() { Vec::new() } else { group_keys(&alert) };
        let mut raised = Raised {
            leader: alert.id.clone(),
            fate: Fate::Told,
            suppressed_by: suppressed.map(|suppression| suppression.name.clone()),
            keys,
            json,
            alert,
        };
        if suppressed.is_some() {
            raised.fate = Fate::Suppressed;
            // It leads no group: when the suppression has ended, the next one is told.
            raised.keys.clear();
        } else if let Some(mut group) = self.group_of(&raised, known) {
            group.add(&raised.alert);
            raised.fate = Fate::Merged;
            raised.leader.clone_from(&group.leader);
            for sink in &group.sinks {
                outcome.message(Message {
                    sink: sink.clone(),
                    alert: group.leader.clone(),
                    kind: MessageKind::Update,
                    due: later(now, self.update_interval),
                });
            }
            known.put(&group, &raised.keys);
            outcome.groups.insert(group.leader.clone(), group);
        } else if !self.is_capped(&mut raised, known, now, outcome) {
            let sinks = self.sinks(&raised, now);
            let group = Group::begin(&raised.alert, sinks.clone());
            for sink in sinks {
                outcome.message(Message {
                    sink,
                    alert: raised.alert.id.clone(),
                    kind: MessageKind::New,
                    due: now,
                });
            }
            known.put(&group, &raised.keys);
            outcome.groups.insert(group.leader.clone(), group);
        }
        outcome.raised.push(raised);
    }

    /// The group that an alert joins.
    fn group_of(&self, raised: &Raised, known: &Known) -> Option<Group> {
        let time = raised.alert.time.as_deref().and_then(parse_time);
        raised
            .keys
            .iter()
            .filter_map(|key| known.groups.get(key))
            .flatten()
            .find(|group| group.takes(time, self.merge_window))
            .cloned()
    }

    /// Counts an alert of a rule; true if it is one too many.
    fn is_capped(
        &self,
        raised: &mut Raised,
        known: &mut Known,
        now: Timestamp,
        outcome: &mut Outcome,
    ) -> bool {
        let Some(cap) = self.rate_cap else { return false };
        let rule = raised.alert.rule.id.clone();
        let fresh = Rate { since: now, told: 0, held_under: None };
        let mut rate = known.rates.get(&rule).cloned().unwrap_or_else(|| fresh.clone());
        // A clock that was set back begins a new time too.
        if now < rate.since || now >= later(rate.since, cap.per) {
            rate = fresh;
        }
        let is_capped = rate.told >= cap.count;
        if !is_capped {
            rate.told += 1;
        } else if let Some(leader) = &rate.held_under {
            raised.leader.clone_from(leader);
            raised.fate = Fate::Capped;
            raised.keys.clear();
            let held = outcome.groups.get(leader).cloned().or_else(|| known.held(leader));
            if let Some(mut group) = held {
                group.add(&raised.alert);
                known.put(&group, &[Known::held_key(leader)]);
                outcome.groups.insert(leader.clone(), group);
            }
        } else {
            raised.fate = Fate::Capped;
            raised.keys = vec![Known::held_key(&raised.alert.id)];
            rate.held_under = Some(raised.alert.id.clone());
            let due = later(rate.since, cap.per);
            let sinks = self.sinks(raised, now);
            let group = Group::begin(&raised.alert, sinks.clone());
            for sink in sinks {
                let alert = raised.alert.id.clone();
                outcome.message(Message { sink, alert, kind: MessageKind::More, due });
            }
            known.put(&group, &raised.keys);
            outcome.groups.insert(group.leader.clone(), group);
        }
        known.rates.insert(rule.clone(), rate.clone());
        outcome.rates.insert(rule, rate);
        is_capped
    }

    /// The sinks of every route that fits, each once.
    fn sinks(&self, raised: &Raised, now: Timestamp) -> Vec<String> {
        let mut sinks = BTreeSet::new();
        let account = raised.alert.account.as_ref().and_then(|id| self.accounts.get(id));
        let seen = condition::seen(&raised.alert, &raised.json);
        for route in &self.routes {
            if route.fits(&raised.alert, &seen, account, now) {
                sinks.extend(route.to.iter().cloned());
                if route.stop {
                    break;
                }
            }
        }
        sinks.into_iter().collect()
    }

    /// What must be known to decide about these alerts, new ones and changed ones: ids, keys of
    /// groups, and rules if a cap is set.
    #[must_use]
    pub fn asks<'a>(
        &self,
        alerts: impl IntoIterator<Item = &'a Alert>,
        changed: &[Change],
    ) -> Asks {
        let mut asks = Asks::default();
        for Change { alert, is_news } in changed {
            asks.ids.insert(alert.id.clone());
            if *is_news {
                asks.leaders.insert(alert.id.clone());
            }
        }
        for alert in alerts {
            asks.ids.insert(alert.id.clone());
            if !self.merge_window.is_zero() {
                asks.keys.extend(group_keys(alert));
            }
            if self.rate_cap.is_some() {
                asks.rules.insert(alert.rule.id.clone());
            }
        }
        asks
    }
}

/// What the store is asked before a [`Raise::run`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// Alert ids.
    pub ids: BTreeSet<String>,
    /// Group keys.
    pub keys: BTreeSet<String>,
    /// Rule ids; for each rate with `held_under` the group under [`Known::held_key`] is wanted too.
    pub rules: BTreeSet<String>,
    /// Ids of alerts whose own groups are wanted.
    pub leaders: BTreeSet<String>,
}

impl Known {
    /// The key of the group under which alerts past a cap are counted.
    #[must_use]
    pub fn held_key(leader: &str) -> String {
        format!("held/{leader}")
    }

    fn held(&self, leader: &str) -> Option<Group> {
        self.groups.get(&Self::held_key(leader)).and_then(|groups| groups.first()).cloned()
    }

    fn put(&mut self, group: &Group, keys: &[String]) {
        // A group is found by the keys of all its members.
        for groups in self.groups.values_mut() {
            if let Some(place) = groups.iter_mut().find(|known| known.leader == group.leader) {
                *place = group.clone();
            }
        }
        for key in keys {
            let groups = self.groups.entry(key.clone()).or_default();
            if !groups.iter().any(|known| known.leader == group.leader) {
                groups.insert(0, group.clone());
            }
        }
    }
}

impl Outcome {
    fn message(&mut self, message: Message) {
        let is_there = self.messages.iter().any(|known| {
            known.sink == message.sink && known.alert == message.alert && known.kind == message.kind
        });
        if !is_there {
            self.messages.push(message);
        }
    }
}

/// A time so much later; the end of time if there is none.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
