//! Cutting: every kind of file, in windows of every size.

use super::*;

/// Cuts `text` given in windows that grow by `size` bytes, and writes what comes in one line.
fn pieces(text: &[u8], size: usize) -> String {
    let mut splitter = Splitter::new(Structure::new());
    let mut window = Vec::new();
    let mut given = 0;
    let mut out = String::new();
    loop {
        let is_last = given == text.len();
        match splitter.next(&window, is_last) {
            Step::End => return out.trim_end().to_owned(),
            Step::More => {
                assert!(!is_last, "asks for more at the end");
                window.drain(..splitter.keep_from());
                splitter.rebase();
                let upto = text.len().min(given + size);
                window.extend_from_slice(&text[given..upto]);
                given = upto;
            }
            Step::Piece(piece) => {
                let show = |range: &std::ops::Range<usize>| {
                    String::from_utf8_lossy(&window[range.clone()]).into_owned()
                };
                out.push_str(&match piece {
                    Piece::Record { range, .. } => show(&range),
                    Piece::Quoted(range) => format!("q<{}>", show(&range)),
                    Piece::Dropped(drop) => format!("dropped:{}", drop.name()),
                    Piece::Odd(odd) => format!("odd:{}", odd.name()),
                    Piece::Rejected(reason, _) => format!("rejected:{reason}"),
                });
                out.push(' ');
            }
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    for size in [1 << 20, 64, 7, 1] {
        assert_eq!(pieces(text.as_bytes(), size), expected, "in windows of {size}");
    }
}

#[test]
fn files_of_records_are_cut() {
    check(r#"{"Records":[{"a":1},{"b":"}"}]}"#, r#"{"a":1} {"b":"}"}"#);
    check("\u{feff}{\n \"Records\" : [\n {\"a\":1} ,\n{\"b\":2}\n]\n}\n", r#"{"a":1} {"b":2}"#);
    check(r#"{"v":[1,{"x":"Records"}],"n":null,"Records":[{"a":1}],"t":{}}"#, r#"{"a":1}"#);
    check(r#"{"Records":[{"a":1}],"Records":[{"b":1}]}"#, r#"{"a":1} {"b":1}"#);
    check(r#"{"Records":[]}"#, "odd:records_empty");
    check(r#"{"Records":null}"#, "odd:records_null");
    check(r#"{"Records":[{"a":1}]}{"Records":[{"b":1}]}"#, r#"{"a":1} {"b":1}"#);
}

#[test]
fn lines_lists_and_bare_events_are_cut() {
    check("{\"a\":1}\n{\"b\":2}\n", r#"{"a":1} {"b":2}"#);
    check(
        "{\"eventVersion\":1}\r\n\n{\"eventVersion\":2}",
        r#"{"eventVersion":1} {"eventVersion":2}"#,
    );
    check(r#"[{"a":1},{"b":2}]"#, r#"{"a":1} {"b":2}"#);
    check(r#"[{"Records":[{"a":1}]},{"b":2}]"#, r#"{"a":1} {"b":2}"#);
    check("{\"Records\":[{\"a\":1}]}\n{\"b\":2}", r#"{"a":1} {"b":2}"#);
    check(" {\n\"a\": {\"b\": []}} ", "{\n\"a\": {\"b\": []}}");
    check("[]", "odd:records_empty");
    check("", "");
}

#[test]
fn envelopes_are_opened() {
    check(
        r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{"a":{}},"x":1}"#,
        r#"{"a":{}}"#,
    );
    check(r#"{"detail":{"a":1}}"#, r#"{"detail":{"a":1}}"#);
    check(
        r#"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"a\":1}"},{"id":"2"}]}"#,
        r#"q<{\"a\":1}> dropped:not_cloudtrail"#,
    );
    check(
        r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#,
        "dropped:control_message",
    );
    check(r#"{"Events":[{"EventId":"1","CloudTrailEvent":"{}"}],"NextToken":"x"}"#, "q<{}>");
    check(r#"{"awsAccountId":"1","digestStartTime":"x","logFiles":[{"a":1}]}"#, "dropped:digest");
}

#[test]
fn damage_is_told_and_the_rest_read() {
    check(r#"{"Records":[{"a":1},{"b":"#, r#"{"a":1} rejected:cut_json"#);
    check(r#"{"Records":[{"a":1}"#, r#"{"a":1} rejected:cut_json"#);
    check(r#"{"Records":[{"a":1}]"#, r#"{"a":1} rejected:cut_json"#);
    check(
        r#"{"Records":[1,"}",null,[{}],{"a":1}]}"#,
        r#"rejected:not_object rejected:not_object rejected:not_object rejected:not_object {"a":1}"#,
    );
    check("not json\nat all\n", "rejected:not_json");
    check("{\"a\":1}\ngarbage {\n{\"b\":1}\n", r#"{"a":1} rejected:not_json {"b":1}"#);
    check("{\"a\":", "rejected:cut_json");
    let deep = format!(
        "{{\"Records\":[{{\"x\":{}{}}},{{\"a\":1}}]}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    check(&deep, r#"rejected:too_deep {"a":1}"#);
}

#[test]
fn what_begins_anew_behind_a_cut_is_read() {
    // Lines, and files one behind the other on one line, as `zcat` gives them.
    check("{\"a\":{\n{\"b\":1}\n{\"c\":1}", r#"rejected:cut_json {"b":1} {"c":1}"#);
    check("{\"a\":\"x\n{\"b\":1}\n{\"c\":1}", r#"rejected:cut_json {"b":1} {"c":1}"#);
    check(
        "{\"a\":{\r\n{\"b\":1}\r\n{\"c\":\r\n{\"d\":1}\r\n",
        r#"rejected:cut_json {"b":1} rejected:cut_json {"d":1}"#,
    );
    let next = r#"{"Records":[{"b":1},{"c":1}]}{"Records":[{"d":1}]}"#;
    for (cut, kept) in [
        (r#"{"Rec"#, ""),
        (r#"{"Records":["#, ""),
        (r#"{"Records":[{"a":1},{"x":"y"#, r#"{"a":1} "#),
        (r#"{"Records":[{"a":1},"#, r#"{"a":1} "#),
        (r#"{"Records":[{"a":1}"#, r#"{"a":1} "#),
        (r#"{"Records":[{"a":1}]"#, r#"{"a":1} "#),
    ] {
        let expected = format!(r#"{kept}rejected:cut_json {{"b":1}} {{"c":1}} {{"d":1}}"#);
        check(&format!("{cut}{next}"), &expected);
    }
    check(
        "{\"Records\":[\n{\"a\":1},\n{\"b\":[[[,\n{\"c\":1},\n{\"d\":1}\n]}\n{\"e\":1}",
        r#"{"a":1} rejected:cut_json {"c":1} {"d":1} {"e":1}"#,
    );
}

#[test]
fn what_begins_anew_within_what_is_passed_over_is_read() {
    for lead in 0..140 {
        for next in [r#"{"Records":[{"a":1}]}"#, "\n{\"a\":1}"] {
            let text = format!("[[\"{}{next}", "x".repeat(lead));
            for size in 1..70 {
                let found = pieces(text.as_bytes(), size);
                let expected = r#"rejected:not_object rejected:cut_json {"a":1}"#;
                assert_eq!(found, expected, "{lead} bytes before it, in windows of {size}");
            }
        }
    }
}

#[test]
fn many_cut_lines_hide_no_other_and_take_no_longer() {
    let cut = r#"{"eventVersion":"1","x":{"#;
    let text = format!("{cut}\n{{\"a\":1}}\n").repeat(20_000);
    for size in [64 << 20, 100_000] {
        let found = pieces(text.as_bytes(), size);
        assert_eq!(found.matches(r#"{"a":1}"#).count(), 20_000, "in windows of {size}");
    }
    let large = format!("{{\"x\":\"{}\n{{\"a\":1}}", "y".repeat(2 * MAX_RECORD));
    for size in [64 << 20, 1 << 20] {
        let found = pieces(large.as_bytes(), size);
        assert!(found.ends_with(r#"rejected:cut_json {"a":1}"#), "{found}");
    }
}

#[test]
fn nothing_is_cut_at_lines_where_values_end_as_they_should() {
    let record = "{\n\"items\": [\n{\n\"x\": 1\n}\n]\n}";
    let deep = format!("{{\n\"x\":{}{}\n}}", "[".repeat(300), "]".repeat(300));
    check(
        &format!("{{\"Records\": [\n{record},\n{deep},\n{record}\n]}}\n"),
        &format!("{record} rejected:too_deep {record}"),
    );
}

#[test]
fn a_record_over_the_cap_is_passed_over() {
    let large =
        format!("{{\"Records\":[{{\"x\":\"{}\"}},{{\"a\":1}}]}}", "y".repeat(MAX_RECORD + 9));
    for size in [64 << 20, 1 << 20, 100_000] {
        assert_eq!(pieces(large.as_bytes(), size), r#"rejected:too_large {"a":1}"#);
    }
    let bare = format!("{{\"x\":\"{}\"}}\n{{\"a\":1}}", "y".repeat(2 * MAX_RECORD));
    assert_eq!(pieces(bare.as_bytes(), 1 << 20), r#"rejected:too_large {"a":1}"#);
}
