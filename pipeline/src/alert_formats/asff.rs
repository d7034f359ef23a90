//! ASFF: an alert as a finding of AWS Security Hub.

use askance_stages::model::{Alert, Level, partition_of_region};
use askance_stages::raise::{AccountFacts, Group};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::act::Act;
use super::arn::region_of_arn;
use super::asff_kinds::{ACCOUNT, OTHER, resource_kind};
use super::attack::{Attack, attacks};
use super::clip::clip;
use crate::store::Words;

/// Security Hub's own limits, in characters.
const MAX_ID: usize = 512;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 1024;
const MAX_RECOMMENDATION: usize = 512;

/// Most resources of a finding.
const MAX_RESOURCES: usize = 32;

/// Most types of a finding.
const MAX_TYPES: usize = 50;

/// Longest product field, in characters. 2,048 are allowed; with so many no finding can come near
/// 240 KB, whatever a log holds.
const MAX_FIELD: usize = 512;

/// Where findings are imported, and so by whom they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The account that imports: with the default product it must be the finding's own.
    pub account: String,
    /// The region of its Security Hub.
    pub region: String,
}

impl Product {
    /// The ARN of the account's default product.
    pub fn arn(&self) -> String {
        let Self { account, region } = self;
        let partition = partition_of_region(region);
        format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default")
    }

    /// The id of an alert's finding.
    pub fn finding_id(alert: &Alert) -> String {
        format!("askance/{}", alert.id)
    }
}

/// The alert as a finding in ASFF.
///
/// `now` becomes `UpdatedAt`, without which Security Hub takes no change of a finding.
pub fn asff(
    alert: &Alert,
    group: Option<&Group>,
    words: (&Words, Option<&AccountFacts>),
    product: &Product,
    now: Timestamp,
) -> Value {
    let (words, account) = words;
    let now = now.to_string();
    let first = group.and_then(|group| group.first.as_ref()).or(alert.time.as_ref());
    let last = group.and_then(|group| group.last.as_ref()).or(alert.time.as_ref());
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": Product::finding_id(alert),
        "ProductArn": product.arn(),
        "GeneratorId": filled(&alert.rule.id, MAX_ID),
        "AwsAccountId": product.account,
        "CreatedAt": alert.time.as_ref().unwrap_or(&now),
        "UpdatedAt": now,
        "FirstObservedAt": first,
        "LastObservedAt": last,
        "Title": filled(&alert.rule.title, MAX_TITLE),
        "Description": description(alert, words, account),
        "ProductFields": fields(alert, group),
        "Resources": resources(alert, &product.region),
        "FindingProviderFields": {
            "Severity": {"Label": label(alert.level), "Original": alert.level.name()},
            "Types": types(alert, words),
        },
        "RecordState": "ACTIVE",
    });
    if let Some(fix) = &words.fix.en {
        let url = words.references.iter().find(|url| url.starts_with("https://"));
        finding["Remediation"] = json!({"Recommendation": {
            "Text": clip(fix, MAX_RECOMMENDATION),
            "Url": url,
        }});
    }
    finding
}

/// Clipped, and never empty, which Security Hub refuses.
fn filled(text: &str, max_chars: usize) -> String {
    if text.trim().is_empty() { "-".to_owned() } else { clip(text, max_chars) }
}

fn label(level: Level) -> &'static str {
    match level {
        Level::Informational => "INFORMATIONAL",
        Level::Low => "LOW",
        Level::Medium => "MEDIUM",
        Level::High => "HIGH",
        Level::Critical => "CRITICAL",
    }
}

fn description(alert: &Alert, words: &Words, account: Option<&AccountFacts>) -> String {
    let question =
        words.ask.en.as_ref().or(words.description.as_ref()).unwrap_or(&alert.rule.title);
    let actor = alert.actor.name.as_deref().or(alert.actor.arn.as_deref()).unwrap_or("unknown");
    let name = account.and_then(|facts| facts.name.as_ref());
    let place = match (alert.account.as_deref(), name) {
        (Some(id), Some(name)) => format!("{name} ({id})"),
        (Some(id), None) => id.to_owned(),
        (None, _) => "unknown".to_owned(),
    };
    let why = words.why.en.as_deref().unwrap_or_default();
    let (actor, place) = (clip(actor, MAX_TITLE), clip(&place, MAX_TITLE));
    let text = format!("{question} Actor: {actor}. Account: {place}. {why}");
    filled(text.trim_end(), MAX_DESCRIPTION)
}

