//! OCSF: an alert as a Detection Finding (class 2004) with the cloud profile.
//!
//! A test holds what is made here against the official schema.

use std::net::IpAddr;

use askance_stages::model::{Actor, Address, Alert, Level, parse_time, partition_of_region};
use askance_stages::raise::{AccountFacts, Group, MessageKind};
use serde_json::{Map, Value, json};

use super::act::Act;
use super::arn::region_of_arn;
use super::attack::{Attack, attacks};
use super::clip::clip;
use crate::store::Words;

/// The version of OCSF that findings keep to.
pub const OCSF_VERSION: &str = "1.8.0";

/// Class "Detection Finding".
const CLASS: u32 = 2004;

/// Longest word of an actor or a call that is repeated, in characters; `raw_data` holds the whole.
const MAX_TEXT_CHARS: usize = 1024;

/// What is told of an alert, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// New, again, or more of its rule.
    pub kind: MessageKind,
    /// How often it came.
    pub group: Option<&'a Group>,
    /// What its rule says.
    pub words: &'a Words,
    /// What is known of its account.
    pub account: Option<&'a AccountFacts>,
    /// What was left out of the alert for want of room.
    pub left_out: &'a [&'static str],
}

/// A new alert as Detection Finding.
///
/// Its `time` is the event's, or 0 where the record has none.
pub fn ocsf(
    alert: &Alert,
    group: Option<&Group>,
    words: &Words,
    account: Option<&AccountFacts>,
) -> Value {
    ocsf_told(alert, &Told { kind: MessageKind::New, group, words, account, left_out: &[] })
}

/// An alert as Detection Finding: created when it is new, updated when it came again.
pub fn ocsf_told(alert: &Alert, told: &Told<'_>) -> Value {
    let act = Act::of(alert);
    let (activity, activity_name) = match told.kind {
        MessageKind::New | MessageKind::More => (1, "Create"),
        MessageKind::Update => (2, "Update"),
    };
    let (severity, severity_name) = severity(alert.level);
    let first = told.group.and_then(|group| group.first.as_deref()).or(alert.time.as_deref());
    let last = told.group.and_then(|group| group.last.as_deref()).or(alert.time.as_deref());
    let mut finding = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": format!("Detection Finding: {activity_name}"),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": 1,
        "status": "New",
        "is_alert": true,
        "time": millis(alert.time.as_deref()).unwrap_or(0),
        "start_time": millis(first),
        "end_time": millis(last),
        "count": told.group.map(|group| group.count),
        "message": told.words.ask.en.as_deref().unwrap_or(&alert.rule.title),
        "metadata": metadata(alert, told, &act),
        "finding_info": finding_info(alert, told, (first, last)),
        "cloud": cloud(alert, told.account),
        "api": api(&act),
        "evidences": evidences(alert, &act),
        "resources": resources(alert),
        "remediation": told.words.fix.en.as_deref().map(|fix| json!({
            "desc": fix,
            "references": told.words.references,
        })),
        "raw_data": alert.event.as_ref().map(|event| event.get()),
    });
    if !told.left_out.is_empty() {
        let whole =
            format!("{} left out: askance alerts show {}", told.left_out.join(", "), alert.id);
        finding["status_detail"] = whole.into();
    }
    without_nulls(&mut finding);
    finding
}

fn severity(level: Level) -> (u32, &'static str) {
    match level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    }
}

fn millis(time: Option<&str>) -> Option<i64> {
    time.and_then(parse_time).map(jiff::Timestamp::as_millisecond)
}

