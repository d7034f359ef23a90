//! Who, where, what and when, as short texts.

use askance_stages::model::{Actor, Address, Alert, Behind, Correlated, Resource, parse_time};
use askance_stages::raise::AccountFacts;

use super::bounded::bounded;
use super::event::EventFacts;
use super::message::Fact;
use super::phrases::{self, Phrases};
use crate::config::Language;

/// Longest name of a person, a role, an account.
const LONGEST_NAME: usize = 100;

/// Longest id of a resource; an ARN of a role fits.
const LONGEST_ID: usize = 160;

/// Longest path of a field.
const LONGEST_FIELD: usize = 100;

/// Longest value of a field.
const LONGEST_VALUE: usize = 160;

/// Most resources that are named.
const MAX_RESOURCES: usize = 5;

/// Most sessions between an actor and who is behind it that are named.
const MAX_HOPS: usize = 3;

/// Most fields that are shown.
const MAX_FIELDS: usize = 8;

/// Families of fields that are worked out of what a request changes.
const CHANGES: [&str; 3] = ["network.", "policy.", "shared."];

/// Fields that are told elsewhere in the message or tell nothing to people.
const TOLD_ELSEWHERE: [&str; 8] = [
    "eventSource",
    "eventName",
    "eventType",
    "eventCategory",
    "awsRegion",
    "recipientAccountId",
    "errorCode",
    "managementEvent",
];

/// Writes facts in a language, and notes whether one had to be cut.
#[derive(Debug)]
pub struct Teller {
    /// The language.
    pub language: Language,
    /// True once something was cut.
    pub is_cut: bool,
}

impl Teller {
    /// Cuts a text, and notes it.
    pub fn bounded(&mut self, text: &str, most: usize) -> String {
        let (text, is_cut) = bounded(text, most);
        self.is_cut |= is_cut;
        text
    }

    /// Everything that is known without the rule's words, in the order of reading.
    pub fn facts(
        &mut self,
        alert: &Alert,
        event: &EventFacts,
        account: Option<&AccountFacts>,
    ) -> Vec<Fact> {
        let phrases = Phrases::of(self.language);
        let told = alert.correlation.as_deref();
        let act = match told {
            Some(told) => Some(self.events(told)),
            None => event.name.as_deref().map(|name| self.act(name, event)),
        };
        let time = match told {
            Some(told) if told.first != told.last => {
                let (first, last) = (self.time(Some(&told.first)), self.time(Some(&told.last)));
                phrases::span(self.language, &first, &last)
            }
            _ => self.time(alert.time.as_deref()),
        };
        let from = self.from(alert.source.as_deref(), event);
        let failed = event.error.as_deref().map(|error| {
            let error = self.bounded(error, LONGEST_NAME);
            phrases::refused(self.language, &error)
        });
        let factor = event.second_factor.as_deref().map(|text| self.bounded(text, LONGEST_NAME));
        [
            (phrases.who, Some(self.who(alert))),
            (phrases.behind, alert.behind.as_deref().map(|behind| self.behind(behind))),
            (phrases.account, Some(self.place(alert, account))),
            (phrases.act, act),
            (phrases.outcome, failed),
            (phrases.on, self.resources(alert)),
            (phrases.time, Some(time)),
            (phrases.from, from),
            (phrases.second_factor, factor),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some(Fact { label: label.to_owned(), value: value? }))
        .collect()
    }

    /// What a correlation is made of: how many events, by rule.
    fn events(&mut self, told: &Correlated) -> String {
        let mut rules: Vec<String> = Vec::new();
        for rule in told.rules.iter().filter(|rule| rule.count > 0).take(MAX_RESOURCES) {
            let title = self.bounded(&rule.title, LONGEST_NAME);
            rules.push(phrases::times(self.language, &title, rule.count));
        }
        let more = told.rules.len().saturating_sub(MAX_RESOURCES);
        if more > 0 {
            self.is_cut = true;
            rules.push(phrases::and_more(self.language, more));
        }
        let events = phrases::events(self.language, told.count);
        phrases::with(self.language, &events, &phrases::row(self.language, &rules))
    }

    /// Who did it.
    pub fn who(&mut self, alert: &Alert) -> String {
        let actor = &alert.actor;
        let language = self.language;
        if alert.correlation.is_some() && *actor == Actor::default() {
            return Phrases::of(language).several.to_owned();
        }
        let who = self.actor(actor);
        let other = actor.account.as_deref().filter(|account| {
            let is_here = alert.account.as_deref() == Some(account);
            // An account that acts is named by its id already.
            !is_here && alert.account.is_some() && actor.kind.as_deref() != Some("AWSAccount")
        });
        match other {
            Some(account) => {
                let account = self.bounded(account, LONGEST_NAME);
                phrases::of_account(language, &who, &account)
            }
            None => who,
        }
    }

