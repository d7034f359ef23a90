//! Forms of selections, keywords and conditions.

use super::{reading, rule, show_expr, show_search, told};

/// A detection block, its selections and condition.
#[track_caller]
fn check(block: &str, expected: &[&str]) {
    let reading = reading(&[("a.yml", &rule(block))]);
    let problems: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    assert!(!reading.rules.is_empty(), "{problems:?}");
    let detection = &reading.rules[0].detection;
    let mut found: Vec<String> = detection
        .selections
        .iter()
        .map(|selection| format!("{}: {}", selection.name, show_search(&selection.search)))
        .collect();
    found.push(show_expr(&detection.condition));
    assert_eq!(found, expected, "{problems:?}");
}

/// A detection block, and all that is told about it.
#[track_caller]
fn refused(block: &str, expected: &str) {
    assert_eq!(told(&[("a.yml", &rule(block))]), expected, "{block}");
}

#[test]
fn selections_have_many_forms() {
    check(
        "sel:\n    a: 1\n    b|contains: [x, y]\ncondition: sel",
        &["sel: {a = Integer(1); b = '*x*' | '*y*'}", "0"],
    );
    check(
        "sel:\n    - a: 1\n      b: 2\n    - c: 3\ncondition: sel",
        &["sel: [{a = Integer(1); b = Integer(2)}; {c = Integer(3)}]", "0"],
    );
    check(
        "sel:\n    - - a: 1\n      - b: 2\n    - c: 3\ncondition: sel",
        &["sel: [[{a = Integer(1)}; {b = Integer(2)}]; {c = Integer(3)}]", "0"],
    );
    check(
        "words:\n    - one\n    - 't*o'\n    - 3\ncondition: words",
        &["words: keywords = '*one*' | '*t*o*' | '*3*'", "0"],
    );
    check("words: one\ncondition: words", &["words: keywords = '*one*'", "0"]);
    check(
        "mixed:\n    - one\n    - a: 1\n    - two\ncondition: mixed",
        &["mixed: [keywords = '*one*' | '*two*'; {a = Integer(1)}]", "0"],
    );
    check("w:\n    '|all': [one, two]\ncondition: w", &["w: {keywords = '*one*' & '*two*'}", "0"]);
    check("w:\n    '|contains': one\ncondition: w", &["w: {keywords = '*one*'}", "0"]);
    check("w:\n    '|startswith': one\ncondition: w", &["w: {keywords = 'one*'}", "0"]);
    check("w:\n    '|re': ['a.c', 'd']\ncondition: w", &["w: {keywords = /a.c/ | /d/}", "0"]);
    check("w:\n    '|cased': One\ncondition: w", &["w: {keywords = cased '*One*'}", "0"]);
    check(
        "w:\n    '|base64offset': foo\ncondition: w",
        &["w: {keywords = any('*Zm9v*' '*Zvb*' '*mb2*')}", "0"],
    );
    check(
        "_a: {x: 1}\nb.c-d: {x: 2}\ncondition: b.c-d and not _a",
        &["_a: {x = Integer(1)}", "b.c-d: {x = Integer(2)}", "(1 & !0)"],
    );
}

#[test]
fn a_selection_may_be_named_timeframe() {
    check(
        "a: {x: 1}\ntimeframe: {y: 2}\ncondition: a and timeframe",
        &["a: {x = Integer(1)}", "timeframe: {y = Integer(2)}", "(0 & 1)"],
    );
    check("a: {x: 1}\ntimeframe: 5m\ncondition: a", &["a: {x = Integer(1)}", "0"]);
}

#[test]
fn conditions_of_a_list_are_joined_by_or() {
    let text = rule("a: {x: 1}\nb: {x: 2}\ncondition:\n    - a and not b\n    - b");
    let reading = reading(&[("a.yml", &text)]);
    let detection = &reading.rules[0].detection;
    assert_eq!(show_expr(&detection.condition), "((0 & !1) | 1)");
    assert_eq!(detection.condition_text, "a and not b or b");
    check(
        "a: {x: 1}\nfilter_1: {x: 2}\nfilter_2: {x: 3}\ncondition: a and not 1 of filter_*",
        &[
            "a: {x = Integer(1)}",
            "filter_1: {x = Integer(2)}",
            "filter_2: {x = Integer(3)}",
            "(0 & !(1 | 2))",
        ],
    );
}

