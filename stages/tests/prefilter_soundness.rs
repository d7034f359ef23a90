//! The prefilter passes nothing by that some rule matches, or about which some rule cannot tell.
//!
//! Generated rules are run over generated files twice, with the prefilter and by trying every rule
//! on every record; the outputs must be the same. That the generators can find an unsound prefilter
//! is shown with three broken ones.

mod generate;
mod small_prefilter;

use askance_stages::decode::Input;
use askance_stages::enrich::{BaselineBuilder, Enrich, Tables, TablesConfig};
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::parse::Parser;
use askance_stages::tally::Tally;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use serde_json::Value;

use generate::records::{Taste, bytes, file, record};
use generate::rules::{Item, Rule, Search, rulebook};
use generate::words::NAMES;
use small_prefilter::{Abilities, SOUND, could_match};

/// Alerts and unknowns in order; what could not be read is told only of records that are parsed.
fn outputs(rules: RuleSet, without_prefilter: bool, bytes: &[u8]) -> (Vec<String>, Tally) {
    outputs_with(Enrich::default(), rules, without_prefilter, bytes)
}

fn outputs_with(
    enrich: Enrich,
    rules: RuleSet,
    without_prefilter: bool,
    bytes: &[u8],
) -> (Vec<String>, Tally) {
    let config = DetectConfig { without_prefilter, ..DetectConfig::default() };
    let mut detect = Detect::new(rules, config);
    detect.enrich = enrich;
    let mut found = Vec::new();
    let mut sink = |output: Output| match output {
        Output::Alert(alert) => {
            found.push(serde_json::to_string(&alert).expect("an alert is JSON"));
        }
        Output::Unknown(unknown) => found.push(format!("{unknown:?}")),
        Output::Entry(_) | Output::Given(_) | Output::Reject(_) => {}
    };
    let tally = Worker::new(&detect).run(Input::Whole(bytes), "a", &mut sink, &|| false);
    (found, tally)
}

proptest! {
    #![proptest_config(generate::config())]

    #[test]
    fn prefilter_gives_what_trying_every_rule_gives(
        yaml in rulebook(),
        file in file(Taste::Wild),
    ) {
        let (quick, _) = outputs(generate::compile(&yaml), false, &file.0);
        let (slow, _) = outputs(generate::compile(&yaml), true, &file.0);
        prop_assert_eq!(quick, slow, "{}", yaml);
    }
}

/// Lists of networks and user agents, as people give them.
fn lists() -> Enrich {
    let list = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    let config = TablesConfig {
        networks: [list("office", "10.0.0.0/8"), list("threat_tor", "192.0.2.0/24")].into(),
        user_agents: [list("threat_tools", "*log*"), list("whole", "kick")].into(),
        ..TablesConfig::default()
    };
    let tables = Tables::from_config(config).expect("the lists are good");
    let mut seen = BaselineBuilder::default();
    let record =
        br#"{"recipientAccountId":"1","awsRegion":"a","eventSource":"a","eventName":"Kick",
        "userIdentity":{"arn":"r"},"sourceIPAddress":"10.1.2.9"}"#;
    Parser::default().parse(record, |record, _| seen.take(&record, None)).expect("it is a record");
    Enrich { tables: tables.with_baseline(seen.finish()) }
}