fn fields(alert: &Alert, group: Option<&Group>) -> Map<String, Value> {
    let act = Act::of(alert);
    let source = alert.source.as_deref();
    let values = [
        ("account", alert.account.clone()),
        ("region", alert.region.clone()),
        ("actor", alert.actor.arn.clone().or_else(|| alert.actor.name.clone())),
        ("session", alert.actor.session.clone()),
        ("event", act.text("eventName").map(str::to_owned)),
        ("event-id", act.text("eventID").map(str::to_owned)),
        ("source-ip", act.text("sourceIPAddress").map(str::to_owned)),
        ("source-country", source.and_then(|source| source.country.clone())),
        ("source-city", source.and_then(|source| source.city.clone())),
        ("source-asn", source.and_then(|source| source.asn).map(|number| number.to_string())),
        ("source-as-name", source.and_then(|source| source.as_name.clone())),
        ("count", group.map(|group| group.count.to_string())),
        ("historic", alert.is_historic.then(|| "true".to_owned())),
        ("origin", Some(alert.origin.path.clone())),
        ("show", Some(format!("askance alerts show {}", alert.id))),
    ];
    values
        .into_iter()
        .filter_map(|(key, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((format!("askance/{key}"), clip(&value, MAX_FIELD).into()))
        })
        .collect()
}

/// Types of Security Hub's own taxonomy.
fn types(alert: &Alert, words: &Words) -> Vec<String> {
    const CHECK: &str = "Software and Configuration Checks/Industry and Regulatory Standards";
    let mut types = Vec::new();
    for attack in attacks(&alert.rule.tags) {
        let Attack::Tactic(tactic) = attack else { continue };
        let known = match tactic.as_str() {
            "Exfiltration" => "Effects/Data Exfiltration".to_owned(),
            "Impact" => "Effects".to_owned(),
            "Stealth" | "Defense Impairment" => "TTPs/Defense Evasion".to_owned(),
            tactic => format!("TTPs/{tactic}"),
        };
        if !types.contains(&known) {
            types.push(known);
        }
    }
    if !words.controls.is_empty() {
        types.push(CHECK.to_owned());
    }
    if types.is_empty() {
        types.push("Unusual Behaviors".to_owned());
    }
    types.truncate(MAX_TYPES);
    types
}

fn resources(alert: &Alert, region: &str) -> Vec<Value> {
    let region = alert.region.as_deref().unwrap_or(region);
    let place = |kind: &str, id: String, region: &str| {
        json!({
            "Type": kind,
            "Id": id,
            "Partition": partition_of_region(region),
            "Region": clip(region, MAX_ID),
        })
    };
    let account = |id: &str| clip(&format!("AWS::::Account:{id}"), MAX_ID);
    let distinct = alert.distinct_resources().take(MAX_RESOURCES);
    let mut resources: Vec<Value> = distinct
        .map(|resource| {
            let kind = resource_kind(resource);
            let arn = resource.arn.as_deref().filter(|arn| arn.chars().count() <= MAX_ID);
            let id = match kind {
                ACCOUNT => account(&resource.id),
                _ => arn.map_or_else(|| filled(&resource.id, MAX_ID), str::to_owned),
            };
            let mut value = place(kind, id, arn.and_then(region_of_arn).unwrap_or(region));
            if let (OTHER, Some(named)) = (kind, &resource.kind) {
                value["Details"] = json!({"Other": {"type": filled(named, MAX_FIELD)}});
            }
            value
        })
        .collect();
    if resources.is_empty() {
        let id = account(alert.account.as_deref().unwrap_or("unknown"));
        resources.push(place(ACCOUNT, id, region));
    }
    resources
}
