//! Which documents run, actions, filters and correlations.

use super::{reading, told};
use crate::sigma::{self, ReadOptions, SourceFile};

const RULE: &str = "title: One\nid: one\nname: first\nlogsource: {product: aws, service: cloudtrail}\n\
                    detection:\n  a: {x: 1}\n  condition: a\n";
const OTHER: &str = "title: Two\nid: two\nlogsource: {product: AWS}\n\
                     detection:\n  a: {x: 2}\n  condition: a\n";
const FOREIGN: &str = "title: W\nid: win\nname: windows_rule\nlogsource: {product: windows}\n\
                       detection:\n  a: {x|nonsense: 1}\n  condition: b\n";

fn stream(documents: &[&str]) -> String {
    documents.join("---\n")
}

#[track_caller]
fn check(documents: &[&str], expected: &str) {
    assert_eq!(told(&[("a.yml", &stream(documents))]), expected);
}

#[test]
fn a_rule_is_read_in_full() {
    let text = "title: Bucket made public\nid: r1\nname: bucket_public\nstatus: test\n\
                description: |\n  What it is.\nreferences:\n  - https://example.com/a\n\
                tags: [attack.t1530]\nfalsepositives: [Web sites]\nlevel: high\nauthor: A\ndate: 2024-01-02\n\
                my_own_key: {anything: [1]}\n\
                logsource: {product: aws, service: cloudtrail, definition: x}\n\
                detection:\n  sel: {eventName: PutBucketAcl}\n  condition: sel\n\
                askance:\n  resource: requestParameters.bucketName\n  ask: {en: Is it meant?, ja: 意図?}\n\
                \x20 why: Because.\n  fix: {en: Undo, ja: 戻す}\n  verify: s3-public\n  route: [owner, actor]\n\
                \x20 controls: [cis-5.0-2.1.4]\n";
    let reading = reading(&[("rules/a.yml", text)]);
    assert_eq!(reading.problems, []);
    let rule = &reading.rules[0];
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("r1", "Bucket made public"));
    assert_eq!(rule.name.as_deref(), Some("bucket_public"));
    assert_eq!(rule.level.name(), "high");
    assert_eq!(rule.description.as_deref(), Some("What it is.\n"));
    assert_eq!(rule.references, ["https://example.com/a"]);
    assert_eq!(rule.tags, ["attack.t1530"]);
    assert_eq!(rule.false_positives, ["Web sites"]);
    assert_eq!(rule.place.to_string(), "rules/a.yml:1:1");
    assert_eq!(rule.detection.condition_text, "sel");
    let askance = rule.askance.as_ref().unwrap();
    assert_eq!(askance.resource, ["requestParameters.bucketName"]);
    assert_eq!(askance.ask_en.as_deref(), Some("Is it meant?"));
    assert_eq!(askance.ask_ja.as_deref(), Some("意図?"));
    assert_eq!(askance.why.as_deref(), Some("Because."));
    assert_eq!(askance.fix_ja.as_deref(), Some("戻す"));
    assert_eq!(askance.route, ["owner", "actor"]);
    assert_eq!(askance.controls, ["cis-5.0-2.1.4"]);
}

#[test]
fn without_id_and_level_a_rule_goes_by_title_and_is_medium() {
    let text = RULE.replace("id: one\n", "");
    let reading = reading(&[("a.yml", &text)]);
    assert_eq!(reading.rules[0].id, "One");
    assert_eq!(reading.rules[0].level.name(), "medium");
}

