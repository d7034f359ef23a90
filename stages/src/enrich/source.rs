//! Where a call came from: the fields under `askance.source.`, each worked out of the text of one key.
//!
//! `sourceIPAddress` holds an address, the name of a service, or words; which of them is told here, not
//! whose the address is.

use std::net::IpAddr;

use super::actor::is_aws;
use super::cidr::Network;
use super::geo::{Answer, Damaged, Geo};
use super::networks::Networks;
use super::user_agents::UserAgents;
use crate::model::{Address, DerivedValues, Record};

/// `askance.source.kind`.
pub(super) fn kind(source: &str, into: &mut DerivedValues) {
    if address(source).is_some() {
        into.text("ip");
    } else if source.starts_with("AWS Internal") {
        into.text("aws_internal");
    } else if is_aws(source) {
        into.text("aws_service");
    }
}

/// `askance.source.is_private`.
pub(super) fn is_private(source: &str, into: &mut DerivedValues) {
    address(source).into_iter().for_each(|network| into.bool(network.is_private()));
}

/// `askance.source.networks`.
pub(super) fn networks(source: &str, networks: &Networks, into: &mut DerivedValues) {
    if networks.is_empty() {
        return;
    }
    address(source)
        .into_iter()
        .flat_map(|address| networks.of(address))
        .for_each(|name| into.text(name));
}

/// `askance.source.user_agents`.
pub(super) fn user_agents(agent: &str, lists: &UserAgents, into: &mut DerivedValues) {
    if !lists.is_empty() {
        lists.of(agent).for_each(|name| into.text(name));
    }
}

/// `askance.source.country`, `askance.source.city` and `askance.source.as_name`.
pub(super) fn name(
    source: &str,
    into: &mut DerivedValues,
    name: impl FnOnce(IpAddr) -> Answer<String>,
) {
    match public_of(source).map_or(Ok(None), name) {
        Ok(name) => name.into_iter().for_each(|name| into.text(&name)),
        Err(Damaged) => into.is_cut = true,
    }
}

/// `askance.source.asn`.
pub(super) fn asn(source: &str, geo: &Geo, into: &mut DerivedValues) {
    match public_of(source).map_or(Ok(None), |address| geo.asn(address)) {
        Ok(number) => number.into_iter().for_each(|number| into.number(number.into())),
        Err(Damaged) => into.is_cut = true,
    }
}

/// What people are told of the address that a record's call came from.
pub(super) fn known(record: &Record<'_>, geo: &Geo) -> Option<Address> {
    known_of(record.text(&["sourceIPAddress"])?, geo)
}

/// What people are told of an address, if it is one on the internet.
pub(super) fn known_of(text: &str, geo: &Geo) -> Option<Address> {
    if geo.is_empty() {
        return None;
    }
    geo.of(text, public_of(text)?)
}

/// The address that the text is, if it is one on the internet.
fn public_of(text: &str) -> Option<IpAddr> {
    address(text).filter(|network| !network.is_private()).map(Network::first)
}

