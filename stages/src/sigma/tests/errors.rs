//! Errors of whole documents, with their exact text.

use super::{reading, told};

const SOURCE: &str = "logsource: {product: aws, service: cloudtrail}\n";
const DETECTION: &str = "detection: {a: {x: 1}, condition: a}\n";

#[track_caller]
fn check(text: &str, expected: &str) {
    let told = told(&[("a.yml", text)]);
    let problems: Vec<&str> = told.lines().filter(|line| !line.starts_with("left out")).collect();
    assert_eq!(problems.join("\n"), expected, "{text}");
    let reading = reading(&[("a.yml", text)]);
    assert!(reading.rules.is_empty(), "a rule with an error runs: {text}");
}

#[test]
fn misspelled_fields_that_are_worked_out_are_errors() {
    let with =
        |line: &str| format!("title: T\n{SOURCE}detection:\n  a:\n    {line}\n  condition: a\n");
    check(
        &with("askance.actor.kinds: root"),
        "a.yml:5:5: unknown field \"askance.actor.kinds\" (did you mean \"askance.actor.kind\"?)",
    );
    check(
        &with("userName|fieldref: askance.actr.kind"),
        "a.yml:5:24: unknown field \"askance.actr.kind\" (did you mean \"askance.actor.kind\"?)",
    );
}

#[test]
fn keys_of_records_in_another_letter_case_are_warned_of() {
    let text = format!(
        "title: T\n{SOURCE}detection:\n  a:\n    EventName|contains: x\n    userName|fieldref: \
         UserIdentity.userName\n  condition: a\n"
    );
    let files = [("a.yml", text.as_str())];
    assert_eq!(
        told(&files),
        "a.yml:5:5: warning: field \"EventName\": CloudTrail writes \"eventName\", and letter case matters\n\
         a.yml:6:24: warning: field \"UserIdentity.userName\": CloudTrail writes \
         \"userIdentity.userName\", and letter case matters"
    );
    assert_eq!(reading(&files).rules.len(), 1);
}

#[test]
fn brackets_in_a_field_are_warned_of() {
    let text = format!("title: T\n{SOURCE}detection:\n  a: {{'b[0].c': 1}}\n  condition: a\n");
    assert_eq!(
        told(&[("a.yml", &text)]),
        "a.yml:4:7: warning: field \"b[0].c\": brackets are read as letters of a key \
         (lists are gone through by themselves: write a.b, not a[0].b)"
    );
}

#[test]
fn misspelled_keys_are_errors_where_they_would_be_silent() {
    check(
        &format!("title: T\n{SOURCE}{DETECTION}levle: high\n"),
        "a.yml:4:1: unknown key \"levle\" (did you mean \"level\"?)",
    );
    check(
        &format!("title: T\n{SOURCE}{}", DETECTION.replace("detection", "detecton")),
        "a.yml:3:1: unknown key \"detecton\" (did you mean \"detection\"?)",
    );
    check(
        &format!("title: T\n{}{DETECTION}", SOURCE.replace("logsource", "logsorce")),
        "a.yml:2:1: unknown key \"logsorce\" (did you mean \"logsource\"?)",
    );
    check(
        &format!("title: T\n{}{DETECTION}", SOURCE.replace("product", "prodct")),
        "a.yml:2:13: unknown key \"prodct\" (did you mean \"product\"?)",
    );
    check(
        &format!("title: T\n{}{DETECTION}", SOURCE.replace("cloudtrail", "cloudtrial")),
        "a.yml:2:36: unknown service \"cloudtrial\" (did you mean \"cloudtrail\"?)",
    );
    check(
        &format!("title: T\n{}{DETECTION}", SOURCE.replace("aws", "asw")),
        "a.yml:2:22: unknown product \"asw\" (did you mean \"aws\"?)",
    );
    check(
        &format!("title: T\n{SOURCE}{DETECTION}askance: {{resorce: x, rout: y, other: z}}\n"),
        "a.yml:4:11: unknown key \"resorce\" (did you mean \"resource\"?)\n\
         a.yml:4:23: unknown key \"rout\" (did you mean \"route\"?)\n\
         a.yml:4:32: unknown key \"other\" (known keys: resource, ask, why, fix, verify, route, controls, always)",
    );
    check(
        "title: C\ncorelation: {type: temporal}\n",
        "a.yml:2:1: unknown key \"corelation\" (did you mean \"correlation\"?)",
    );
}

