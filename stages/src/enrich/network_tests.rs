//! What calls of each kind open.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::cidr::{Network, is_world};
use super::super::tests::{derive, show};
use crate::model::{Derived, Field};

fn event(source: &str, name: &str, parameters: &Value) -> Value {
    json!({
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "requestParameters": parameters,
    })
}

/// One line: open, all ports, admin ports, database ports, ranges, networks of the world.
#[track_caller]
fn check(event: &Value, expected: &str) {
    let line = [
        Field::NetworkIsOpenToWorld,
        Field::NetworkIsAllPortsOpen,
        Field::NetworkWorldAdminPorts,
        Field::NetworkWorldDatabasePorts,
        Field::NetworkWorldRanges,
        Field::NetworkWorldCidrs,
    ]
    .map(|field| show(&derive(field, event)))
    .join("|");
    assert_eq!(line, expected, "{event}");
}

fn permission(protocol: &str, ports: (i64, i64), cidrs: &[&str]) -> Value {
    let (v6, v4): (Vec<&str>, Vec<&str>) = cidrs.iter().partition(|cidr| cidr.contains(':'));
    let list = |key: &str, cidrs: &[&str]| match cidrs {
        [] => json!({}),
        cidrs => {
            json!({ "items": cidrs.iter().map(|cidr| json!({ key: cidr })).collect::<Value>() })
        }
    };
    json!({
        "ipProtocol": protocol, "fromPort": ports.0, "toPort": ports.1, "groups": {},
        "ipRanges": list("cidrIp", &v4), "ipv6Ranges": list("cidrIpv6", &v6), "prefixListIds": {},
    })
}

fn authorize(permissions: &[Value]) -> Value {
    let parameters = json!({ "groupId": "sg-1", "ipPermissions": { "items": permissions } });
    event("ec2", "AuthorizeSecurityGroupIngress", &parameters)
}

#[test]
fn a_port_belongs_to_its_own_networks() {
    check(
        &authorize(&[permission("tcp", (22, 22), &["0.0.0.0/0"])]),
        "true|false|22||tcp/22|0.0.0.0/0",
    );
    check(
        &authorize(&[
            permission("tcp", (443, 443), &["0.0.0.0/0", "::/0"]),
            permission("tcp", (22, 22), &["203.0.113.0/24"]),
        ]),
        "true|false|||tcp/443|0.0.0.0/0 ::/0",
    );
    check(&authorize(&[permission("tcp", (22, 22), &["10.0.0.0/8"])]), "false|false||||");
}

#[test]
fn networks_of_several_elements_count_together() {
    let half = |port: i64, cidr: &str| permission("tcp", (port, port), &[cidr]);
    let quarters = ["0.0.0.0/8", "1.0.0.0/8", "2.0.0.0/8"].map(|cidr| half(3306, cidr));
    check(&authorize(&quarters), "true|false||3306|tcp/3306|0.0.0.0/8 1.0.0.0/8 2.0.0.0/8");
    // 0.0.0.0/8 is nobody's, so the first two are one network of 8 bits.
    check(&authorize(&quarters[..2]), "false|false||||");
    check(&authorize(&[half(3306, "1.0.0.0/8"), half(5432, "2.0.0.0/8")]), "false|false||||");
}

#[test]
fn ranges_hold_what_is_between() {
    let range = |from, to| authorize(&[permission("tcp", (from, to), &["::/0"])]);
    check(&range(20, 25), "true|false|22 23||tcp/20-25|::/0");
    check(
        &range(0, 65535),
        "true|true|22 23 135 139 445 2375 2376 2379 3389 5900 5901 5985 5986 6443 10250 10255|\
         1433 1434 1521 2181 3306 5432 5439 5984 6379 7687 8182 9042 9092 9200 9300 11211 27017 \
         27018 27019 50000|tcp/0-65535|::/0",
    );
    let parts =
        [permission("udp", (0, 100), &["0.0.0.0/0"]), permission("udp", (101, 65535), &["::/0"])];
    check(&authorize(&parts), "true|true|3389|1434 11211|udp/0-65535|0.0.0.0/0 ::/0");
    let all =
        derive(Field::NetworkWorldRanges, &authorize(&[permission("-1", (0, 0), &["0.0.0.0/0"])]));
    assert_eq!(show(&all), "tcp/0-65535 udp/0-65535");
    check(&authorize(&[permission("icmp", (8, -1), &["0.0.0.0/0"])]), "true|false||||0.0.0.0/0");
}

#[test]
fn the_oldest_form_of_the_call_is_read() {
    let parameters = json!({
        "groupId": "sg-1", "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 3389,
        "toPort": 3389, "cidrIp": "0.0.0.0/0",
    });
    check(
        &event("ec2", "AuthorizeSecurityGroupIngress", &parameters),
        "true|false|3389||tcp/3389|0.0.0.0/0",
    );
    check(&event("ec2", "RevokeSecurityGroupIngress", &parameters), "|||||");
    check(&event("ec2", "AuthorizeSecurityGroupEgress", &parameters), "|||||");
}