#[test]
fn documents_for_other_logs_are_skipped_with_a_reason() {
    check(&[RULE, OTHER], "");
    check(&[&RULE.replace("product: aws, ", "")], "");
    check(&[&RULE.replace("product: aws, ", ""), &filter("product: aws", "[one]")], "");
    check(&[FOREIGN], "a.yml:1:1: skipped: for another log: product \"windows\"");
    check(
        &["title: x\nlogsource: {product: aws, service: route53}\ndetection: 5\n"],
        "a.yml:1:1: skipped: for another log: service \"route53\" of aws",
    );
    check(
        &["title: x\nlogsource: {category: dns}\ndetection: {}\n"],
        "a.yml:1:1: skipped: its logsource names no product",
    );
    check(&["cases:\n  - a\n"], "a.yml:1:1: skipped: a case file, not a rule");
    check(&["a: b\n"], "a.yml:1:1: skipped: no detection, filter or correlation");
    check(&["- a\n"], "a.yml:1:1: skipped: not a rule but a list");
    check(&[""], "a.yml:1:1: skipped: nothing is written here");
    check(
        &["title: x\nlogsource: {product: windows}\nfilter: {rules: 5}\n"],
        "a.yml:1:1: skipped: for another log: product \"windows\"",
    );
    check(
        &["title: x\ntitle: y\nlogsource: {product: linux}\ndetection: {}\n"],
        "a.yml:1:1: skipped: for another log: product \"linux\"",
    );
}

#[test]
fn actions_merge_documents() {
    let global = "action: global\ntitle: G\nlevel: low\nlogsource: {product: aws}\n\
                  detection:\n  base: {x: 1}\n  condition: base and own\n";
    let text = stream(&[
        global,
        "id: g1\ndetection:\n  own: {y: 1}\n",
        "id: g2\nlevel: high\ndetection:\n  own: {y: 2}\n",
        "action: repeat\nid: g3\ndetection:\n  own: {y: 3}\n",
        "action: reset\n",
        RULE,
    ]);
    let reading = reading(&[("a.yml", &text)]);
    assert_eq!(reading.problems, []);
    let rules: Vec<String> = reading
        .rules
        .iter()
        .map(|rule| {
            format!("{} {} {} {}", rule.id, rule.title, rule.level, rule.detection.selections.len())
        })
        .collect();
    assert_eq!(rules, ["g1 G low 2", "g2 G high 2", "g3 G high 2", "one One medium 1"]);
    check(
        &["action: repeat\nid: x\n"],
        "a.yml:1:9: nothing to repeat (action: repeat takes up the document before it in the file)",
    );
    check(&["action: globl\n"], "a.yml:1:9: unknown action \"globl\" (did you mean \"global\"?)");
    check(
        &["action: reset\ntitle: x\n"],
        "a.yml:2:1: key \"title\" in a reset document (a document with action: reset holds nothing else)",
    );
}

fn filter(source: &str, rules: &str) -> String {
    format!(
        "title: F\nlogsource: {{{source}}}\nfilter:\n  rules: {rules}\n  selection: {{y: 1}}\n  condition: not selection\n"
    )
}

#[test]
fn filters_are_joined_to_the_rules_they_name() {
    let applied = |filter: &str| {
        let reading = reading(&[("a.yml", &stream(&[filter, RULE, OTHER]))]);
        assert_eq!(reading.problems, []);
        reading.rules.iter().map(|rule| rule.filters.len()).collect::<Vec<_>>()
    };
    assert_eq!(applied(&filter("product: aws", "[one, two]")), [1, 1]);
    assert_eq!(applied(&filter("product: aws", "[first, one]")), [1, 0]);
    assert_eq!(applied(&filter("product: aws", "two")), [0, 1]);
    assert_eq!(applied(&filter("product: aws", "any")), [1, 1]);
    assert_eq!(applied(&filter("product: aws, service: CloudTrail", "any")), [1, 0]);
}

