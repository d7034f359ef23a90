//! Which records were asked for: by event time, account and region.

use jiff::Timestamp;

use crate::model::{Drop, Record, parse_time};

/// What was asked for; everything by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterConfig {
    /// Events at this time or later.
    pub from: Option<Timestamp>,
    /// Events before this time.
    pub to: Option<Timestamp>,
    /// Events of these accounts (`recipientAccountId`); empty for all.
    pub accounts: Vec<String>,
    /// Events of these regions; empty for all.
    pub regions: Vec<String>,
}

impl FilterConfig {
    /// True if every record passes, so that none needs to be looked at.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Why a record is dropped; `None` if it passes.
    ///
    /// A record without an account or region is none of those asked for; one without a readable
    /// time is dropped for that, by a reason of its own, if a time was asked for.
    #[must_use]
    pub fn reason_to_drop(
        &self,
        time: Option<Timestamp>,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Option<Drop> {
        if self.has_time() {
            let Some(time) = time else { return Some(Drop::NoTime) };
            if self.from.is_some_and(|from| time < from) || self.to.is_some_and(|to| time >= to) {
                return Some(Drop::Time);
            }
        }
        let is_other = |wanted: &[String], value: Option<&str>| {
            !wanted.is_empty() && !value.is_some_and(|value| wanted.iter().any(|one| one == value))
        };
        if is_other(&self.accounts, account) {
            return Some(Drop::Account);
        }
        is_other(&self.regions, region).then_some(Drop::Region)
    }

    /// A time was asked for.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

/// Where it happened.
#[must_use]
pub fn region<'a>(record: &Record<'a>) -> Option<&'a str> {
    record.text(&["awsRegion"])
}

/// When it happened.
#[must_use]
pub fn event_time(record: &Record<'_>) -> Option<Timestamp> {
    let text = record.text(&["eventTime"]);
    // Aggregated events cover a window of time: its beginning counts.
    text.or_else(|| record.text(&["timeWindow", "windowStart"])).and_then(parse_time)
}

/// The account that it happened in.
///
/// `recipientAccountId` is missing before event version 1.02 and in aggregated events.
#[must_use]
pub fn account<'a>(record: &Record<'a>) -> Option<&'a str> {
    record
        .text(&["recipientAccountId"])
        .or_else(|| record.text(&["accountId"]))
        .or_else(|| record.text(&["userIdentity", "accountId"]))
}