#[test]
fn changed_rules_come_single_or_as_a_list() {
    let rule = |port: i64, cidr: &str| {
        json!({
            "SecurityGroupRuleId": "sgr-1", "tag": 1,
            "SecurityGroupRule": {
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": cidr,
            },
        })
    };
    let change = |rules: Value| {
        let request = json!({ "GroupId": "sg-1", "SecurityGroupRule": rules });
        let parameters = json!({ "ModifySecurityGroupRulesRequest": request });
        event("ec2", "ModifySecurityGroupRules", &parameters)
    };
    check(&change(rule(22, "0.0.0.0/0")), "true|false|22||tcp/22|0.0.0.0/0");
    check(
        &change(json!([rule(22, "10.0.0.0/8"), rule(443, "0.0.0.0/0")])),
        "true|false|||tcp/443|0.0.0.0/0",
    );
}

#[test]
fn access_lists_open_inwards_where_they_allow() {
    let entry = |egress: bool, action: &str, protocol: &str, ports: Value| {
        let parameters = json!({
            "networkAclId": "acl-1", "ruleNumber": 100, "egress": egress, "ruleAction": action,
            "icmpTypeCode": {}, "portRange": ports, "aclProtocol": protocol, "cidrBlock": "0.0.0.0/0",
        });
        event("ec2", "CreateNetworkAclEntry", &parameters)
    };
    let ssh = json!({ "from": 22, "to": 22 });
    check(&entry(false, "allow", "6", ssh.clone()), "true|false|22||tcp/22|0.0.0.0/0");
    check(&entry(true, "allow", "6", ssh.clone()), "false|false||||");
    check(&entry(false, "deny", "6", ssh), "false|false||||");
    let all = derive(Field::NetworkIsAllPortsOpen, &entry(false, "allow", "-1", json!({})));
    assert_eq!(all.found, [Derived::Bool(true)]);
}

#[test]
fn other_services_let_in_too() {
    let cluster = |is_public: bool| {
        let config =
            json!({ "endpointPublicAccess": is_public, "publicAccessCidrs": ["0.0.0.0/0"] });
        event("eks", "UpdateClusterConfig", &json!({ "resourcesVpcConfig": config }))
    };
    check(&cluster(true), "true|false|||tcp/443|0.0.0.0/0");
    check(&cluster(false), "false|false||||");
    let port = json!({ "fromPort": 22, "toPort": 22, "protocol": "tcp" });
    let machine = |info: Value| {
        event(
            "lightsail",
            "OpenInstancePublicPorts",
            &json!({ "instanceName": "a", "portInfo": info }),
        )
    };
    check(&machine(port.clone()), "true|false|22||tcp/22|0.0.0.0/0");
    let mut narrow = port;
    narrow["cidrs"] = json!(["203.0.113.0/24"]);
    check(&machine(narrow), "false|false||||");
    check(
        &event("rds", "AuthorizeDBSecurityGroupIngress", &json!({ "cIDRIP": "0.0.0.0/0" })),
        "true|false||||0.0.0.0/0",
    );
    check(
        &event("wafv2", "UpdateIPSet", &json!({ "addresses": ["0.0.0.0/1", "128.0.0.0/1"] })),
        "true|false||||0.0.0.0/1 128.0.0.0/1",
    );
}

#[test]
fn what_cannot_be_read_is_not_called_closed() {
    check(&authorize(&[permission("tcp", (22, 22), &["0.0.0.0/zero"])]), "?|?|?|?|?|?");
    let parameters = json!({ "omitted": true });
    check(&event("ec2", "AuthorizeSecurityGroupIngress", &parameters), "?|?|?|?|?|?");
    let many: Vec<String> = (0..3000).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check(&authorize(&[permission("tcp", (22, 22), &many)]), "?|?|?|?|?|?");
    check(&event("ec2", "RunInstances", &json!({})), "|||||");
}

#[test]
fn lists_of_networks_are_named() {
    let mut named = permission("tcp", (22, 22), &[]);
    named["prefixListIds"] = json!({ "items": [{ "prefixListId": "pl-1" }] });
    assert_eq!(show(&derive(Field::NetworkPrefixLists, &authorize(&[named]))), "pl-1");
}

proptest! {
    #[test]
    fn open_ports_agree_with_trying_each(
        elements in prop::collection::vec(
            (
                0i64..40,
                0i64..20,
                prop::sample::subsequence(
                    vec!["1.0.0.0/8", "2.0.0.0/8", "2.128.0.0/9", "10.0.0.0/8", "2600::/8", "2a00::/8"],
                    0..3,
                ),
            ),
            0..6,
        ),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut permissions: Vec<Value> = elements
            .iter()
            .map(|(from, more, cidrs)| permission("tcp", (*from, from + more), cidrs))
            .collect();
        let expected: Vec<i64> = [22, 23]
            .into_iter()
            .filter(|port| {
                let open = elements.iter().filter(|(from, more, _)| (*from..=from + more).contains(port));
                let networks = open.flat_map(|(.., cidrs)| cidrs);
                is_world(networks.map(|cidr| Network::parse(cidr).unwrap()))
            })
            .collect();
        let ports = |permissions: &[Value]| {
            derive(Field::NetworkWorldAdminPorts, &authorize(permissions)).found
        };
        let expected: Vec<Derived> = expected.into_iter().map(Derived::Number).collect();
        prop_assert_eq!(ports(&permissions), expected.clone());
        if !permissions.is_empty() {
            let turn = turn.index(permissions.len());
            permissions.rotate_left(turn);
            prop_assert_eq!(ports(&permissions), expected);
        }
    }
}
