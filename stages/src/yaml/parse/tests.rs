//! Tests of reading YAML text.

use super::*;
use crate::yaml::Kind;

/// A tree in one line: quoted text in quotes, plain scalars bare.
fn show(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(text) if text.is_plain => text.text.clone(),
        Kind::Scalar(text) => format!("{:?}", text.text),
        Kind::Sequence(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Kind::Mapping(mapping) => {
            let pairs = mapping.entries.iter();
            let pairs = pairs.map(|entry| format!("{}: {}", entry.key, show(&entry.value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// All documents and all faults of a text, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let stream = parse(text);
    let mut found = Vec::new();
    for document in &stream.documents {
        found.push(show(&document.root));
        found.extend(document.faults.iter().map(ToString::to_string));
    }
    found.extend(stream.faults.iter().map(ToString::to_string));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn documents_become_trees() {
    check(
        "a: 1\nb:\n  - x\n  - 'y'\nc: {d: [1, \"2\"]}\n",
        &["{a: 1, b: [x, \"y\"], c: {d: [1, \"2\"]}}"],
    );
    check("--- 1\n--- 2\n...\n", &["1", "2"]);
    check("{\"a\": [true, null, 1.10]}", &["{a: [true, null, 1.10]}"]);
    check(
        "a: |\n  two\n  lines\nb: >-\n  folded\n  text\n",
        &["{a: \"two\\nlines\\n\", b: \"folded text\"}"],
    );
    check("\u{feff}a: b\r\nc: d\r\n", &["{a: b, c: d}"]);
    check("a:\nb: ~\n", &["{a: , b: ~}"]);
    check("", &[]);
    check("# only a comment\n", &[]);
    check("a: !!str 5\n", &["{a: \"5\"}"]);
    check("'|all': [a]\n", &["{|all: [a]}"]);
}

#[test]
fn positions_are_of_lines_and_columns_from_one() {
    let root = parse_one("title: x\ndetection:\n    日本: \n      - 'é': 1\n").unwrap();
    let detection = root.as_mapping().unwrap().entry("detection").unwrap();
    assert_eq!(detection.key_position, Position { line: 2, column: 1 });
    let inner = &detection.value.as_mapping().unwrap().entries[0];
    assert_eq!(inner.key_position, Position { line: 3, column: 5 });
    let item = &inner.value.as_sequence().unwrap()[0];
    let entry = &item.as_mapping().unwrap().entries[0];
    assert_eq!(entry.key_position, Position { line: 4, column: 9 });
    assert_eq!(entry.value.position, Position { line: 4, column: 14 });
}

#[test]
fn a_key_stands_once() {
    check(
        "a: 1\nb: 2\na: 3\n",
        &[
            "{a: 1, b: 2}",
            "3:1: key \"a\" stands twice in this mapping, first on line 1 (remove one; join values in a list)",
        ],
    );
    check("? [a]\n: 1\n", &["{: 1}", "1:3: a key must be text"]);
}

#[test]
fn aliases_and_merges_are_copied_within_bounds() {
    check("a: &x [1, 2]\nb: *x\n", &["{a: [1, 2], b: [1, 2]}"]);
    check(
        "base: &b {x: 1, y: 2}\nmore: &m {z: 3}\nc:\n  <<: [*b, *m]\n  y: 9\n",
        &["{base: {x: 1, y: 2}, more: {z: 3}, c: {y: 9, x: 1, z: 3}}"],
    );
    check("a:\n  <<: 5\n", &["{a: {}}", "2:7: only mappings can be merged with <<"]);
    check("a: &x [*x]\n", &["{a: []}", "1:8: alias to an anchor that is not complete here"]);
}

#[test]
fn bombs_are_refused() {
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let last = format!("*a{}", level - 1);
        let list = vec![last; 10].join(",");
        laughs.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let stream = parse(&laughs);
    assert!(stream.documents.is_empty());
    assert!(stream.faults[0].message.contains("more than 250000 nodes"), "{:?}", stream.faults);

    let mut texts = format!("a: &a '{}'\nb:\n", "x".repeat(1 << 20));
    texts.push_str(&"  - *a\n".repeat(10_000));
    assert!(parse(&texts).faults[0].message.contains("nodes in one file"));

    check(&"[".repeat(65), &["1:65: nested deeper than 64 levels"]);
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..40 {
        deep.push_str(&format!("a{level}: &a{level} [[*a{}]]\n", level - 1));
    }
    assert!(parse(&deep).faults[0].message.contains("nested deeper"));

    let large = "a".repeat(MAX_TEXT_BYTES + 1);
    check(&large, &["1:1: file of 4194305 bytes, at most 4194304 are read"]);
}

#[test]
fn reading_goes_on_after_a_syntax_error() {
    check(
        "a: 1\n---\nb: [1\n---\nc: 3\n--- {d\n---\ne: 5\n",
        &[
            "{a: 1}",
            "{c: 3}",
            "{e: 5}",
            "4:1: not valid YAML: while parsing a flow sequence, expected ',' or ']'",
            "7:1: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'",
        ],
    );
    check(
        "a: b: c\n",
        &[
            "1:5: not valid YAML: mapping values are not allowed in this context (quote a text that holds \": \", and check the indentation)",
        ],
    );
    check(
        "a: *b\n",
        &[
            "1:4: not valid YAML: while parsing node, found unknown anchor (quote a text that begins with *)",
        ],
    );
    check(
        "a: %b%\n",
        &[
            "1:4: not valid YAML: unexpected character: `%' (quote a text that begins with %, @ or `)",
        ],
    );
    check(
        "a: 'it's'\n",
        &[
            "1:8: not valid YAML: invalid trailing content after double-quoted scalar (a ' within single quotes is written twice)",
        ],
    );
    check(
        "a: \"C:\\Windows\"\n",
        &[
            "1:4: not valid YAML: while parsing a quoted scalar, found unknown escape character (a \\ in double quotes begins an escape: use single quotes)",
        ],
    );
    check(
        "a: 'x\0y'\n",
        &["1:6: control character U+0000 (write it as an escape in double quotes)"],
    );
    check("a: \"x\\0y\"\n", &["{a: \"x\\0y\"}"]);
    check(
        "a: !x 5\n",
        &["{a: 5}", "1:4: tag !x is not supported (remove it; quote what shall be text)"],
    );
}

#[test]
fn one_document_is_asked_for_and_got() {
    let faults = |text: &str| {
        let faults = parse_one(text).unwrap_err();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(faults(""), ["1:1: nothing is written here"]);
    assert_eq!(faults("a: 1\n---\nb: 2\n"), ["3:1: a second document where one is expected"]);
    assert_eq!(faults("a: 1\na: 2\n").len(), 1);
    assert_eq!(show(&parse_one("a: 1\n").unwrap()), "{a: 1}");
}

#[test]
fn nodes_tell_what_they_are_asked_for() {
    let root = parse_one("n: 5\nt: no\nb: true\nl: [a, 1.10]\nz:\nm: {x: 1}\n").unwrap();
    let mapping = root.mapping().unwrap();
    let get = |key: &str| mapping.get(key).unwrap();
    assert_eq!(get("n").integer(), Ok(5));
    assert_eq!(get("t").text(), Ok("no"));
    assert_eq!(get("b").boolean(), Ok(true));
    assert_eq!(get("l").texts().unwrap(), ["a", "1.10"]);
    assert_eq!(get("t").texts().unwrap(), ["no"]);
    assert_eq!(get("z").texts().unwrap(), Vec::<String>::new());
    assert!(mapping.get_some("z").is_none());
    let fault = |result: Fault| result.to_string();
    assert_eq!(fault(get("z").text().unwrap_err()), "5:2: expected text, found nothing");
    assert_eq!(fault(get("l").text().unwrap_err()), "4:4: expected text, found a list");
    assert_eq!(
        fault(get("n").boolean().unwrap_err()),
        "1:4: expected true or false, found a number"
    );
    assert_eq!(fault(get("t").integer().unwrap_err()), "2:4: expected a whole number, found text");
    assert_eq!(fault(get("b").mapping().unwrap_err()), "3:4: expected a mapping, found a boolean");
    assert_eq!(root.size(), 10);
}

#[test]
fn unknown_keys_come_with_the_nearest() {
    let root = parse_one("brokers: 1\nqeueu: 2\n").unwrap();
    let faults = root.mapping().unwrap().unknown_keys(&["queue", "region"]);
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "1:1: unknown key \"brokers\" (known keys: queue, region)",
            "2:1: unknown key \"qeueu\" (did you mean \"queue\"?)",
        ]
    );
    let misses = root.mapping().unwrap().near_misses(&["queue", "region"]);
    assert_eq!(misses.len(), 1);
}
