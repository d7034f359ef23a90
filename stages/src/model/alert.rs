//! What people are told.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Behind, Correlated, Level};

/// A rule matched an event.
///
/// Field order here is the order in JSON; `docs/alert.schema.json` describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alert {
    /// 32 hexadecimal digits, the same for the same rule and event however it was read.
    pub id: String,
    /// The event's time, RFC 3339 in UTC; `None` if it is missing or no time.
    pub time: Option<String>,
    /// The rule's level.
    pub level: Level,
    /// The rule.
    pub rule: RuleRef,
    /// The account that the event happened in (`recipientAccountId`).
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// Where it was done from, if databases of addresses were given and know the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<Address>>,
    /// What it was done to; may be empty.
    pub resource: Vec<Resource>,
    /// Where the record was read.
    pub origin: Origin,
    /// The fields that made the rule match.
    pub matched: Vec<Matched>,
    /// The episode, where the rule is a correlation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Box<Correlated>>,
    /// Who is behind the actor's session, if that was asked for and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Box<Behind>>,
    /// The event was read by a replay of the past, at somebody's wish: nobody was told of it as it
    /// happened, or rules have changed since. Not written where it is not so.
    #[serde(rename = "historic", default, skip_serializing_if = "is_not")]
    pub is_historic: bool,
    /// The whole record, unless it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<RawValue>>,
    /// `sharedEventID`: the same act as seen by several accounts. Never that of Insights. Not told.
    #[serde(skip)]
    pub shared_event: Option<String>,
    /// The id of the key that the event was done with. Not told.
    #[serde(skip)]
    pub access_key: Option<String>,
    /// Of an episode: the address that all its calls came from, for whoever knows databases of addresses.
    /// Not told.
    #[serde(skip)]
    pub address: Option<String>,
}

impl Alert {
    /// Its resources without those that are told twice, once by name and once by ARN.
    pub fn distinct_resources(&self) -> impl Iterator<Item = &Resource> + Clone {
        self.resource.iter().enumerate().filter_map(|(index, resource)| {
            let is_same = |other: &Resource| other.arn.is_some() && other.arn == resource.arn;
            (!self.resource[..index].iter().any(is_same)).then_some(resource)
        })
    }
}

/// For serde, which hands references.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// The rule of an alert.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct RuleRef {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// What alerts need to know of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFacts {
    /// How it is named in alerts.
    pub rule: RuleRef,
    /// Its level.
    pub level: Level,
    /// Dotted paths of what is asked about.
    pub resource: Vec<String>,
}

/// Who acted; each part as far as the record tells.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq, Hash)]
pub struct Actor {
    /// `userIdentity.type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A readable name: user, role, service or `root`.
    pub name: Option<String>,
    /// `userIdentity.arn`.
    pub arn: Option<String>,
    /// The actor's own account, which may differ from the alert's.
    pub account: Option<String>,
    /// The session's name, for roles and federated users.
    pub session: Option<String>,
}

/// An address on the internet, and what databases of addresses say of it; each part as far as they
/// know.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Address {
    /// The address, as the record has it.
    pub ip: String,
    /// Two letters of ISO 3166-1: `JP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The city's English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Number of the autonomous system that the address is routed by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Who runs that system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_name: Option<String>,
}

/// A thing that was acted on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq, Hash)]
pub struct Resource {
    /// As CloudFormation or CloudTrail name it (`AWS::S3::Bucket`); of what is not known the last key of the
    /// rule's path (`serialNumber`).
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// ARN, id or name, as it stands in the record. Alerts are grouped by it.
    pub id: String,
    /// The ARN, if it is in the record or can be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// What people call it; `None` of what is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a record was read.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Origin {
    /// Path or address of the file.
    pub path: String,
    /// Place of the record in its file, from 0.
    pub index: u64,
}

/// A field that made a selection hold.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Matched {
    /// The selection's name.
    pub selection: String,
    /// The field's path; `None` for keywords.
    pub field: Option<String>,
    /// The value, as text and cut at [`Matched::MAX_VALUE`] characters; `None` for what is absent.
    pub value: Option<String>,
}

impl Matched {
    /// Longest value that is repeated here; the event holds the whole.
    pub const MAX_VALUE: usize = 512;
}

/// A record about which a rule could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The event's id, if it has one.
    pub event_id: Option<String>,
    /// Path or address of the file.
    pub path: String,
    /// Place of the record in its file.
    pub index: u64,
}