#[test]
fn what_is_missing_is_told() {
    check(&format!("{SOURCE}{DETECTION}"), "a.yml:1:1: missing \"title\"");
    check(&format!("title: ''\n{SOURCE}{DETECTION}"), "a.yml:1:1: missing \"title\"");
    check(
        &format!("title: T\n{DETECTION}"),
        "a.yml:1:1: missing \"logsource\" (without it nobody can tell where the rule runs)",
    );
    check(&format!("title: T\n{SOURCE}"), "a.yml:1:1: missing \"detection\"");
    check(
        &format!("title: T\n{SOURCE}detection: {{a: {{x: 1}}}}\ncondition: a\n"),
        "a.yml:3:12: missing \"condition\"\n\
         a.yml:4:1: \"condition\" stands outside of \"detection\" (indent it as far as the selections)",
    );
    check(
        &format!("title: T\n{SOURCE}detection: x\n"),
        "a.yml:3:12: detection: expected a mapping, found text",
    );
    check(
        &format!("title: T\nlogsource: aws\n{DETECTION}"),
        "a.yml:2:12: logsource: expected a mapping, found text",
    );
}

#[test]
fn wrong_values_are_told() {
    check(
        &format!("title: [T]\n{SOURCE}{DETECTION}"),
        "a.yml:1:8: title: expected text, found a list",
    );
    check(
        &format!("title: T\nlevel: hihg\n{SOURCE}{DETECTION}"),
        "a.yml:2:8: unknown level \"hihg\" (did you mean \"high\"?)",
    );
    check(
        &format!("title: T\nlevel: urgent\n{SOURCE}{DETECTION}"),
        "a.yml:2:8: unknown level \"urgent\" (informational, low, medium, high, critical)",
    );
    check(
        &format!("title: T\n{SOURCE}{DETECTION}askance: {{route: [owner, secuirty]}}\n"),
        "a.yml:4:18: unknown route \"secuirty\" (did you mean \"security\"?)",
    );
    check(
        &format!("title: T\n{SOURCE}{DETECTION}askance: {{ask: {{en: x, jp: y}}}}\n"),
        "a.yml:4:24: unknown key \"jp\" (known keys: en, ja)",
    );
    check(
        &format!("title: T\n{SOURCE}{DETECTION}filter: {{rules: any}}\n"),
        "a.yml:1:1: a document cannot hold both \"filter\" and \"detection\"\n\
         a.yml:4:9: missing \"condition\"",
    );
}

#[test]
fn syntax_errors_are_told_with_their_line() {
    check(
        "title: T\ndetection:\n  a: b: c\n",
        "a.yml:3:7: not valid YAML: mapping values are not allowed in this context (quote a text that holds \": \", and check the indentation)",
    );
    check(
        "title: T\nlogsource:\n\tproduct: aws\n",
        "a.yml:3:2: not valid YAML: tabs disallowed within this context (block indentation) (indent with spaces)",
    );
}

#[test]
fn ids_and_names_are_of_one_document() {
    let rule = |head: &str| format!("{head}{SOURCE}{DETECTION}");
    let first = rule("title: One\nid: x\nname: n\n");
    assert_eq!(
        told(&[("a.yml", &first), ("b.yml", &rule("title: Two\nid: x\n"))]),
        "b.yml:1:1: \"x\" is the id, name or title of two documents, the other at a.yml:1:1 (give each its own id)\n\
         left out: x"
    );
    assert_eq!(
        told(&[("a.yml", &first), ("b.yml", &rule("title: Two\nname: n\n"))]),
        "b.yml:1:1: \"n\" is the id, name or title of two documents, the other at a.yml:1:1 (give each its own id)\n\
         left out: Two"
    );
    let title = rule("title: Same\n");
    assert_eq!(
        told(&[("a.yml", &title), ("b.yml", &title)]),
        "b.yml:1:1: \"Same\" is the id, name or title of two documents, the other at a.yml:1:1 (give each its own id)\n\
         left out: Same"
    );
}

#[test]
fn problems_of_all_files_come_by_file_and_line() {
    let broken =
        format!("title: T\nlevel: no\n{SOURCE}detection: {{a: {{x|no: 1}}, condition: b}}\n");
    let good = format!("title: Good\n{SOURCE}{DETECTION}");
    let files = [
        ("b.yml", broken.as_str()),
        ("a.yml", &broken.replace("title: T", "title: U")),
        ("c.yml", &good),
    ];
    assert_eq!(
        told(&files),
        "a.yml:2:8: unknown level \"no\" (informational, low, medium, high, critical)\n\
         a.yml:4:17: unknown modifier \"no\" (docs/rules.md lists them)\n\
         a.yml:4:38: the condition names an unknown selection \"b\" (selections: a)\n\
         b.yml:2:8: unknown level \"no\" (informational, low, medium, high, critical)\n\
         b.yml:4:17: unknown modifier \"no\" (docs/rules.md lists them)\n\
         b.yml:4:38: the condition names an unknown selection \"b\" (selections: a)\n\
         left out: T\nleft out: U"
    );
    assert_eq!(reading(&files).rules.len(), 1);
}
