//! What an alert of a correlation tells besides: the episode.

use serde::{Deserialize, Serialize};

use super::Origin;

/// An episode: a run of overlapping time windows in each of which the condition of a correlation
/// holds, for one group.
///
/// Field order here is the order in JSON; `docs/alert.schema.json` describes it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Correlated {
    /// For example `event_count`.
    pub kind: String,
    /// What all its events have in common, in the order of the correlation's `group-by`.
    pub group: Vec<GroupValue>,
    /// Length of the windows in seconds.
    pub timespan_seconds: u64,
    /// Time of the first event.
    pub first: String,
    /// Time of the last event.
    pub last: String,
    /// How many events.
    pub count: u64,
    /// What the condition is about, as it was when it first held: a count, a sum, a percentile.
    pub measured: f64,
    /// How many distinct values of the condition's `field`; `None` where it has none.
    pub distinct: Option<u64>,
    /// The first [`Correlated::MAX_LISTED`] of these values, in order.
    pub values: Vec<String>,
    /// The rules whose events took part, in the order of the correlation.
    pub rules: Vec<RuleCount>,
    /// The first [`Correlated::MAX_LISTED`] events.
    pub events: Vec<EventRef>,
    /// More may come: events that are only late can still change it.
    #[serde(rename = "ongoing")]
    pub is_ongoing: bool,
    /// Id of the alert that tells of it instead, once late events have joined two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
}

impl Correlated {
    /// Most events and values that are listed.
    pub const MAX_LISTED: usize = 20;
}

/// A field that all events of an episode have the same value of.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct GroupValue {
    /// The field, or its alias.
    pub field: String,
    /// Its value; `None` where the events lack the field.
    pub value: Option<String>,
}

/// A rule and how many of an episode's events it gave.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct RuleCount {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How many events.
    pub count: u64,
}

/// One event of an episode.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct EventRef {
    /// `eventID`; for an episode in a chain its alert's id.
    pub id: Option<String>,
    /// When.
    pub time: String,
    /// Id of the rule that matched it.
    pub rule: String,
    /// Where the record was read; `None` for an episode.
    pub origin: Option<Origin>,
}