/// A rule that looks at what is worked out of where a call came from, alone or with something else.
fn rule_on_source() -> impl Strategy<Value = Rule> {
    let networks = "askance.source.networks";
    let kinds: [(&str, &str, Value); 21] = [
        (networks, "", "office".into()),
        (networks, "|startswith", "threat".into()),
        (networks, "|re", "^o".into()),
        (networks, "|neq", "office".into()),
        (networks, "|exists", true.into()),
        (networks, "|exists", false.into()),
        (networks, "", Value::Null),
        ("askance.source.kind", "", "ip".into()),
        ("askance.source.is_private", "", true.into()),
        ("askance.source.user_agents", "|startswith", "threat".into()),
        ("askance.source.user_agents", "", "whole".into()),
        ("askance.source.vpc_endpoint", "|exists", true.into()),
        ("askance.first_seen.account_region", "", true.into()),
        ("askance.first_seen.account_region", "", false.into()),
        ("askance.first_seen.account_region", "|exists", true.into()),
        ("askance.first_seen.account_region", "|exists", false.into()),
        ("askance.first_seen.account_service", "|neq", true.into()),
        ("askance.first_seen.actor", "", true.into()),
        ("askance.first_seen.actor_call", "", false.into()),
        ("askance.first_seen.actor_network", "", true.into()),
        ("askance.first_seen.actor_network", "|exists", true.into()),
    ];
    let item = select(kinds.to_vec()).prop_map(|(field, modifiers, value)| {
        let values = vec![value];
        Search::Map(vec![Item { field, modifiers, values }])
    });
    let name = select(NAMES.to_vec()).prop_map(|name| {
        Search::Map(vec![Item { field: "eventName", modifiers: "", values: vec![name.into()] }])
    });
    let condition = select(vec!["s0", "s0 and s1", "s0 or s1", "s1 and not s0", "1 of s*"]);
    (item, name, condition).prop_map(|(item, name, condition)| Rule {
        selections: vec![item, name],
        condition: condition.to_owned(),
    })
}

proptest! {
    #![proptest_config(generate::config())]

    #[test]
    fn what_is_worked_out_of_one_text_is_told_from_the_bytes(
        rules in prop::collection::vec(rule_on_source(), 1..4),
        addresses in prop::collection::vec(select(SOURCES.to_vec()), 1..8),
        agents in prop::collection::vec(select(AGENTS.to_vec()), 8),
        names in prop::collection::vec(select(NAMES.to_vec()), 8),
        places in prop::collection::vec((select(ACCOUNTS.to_vec()), select(REGIONS.to_vec())), 8),
        actors in prop::collection::vec(select(ACTORS.to_vec()), 8),
    ) {
        let yaml: String = rules.iter().enumerate().map(|(id, rule)| rule.yaml(id)).collect();
        let parts = addresses.iter().zip(&agents).zip(&names).zip(places.iter().zip(&actors));
        let file: String = parts
            .map(|(((address, agent), name), ((account, region), actor))| format!(
                "{{{actor}\"eventName\":\"{name}\",{account}\"y\":{{\"awsRegion\":\"z\"}},\"awsRegion\":{region},\"eventSource\":{region},\"sourceIPAddress\":{address},\"userAgent\":{agent},\"x\":{{\"sourceIPAddress\":{address}}}}}\n"
            ))
            .collect();
        let run = |without_prefilter| {
            outputs_with(lists(), generate::compile(&yaml), without_prefilter, file.as_bytes()).0
        };
        prop_assert_eq!(run(false), run(true), "{}\n{}", yaml, file);
    }
}

/// Where calls come from, as JSON.
const SOURCES: [&str; 9] = [
    r#""10.1.2.3""#,
    r#""192.0.2.7""#,
    r#""198.51.100.7""#,
    r#""1\u0030.1.2.3""#,
    r#""ec2.amazonaws.com""#,
    r#"["10.1.2.3"]"#,
    "null",
    "7",
    r#""""#,
];

/// Accounts, as members of a record.
const ACCOUNTS: [&str; 6] = [
    r#""recipientAccountId":"1","#,
    r#""recipientAccountId":"2","#,
    r#""recipientAccountId":1,"userIdentity":{"accountId":"1"},"#,
    r#""recipientAccountId":"","userIdentity":{"accountId":"1"},"#,
    r#""userIdentity":{"accountId":"1"},"#,
    r#""recipientAccountId":"2","recipientAccountId":"1","#,
];

/// Actors, as members of a record.
const ACTORS: [&str; 6] = [
    "",
    r#""userIdentity":{"arn":"r"},"#,
    r#""userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"r"}},"arn":"s"},"#,
    r#""userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"s"}},"arn":"r"},"#,
    r#""userIdentity":{"sessionContext":{"sessionIssuer":{"arn":""}},"arn":"r"},"#,
    r#""userIdentity":{"sessionContext":[{"sessionIssuer":{"arn":"s"}}],"arn":"r"},"#,
];