fn metadata(alert: &Alert, told: &Told<'_>, act: &Act) -> Value {
    json!({
        "version": OCSF_VERSION,
        "profiles": ["cloud"],
        "product": {
            "name": "askance",
            "vendor_name": "askance",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "uid": alert.id,
        "correlation_uid": told.group.map(|group| &group.leader),
        "original_event_uid": act.text("eventID"),
        "original_time": alert.time,
        "event_code": text(act.text("eventName")),
        "log_provider": "AWS CloudTrail",
        "log_source": clip(&alert.origin.path, MAX_TEXT_CHARS),
        "labels": labels(alert),
        "is_truncated": (!told.left_out.is_empty()).then_some(true),
    })
}

/// The rule's tags, and whether it was found in the past.
fn labels(alert: &Alert) -> Vec<&str> {
    let past = alert.is_historic.then_some("askance.historic");
    alert.rule.tags.iter().map(String::as_str).chain(past).collect()
}

fn finding_info(alert: &Alert, told: &Told<'_>, seen: (Option<&str>, Option<&str>)) -> Value {
    let words = told.words;
    let attacks: Vec<Value> = attacks(&alert.rule.tags).into_iter().map(attack).collect();
    let types: Vec<&String> = words.controls.iter().collect();
    json!({
        "uid": alert.id,
        "title": alert.rule.title,
        "desc": words.why.en.as_ref().or(words.description.as_ref()),
        "types": (!types.is_empty()).then_some(types),
        "analytic": {
            "type_id": 1,
            "type": "Rule",
            "uid": alert.rule.id,
            "name": alert.rule.title,
        },
        "attacks": (!attacks.is_empty()).then_some(attacks),
        "data_sources": ["AWS CloudTrail"],
        "first_seen_time": millis(seen.0),
        "last_seen_time": millis(seen.1),
    })
}

fn attack(attack: Attack) -> Value {
    match attack {
        Attack::Technique(technique, sub) => json!({
            "technique": {"uid": technique},
            "sub_technique": sub.map(|sub| json!({"uid": sub})),
        }),
        Attack::Tactic(name) => json!({"tactic": {"name": name}}),
    }
}

fn cloud(alert: &Alert, facts: Option<&AccountFacts>) -> Value {
    let ou = facts.and_then(|facts| facts.ou.as_ref());
    let tags: Vec<Value> = facts
        .into_iter()
        .flat_map(|facts| &facts.tags)
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let account = alert.account.as_ref().map(|account| {
        json!({
            "uid": account,
            "name": facts.and_then(|facts| facts.name.as_ref()),
            "type": "AWS Account",
            "type_id": 10,
            "labels": ou.map(|ou| [format!("ou:{ou}")]),
            "tags": (!tags.is_empty()).then_some(tags),
        })
    });
    json!({
        "provider": "AWS",
        "region": alert.region,
        "cloud_partition": alert.region.as_deref().map(partition_of_region),
        "account": account,
    })
}

fn api(act: &Act) -> Value {
    let Some(operation) = act.text("eventName") else { return Value::Null };
    let error = act.text("errorCode").map(|error| {
        json!({"error": text(Some(error)), "error_message": text(act.text("errorMessage"))})
    });
    json!({
        "operation": text(Some(operation)),
        "version": text(act.text("apiVersion")),
        "service": act.text("eventSource").map(|name| json!({"name": text(Some(name))})),
        "request": act.text("requestID").map(|uid| json!({"uid": text(Some(uid))})),
        "response": error,
    })
}

/// Who did it, from where, and what made the rule match.
fn evidences(alert: &Alert, act: &Act) -> Value {
    let known = alert.source.as_deref();
    let from = act.text("sourceIPAddress").or(known.map(|known| known.ip.as_str()));
    let source = from.map(|from| match from.parse::<IpAddr>() {
        Ok(ip) => json!({
            "ip": ip.to_string(),
            "location": known.map(location),
            "autonomous_system": known.map(autonomous_system),
        }),
        // A service of AWS has its name here.
        Err(_) => json!({"svc_name": text(Some(from))}),
    });
    let agent = act.text("userAgent").map(|agent| json!({"user_agent": text(Some(agent))}));
    json!([{
        "actor": actor(&alert.actor),
        "api": api(act),
        "src_endpoint": source,
        "http_request": agent,
        "data": {"matched": alert.matched},
    }])
}

fn location(known: &Address) -> Value {
    if known.country.is_none() && known.city.is_none() {
        return Value::Null;
    }
    json!({"country": known.country, "city": known.city})
}

fn autonomous_system(known: &Address) -> Value {
    if known.asn.is_none() && known.as_name.is_none() {
        return Value::Null;
    }
    json!({"number": known.asn, "name": known.as_name})
}

fn actor(actor: &Actor) -> Value {
    let uid = actor.arn.as_deref().or(actor.name.as_deref());
    let (kind, kind_name) = match actor.kind.as_deref() {
        Some(
            "IAMUser" | "IdentityCenterUser" | "FederatedUser" | "SAMLUser" | "WebIdentityUser",
        ) => (1, "User"),
        Some("Root") => (2, "Admin"),
        Some("AWSService") => (4, "Service"),
        Some(other) => (99, other),
        None => (0, "Unknown"),
    };
    let user = uid.map(|uid| {
        json!({
            "uid": text(Some(uid)),
            "name": text(actor.name.as_deref()),
            "type_id": kind,
            "type": text(Some(kind_name)),
            "account": actor.account.as_deref().map(|id| json!({"uid": text(Some(id))})),
        })
    });
    if user.is_none() && actor.session.is_none() {
        return Value::Null;
    }
    let session = actor.session.as_deref().map(|uid| json!({"uid": text(Some(uid))}));
    json!({"user": user, "session": session})
}

fn resources(alert: &Alert) -> Value {
    let resources = alert.distinct_resources().map(|resource| {
        let region = resource.arn.as_deref().and_then(region_of_arn);
        let region = region.or(alert.region.as_deref());
        json!({
            "uid": text(resource.arn.as_deref().or(Some(&resource.id))),
            "name": text(resource.name.as_deref()),
            "type": text(resource.kind.as_deref()),
            "region": text(region),
            "cloud_partition": region.map(partition_of_region),
        })
    });
    Value::Array(resources.collect())
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(|text| clip(text, MAX_TEXT_CHARS))
}

/// Takes out what is not known; OCSF has no nulls. What was matched may well be null.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => clean(members),
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn clean(members: &mut Map<String, Value>) {
    members.retain(|_, value| !value.is_null());
    for (key, value) in members.iter_mut() {
        if key != "data" {
            without_nulls(value);
        }
    }
}