    /// Who took the actor's session, and by way of which others: from the first one on.
    fn behind(&mut self, behind: &Behind) -> String {
        let who = self.actor(&behind.first.actor);
        let time = self.time(Some(&behind.first.at));
        let mut via: Vec<String> = Vec::new();
        for hop in behind.via.iter().rev().take(MAX_HOPS) {
            via.push(self.actor(&hop.actor));
        }
        let more = behind.via.len().saturating_sub(MAX_HOPS);
        if more > 0 {
            self.is_cut = true;
            via.push(phrases::and_more(self.language, more));
        }
        phrases::taken(self.language, &who, &time, &via)
    }

    fn actor(&mut self, actor: &Actor) -> String {
        let language = self.language;
        let kind = actor.kind.as_deref().unwrap_or_default();
        if kind == "Root" {
            return phrases::root(language);
        }
        let Some(name) = actor.name.as_deref() else {
            return Phrases::of(language).unknown.to_owned();
        };
        let name = self.bounded(permission_set(name).unwrap_or(name), LONGEST_NAME);
        let session = actor.session.as_deref().map(|text| self.bounded(text, LONGEST_NAME));
        match (kind, session) {
            ("AssumedRole" | "FederatedUser", Some(session)) if session != name => {
                phrases::session(language, &session, &name)
            }
            ("AssumedRole" | "Role", _) => phrases::role(language, &name),
            ("IAMUser", _) => phrases::user(language, &name),
            ("AWSService", _) => phrases::service(language, &name),
            ("AWSAccount", _) => phrases::account(language, &name),
            _ => name,
        }
    }

    /// The account's name and number, and the region.
    fn place(&mut self, alert: &Alert, account: Option<&AccountFacts>) -> String {
        let account = self.account(alert, account);
        match alert.region.as_deref() {
            Some(region) => {
                let region = self.bounded(region, LONGEST_NAME);
                phrases::row(self.language, &[account, region])
            }
            None => account,
        }
    }

    fn account(&mut self, alert: &Alert, account: Option<&AccountFacts>) -> String {
        let name = account.and_then(|facts| facts.name.as_deref());
        let name = name.map(|name| self.bounded(name, LONGEST_NAME));
        let id = alert.account.as_deref().map(|id| self.bounded(id, LONGEST_NAME));
        match (name, id) {
            (Some(name), Some(id)) => phrases::with(self.language, &name, &id),
            (Some(known), None) | (None, Some(known)) => known,
            (None, None) if alert.correlation.is_some() => {
                Phrases::of(self.language).several.to_owned()
            }
            (None, None) => Phrases::of(self.language).unknown.to_owned(),
        }
    }

    fn act(&mut self, name: &str, event: &EventFacts) -> String {
        let name = self.bounded(name, LONGEST_NAME);
        match event.source.as_deref() {
            Some(source) => {
                let source = self.bounded(source, LONGEST_NAME);
                phrases::with(self.language, &name, &source)
            }
            None => name,
        }
    }

    fn from(&mut self, source: Option<&Address>, event: &EventFacts) -> Option<String> {
        // Without the event the address stands in what is known of it.
        let address = event.address.as_deref().or(source.map(|source| source.ip.as_str()));
        let address = address.map(|text| self.bounded(text, LONGEST_NAME));
        let address = match (address, source) {
            (Some(address), Some(source)) => {
                let known = self.whereabouts(source);
                Some(phrases::with(self.language, &address, &known))
            }
            (address, _) => address,
        };
        let agent = event.agent.as_deref().map(|text| self.bounded(text, LONGEST_NAME));
        match (address, agent) {
            // A service that acts says its name twice.
            (Some(address), Some(agent)) if address != agent => {
                Some(phrases::row(self.language, &[address, agent]))
            }
            (address, agent) => address.or(agent),
        }
    }

    /// Where an address is and who runs its network.
    fn whereabouts(&mut self, source: &Address) -> String {
        let mut part =
            |text: &Option<String>| text.as_deref().map(|text| self.bounded(text, LONGEST_NAME));
        let (city, country, name) =
            (part(&source.city), part(&source.country), part(&source.as_name));
        let number = source.asn.map(|number| format!("AS{number}"));
        let place: Vec<String> = [city, country].into_iter().flatten().collect();
        let place = (!place.is_empty()).then(|| phrases::row(self.language, &place));
        let network: Vec<String> = [number, name].into_iter().flatten().collect();
        let network = (!network.is_empty()).then(|| network.join(" "));
        let parts: Vec<String> = [place, network].into_iter().flatten().collect();
        phrases::apart(self.language, &parts)
    }

    fn resources(&mut self, alert: &Alert) -> Option<String> {
        let mut ids: Vec<String> = Vec::new();
        // The account is told already.
        let resources = alert
            .distinct_resources()
            .filter(|resource| Some(resource.id.as_str()) != alert.account.as_deref());
        let count = resources.clone().count();
        for resource in resources.take(MAX_RESOURCES) {
            ids.push(self.bounded(readable(resource, alert), LONGEST_ID));
        }
        let more = count.saturating_sub(MAX_RESOURCES);
        if more > 0 {
            self.is_cut = true;
            ids.push(phrases::and_more(self.language, more));
        }
        (!ids.is_empty()).then(|| phrases::row(self.language, &ids))
    }