/// Regions, or services, as JSON.
const REGIONS: [&str; 5] = [r#""a""#, r#""x""#, r#""\u0061""#, "1", r#"["a"]"#];

/// User agents, as JSON.
const AGENTS: [&str; 6] =
    [r#""a log b""#, r#""Kick""#, r#""[KICK]""#, r#""kic\u006b""#, r#""other""#, "null"];

/// A list of networks is no reason to look into every record.
#[test]
fn addresses_in_no_list_are_passed_by() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {askance.source.networks|startswith: threat}, condition: s}\n";
    let record =
        |address: &str| format!("{{\"eventName\":\"Get\",\"sourceIPAddress\":\"{address}\"}}\n");
    let file = ["198.51.100.7", "192.0.2.7", "10.0.0.1", "ec2.amazonaws.com"].map(record).concat();
    let (found, tally) = outputs_with(lists(), generate::compile(yaml), false, file.as_bytes());
    assert_eq!((found.len(), tally.unparsed), (1, 3));
}

/// What a rule excludes is seen where it stands, and not taken for what stands elsewhere.
#[test]
fn what_is_excluded_is_passed_by_where_it_surely_stands() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {eventName: Get}, failed: {errorCode|exists: true}, \
        service: [{userIdentity.invokedBy|endswith: .com}, {userIdentity.type: [AWSService]}], condition: s and not failed and not 1 of service*}\n";
    let check = |rest: &str, hits: usize, unparsed: u64| {
        let record = format!("{{\"eventName\":\"Get\",{rest}}}");
        let (found, tally) =
            outputs_with(lists(), generate::compile(yaml), false, record.as_bytes());
        assert_eq!((found.len(), tally.unparsed), (hits, unparsed), "{rest}");
    };
    for excluded in [
        r#""errorCode":"AccessDenied""#,
        r#""errorCode" : null"#,
        r#""x":{"errorCode":1},"errorCode":[]"#,
        r#""userIdentity":{"x":{"type":"a"},"type":"AWSService"}"#,
        r#""userIdentity":{"type":"Role","invokedBy":"a.COM"}"#,
    ] {
        check(excluded, 0, 1);
    }
    for other in [
        r#""x":{"errorCode":"AccessDenied"}"#,
        r#""x":"\"errorCode\":1""#,
        r#""x":["errorCode"],"y":"errorCode""#,
        r#""invokedBy":"a.com","x":{"userIdentity":{"type":"AWSService"}}"#,
        r#""userIdentity":{"type":"Role","invokedBy":"a.org"}"#,
        r#""userIdentity":[]"#,
    ] {
        check(other, 1, 0);
    }
    // Not to be told at a glance.
    check(r#""userIdentity":{"type":"AWS\u0053ervice"}"#, 0, 0);
    check(r#""userIdentity":[{"type":"AWSService"}]"#, 0, 0);
}

/// What a rule takes out of what it excludes is seen wherever it stands.
#[test]
fn what_is_excluded_but_for_some_is_passed_by_where_none_of_these_stands() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {eventName: Get}, service: {userIdentity.invokedBy|neq: Sign.com, \
        userIdentity.invokedBy|endswith: .com}, other: {x.y|exists: true, x.y|neq: [a, b]}, condition: s and not service and not other}\n";
    let check = |rest: &str, hits: usize, unparsed: u64| {
        let record = format!("{{\"eventName\":\"Get\",{rest}}}");
        let run = |without_prefilter| {
            let rules = generate::compile(yaml);
            outputs_with(lists(), rules, without_prefilter, record.as_bytes())
        };
        let ((found, tally), (slow, _)) = (run(false), run(true));
        assert_eq!((found.len(), tally.unparsed), (hits, unparsed), "{rest}");
        assert_eq!(found, slow, "{rest}");
    };
    check(r#""userIdentity":{"invokedBy":"a.com"}"#, 0, 1);
    check(r#""x":{"y":"c"},"z":"\"y\":\"a\"""#, 0, 1);
    check(r#""x":{"y":"c"},"z":{"y":null}"#, 0, 1);
    check(r#""userIdentity":{"invokedBy":"sign.com"}"#, 1, 0);
    check(r#""userIdentity":{"invokedBy":"a.com","invokedBy":"SIGN.com"}"#, 1, 0);
    check(r#""userIdentity":{"invokedBy":"a.com"},"userIdentity.invokedBy":"sign.com""#, 1, 0);
    check(r#""x":{"y":["c","a"]}"#, 1, 0);
    // Not to be told at a glance.
    check(r#""userIdentity":{"invokedBy":"a.com"},"z":{"invokedBy":"sign.com"}"#, 0, 0);
    check(r#""userIdentity":{"invokedBy":"a.com"},"z":{"invokedBy":["b"]}"#, 0, 0);
    check(r#""x":{"y":"c"},"z":{"y":"B"}"#, 0, 0);
}

/// Nor is a table of what was seen before, for what it knows.
#[test]
fn what_was_seen_before_is_passed_by() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {readOnly: false, askance.first_seen.account_region: true}, condition: s}\n";
    let record = |account: &str, region: &str| {
        format!(
            "{{\"eventName\":\"Get\",\"readOnly\":false,\"recipientAccountId\":\"{account}\",\"awsRegion\":\"{region}\"}}\n"
        )
    };
    let file = [record("1", "a"), record("1", "b"), record("2", "a"), record("1", "a")].concat();
    let (found, tally) = outputs_with(lists(), generate::compile(yaml), false, file.as_bytes());
    assert_eq!((found.len(), tally.unparsed), (2, 2));
}

/// Generators that never met would prove nothing.
#[test]
fn generated_rules_match_are_unknown_and_pass_by() {
    let mut runner = generate::seeded_runner();
    let cases = (rulebook(), file(Taste::Wild));
    let (mut alerts, mut unknown, mut unparsed, mut records) = (0, 0, 0, 0);
    for _ in 0..400 {
        let (yaml, file) = cases.new_tree(&mut runner).expect("nothing is filtered").current();
        let (_, tally) = outputs(generate::compile(&yaml), false, &file.0);
        alerts += tally.alerts.iter().sum::<u64>();
        unknown += tally.unknown.values().sum::<u64>();
        unparsed += tally.unparsed;
        records += tally.records;
    }
    let counts = format!("{alerts} alerts, {unknown} unknown, {unparsed} unparsed of {records}");
    assert!(alerts > 200 && unknown > 20 && unparsed > 100, "{counts}");
}

/// An escape may lie across the border between two blocks of 64 bytes that are walked at once.
#[test]
fn an_escaped_key_is_seen_wherever_it_stands() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {eventName: StopLogging}, condition: s}\n";
    for length in 0..130 {
        let filler = "x".repeat(length);
        let record = format!(
            r#"{{"eventVersion":"{filler}","eventName":"Other","\u0065ventName":"StopLogging"}}"#
        );
        let (found, _) = outputs(generate::compile(yaml), false, record.as_bytes());
        assert_eq!(found.len(), 1, "with {length} bytes of filler");
    }
}

/// The lenient reader forgives a missing comma; what is looked at before must not hide an escape.
#[test]
fn an_escaped_key_without_a_comma_before_it_is_seen() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {eventName: StopLogging}, condition: s}\n";
    let record = br#"{"eventName":"Other","a":1"\u0065ventName":"StopLogging"}"#;
    let (found, _) = outputs(generate::compile(yaml), false, record);
    assert_eq!(found.len(), 1);
}

/// Whatever is said of a missing field and a cut one, both ways must say it.
#[test]
fn a_fieldref_to_what_was_cut_is_seen() {
    let yaml = "title: a\nlogsource: {product: aws}\ndetection: {s: {eventSource|fieldref: resources.x}, condition: s}\n";
    let record = br#"{"userIdentity":{"eventName":"Other"},"resources":{"omitted":true}}"#;
    let (quick, _) = outputs(generate::compile(yaml), false, record);
    let (slow, _) = outputs(generate::compile(yaml), true, record);
    assert_eq!(quick, slow);
}

/// Integers with a leading zero are taken leniently, and then written without it.
#[test]
fn a_number_with_a_leading_zero_is_seen() {
    let yaml =
        "title: a\nlogsource: {product: aws}\ndetection: {s: {eventName: '5'}, condition: s}\n";
    let (found, _) = outputs(generate::compile(yaml), false, br#"{"eventName":05}"#);
    assert_eq!(found.len(), 1);
}

/// A key that is null is there, which is all that `exists` asks for.
#[test]
fn a_key_that_is_null_is_seen() {
    for field in ["eventName", "eventSource", "userIdentity.eventName"] {
        let yaml = format!(
            "title: a\nlogsource: {{product: aws}}\ndetection: {{s: {{{field}|exists: true}}, condition: s}}\n"
        );
        let record = br#"{"eventName":null,"eventSource":null,"userIdentity":{"eventName":null}}"#;
        let (found, _) = outputs(generate::compile(&yaml), false, record);
        assert_eq!(found.len(), 1, "{field}");
    }
}

/// Values are told apart by how they begin, which escapes and letters beyond ASCII can hide.
#[test]
fn a_value_is_seen_however_its_beginning_is_written() {
    let check = |field: &str, value: &str, hits: usize| {
        let yaml = format!(
            "title: a\nlogsource: {{product: aws}}\ndetection: {{s: {{{field}}}, condition: s}}\n"
        );
        let text = format!(r#"{{"eventName":"Get","sourceIPAddress":{value}}}"#);
        let (found, _) = outputs(generate::compile(&yaml), false, text.as_bytes());
        assert_eq!(found.len(), hits, "{field} on {value}");
    };
    let network = "sourceIPAddress|cidr: 100.64.0.0/16";
    check(network, r#""100.64.0.1""#, 1);
    check(network, r#""\u003100.64.0.1""#, 1);
    check(network, r#""1\u00300.64.0.1""#, 1);
    check(network, r#""10\u0030.64.0.1""#, 1);
    check(network, r#""100\u002e64.0.1""#, 1);
    check(network, r#""100\u002e65.0.1""#, 0);
    check(network, r#"["192.0.2.1", "100.64.0.1"]"#, 1);
    check("sourceIPAddress|cidr: [100.64.0.0/16, '100::/16']", r#""100::7""#, 1);
    check("sourceIPAddress|cidr: [100.64.0.0/16, 96.0.0.0/7]", r#""97.0.0.1""#, 1);
    let name = "sourceIPAddress: kms.amazonaws.com";
    check(name, r#""KMS.amazonaws.com""#, 1);
    check(name, "\"\u{212a}ms.amazonaws.com\"", 1);
    check(name, r#""\u212ams.amazonaws.com""#, 1);
    check("sourceIPAddress: kms", r#""Kms""#, 1);
    check("sourceIPAddress: '7'", "7", 1);
}

/// Looks for a record that a rule on `eventName` matches and the small prefilter passes by.
fn counterexample(abilities: Abilities) -> Option<String> {
    let mut runner = generate::seeded_runner();
    let cases =
        (subsequence(vec!["StopLogging", "DeleteTrail", "Kick"], 1..3), record(Taste::Wild));
    (0..1500).find_map(|_| {
        let (names, record) = cases.new_tree(&mut runner).expect("nothing is filtered").current();
        let item = Item {
            field: "eventName",
            modifiers: "",
            values: names.iter().copied().map(Into::into).collect(),
        };
        let rule = Rule { selections: vec![Search::Map(vec![item])], condition: "s0".to_owned() };
        let bytes = bytes(&record);
        let (found, _) = outputs(generate::compile(&rule.yaml(0)), true, &bytes);
        let is_missed = !found.is_empty() && !could_match(abilities, &bytes, &names);
        is_missed.then(|| format!("{names:?} in {record}"))
    })
}

#[test]
fn a_sound_small_prefilter_survives() {
    assert_eq!(counterexample(SOUND), None);
}

#[test]
fn a_prefilter_that_reads_no_escapes_is_caught() {
    assert!(counterexample(Abilities { reads_escapes: false, ..SOUND }).is_some());
}

#[test]
fn a_prefilter_that_does_not_fold_case_is_caught() {
    assert!(counterexample(Abilities { folds_case: false, ..SOUND }).is_some());
}

#[test]
fn a_prefilter_that_reads_the_first_key_alone_is_caught() {
    assert!(counterexample(Abilities { reads_every_key: false, ..SOUND }).is_some());
}
