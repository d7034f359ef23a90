//! Which alerts go to which sinks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::condition::Condition;
use crate::model::{Alert, Level};

/// One route; everything that it asks must hold.
#[derive(Debug, Default)]
pub struct Route {
    /// This level and above.
    pub min_level: Option<Level>,
    /// One of these accounts; empty: any.
    pub accounts: Vec<String>,
    /// An account in one of these organisation units; empty: any.
    pub ous: Vec<String>,
    /// An account with all of these tags.
    pub account_tags: BTreeMap<String, String>,
    /// A rule with one of these tags, `attack.*` for all that begin so; empty: any.
    pub rule_tags: Vec<String>,
    /// This too.
    pub condition: Option<Condition>,
    /// The alert is raised at these hours.
    pub hours: Option<Hours>,
    /// Names of sinks.
    pub to: Vec<String>,
    /// The routes behind it are not looked at if it fits.
    pub stop: bool,
}

/// Hours of days of the week.
#[derive(Debug, Clone)]
pub struct Hours {
    /// From this time of day; the same as `until` means all day.
    pub from: Time,
    /// Until this time, exclusive; if it is earlier, of the next day.
    pub until: Time,
    /// On these days; empty: all. Hours past midnight belong to the day on which they began.
    pub days: Vec<Weekday>,
    /// Where.
    pub zone: TimeZone,
}

/// What is known of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountFacts {
    /// Its name.
    pub name: Option<String>,
    /// Its organisation unit.
    pub ou: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Route {
    /// Does an alert, given as value and as JSON, take this route?
    #[must_use]
    pub fn fits(
        &self,
        alert: &Alert,
        json: &str,
        account: Option<&AccountFacts>,
        now: Timestamp,
    ) -> bool {
        let is_any = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        self.min_level.is_none_or(|level| alert.level >= level)
            && is_any(&self.accounts, alert.account.as_ref())
            && is_any(&self.ous, account.and_then(|facts| facts.ou.as_ref()))
            && self
                .account_tags
                .iter()
                .all(|(key, value)| account.is_some_and(|facts| facts.tags.get(key) == Some(value)))
            && self.has_rule_tag(alert)
            && self.hours.as_ref().is_none_or(|hours| hours.hold(now))
            && self.condition.as_ref().is_none_or(|condition| condition.holds(json))
    }

    fn has_rule_tag(&self, alert: &Alert) -> bool {
        self.rule_tags.is_empty()
            || self.rule_tags.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => alert.rule.tags.iter().any(|tag| tag.starts_with(start)),
                None => alert.rule.tags.contains(wanted),
            })
    }
}

impl Hours {
    /// Is it one of these hours?
    #[must_use]
    pub fn hold(&self, now: Timestamp) -> bool {
        let local = self.zone.to_datetime(now);
        let (time, mut date) = (local.time(), local.date());
        let is_in = if self.from == self.until {
            true
        } else if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            if time < self.until {
                date = date.yesterday().unwrap_or(date);
            }
            time >= self.from || time < self.until
        };
        is_in && (self.days.is_empty() || self.days.contains(&date.weekday()))
    }
}