    /// A time in UTC, with its zone.
    pub fn time(&mut self, time: Option<&str>) -> String {
        match time.and_then(parse_time) {
            Some(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            None => Phrases::of(self.language).no_time.to_owned(),
        }
    }

    /// The fields that made the rule match and that tell something new, and what they are called.
    pub fn changed(&mut self, alert: &Alert) -> (&'static str, Vec<Fact>) {
        let phrases = Phrases::of(self.language);
        let mut label = phrases.seen;
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        if let Some(told) = &alert.correlation {
            self.shared(told, &mut fields);
        }
        for matched in &alert.matched {
            let Some(value) = matched.value.as_deref() else { continue };
            let field = matched.field.as_deref().unwrap_or("*");
            let is_resource = alert.resource.iter().any(|resource| resource.id == value);
            let is_told = TOLD_ELSEWHERE.contains(&field) || field.starts_with("userIdentity.");
            if is_told || is_resource || value.is_empty() {
                continue;
            }
            // What is worked out is of the request too, but for who acted, from where and in which account.
            let derived = field.strip_prefix("askance.");
            let is_of_request = |name: &str| CHANGES.iter().any(|family| name.starts_with(family));
            if field.starts_with("requestParameters.") || derived.is_some_and(is_of_request) {
                label = phrases.changed;
            }
            let name = field.strip_prefix("requestParameters.").or(derived).unwrap_or(field);
            let name = self.bounded(name, LONGEST_FIELD);
            let value = self.bounded(value, LONGEST_VALUE);
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) if values.contains(&value) => {}
                Some((_, values)) => values.push(value),
                None => fields.push((name, vec![value])),
            }
        }
        (label, self.first_fields(fields))
    }

    /// What the events of a correlation share, and what differs among them.
    fn shared(&mut self, told: &Correlated, fields: &mut Vec<(String, Vec<String>)>) {
        for shared in &told.group {
            let is_told = TOLD_ELSEWHERE.contains(&shared.field.as_str())
                || ["userIdentity.arn", "userIdentity.principalId"]
                    .contains(&shared.field.as_str());
            if let (false, Some(value)) = (is_told, shared.value.as_deref()) {
                let name = shared.field.strip_prefix("requestParameters.").unwrap_or(&shared.field);
                let (name, value) =
                    (self.bounded(name, LONGEST_FIELD), self.bounded(value, LONGEST_VALUE));
                fields.push((name, vec![value]));
            }
        }
        let Some(distinct) = told.distinct.filter(|_| !told.values.is_empty()) else { return };
        let mut values: Vec<String> = Vec::new();
        for value in told.values.iter().take(MAX_RESOURCES) {
            values.push(self.bounded(value, LONGEST_NAME));
        }
        let more = usize::try_from(distinct).unwrap_or(usize::MAX).saturating_sub(values.len());
        if more > 0 {
            values.push(phrases::and_more(self.language, more));
        }
        fields.push((Phrases::of(self.language).values.to_owned(), values));
    }

    fn first_fields(&mut self, fields: Vec<(String, Vec<String>)>) -> Vec<Fact> {
        let more = fields.len().saturating_sub(MAX_FIELDS);
        let mut shown: Vec<Fact> = Vec::new();
        for (label, values) in fields.into_iter().take(MAX_FIELDS) {
            let value = self.bounded(&phrases::row(self.language, &values), LONGEST_VALUE);
            shown.push(Fact { label, value });
        }
        if more > 0 {
            self.is_cut = true;
            let value = phrases::and_more(self.language, more);
            shown.push(Fact { label: "…".to_owned(), value });
        }
        shown
    }
}

/// What stands in the record, without what the message tells already: of an ARN or address in the alert's own
/// account and region what is behind these (`role/ops`, `orders`).
fn readable<'r>(resource: &'r Resource, alert: &Alert) -> &'r str {
    let Resource { id, arn, name, .. } = resource;
    let mut parts = arn.as_deref().into_iter().flat_map(|arn| arn.splitn(6, ':').skip(3));
    let (Some(region), Some(account), Some(rest)) = (parts.next(), parts.next(), parts.next())
    else {
        return id;
    };
    let is_own = |part: &str, own: &Option<String>| part.is_empty() || Some(part) == own.as_deref();
    // Policies of AWS are in an account of that name.
    let is_here =
        is_own(region, &alert.region) && (is_own(account, &alert.account) || account == "aws");
    match name {
        _ if !is_here => id,
        _ if id.starts_with("arn:") && !rest.is_empty() => rest,
        Some(name) if id.contains("://") => name,
        _ => id,
    }
}

/// The readable part of a role that Identity Center made: `AWSReservedSSO_NAME_16 hex digits`.
fn permission_set(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("AWSReservedSSO_").and_then(|rest| rest.rsplit_once('_'));
    inner.map(|(set, _)| set)
}
