//! Who took a session, and who is behind it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Actor;

/// A key was given to somebody, as a record of it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The id of the key; what it is used for later names it in `userIdentity.accessKeyId`.
    pub key: String,
    /// When.
    pub time: Timestamp,
    /// Who asked for it.
    pub by: Actor,
    /// The id of the key that they asked with, if they had one.
    pub by_key: Option<String>,
}

/// Who is behind an alert's actor, as far as was known when the alert was made.
///
/// It is added after the match: no rule, no condition and no id depends on it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Behind {
    /// The furthest that is known: in most cases a person.
    pub first: Hop,
    /// Sessions between the actor and the first, the actor's own taker first. Not written where there
    /// are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Hop>,
}

/// Somebody who took the next session.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Hop {
    /// Who.
    #[serde(flatten)]
    pub actor: Actor,
    /// When they took it, RFC 3339 in UTC.
    pub at: String,
}
