//! What a case says is known besides its event: one's own accounts, what was seen before, lists of networks
//! and of user agents, where addresses are.
//!
//! ```yaml
//! - name: an account that is not one's own
//!   expect: hit
//!   own_accounts: ['444455556666']
//!   networks: {office: [203.0.113.0/24]}
//!   user_agents: {threat_tools: ['*pacu*']}
//!   addresses: {81.2.69.142: {country: GB, city: London, asn: 64500, as_name: Example}}
//!   seen: [{eventName: GetCallerIdentity, ...}, NAME]   # events, or names of earlier cases
//! ```
//!
//! A case that is `like` another takes all of it over, and replaces those that it writes itself; `seen: null`
//! takes the baseline away. Without any of them nothing is known. What it means for a rule is not its concern.

use std::collections::BTreeMap;
use std::net::IpAddr;

use askance_stages::enrich::{
    Account, Baseline, BaselineBuilder, Enrich, Geo, Tables, TablesConfig,
};
use askance_stages::model::{Address, parse_time};
use askance_stages::parse::Parser;
use askance_stages::yaml::{Fault, Kind, Mapping, Node};
use serde_json::Value;

use super::change::json;
use super::{Case, find};

/// Keys that say what is known.
pub(super) const KEYS: [&str; 5] = ["own_accounts", "seen", "networks", "user_agents", "addresses"];

/// What is known; `None` where nothing is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    own_accounts: Option<Vec<String>>,
    seen: Option<Vec<Value>>,
    networks: Option<BTreeMap<String, Vec<String>>>,
    user_agents: Option<BTreeMap<String, Vec<String>>>,
    addresses: Option<BTreeMap<IpAddr, Address>>,
}

impl Known {
    /// Reads the keys of a case, and what it writes in words; what it does not write is as in `base`.
    pub(super) fn read(
        mapping: &Mapping,
        base: Self,
        earlier: &[Case],
    ) -> Result<(Self, Vec<String>), Fault> {
        let (mut known, mut words) = (base, Vec::new());
        if let Some(node) = mapping.get("own_accounts") {
            known.own_accounts = some(node).map(Node::texts).transpose()?;
            words.push(format!(
                "own_accounts = {:?}",
                known.own_accounts.as_deref().unwrap_or_default()
            ));
        }
        if let Some(node) = mapping.get("seen") {
            known.seen = some(node).map(|list| seen(list, earlier)).transpose()?;
            words.push(match &known.seen {
                Some(events) => format!("seen = {} events", events.len()),
                None => "without seen".to_owned(),
            });
        }
        for (key, kept) in
            [("networks", &mut known.networks), ("user_agents", &mut known.user_agents)]
        {
            let Some(node) = mapping.get(key) else { continue };
            *kept = some(node).map(lists).transpose()?;
            let all = kept.iter().flatten();
            let all: Vec<_> =
                all.map(|(name, list)| format!("{name}: {}", list.join(" "))).collect();
            words.push(format!("{key} = {}", all.join(", ")));
        }
        if let Some(node) = mapping.get("addresses") {
            known.addresses = some(node).map(addresses).transpose()?;
            let all = known.addresses.iter().flatten();
            let all: Vec<_> = all.map(|(ip, known)| format!("{ip}: {}", words_of(known))).collect();
            words.push(format!("addresses = {}", all.join(", ")));
        }
        Ok((known, words))
    }

    /// The tables that say so; `None` where nothing is written.
    ///
    /// # Errors
    /// Words for people: what is no account, no network or no event.
    pub(super) fn enrich(&self) -> Result<Option<Enrich>, String> {
        let Self { own_accounts, seen, networks, user_agents, addresses } = self;
        let is_nothing = own_accounts.is_none()
            && seen.is_none()
            && networks.is_none()
            && user_agents.is_none()
            && addresses.is_none();
        if is_nothing {
            return Ok(None);
        }
        let own = own_accounts.iter().flatten().cloned();
        let config = TablesConfig {
            accounts: own.map(|id| Account { id, ..Account::default() }).collect(),
            networks: networks.clone().unwrap_or_default(),
            user_agents: user_agents.clone().unwrap_or_default(),
            ..TablesConfig::default()
        };
        let tables = Tables::from_config(config).map_err(|errors| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        })?;
        let written = addresses.clone().unwrap_or_default();
        let tables = tables.with_geo(Geo { written, ..Geo::default() });
        let tables = match seen {
            Some(events) => tables.with_baseline(baseline(events)?),
            None => tables,
        };
        Ok(Some(Enrich { tables }))
    }
}

