//! What calls let in: from which network, by which protocol, to which ports.
//!
//! One [`Opening`] for each network of each element of a request, since a port belongs to the networks
//! of its own element only. Whether that is too much is for others to say. Calls that let out, take
//! away, or deny open nothing; direct answers of the service are not looked at.

use super::cidr::Network;
use super::request::{self, each, flag, number, text, texts};
use crate::model::{Lookup, Record, static_text};

/// Most networks that are looked at; a security group holds 60 rules unless its limit was raised, and
/// 1,000 are the most that it can be raised to.
const MAX_OPENINGS: usize = 1024;

/// Which packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// All protocols, so all ports.
    Every,
    Tcp,
    Udp,
    /// One without ports.
    Other,
}

/// One network that is let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'r> {
    pub protocol: Protocol,
    /// The first port; 0 where the protocol has none.
    pub from: u16,
    /// The last port.
    pub to: u16,
    pub network: Network,
    /// The network as it was written.
    pub written: &'r str,
}

/// Everything that one call lets in.
#[derive(Debug, Default)]
pub(super) struct Openings<'r> {
    pub list: Vec<Opening<'r>>,
    /// Lists of networks that were named but whose networks are not in the request.
    pub prefix_lists: Vec<&'r str>,
    /// There is more, or something could not be read.
    pub is_cut: bool,
}

/// Protocol and ports of an element.
type Ports = (Protocol, u16, u16);

/// A port that is known although the request does not say it.
const HTTPS: Ports = (Protocol::Tcp, 443, 443);

/// Where the request says nothing of ports.
const NO_PORTS: Ports = (Protocol::Other, 0, 0);

const ALL_PORTS: Ports = (Protocol::Every, 0, u16::MAX);

/// What the call lets in; `None` if it is no call of this kind.
pub(super) fn openings<'r>(record: &Record<'r>) -> Option<Openings<'r>> {
    let call = request::call(record)?;
    let at = request::parameters(record).unwrap_or_default();
    let mut reader = Reader { record: *record, found: Openings::default() };
    match call {
        ("ec2", "AuthorizeSecurityGroupIngress") => reader.authorized(at),
        ("ec2", "ModifySecurityGroupRules") => reader.modified(at),
        ("ec2", "CreateNetworkAclEntry" | "ReplaceNetworkAclEntry") => {
            reader.acl_entry(at);
        }
        ("ec2", "CreateManagedPrefixList") => {
            let path = ["CreateManagedPrefixListRequest", "Entry", "Cidr"];
            reader.networks(at, &path, ALL_PORTS);
        }
        ("ec2", "ModifyManagedPrefixList") => {
            let path = ["ModifyManagedPrefixListRequest", "AddEntry", "Cidr"];
            reader.networks(at, &path, ALL_PORTS);
        }
        ("rds", "AuthorizeDBSecurityGroupIngress")
        | ("redshift", "AuthorizeClusterSecurityGroupIngress") => {
            reader.networks(at, &["cidrip"], NO_PORTS);
        }
        ("eks", "CreateCluster" | "UpdateClusterConfig") => reader.cluster(at),
        ("lightsail", "OpenInstancePublicPorts" | "PutInstancePublicPorts") => {
            reader.instance(at);
        }
        ("workspaces", "CreateIpGroup" | "AuthorizeIpRules" | "UpdateRulesOfIpGroup") => {
            reader.networks(at, &["userRules", "ipRule"], HTTPS);
        }
        ("wafv2", "CreateIPSet" | "UpdateIPSet") => {
            reader.networks(at, &["addresses"], NO_PORTS);
        }
        ("waf" | "waf-regional", "UpdateIPSet") => reader.ip_set(at),
        _ => return None,
    }
    reader.found.is_cut |= request::is_cut(record);
    Some(reader.found)
}

struct Reader<'r> {
    record: Record<'r>,
    found: Openings<'r>,
}

impl<'r> Reader<'r> {
    /// Adds the networks at a path.
    fn networks(&mut self, at: usize, path: &[&str], ports: Ports) {
        texts(&self.record, at, path).into_iter().for_each(|written| self.network(written, ports));
    }

    fn network(&mut self, written: &'r str, (protocol, from, to): Ports) {
        match Network::parse(written) {
            Some(network) if self.found.list.len() < MAX_OPENINGS => {
                self.found.list.push(Opening { protocol, from, to, network, written });
            }
            Some(_) | None => self.found.is_cut = true,
        }
    }

