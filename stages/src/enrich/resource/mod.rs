//! What an alert is about, by more than an id: type, ARN and name, worked out of the key that the id stood under, or
//! of the id itself.
//!
//! It is done for alerts, not for records, and changes no id. What is not known for certain is left out; see
//! `iam` for the one thing that is supposed.

mod beginnings;
mod form;
mod iam;
mod keys;
mod kinds;
mod names;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use beginnings::kind_of_id;
use form::Place;
use keys::Key;

use super::principal::Arn;
use crate::model::{Alert, GroupValue, Lookup, Record, partition_of_region, static_text};

/// The call in which ids stood; of an episode's calls what is common to them.
#[derive(Debug, Clone, Copy)]
struct Call<'c, 'r> {
    record: Option<&'c Record<'r>>,
    service: Option<&'c str>,
    /// Empty if it is not known.
    event: &'c str,
    region: Option<&'c str>,
    account: Option<&'c str>,
}

/// What was found out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    /// The type; `None`: it stays what it was.
    kind: Option<&'static str>,
    arn: Option<String>,
    name: String,
}

/// Adds to each resource of an alert what is known of it; `record` is the alert's own, and an episode has none.
pub(super) fn complete(alert: &mut Alert, record: Option<&Record<'_>>) {
    let Alert { resource, region, account, correlation, .. } = alert;
    let shared = |field: &str| {
        let group = &correlation.as_deref()?.group;
        let is_field = |shared: &&GroupValue| shared.field == field;
        group.iter().find(is_field)?.value.as_deref()
    };
    let text = |key: &'static str| match record {
        Some(record) => record.text(&[key]),
        None => shared(key),
    };
    let call = Call {
        record,
        service: text("eventSource").and_then(|source| source.split('.').next()),
        event: text("eventName").unwrap_or_default(),
        region: region.as_deref(),
        account: account.as_deref(),
    };
    for resource in resource.iter_mut().filter(|resource| resource.name.is_none()) {
        let Some(known) = call.known(resource.kind.as_deref(), &resource.id) else { continue };
        if let Some(kind) = known.kind {
            resource.kind = Some(kind.to_owned());
        }
        (resource.arn, resource.name) = (known.arn, Some(known.name));
    }
}

impl Call<'_, '_> {
    /// What is known of an id that stood under this key, or that CloudTrail says is of this type.
    fn known(&self, kind: Option<&str>, id: &str) -> Option<Known> {
        let kind = kind.unwrap_or_default();
        if kind.starts_with("AWS::") {
            let by_arn = of_arn(id).map(|(_, arn)| Known { kind: None, ..arn });
            return by_arn.or_else(|| self.of_name(kind, None, true, id));
        }
        let key = match self.service {
            Some(service) => Key::of(service, kind, self.event),
            None => Key::anywhere(kind),
        };
        if let Some((read, arn)) = of_arn(id) {
            // An ARN of another form than is known is still of what stands under its key, but an account's id.
            let by_key = key.map(|key| key.kind).filter(|kind| *kind != keys::ACCOUNT);
            return Some(Known { kind: read.or(by_key), ..arn });
        }
        let by_key = key.and_then(|it| self.of_name(it.kind, Some(it.kind), it.is_name, id));
        by_key.or_else(|| {
            let kind = kind_of_id(id)?;
            self.of_name(kind, Some(kind), true, id)
        })
    }

    /// What a name says. `told` is the type if it is new.
    fn of_name(
        &self,
        kind: &str,
        told: Option<&'static str>,
        is_name: bool,
        id: &str,
    ) -> Option<Known> {
        let named = names::named(kind, id, self)?;
        let account = named.account.or(self.account);
        let in_arn = named.in_arn.filter(|_| is_name);
        let arn = in_arn.zip(self.region.filter(|region| is_region(region)));
        let arn = arn.and_then(|(name, region)| {
            let place = Place { partition: partition_of_region(region), region, account };
            form::make(named.kind.unwrap_or(kind), &name, place, |key| self.parameter(key))
        });
        let name = if named.name.is_empty() { id.to_owned() } else { named.name.into_owned() };
        Some(Known { kind: named.kind.or(told), arn, name })
    }

    /// What the request says under a key; of the ARN of such a thing (`cluster/main`) its name.
    fn parameter(&self, key: &str) -> Option<String> {
        let record = self.record?;
        match record.value(record.at(&["requestParameters", key])?) {
            Lookup::Text(text) => {
                let Some(arn) = Arn::parse(text) else { return Some(text.to_owned()) };
                let name = arn.resource.strip_prefix(key)?.strip_prefix('/')?;
                Some(name.to_owned())
            }
            Lookup::Static(simd_json::StaticNode::Null) | Lookup::Container => None,
            Lookup::Static(value) => Some(static_text(value)),
        }
    }
}

/// What an ARN says, and its type if its form is known.
fn of_arn(id: &str) -> Option<(Option<&'static str>, Known)> {
    let text = decoded(id);
    let arn = Arn::parse(&text)?;
    let is_arn = text.starts_with("arn:aws") && !arn.service.is_empty();
    if !is_arn || text.len() > form::MAX_ARN || text.contains(char::is_control) {
        return None;
    }
    let (kind, name) = match form::read(&arn) {
        Some((kind, name)) => (Some(kind), names::short(kind, name)),
        None => (None, arn.resource.rsplit(['/', ':']).next().unwrap_or(arn.resource)),
    };
    let name = name.to_owned();
    Some((kind, Known { kind, name, arn: Some(text.into_owned()) }))
}

/// Regions are of small letters, digits and dashes; what else a log has there is put in no ARN.
fn is_region(text: &str) -> bool {
    let is_sign = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (5..=32).contains(&text.len()) && text.bytes().all(is_sign)
}

/// An ARN as it is: what was part of an address (`arn%3Aaws%3Aiam...`) is logged as it stood there.
fn decoded(id: &str) -> Cow<'_, str> {
    match id.starts_with("arn%3A") {
        true => id.replace("%3A", ":").replace("%2F", "/").into(),
        false => id.into(),
    }
}