#[test]
fn a_filter_holds_to_the_end_of_its_last_day() {
    let text = filter("product: aws", "any");
    let text = format!("{text}askance: {{until: 2026-11-29, owner: web team, reason: a move}}\n");
    let read = |today: &str| {
        let file = SourceFile { path: "a.yml".into(), text: stream(&[RULE, &text]).into() };
        let options = ReadOptions { today: Some(today.parse().unwrap()), ..ReadOptions::default() };
        sigma::read(&[file], &options)
    };
    let holds = read("2026-11-29");
    assert_eq!((holds.rules[0].filters.len(), holds.has_ends, holds.ended.len()), (1, true, 0));
    let over = read("2026-11-30");
    assert_eq!((over.rules[0].filters.len(), over.has_ends, over.problems.len()), (0, false, 0));
    let told = over.ended[0].to_string();
    assert!(told.ends_with(" ended on 2026-11-29 (web team: a move): it holds no more"), "{told}");
    let bad = text.replace("2026-11-29", "soon");
    let found = told_of(&bad);
    assert!(found.contains("until: \"soon\" is no day"), "{found}");
    let bad = text.replace("owner:", "ownr:");
    assert!(told_of(&bad).contains("unknown key \"ownr\""));
}

fn told_of(text: &str) -> String {
    told(&[("a.yml", &stream(&[RULE, text]))])
}

#[test]
fn malformed_filters_are_told() {
    let aws = "product: aws";
    check(
        &[&filter(aws, "[one, three]"), RULE],
        "a.yml:4:16: warning: no rule has the id or name \"three\"",
    );
    check(
        &[&filter(aws, "[win]"), FOREIGN],
        "a.yml:4:11: warning: rule \"win\" is for another log and does not run\n\
         a.yml:8:1: skipped: for another log: product \"windows\"",
    );
    check(
        &[&filter("product: aws, service: cloudtrail", "[two]"), OTHER],
        "a.yml:4:11: rule \"two\" has another logsource than the filter\nleft out: F",
    );
    check(
        &[&filter(aws, "[]"), RULE],
        "a.yml:4:10: rules: expected a list of ids or names, or any, found an empty list\nleft out: F",
    );
    check(
        &[&filter(aws, "ayn"), RULE],
        "a.yml:4:10: rules: expected a list of ids or names, or any, found \"ayn\"\nleft out: F",
    );
    check(
        &[&filter(aws, "{a: b}"), RULE],
        "a.yml:4:10: rules: expected a list of ids or names, or any, found a mapping\nleft out: F",
    );
    check(
        &[&filter(aws, "[one]").replace("rules:", "rule:"), RULE],
        "a.yml:4:3: filter: missing \"rules\" (\"rule\" is read as a selection)\n\
         a.yml:4:3: warning: selection \"rule\" is not used by the condition\nleft out: F",
    );
    check(
        &[&filter(aws, "[one]").replace("not selection", "selection"), RULE],
        "a.yml:6:14: warning: the filter's condition negates nothing (rules match only where it holds: \"not selection\" suppresses)",
    );
    check(&[&filter(aws, "any")], "a.yml:4:10: warning: the filter fits no rule");
    check(
        &[&filter(aws, "[one]").replace("logsource: {product: aws}\n", ""), RULE],
        "a.yml:1:1: missing \"logsource\" (without it nobody can tell where the rule runs)\nleft out: F",
    );
}

