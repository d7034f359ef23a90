//! Where a call came from: the fields under `askance.source.`.
//!
//! `sourceIPAddress` holds an address, the name of a service, or words; which of them is told here, not
//! whose the address is.

use super::actor::is_aws;
use super::cidr::Network;
use super::networks::Networks;
use crate::model::{DerivedValues, Record};

/// `askance.source.kind`.
pub(super) fn kind(record: &Record<'_>, into: &mut DerivedValues) {
    let Some(source) = record.text(&["sourceIPAddress"]) else { return };
    if address(source).is_some() {
        into.text("ip");
    } else if source.starts_with("AWS Internal") {
        into.text("aws_internal");
    } else if is_aws(source) {
        into.text("aws_service");
    }
}

/// `askance.source.is_private`.
pub(super) fn is_private(record: &Record<'_>, into: &mut DerivedValues) {
    let network = record.text(&["sourceIPAddress"]).and_then(address);
    network.into_iter().for_each(|network| into.bool(network.is_private()));
}

/// `askance.source.vpc_endpoint`.
pub(super) fn vpc_endpoint(record: &Record<'_>, into: &mut DerivedValues) {
    record.text(&["vpcEndpointId"]).into_iter().for_each(|id| into.text(id));
}

/// `askance.source.networks`.
pub(super) fn networks(record: &Record<'_>, networks: &Networks, into: &mut DerivedValues) {
    if networks.is_empty() {
        return;
    }
    let network = record.text(&["sourceIPAddress"]).and_then(address);
    network.into_iter().flat_map(|address| networks.of(address)).for_each(|name| into.text(name));
}

fn address(text: &str) -> Option<Network> {
    Network::parse(text).filter(|_| !text.contains('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{derive, show};
    use crate::model::Field;

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
}
