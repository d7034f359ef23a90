//! Where calls come from: databases of addresses, for rules and in alerts; lists of what others warn of.

use askance_benches::mmdb::mmdb;
use serde_json::json;

use crate::records::{RULE, record_with, trail};
use crate::sandbox::Sandbox;

/// Finds what comes from anywhere but Japan.
const ABROAD: &str = "\
title: From abroad
id: abroad
logsource: {product: aws, service: cloudtrail}
detection:
    known: {askance.source.country|exists: true}
    home: {askance.source.country: jp}
    condition: known and not home
";

fn sandbox() -> Sandbox {
    let from = |id: &str, address: &str| record_with(id, json!({ "sourceIPAddress": address }));
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            from("london", "81.2.69.142"),
            from("tokyo", "2001:218::7"),
            from("inside", "10.1.2.3"),
            from("service", "s3.amazonaws.com"),
        ]),
    );
    let city = [
        (
            "81.2.69.0/24",
            json!({ "country": { "iso_code": "GB" }, "city": { "names": { "en": "London" } } }),
        ),
        ("2001:218::/32", json!({ "country": { "iso_code": "JP" } })),
    ];
    let asn = [(
        "81.2.0.0/16",
        json!({ "autonomous_system_number": 64500, "autonomous_system_organization": "Example" }),
    )];
    sandbox.write("city.mmdb", mmdb("Made-Up-City", true, &city));
    sandbox.write("asn.mmdb", mmdb("Made-Up-ASN", true, &asn));
    sandbox.write("own/abroad.yml", ABROAD);
    sandbox.write("own/deleted.yml", RULE);
    let config = "rules: {paths: [own]}\nenrich: {geo: {city: city.mmdb, asn: asn.mmdb}}\n";
    sandbox.write("askance.yaml", config);
    sandbox.write("bare.yaml", "rules: {paths: [own/deleted.yml]}\n");
    sandbox
}

fn scan(sandbox: &Sandbox, config: &str) -> crate::sandbox::Run {
    sandbox.run(&["scan", "in.json", "--format", "jsonl", "--config", config])
}

#[test]
fn rules_ask_for_the_country_and_alerts_tell_the_place() {
    let sandbox = sandbox();
    let alerts = scan(&sandbox, "askance.yaml").exits(0).alerts();
    let abroad: Vec<_> = alerts.iter().filter(|alert| alert["rule"]["id"] == "abroad").collect();
    assert_eq!(abroad.len(), 1, "{abroad:?}");
    assert_eq!(abroad[0]["event"]["eventID"], "london");
    let source = json!({
        "ip": "81.2.69.142", "country": "GB", "city": "London", "asn": 64500, "as_name": "Example",
    });
    assert_eq!(abroad[0]["source"], source);
    let of = |event: &str| {
        let is_it = |alert: &&serde_json::Value| {
            alert["rule"]["id"] == "bucket-deleted" && alert["event"]["eventID"] == event
        };
        alerts.iter().find(is_it).unwrap().get("source").cloned()
    };
    assert_eq!(of("tokyo"), Some(json!({ "ip": "2001:218::7", "country": "JP" })));
    assert_eq!((of("inside"), of("service")), (None, None));
}

#[test]
fn an_episode_of_one_address_tells_its_place() {
    let sandbox = sandbox();
    let correlation = "---\ntitle: Deleted\nid: many\nlevel: high\ncorrelation: {type: event_count, rules: \
        [bucket-deleted], group-by: [sourceIPAddress], timespan: 1h, condition: {gte: 1}}\n";
    sandbox.write("own/deleted.yml", format!("{RULE}{correlation}"));
    let alerts = scan(&sandbox, "askance.yaml").exits(0).alerts();
    let many = alerts.iter().filter(|alert| alert["rule"]["id"] == "many");
    let mut places: Vec<_> = many.map(|alert| alert["source"]["country"].clone()).collect();
    places.sort_by_key(ToString::to_string);
    assert_eq!(places, [json!("GB"), json!("JP"), json!(null), json!(null)]);
}

#[test]
fn the_id_does_not_depend_on_the_place() {
    let sandbox = sandbox();
    let ids = |config: &str| -> Vec<String> {
        let alerts = scan(&sandbox, config).exits(0).alerts();
        let deleted = alerts.iter().filter(|alert| alert["rule"]["id"] == "bucket-deleted");
        deleted.map(|alert| alert["id"].to_string()).collect()
    };
    assert_eq!(ids("askance.yaml").len(), 4);
    assert_eq!(ids("askance.yaml"), ids("bare.yaml"));
}

#[test]
fn a_database_that_cannot_be_used_is_told_and_nothing_is_read() {
    let sandbox = sandbox();
    std::fs::rename(sandbox.path("asn.mmdb"), sandbox.path("gone")).unwrap();
    sandbox.write("city.mmdb", b"<html>sign in first</html>");
    let run = scan(&sandbox, "askance.yaml");
    run.exits(2)
        .says("city.mmdb for enrich.geo.city: it is no MaxMind DB")
        .says("asn.mmdb for enrich.geo.asn: no such file or directory");
    assert!(run.out.is_empty());
}

#[test]
fn lists_whose_name_begins_with_threat_are_asked_about() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record_with("listed", json!({ "sourceIPAddress": "198.51.100.7" })),
            record_with("tool", json!({ "userAgent": "aws-cli/2.31.0 os/linux#6-kali" })),
            record_with("other", json!({ "sourceIPAddress": "203.0.113.7" })),
        ]),
    );
    sandbox.write("bad.netset", "# exits\n198.51.100.0/24 ; x\n");
    sandbox.write("tools.csv", "value,until\n*KALI*,2099-12-31\nother*,2020-01-01\n");
    sandbox.write("office.yaml", "office: [203.0.113.0/24]\n");
    let scan = |enrich: &str| {
        sandbox.write("askance.yaml", format!("enrich: {enrich}\n"));
        scan(&sandbox, "askance.yaml")
    };
    let found = |run: &crate::sandbox::Run, title: &str| -> Vec<String> {
        let alerts = run.alerts();
        let of = alerts.iter().filter(|alert| alert["rule"]["title"] == title);
        of.map(|alert| alert["event"]["eventID"].as_str().unwrap().to_owned()).collect()
    };
    let (address, program) =
        ("Call from an address on a threat list", "Call by a program on a threat list");
    let run = scan(
        "{networks: {threat_tor: bad.netset, office: office.yaml}, user_agents: {threat_tools: tools.csv}}",
    );
    run.exits(0).says("other*");
    assert!(!run.err.contains("no list of that name"), "{}", run.err);
    assert_eq!(found(&run, address), ["listed"]);
    assert_eq!(found(&run, program), ["tool"]);
    let run = scan("{networks: {office: office.yaml, tor: bad.netset}}");
    run.exits(0).says("2 rules not run (no list of that name)");
    assert_eq!((found(&run, address).len(), found(&run, program).len()), (0, 0));
}