fn correlation(body: &str) -> String {
    let mut text = "title: C\nid: corr\ncorrelation:\n".to_owned();
    for line in body.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

const COUNT: &str =
    "type: event_count\nrules: [one]\ngroup-by: [u]\ntimespan: 10m\ncondition: {gte: 5}";

#[test]
fn correlations_silence_what_feeds_them() {
    let silent = |text: &str| {
        let reading = reading(&[("a.yml", text)]);
        assert_eq!(reading.problems, [], "{text}");
        let silent = reading.rules.iter().map(|rule| rule.is_silent).collect::<Vec<_>>();
        (silent, reading.correlations)
    };
    let (rules, correlations) = silent(&stream(&[&correlation(COUNT), RULE, OTHER]));
    assert_eq!(rules, [true, false]);
    let it = &correlations[0];
    assert_eq!((it.id.as_str(), it.kind.as_str(), it.generates), ("corr", "event_count", false));
    assert_eq!(it.timespan.as_secs(), 600);
    assert_eq!(it.group_by, ["u"]);
    assert_eq!(it.bounds.len(), 1);

    let generate = correlation(COUNT) + "generate: true\n";
    assert_eq!(silent(&stream(&[&generate, RULE])).0, [false]);

    let by_name = correlation(
        "type: temporal\nrules: [first, two]\ntimespan: 1d\naliases:\n  u: {first: a.b, two: c}",
    );
    let (rules, correlations) = silent(&stream(&[RULE, OTHER, &by_name]));
    assert_eq!(rules, [true, true]);
    assert_eq!(correlations[0].aliases[0].fields.len(), 2);

    let outer =
        "title: Outer\ncorrelation: {type: temporal_ordered, rules: [corr, two], timespan: 1h}\n";
    let (rules, correlations) = silent(&stream(&[outer, &correlation(COUNT), RULE, OTHER]));
    assert_eq!((rules, correlations.len()), (vec![true, true], 2));

    for kind in ["value_count", "value_sum", "value_avg", "value_percentile", "value_median"] {
        let text = format!(
            "type: {kind}\nrules: [one]\ntimespan: 1w\ncondition: {{field: a, gt: 1.5, lte: 9}}"
        );
        assert_eq!(silent(&stream(&[&correlation(&text), RULE])).1[0].bounds.len(), 2);
    }
    let text = "type: temporal\nrules: [one, two]\ntimespan: 1M\ncondition: one and not two";
    let (_, correlations) = silent(&stream(&[&correlation(text), RULE, OTHER]));
    assert_eq!(correlations[0].condition_text.as_deref(), Some("one and not two"));
}

#[track_caller]
fn correlation_told(body: &str, expected: &str) {
    check(
        &[RULE, &correlation(body), FOREIGN],
        &format!(
            "{expected}\na.yml:{}:1: skipped: for another log: product \"windows\"\nleft out: corr",
            13 + body.lines().count()
        ),
    );
}

#[test]
fn malformed_correlations_are_told() {
    let with = |from: &str, to: &str| COUNT.replace(from, to);
    correlation_told(&with("[one]", "[none]"), "a.yml:13:11: no rule has the id or name \"none\"");
    correlation_told(&with("[one]", "[]"), "a.yml:13:10: rules: an empty list");
    correlation_told(
        &with("[one]", "[one, win]"),
        "a.yml:13:16: rule \"win\" is for another log and does not run",
    );
    correlation_told(
        &with("event_count", "event_cuont"),
        "a.yml:12:9: unknown correlation type \"event_cuont\" (did you mean \"event_count\"?)",
    );
    correlation_told(
        &with("10m", "10 minutes"),
        "a.yml:15:13: \"10 minutes\" is no timespan (a number and a unit: 30s, 10m, 2h, 7d, 1w, 1M, 1y)",
    );
    correlation_told(
        &with("10m", "0m"),
        "a.yml:15:13: \"0m\" is no timespan (a number and a unit: 30s, 10m, 2h, 7d, 1w, 1M, 1y)",
    );
    correlation_told(
        &with("group-by", "groupby"),
        "a.yml:14:3: unknown key \"groupby\" (did you mean \"group-by\"?)",
    );
    correlation_told(
        &with("gte: 5", "gte: five"),
        "a.yml:16:20: gte: expected a number, found text",
    );
    correlation_told(
        &with("gte: 5", "gtee: 5"),
        "a.yml:16:15: unknown key \"gtee\" (did you mean \"gte\"?)",
    );
    correlation_told(
        &with("{gte: 5}", "{}"),
        "a.yml:16:14: condition: no bound is written (one of gt, gte, lt, lte, eq)",
    );
    correlation_told(
        &with("event_count", "value_count"),
        "a.yml:16:14: condition: value_count needs a \"field\"",
    );
    correlation_told(
        "type: event_count\nrules: [one]",
        "a.yml:12:3: correlation: missing \"timespan\"\na.yml:12:3: correlation: missing \"condition\"",
    );
    correlation_told(&with("[one]", "[corr]"), "a.yml:9:1: the correlation feeds itself");
}

#[test]
fn a_correlation_names_so_many_rules_and_fields_and_no_more() {
    let list = |what: &str, count: usize| format!("[{}]", vec![what; count].join(","));
    let most = COUNT
        .replace("[one]", &list("one", 100))
        .replace("[u]", &list("u", 16))
        .replace("event_count", "value_count")
        .replace("gte: 5", &format!("gte: 5, field: {}", list("v", 16)));
    let reading = reading(&[("a.yml", &stream(&[RULE, &correlation(&most)]))]);
    assert_eq!(reading.problems, []);
    assert_eq!(reading.correlations[0].feeders.len(), 100);
    correlation_told(
        &COUNT.replace("[one]", &list("one", 101)),
        "a.yml:13:411: rules: 101 are named, 100 are the most \
         (write one rule for what several find, or correlations that this one names)",
    );
    correlation_told(
        &COUNT.replace("[u]", &list("u", 17)),
        "a.yml:14:46: group-by: 17 fields, 16 are the most \
         (leave out those that others decide, as an ARN does its account)",
    );
    correlation_told(
        &COUNT
            .replace("event_count", "value_count")
            .replace("gte: 5", &format!("field: {}, gte: 5", list("v", 17))),
        "a.yml:16:55: field: 17 fields, 16 are the most \
         (leave out those that others decide, as an ARN does its account)",
    );
}

#[test]
fn a_correlation_of_other_logs_is_skipped() {
    let text = correlation(&COUNT.replace("[one]", "[windows_rule]"));
    check(
        &[&text, FOREIGN],
        "a.yml:10:1: skipped: for another log: product \"windows\"\n\
         a.yml:1:1: skipped: all its rules are for other logs",
    );
}

#[test]
fn what_is_left_out_is_told_with_what_it_takes_along() {
    let broken = RULE.replace("x: 1", "x|no: 1");
    check(
        &[&broken, &correlation(COUNT), &filter("product: aws", "[one]")],
        "a.yml:6:7: unknown modifier \"no\" (docs/rules.md lists them)\n\
         a.yml:13:11: \"one\" is left out because of an error\nleft out: one\nleft out: corr",
    );
}

#[test]
fn the_old_form_that_counts_is_told_and_not_run() {
    let text = "title: Many secrets\nid: many\nlogsource: {product: aws, service: cloudtrail}\n\
                detection:\n    a: {x: 1}\n    timeframe: 5m\n    condition: a | count() by u > 5\n";
    let reading = reading(&[("a.yml", text)]);
    assert!(reading.rules.is_empty() && !reading.has_errors() && reading.left_out.is_empty());
    assert_eq!(reading.not_run[0].id, "many");
    assert_eq!(
        reading.problems[0].to_string(),
        "a.yml:7:16: warning: the rule is not run: aggregation \"count() by u > 5\" needs \
         correlation (use a correlation document)"
    );
}

#[test]
fn what_only_people_read_is_warned_of() {
    let text = super::rule("sel: {x: 1}\ncondition: sel")
        + "reference: https://example.com/a\ndescription: [a, {b: c}]\nfalsepositives:\n\
           - Maintenance: at night\n- Tests\n-\ntags: {a: b}\n";
    let files = [("a.yml", text.as_str())];
    assert_eq!(
        told(&files),
        "a.yml:7:1: warning: unknown key \"reference\" (did you mean \"references\"?)\n\
         a.yml:8:18: warning: description: expected text, found a mapping\n\
         a.yml:10:3: warning: falsepositives: expected text, found a mapping\n\
         a.yml:12:2: warning: falsepositives: expected text, found nothing\n\
         a.yml:13:7: warning: tags: expected text, found a mapping"
    );
    let reading = reading(&files);
    assert_eq!(reading.rules[0].false_positives, ["Tests"]);
}