fn some(node: &Node) -> Option<&Node> {
    Some(node).filter(|node| !node.is_null())
}

/// The events that `seen` stands for.
fn seen(list: &Node, earlier: &[Case]) -> Result<Vec<Value>, Fault> {
    let mut events = Vec::new();
    for node in list.sequence()? {
        match node.kind {
            Kind::Mapping(_) => events.push(json(node)?),
            Kind::Sequence(_) | Kind::Scalar(_) => {
                events.extend(find(earlier, node)?.events.iter().cloned());
            }
        }
    }
    Ok(events)
}

fn lists(lists: &Node) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let lists = lists.mapping()?.entries.iter();
    lists.map(|list| Ok((list.key.clone(), list.value.texts()?))).collect()
}

fn addresses(all: &Node) -> Result<BTreeMap<IpAddr, Address>, Fault> {
    all.mapping()?.entries.iter().map(|entry| address(&entry.key, &entry.value)).collect()
}

/// What is known of one address.
fn address(key: &str, node: &Node) -> Result<(IpAddr, Address), Fault> {
    let wrong = |what: &str| Fault::new(node.position, format!("{key:?} {what}"));
    let ip: IpAddr = key.parse().map_err(|_| wrong("is no address"))?;
    let mapping = node.mapping()?;
    let keys = ["country", "city", "asn", "as_name"];
    if let Some(fault) = mapping.unknown_keys(&keys).into_iter().next() {
        return Err(fault);
    }
    let text = |key: &str| mapping.get(key).map(|node| node.text().map(str::to_owned)).transpose();
    let asn = mapping.get("asn").map(Node::integer).transpose()?;
    let asn = asn.map(u32::try_from).transpose().map_err(|_| wrong("has an asn that is none"))?;
    let (country, city, as_name) = (text("country")?, text("city")?, text("as_name")?);
    Ok((ip, Address { ip: key.to_owned(), country, city, asn, as_name }))
}

