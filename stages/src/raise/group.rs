//! Alerts that belong together: which they are, and what is remembered of them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Alert, hex, parse_time, rfc3339};

/// Most members of a group that are named.
pub const MAX_SAMPLES: usize = 10;

/// Most accounts of a group that are named.
pub const MAX_ACCOUNTS: usize = 100;

/// Alerts of one rule, actor and resource, close in time; or of one act in several accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Id of the alert that began it.
    pub leader: String,
    /// How many alerts it is.
    pub count: u64,
    /// The first event's time; `None` if no event had one.
    pub first: Option<String>,
    /// The last event's time.
    pub last: Option<String>,
    /// The accounts, in the order they came; at most [`MAX_ACCOUNTS`].
    pub accounts: Vec<String>,
    /// Some of its alerts, the first ones.
    pub samples: Vec<Sample>,
    /// The sinks that were told of it.
    pub sinks: Vec<String>,
}

impl Group {
    /// Of an alert that was told by itself, so that no more is known.
    #[must_use]
    pub fn alone(leader: &str) -> Self {
        Self {
            leader: leader.to_owned(),
            count: 1,
            first: None,
            last: None,
            accounts: Vec::new(),
            samples: Vec::new(),
            sinks: Vec::new(),
        }
    }
}

/// One alert of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its id.
    pub id: String,
    /// Its event's time.
    pub time: Option<String>,
    /// Its account.
    pub account: Option<String>,
}

impl Group {
    /// A group of one.
    #[must_use]
    pub fn begin(alert: &Alert, sinks: Vec<String>) -> Self {
        let mut group = Self {
            leader: alert.id.clone(),
            count: 0,
            first: None,
            last: None,
            accounts: Vec::new(),
            samples: Vec::new(),
            sinks,
        };
        group.add(alert);
        group
    }

    /// Counts one more alert.
    pub fn add(&mut self, alert: &Alert) {
        self.count += 1;
        if let Some(time) = alert.time.as_deref().and_then(parse_time) {
            let text = Some(rfc3339(time));
            let (first, last) = self.span().map_or((time, time), |span| span);
            if time <= first || self.first.is_none() {
                self.first.clone_from(&text);
            }
            if time >= last || self.last.is_none() {
                self.last = text;
            }
        }
        if let Some(account) = &alert.account
            && !self.accounts.contains(account)
            && self.accounts.len() < MAX_ACCOUNTS
        {
            self.accounts.push(account.clone());
        }
        if self.samples.len() < MAX_SAMPLES {
            self.samples.push(Sample {
                id: alert.id.clone(),
                time: alert.time.clone(),
                account: alert.account.clone(),
            });
        }
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let read = |text: &Option<String>| text.as_deref().and_then(parse_time);
        Some((read(&self.first)?, read(&self.last)?))
    }

    /// Could an event of that time join without the group spanning more than `window`?
    ///
    /// So a thing that goes on for days is told anew each window. Where a time is missing it joins:
    /// it is the same thing by everything that is known.
    #[must_use]
    pub fn takes(&self, time: Option<Timestamp>, window: SignedDuration) -> bool {
        let (Some(time), Some((first, last))) = (time, self.span()) else { return true };
        let span = last.max(time).duration_since(first.min(time));
        span <= window
    }
}

/// The keys under which an alert's group is looked for: the act itself where several accounts saw
/// it, then rule, actor and resources; of a correlation's what its events share, and no more.
#[must_use]
pub fn group_keys(alert: &Alert) -> Vec<String> {
    if let Some(told) = &alert.correlation {
        let mut parts = vec![alert.rule.id.as_str()];
        for shared in &told.group {
            // Whether there is a value is told apart from what it is.
            parts.push(if shared.value.is_some() { "is" } else { "none" });
            parts.push(shared.value.as_deref().unwrap_or_default());
        }
        return vec![key("episodes", &parts)];
    }
    let mut keys = Vec::new();
    if let Some(shared) = &alert.shared_event {
        keys.push(key("shared", &[&alert.rule.id, shared]));
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let actor = &alert.actor;
    let mut resources: Vec<&str> =
        alert.resource.iter().map(|resource| resource.id.as_str()).collect();
    resources.sort_unstable();
    let who = [text(&actor.kind), text(&actor.name), text(&actor.arn), text(&actor.account)];
    let account = text(&alert.account);
    let mut parts: Vec<&str> = vec![&alert.rule.id, &account];
    parts.extend(who.iter().map(String::as_str));
    parts.extend(resources);
    keys.push(key("same", &parts));
    keys
}

/// A hash over parts, each with its length so that none runs into the next.
fn key(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{kind}/{}", hex(&hash.finalize()[..16]))
}
