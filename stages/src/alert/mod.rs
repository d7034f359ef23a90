//! Makes an alert of a record and the rule that matched it.

mod compact;
mod given;
mod identity;
mod summary;

use std::cell::OnceCell;

use serde_json::value::RawValue;

use crate::model::{
    Actor, Address, Alert, Lookup, Matched, Origin, Record, Resource, RuleFacts, Values, alert_id,
    rfc3339, static_text,
};

pub use compact::compact;
pub use given::given;
pub use identity::{actor, event_identity};
pub use summary::Summaries;

/// Most resources that an alert names; some calls carry a thousand.
const MAX_RESOURCES: usize = 20;

/// Longest texts of a [`Summary`](crate::model::Summary), in bytes: accounts, regions and kinds; names and ARNs; paths.
const MAX_WORD: usize = 64;
const MAX_NAME: usize = 256;
const MAX_PATH: usize = 512;

/// Everything an alert is made of besides its rule; worked out once for all rules of a record.
#[derive(Debug, Clone)]
pub struct Facts<'r> {
    /// What makes it the same event wherever it is read.
    pub identity: String,
    time: Option<jiff::Timestamp>,
    account: Option<&'r str>,
    region: Option<&'r str>,
    /// Once an alert wants it, as what follows: what only feeds correlations does not.
    actor: OnceCell<Actor>,
    source: OnceCell<Option<Box<Address>>>,
    /// The record as compact JSON.
    event: OnceCell<Option<Box<RawValue>>>,
    with_event: bool,
    shared_event: Option<&'r str>,
    access_key: Option<&'r str>,
}

/// What is known of the record's place and what is wanted in the alert.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Path or address of the file.
    pub path: &'a str,
    /// Place of the record in it.
    pub index: u64,
}

impl<'r> Facts<'r> {
    /// Reads what alerts tell from a record.
    #[must_use]
    pub fn of(
        record: &Record<'r>,
        time: Option<jiff::Timestamp>,
        account: Option<&'r str>,
        with_event: bool,
    ) -> Self {
        Self {
            identity: event_identity(record, account, || compact(record)),
            time,
            account,
            region: record.text(&["awsRegion"]),
            actor: OnceCell::new(),
            source: OnceCell::new(),
            shared_event: shared_event(record),
            access_key: given::key_of(record),
            event: OnceCell::new(),
            with_event,
        }
    }

    fn event(&self, record: &Record<'_>) -> Option<Box<RawValue>> {
        let event = || RawValue::from_string(compact(record)).ok();
        self.with_event.then(|| self.event.get_or_init(event).clone()).flatten()
    }
}

/// Makes the alert; `source` tells what is known of where the call came from.
#[must_use]
pub fn alert(
    facts_of_rule: &RuleFacts,
    record: &Record<'_>,
    facts: &Facts<'_>,
    matched: Vec<Matched>,
    source: impl FnOnce() -> Option<Address>,
    context: Context<'_>,
) -> Alert {
    Alert {
        id: alert_id(&facts_of_rule.rule.id, &facts.identity),
        time: facts.time.map(rfc3339),
        level: facts_of_rule.level,
        rule: facts_of_rule.rule.clone(),
        account: facts.account.map(str::to_owned),
        region: facts.region.map(str::to_owned),
        actor: facts.actor.get_or_init(|| actor(record)).clone(),
        source: facts.source.get_or_init(|| source().map(Box::new)).clone(),
        resource: resources(&facts_of_rule.resource, record),
        origin: Origin { path: context.path.to_owned(), index: context.index },
        matched,
        correlation: None,
        event: facts.event(record),
        behind: None,
        is_historic: false,
        shared_event: facts.shared_event.map(str::to_owned),
        access_key: facts.access_key.map(str::to_owned),
        address: None,
    }
}

/// What joins the records of one act in several accounts; the same key of Insights joins a beginning
/// and an end.
fn shared_event<'r>(record: &Record<'r>) -> Option<&'r str> {
    if record.text(&["eventCategory"]) == Some("Insight") {
        return None;
    }
    record.text(&["sharedEventID"]).filter(|id| !id.is_empty())
}

/// What was acted on: by the rule's paths, then what CloudTrail lists; each id once.
fn resources(paths: &[String], record: &Record<'_>) -> Vec<Resource> {
    let mut found: Vec<Resource> = Vec::new();
    each_resource(paths, record, |kind, id| {
        if !found.iter().any(|resource| resource.id == id) {
            let (kind, id) = (kind.map(str::to_owned), id.to_owned());
            found.push(Resource { kind, id, ..Resource::default() });
        }
        found.len() < MAX_RESOURCES
    });
    found
}

/// Hands on kind and id of what was acted on until `take` says that it is enough; ids may repeat.
fn each_resource(
    paths: &[String],
    record: &Record<'_>,
    mut take: impl FnMut(Option<&str>, &str) -> bool,
) {
    let mut values = Values::default();
    for path in paths {
        values.clear();
        record.find(path, &mut values);
        let kind = path.rsplit('.').next();
        for at in &values.found {
            let goes_on = match record.value(*at) {
                Lookup::Text("") => true,
                Lookup::Text(text) => take(kind, text),
                Lookup::Static(simd_json::StaticNode::Null) | Lookup::Container => true,
                Lookup::Static(value) => take(kind, &static_text(value)),
            };
            if !goes_on {
                return;
            }
        }
    }
    let Some(list) = record.at(&["resources"]) else { return };
    for element in record.elements(list) {
        let member = |name: &str| {
            let mut members = record.members(element);
            let (_, at) = members.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            record.text_at(at)
        };
        let Some(id) = member("ARN").or_else(|| member("resourceName")) else { continue };
        if !id.is_empty() && !take(member("type").or_else(|| member("resourceType")), id) {
            return;
        }
    }
}