    /// A list of permissions; in the oldest form of the call the only one stands in the request itself.
    fn authorized(&mut self, at: usize) {
        let permissions = each(&self.record, at, &["ipPermissions"]);
        for at in permissions.into_iter().chain([at]) {
            let ports = self.ports(at, ["ipProtocol", "fromPort", "toPort"]);
            self.networks(at, &["ipRanges", "cidrIp"], ports);
            self.networks(at, &["ipv6Ranges", "cidrIpv6"], ports);
            self.networks(at, &["cidrIp"], ports);
            self.networks(at, &["cidrIpv6"], ports);
            let lists = texts(&self.record, at, &["prefixListIds", "prefixListId"]);
            self.found.prefix_lists.extend(lists);
        }
    }

    /// Rules that were changed. The request does not say which of them are about what goes out.
    fn modified(&mut self, at: usize) {
        let path = ["ModifySecurityGroupRulesRequest", "SecurityGroupRule", "SecurityGroupRule"];
        for at in each(&self.record, at, &path) {
            let ports = self.ports(at, ["IpProtocol", "FromPort", "ToPort"]);
            self.networks(at, &["CidrIpv4"], ports);
            self.networks(at, &["CidrIpv6"], ports);
            self.found.prefix_lists.extend(texts(&self.record, at, &["PrefixListId"]));
        }
    }

    fn acl_entry(&mut self, at: usize) {
        let allows = text(&self.record, at, &["ruleAction"])
            .is_none_or(|action| action.eq_ignore_ascii_case("allow"));
        if !allows || flag(&self.record, at, &["egress"]) == Some(true) {
            return;
        }
        let (protocol, ..) = self.ports(at, ["aclProtocol", "", ""]);
        let ports = each(&self.record, at, &["portRange"]).first().copied().unwrap_or(at);
        let (_, from, to) = self.ports(ports, ["", "from", "to"]);
        let ports = (protocol, from, to);
        self.networks(at, &["cidrBlock"], ports);
        self.networks(at, &["ipv6CidrBlock"], ports);
    }

    fn cluster(&mut self, at: usize) {
        let config = "resourcesVpcConfig";
        if flag(&self.record, at, &[config, "endpointPublicAccess"]) != Some(false) {
            self.networks(at, &[config, "publicAccessCidrs"], HTTPS);
        }
    }

    /// Ports of a Lightsail machine: open to every IPv4 address unless networks are named.
    fn instance(&mut self, at: usize) {
        let record = self.record;
        let one = each(&record, at, &["portInfo"]);
        for at in one.into_iter().chain(each(&record, at, &["portInfos"])) {
            let ports = self.ports(at, ["protocol", "fromPort", "toPort"]);
            let before = self.found.list.len();
            self.networks(at, &["cidrs"], ports);
            self.networks(at, &["ipv6Cidrs"], ports);
            let has_alias = !texts(&record, at, &["cidrListAliases"]).is_empty();
            if self.found.list.len() == before && !has_alias && !self.found.is_cut {
                self.network("0.0.0.0/0", ports);
            }
        }
    }

    /// Changes of a list of the older firewall for web applications.
    fn ip_set(&mut self, at: usize) {
        for at in each(&self.record, at, &["updates"]) {
            let action = text(&self.record, at, &["action"]);
            if action.is_none_or(|action| action.eq_ignore_ascii_case("insert")) {
                self.networks(at, &["iPSetDescriptor", "value"], NO_PORTS);
            }
        }
    }

    /// Protocol and ports under the keys given. Ports that are missing, or -1, are all of them.
    fn ports(&self, at: usize, [protocol, from, to]: [&str; 3]) -> Ports {
        let name = each(&self.record, at, &[protocol]).first().map(|at| self.record.value(*at));
        let name = match name {
            Some(Lookup::Text(text)) => text.to_ascii_lowercase(),
            Some(Lookup::Static(value)) => static_text(value),
            Some(Lookup::Container) | None => "tcp".to_owned(),
        };
        let protocol = match name.as_str() {
            "-1" | "all" => return ALL_PORTS,
            "6" | "tcp" => Protocol::Tcp,
            "17" | "udp" => Protocol::Udp,
            _ => Protocol::Other,
        };
        let port = |key: &str| number(&self.record, at, &[key]).filter(|port| *port >= 0);
        let port = |key: &str| port(key).map(|port| u16::try_from(port).unwrap_or(u16::MAX));
        let (first, last) = (port(from), port(to));
        let (first, last) = (first.unwrap_or(0), last.or(first).unwrap_or(u16::MAX));
        (protocol, first.min(last), first.max(last))
    }
}