fn address(text: &str) -> Option<Network> {
    Network::parse(text).filter(|_| !text.contains('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{derive, derive_with, show};
    use super::super::{Enrich, Geo, Tables, TablesConfig};
    use crate::model::{Address, Field};
    use crate::parse::Parser;

    #[test]
    fn sources_are_told_apart() {
        for (source, kind, is_private) in [
            ("198.51.99.7", "ip", "false"),
            ("10.1.2.3", "ip", "true"),
            ("2001:db8::1", "ip", "false"),
            ("fd00::1", "ip", "true"),
            ("10.0.0.0/8", "", ""),
            ("ec2.amazonaws.com", "aws_service", ""),
            ("AWS Internal", "aws_internal", ""),
            ("AWS Internal/42", "aws_internal", ""),
            ("example.com", "", ""),
            ("", "", ""),
        ] {
            let record = json!({ "sourceIPAddress": source, "vpcEndpointId": "vpce-1" });
            assert_eq!(show(&derive(Field::SourceKind, &record)), kind, "{source}");
            assert_eq!(show(&derive(Field::SourceIsPrivate, &record)), is_private, "{source}");
            assert_eq!(show(&derive(Field::SourceVpcEndpoint, &record)), "vpce-1");
        }
    }

    #[test]
    fn lists_are_told_by_name() {
        let list = |name: &str, values: &[&str]| {
            (name.to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        };
        let config = TablesConfig {
            networks: [list("office", &["203.0.113.0/24"]), list("threat_tor", &["203.0.113.9"])]
                .into(),
            user_agents: [list("scanners", &["*pacu*"]), list("threat_kali", &["*kali*"])].into(),
            ..TablesConfig::default()
        };
        let enrich = Enrich { tables: Tables::from_config(config).unwrap() };
        let of = |source: &str, agent: &str| {
            let record = json!({ "sourceIPAddress": source, "userAgent": agent });
            [Field::SourceNetworks, Field::SourceUserAgents]
                .map(|field| show(&derive_with(&enrich, field, "", &record)))
                .join("|")
        };
        assert_eq!(of("203.0.113.9", "x kali pacu"), "office threat_tor|scanners threat_kali");
        assert_eq!(of("203.0.113.8", "kali"), "office|threat_kali");
        assert_eq!(of("s3.amazonaws.com", "s3.amazonaws.com"), "|");
        let names: Vec<_> = enrich.tables.network_lists().collect();
        assert_eq!(names, ["office", "threat_tor"]);
        let names: Vec<_> = enrich.tables.user_agent_lists().collect();
        assert_eq!(names, ["scanners", "threat_kali"]);
    }

    fn enrich() -> Enrich {
        let known = |ip: &str, address: Address| (ip.parse().unwrap(), address);
        let own = |text: &str| Some(text.to_owned());
        let written = [
            known(
                "81.2.69.142",
                Address {
                    country: own("GB"),
                    city: own("London"),
                    asn: Some(64500),
                    as_name: own("Example"),
                    ..Address::default()
                },
            ),
            known("2001:db8::7", Address { country: own("JP"), ..Address::default() }),
            known("10.0.0.1", Address { country: own("GB"), ..Address::default() }),
        ];
        let geo = Geo { written: written.into(), ..Geo::default() };
        Enrich { tables: Tables::default().with_geo(geo) }
    }

    #[test]
    fn public_addresses_have_a_place() {
        let enrich = enrich();
        let of = |source: &str| {
            let record = json!({ "sourceIPAddress": source });
            let fields =
                [Field::SourceCountry, Field::SourceCity, Field::SourceAsn, Field::SourceAsName];
            fields.map(|field| show(&derive_with(&enrich, field, "", &record))).join("|")
        };
        assert_eq!(of("81.2.69.142"), "GB|London|64500|Example");
        assert_eq!(of("2001:0db8:0:0::7"), "JP|||");
        for source in ["81.2.69.143", "10.0.0.1", "81.2.69.142/32", "ec2.amazonaws.com", ""] {
            assert_eq!(of(source), "|||", "{source}");
        }
        assert_eq!(show(&derive(Field::SourceCountry, &json!({"sourceIPAddress": "1.1.1.1"}))), "");
    }

    #[test]
    fn people_are_told_what_is_known() {
        let known = |enrich: &Enrich, source: &str| {
            let record = json!({ "sourceIPAddress": source }).to_string();
            Parser::default().parse(record.as_bytes(), |record, _| enrich.source(&record)).unwrap()
        };
        let enrich = enrich();
        let address = known(&enrich, "81.2.69.142").unwrap();
        assert_eq!((address.ip.as_str(), address.asn), ("81.2.69.142", Some(64500)));
        assert_eq!(known(&enrich, "10.0.0.1"), None);
        assert_eq!(known(&enrich, "9.9.9.9"), None);
        assert_eq!(known(&Enrich::default(), "81.2.69.142"), None);
    }
}
