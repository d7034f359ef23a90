//! What a correlation needs to know of an event that a rule matched.
//!
//! Entries are made by the thousand a second and held by the million: what several of them share they hold
//! together, and their texts stand in one piece of memory each.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Actor, Origin, Resource, SharedTexts, Texts, group_key};

/// One event for one correlation, because a rule matched it; or, in a chain, one episode of another
/// correlation.
///
/// All its texts are bounded: see [`bounded`](super::bounded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id of the correlation that it is for.
    pub correlation: Arc<str>,
    /// Values of the fields that it groups by, in its order; `None` where the event has no such field.
    pub group: Texts,
    /// When it happened; in a chain, when the condition held.
    pub time: Timestamp,
    /// What makes it the same: see [`identity_number`](super::identity_number).
    pub identity: u128,
    /// Id of the rule or correlation that gave it.
    pub rule: Arc<str>,
    /// Values of the condition's `field`; several where the event has a list of them.
    pub values: Texts,
    /// What the alert tells of it.
    pub summary: Summary,
}

/// What is told of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Who acted, where and from where.
    pub who: Who,
    /// What was acted on, the first [`Summary::MAX_RESOURCES`]: of each its type and its id.
    pub resource: SharedTexts,
    /// Where the record was read.
    pub path: Option<Arc<str>>,
    /// Its place there; see [`Origin::index`].
    pub index: u64,
    /// `eventID`.
    pub event_id: Option<Box<str>>,
}

impl Summary {
    /// Most resources that are kept of an event.
    pub const MAX_RESOURCES: usize = 4;

    /// Where the record was read.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        let path = self.path.as_deref()?.to_owned();
        Some(Origin { path, index: self.index })
    }

    /// What was acted on.
    #[must_use]
    pub fn resources(&self) -> Vec<Resource> {
        let mut texts = self.resource.iter();
        let own = |kind: Option<&str>| kind.map(str::to_owned);
        let mut found = Vec::new();
        while let (Some(kind), Some(id)) = (texts.next(), texts.next()) {
            let id = id.unwrap_or_default().to_owned();
            found.push(Resource { kind: own(kind), id, ..Resource::default() });
        }
        found
    }
}

/// Who acted, where and from where: account, region, the actor's kind, name, ARN, account and session, the
/// address that the call came from, and the id of the key that it was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Who(pub SharedTexts);

impl Who {
    /// How many texts it is of.
    pub const TEXTS: usize = 9;

    /// The account.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.0.get(0)
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.get(1)
    }

    /// Who acted.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let mut texts = self.0.iter().skip(2).map(|text| text.map(str::to_owned));
        let mut next = || texts.next().flatten();
        Actor { kind: next(), name: next(), arn: next(), account: next(), session: next() }
    }

    /// True if the same one acted.
    #[must_use]
    pub fn is_same_actor<'w>(&'w self, other: &'w Self) -> bool {
        let actor = |who: &'w Self| who.0.iter().skip(2).take(5);
        self.0 == other.0 || actor(self).eq(actor(other))
    }

    /// The address that the call came from, or the name of a service.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.0.get(7)
    }

    /// The id of the key that the call was made with.
    #[must_use]
    pub fn access_key(&self) -> Option<&str> {
        self.0.get(8)
    }
}

impl Entry {
    /// Longest text of a group or value, in bytes: see [`bounded`](super::bounded).
    pub const MAX_TEXT: usize = 256;
    /// Most values of an event.
    pub const MAX_VALUES: usize = 16;

    /// Names the group of the correlation: what its state is kept under. At most 97 bytes of ASCII.
    #[must_use]
    pub fn key(&self) -> String {
        group_key(&self.correlation, &self.group)
    }
}