#[test]
fn wrong_selections_are_told() {
    refused("sel:\ncondition: sel", "a.yml:5:8: selection \"sel\" is empty\nleft out: rule-1");
    refused(
        "sel: {}\ncondition: sel",
        "a.yml:5:10: selection \"sel\" is empty (an empty map would match everything)\nleft out: rule-1",
    );
    refused(
        "sel: []\ncondition: sel",
        "a.yml:5:10: selection \"sel\": an empty list never matches\nleft out: rule-1",
    );
    refused(
        "sel:\n    a: []\ncondition: sel",
        "a.yml:6:12: field \"a\": an empty list never matches\nleft out: rule-1",
    );
    refused(
        "sel:\n    a: {b: 1}\ncondition: sel",
        "a.yml:6:12: field \"a\" has a mapping as value (Sigma names inner fields with dots: a.inner: value)\nleft out: rule-1",
    );
    refused(
        "sel:\n    a: [b, [c]]\ncondition: sel",
        "a.yml:6:16: field \"a\" has a list among its values (values are text or numbers)\nleft out: rule-1",
    );
    refused(
        "sel: [null]\ncondition: sel",
        "a.yml:5:11: keywords: null is no keyword (write the text to search for)\nleft out: rule-1",
    );
    refused(
        "sel:\n    '': x\ncondition: sel",
        "a.yml:6:9: a field without a name (name the field, or write '|all' for keywords)\nleft out: rule-1",
    );
    refused(
        "sel:\n    'a |contains': x\ncondition: sel",
        "a.yml:6:9: field \"a \" has space around it (remove it)\nleft out: rule-1",
    );
    refused(
        "sel:\n    '|exists': true\ncondition: sel",
        "a.yml:6:9: \"|exists\" needs a field\nleft out: rule-1",
    );
    refused(
        "'a b': {x: 1}\ncondition: 1 of them",
        "a.yml:5:5: selection name \"a b\" cannot be used in a condition (names are made of letters, digits, _, - and .)\nleft out: rule-1",
    );
    refused(
        "a: {x: 1}\nb: {x: 2}\ncondition: a",
        "a.yml:6:5: warning: selection \"b\" is not used by the condition",
    );
    refused("a: {x: 1}", "a.yml:5:5: missing \"condition\"\nleft out: rule-1");
    refused(
        "a: {x: 1}\nconditon: a",
        "a.yml:6:5: missing \"condition\" (\"conditon\" is read as a selection)\nleft out: rule-1",
    );
    refused(
        "a: {x: 1}\ntimeframe: 5m\ncondition: a",
        "a.yml:6:5: warning: \"timeframe\" is not looked at: the condition counts nothing (to count events, use a correlation document)",
    );
    refused(
        "a: {x: 1}\nb: {x: 2}\ncondition: a || b",
        "a.yml:7:16: the condition has an unexpected \"||\" (write or)\nleft out: rule-1",
    );
    refused("a: {x: 1}\ncondition: []", "a.yml:6:16: the condition is empty\nleft out: rule-1");
    refused("a: {x: 1}\ncondition: ''", "a.yml:6:16: the condition is empty\nleft out: rule-1");
    refused(
        "a: {x: 1}\ncondition: {a: b}",
        "a.yml:6:16: condition: expected text, found a mapping\nleft out: rule-1",
    );
    refused(
        "a: {x: 1}\ncondition: a and selction",
        "a.yml:6:16: the condition names an unknown selection \"selction\" (selections: a)\nleft out: rule-1",
    );
}

#[test]
fn all_errors_of_a_rule_are_told_at_once() {
    refused(
        "sel:\n    a|contians: x\n    b|re: '('\n    c: 1\n    c: 2\ncondition: slel",
        "a.yml:6:9: unknown modifier \"contians\" (did you mean \"contains\"?)\n\
         a.yml:7:15: b|re: the regular expression does not compile: unclosed group\n\
         a.yml:9:9: key \"c\" stands twice in this mapping, first on line 8 (remove one; join values in a list)\n\
         a.yml:10:16: the condition names an unknown selection \"slel\" (did you mean \"sel\"?)\n\
         left out: rule-1",
    );
}