fn words_of(known: &Address) -> String {
    let asn = known.asn.map(|asn| format!("AS{asn}"));
    let all = [known.country.clone(), known.city.clone(), asn, known.as_name.clone()];
    all.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn baseline(events: &[Value]) -> Result<Baseline, String> {
    let mut builder = BaselineBuilder::default();
    for event in events {
        let time = event.get("eventTime").and_then(Value::as_str).and_then(parse_time);
        let json = event.to_string();
        Parser::default()
            .parse(json.as_bytes(), |record, _| builder.take(&record, time))
            .map_err(|error| format!("an event of `seen` is no record: {error}"))?;
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use askance_stages::model::{Derive, DerivedValues, Field, Memo};
    use askance_stages::sigma::SourceFile;

    use super::*;
    use crate::cases::{CaseFile, read};

    fn cases(text: &str) -> Result<CaseFile, Vec<String>> {
        let text = format!("rule: r\ncases:\n{text}").into();
        read(&SourceFile { path: "x.cases.yml".into(), text }).unwrap()
    }

    /// How many values a field has in each case.
    #[track_caller]
    fn check(field: Field, text: &str, expected: &[usize]) {
        let counts: Vec<usize> =
            cases(text).unwrap().cases.iter().map(|it| count(field, it)).collect();
        assert_eq!(counts, expected, "{text}");
    }

    fn count(field: Field, case: &Case) -> usize {
        let mut values = DerivedValues::default();
        let enrich = case.known.enrich().unwrap().unwrap_or_default();
        let json = case.events[0].to_string();
        let parsed = Parser::default().parse(json.as_bytes(), |record, _| {
            enrich.derive((field, ""), &record, &mut Memo::default(), &mut values);
        });
        parsed.unwrap();
        values.found.len()
    }

    #[test]
    fn what_is_known_is_taken_over_and_replaced() {
        check(
            Field::SourceNetworks,
            "- {name: a, expect: hit, networks: {o: [203.0.113.0/24], p: [203.0.113.9]}, \
             event: {sourceIPAddress: 203.0.113.9}}\n\
             - {name: b, expect: hit, like: a}\n\
             - {name: c, expect: hit, like: a, networks: {o: [192.0.2.1]}}\n\
             - {name: d, expect: hit, event: {sourceIPAddress: 203.0.113.9}}\n",
            &[2, 2, 0, 0],
        );
        check(
            Field::SourceUserAgents,
            "- {name: a, expect: hit, user_agents: {t: ['*pacu*']}, event: {userAgent: x Pacu/1}}\n\
             - {name: b, expect: hit, like: a}\n\
             - {name: c, expect: hit, like: a, user_agents: null}\n",
            &[1, 1, 0],
        );
        check(
            Field::SourceAsn,
            "- {name: a, expect: hit, addresses: {81.2.69.142: {asn: 64500}}, \
             event: {sourceIPAddress: 81.2.69.142}}\n\
             - {name: b, expect: hit, like: a}\n\
             - {name: c, expect: hit, like: a, addresses: {81.2.69.142: {country: GB}}}\n\
             - {name: d, expect: hit, like: a, addresses: null}\n",
            &[1, 1, 0, 0],
        );
        check(
            Field::AccountName,
            "- {name: a, expect: hit, own_accounts: ['111122223333'], event: {}}\n",
            &[0],
        );
        check(
            Field::FirstSeenBaseline,
            "- {name: a, expect: hit, event: {eventName: X}}\n\
             - {name: b, expect: hit, like: a, seen: [a, {eventName: Y}]}\n\
             - {name: c, expect: hit, like: b}\n\
             - {name: d, expect: hit, like: b, seen: null}\n\
             - {name: e, expect: hit, like: d, seen: []}\n",
            &[0, 1, 1, 0, 1],
        );
    }

    #[test]
    fn own_accounts_are_no_strangers_and_what_was_seen_is_not_new() {
        let cases = cases(
            "- {name: a, expect: hit, seen: [], event: {userIdentity: {arn: x, accountId: '444455556666'}, \
             recipientAccountId: '111122223333'}}\n\
             - {name: b, expect: miss, like: a, seen: [a]}\n\
             - {name: c, expect: miss, like: a, own_accounts: ['444455556666']}\n",
        );
        let cases = cases.unwrap().cases;
        let field = |field, case: &Case| {
            let mut values = DerivedValues::default();
            let enrich = case.known.enrich().unwrap().unwrap();
            Parser::default()
                .parse(case.events[0].to_string().as_bytes(), |record, _| {
                    enrich.derive((field, ""), &record, &mut Memo::default(), &mut values);
                })
                .unwrap();
            format!("{:?}", values.found)
        };
        let is_new: Vec<_> = cases.iter().map(|it| field(Field::FirstSeenActor, it)).collect();
        assert_eq!(is_new, ["[Bool(true)]", "[Bool(false)]", "[Bool(true)]"]);
        let foreign: Vec<_> = cases.iter().map(|it| field(Field::ActorIsForeign, it)).collect();
        assert_eq!(foreign, ["[Bool(true)]", "[Bool(true)]", "[Bool(false)]"]);
        assert_eq!(cases[1].changes, ["seen = 1 events"]);
        assert_eq!(cases[2].changes, ["own_accounts = [\"444455556666\"]"]);
    }

    #[track_caller]
    fn fails(text: &str, expected: &str) {
        assert_eq!(cases(text).unwrap_err(), [format!("x.cases.yml:{expected}")]);
    }

    #[test]
    fn what_cannot_be_known_is_told_with_its_place() {
        fails(
            "- {name: a, expect: hit, event: {}, own_accounts: [one]}\n",
            "3:3: \"one\" is no account: an account has 12 digits (in YAML it needs quotes)",
        );
        fails(
            "- {name: a, expect: hit, event: {}, networks: {o: [here]}}\n",
            "3:3: \"here\" in the list \"o\" is no network: write 203.0.113.0/24 or an address",
        );
        fails(
            "- {name: a, expect: hit, event: {}, addresses: {here: {country: GB}}}\n",
            "3:55: \"here\" is no address",
        );
        fails(
            "- {name: a, expect: hit, event: {}, addresses: {1.1.1.1: {asn: -1}}}\n",
            "3:58: \"1.1.1.1\" has an asn that is none",
        );
        fails(
            "- {name: a, expect: hit, event: {}, seen: [b]}\n",
            "3:44: there is no earlier case named \"b\"",
        );
        fails(
            "- {name: a, expect: hit, events: [{event: {eventTime: '2026-03-01T10:00:00Z'}}], seen: []}\n",
            "3:82: `seen` is for cases with `event`",
        );
    }
}
