//! Values and modifiers to tests.

use super::{reading, rule, show_search, told};
use crate::sigma::ast::Search;

/// One line of a selection, and what it becomes.
#[track_caller]
fn check(line: &str, expected: &str) {
    let text = rule(&format!("sel:\n    {line}\ncondition: sel"));
    let reading = reading(&[("a.yml", &text)]);
    let problems: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    let found = match reading.rules.first().map(|rule| &rule.detection.selections[0].search) {
        Some(Search::All(parts)) => parts.iter().map(show_search).collect::<Vec<_>>().join("; "),
        Some(other) => show_search(other),
        None => problems.join("\n"),
    };
    assert_eq!(found, expected, "{line}\n{problems:?}");
}

/// One line of a selection, and the problem that it has (without place and key).
#[track_caller]
fn refused(line: &str, expected: &str) {
    let text = rule(&format!("sel:\n    {line}\ncondition: sel"));
    let told = told(&[("a.yml", &text)]);
    let message = told.lines().next().unwrap_or_default();
    let message = message.splitn(4, ':').nth(3).unwrap_or_default().trim();
    assert_eq!(message, expected, "{line}");
}

#[test]
fn plain_values_keep_their_type() {
    check("f: text", "f = 'text'");
    check("f: 5", "f = Integer(5)");
    check("f: '5'", "f = '5'");
    check("f: -5", "f = Integer(-5)");
    check("f: 1.5", "f = Float(1.5)");
    check("f: 1.10", "f = any(Float(1.1) '1.10')");
    check("f: 012345678901", "f = any(Integer(12345678901) '012345678901')");
    check("f: 0x1F", "f = any(Integer(31) '0x1F')");
    check("f: .inf", "f = '.inf'");
    check("f: true", "f = true");
    check("f: 'true'", "f = 'true'");
    check("f: no", "f = 'no'");
    check("f: null", "f = null");
    check("f: ~", "f = null");
    check("f:", "f = null");
    check("f: ''", "f = ''");
    check("f: [a, 5, null, true, '']", "f = 'a' | Integer(5) | null | true | ''");
    check("f.g[].h: x", "f.g[].h = 'x'");
    check("f: 'a*b?c'", "f = 'a*b?c'");
    check(r"f: 'a\*b\\*'", r"f = 'a\*b\*'");
    check("f: '*'", "f = '*'");
}

#[test]
fn text_modifiers_open_the_ends() {
    check("f|contains: a", "f = '*a*'");
    check("f|startswith: a", "f = 'a*'");
    check("f|endswith: a", "f = '*a'");
    check("f|contains: '*a'", "f = '*a*'");
    check("f|contains: 'a*b'", "f = '*a*b*'");
    check("f|startswith: 5", "f = '5*'");
    check("f|contains: 1.10", "f = '*1.10*'");
    check("f|contains: true", "f = '*true*'");
    check("f|contains|all: [a, b]", "f = '*a*' & '*b*'");
    check("f|all|contains: [a, b]", "f = '*a*' & '*b*'");
    check("f|cased: A", "f = cased 'A'");
    check("f|contains|cased: A", "f = cased '*A*'");
    check("f|cased|contains: A", "f = cased '*A*'");
    check("f|neq: A", "not f = 'A'");
    check("f|neq: [1, b]", "not f = Integer(1) | 'b'");
    check("f|contains|neq: a", "not f = '*a*'");
    check("f|neq: null", "not f = null");
    check("f|cased: 5", "f = Integer(5)");
}

#[test]
fn encodings_apply_in_written_order() {
    check("f|base64: foo", "f = 'Zm9v'");
    check("f|base64: 'a\\*'", "f = 'YSo='");
    check("f|base64|contains: foo", "f = '*Zm9v*'");
    check("f|base64offset|contains: foo", "f = any('*Zm9v*' '*Zvb*' '*mb2*')");
    check("f|wide|base64: a", "f = 'YQA='");
    check("f|utf16le|base64: a", "f = 'YQA='");
    check("f|utf16be|base64: a", "f = 'AGE='");
    check("f|utf16|base64: a", "f = '//5hAA=='");
    check("f|utf16le|base64offset|contains: ab", "f = any('*YQBiA*' '*EAYg*' '*hAGIA*')");
    check("f|wide: ab", "f = 'a\0b\0'");
    check("f|wide|contains: a", "f = '*a\0*'");
    check("f|base64|cased: foo", "f = cased 'Zm9v'");
    check("f|base64: 5", "f = 'NQ=='");
    check(
        "f|windash|contains: -e",
        "f = any('*-e*' '*/e*' '*\u{2013}e*' '*\u{2014}e*' '*\u{2015}e*')",
    );
    check(
        "f|contains|windash: ' /e'",
        "f = any('* -e*' '* /e*' '* \u{2013}e*' '* \u{2014}e*' '* \u{2015}e*')",
    );
    check("f|windash: a-b", "f = 'a-b'");
    refused(
        "f|utf16: a",
        "f|utf16: this value in UTF-16 is no text that a record can hold (follow it with base64 or base64offset)",
    );
    refused(
        "f|base64: 'a*'",
        "f|base64: \"base64\" cannot encode a wildcard (escape it with \\, or write contains and its like last)",
    );
    refused(
        "f|contains|base64: a",
        "f|contains|base64: \"base64\" cannot encode a wildcard (escape it with \\, or write contains and its like last)",
    );
    refused(
        "f|wide: 'a?'",
        "f|wide: \"utf16\" cannot encode a wildcard (escape it with \\, or write contains and its like last)",
    );
    refused(
        "f|base64offset|contains: a",
        "f|base64offset|contains: \"base64offset\" needs a value of two bytes or more",
    );
    refused(
        "f|windash: '-a -b -c -d -e'",
        "f|windash: \"windash\" varies at most 4 flags in a value (split the value in a list with |all)",
    );
}

#[test]
fn placeholders_are_expanded_where_asked() {
    check("f: '%two%'", "f = '%two%'");
    check("f|expand: '%two%'", r"f = any('a*' 'b\*')");
    check("f|expand: 'x-%two%'", r"f = any('x-a*' 'x-b\*')");
    check(r"f|expand: '\%two%'", "f = '%two%'");
    check("f|expand|contains: '%two%'", r"f = any('*a*' '*b\**')");
    check("f|contains|expand: '%two%'", r"f = any('*a*' '*b\**')");
    check("f|cidr|expand: '%nets%'", "f = 10.0.0.0/8");
    refused(
        "f|expand: '%no%'",
        "f|expand: no values are given for the placeholder %no% (give them with --placeholders FILE)",
    );
    refused("f|base64|expand: '%two%'", "\"expand\" must stand before what changes the value");
    refused(
        "f|expand|base64: '%two%'",
        "f|expand|base64: \"base64\" cannot encode a wildcard (escape it with \\, or write contains and its like last)",
    );
}

#[test]
fn other_kinds_of_tests() {
    check("f|re: '^a.*b$'", "f = /^a.*b$/");
    check("f|re|i: a", "f = /a/i");
    check("f|re|i|m|s: a", "f = /a/ims");
    check("f|re|all: [a, b]", "f = /a/ & /b/");
    check("f|neq|re: a", "not f = /a/");
    check("f|re: 5", "f = /5/");
    check(r"f|re: 'a\*\\'", r"f = /a\*\\/");
    check("f|cidr: [10.0.0.0/8, '2001:db8::/32']", "f = 10.0.0.0/8 | 2001:db8::/32");
    check("f|cidr|neq: 10.0.0.0/8", "not f = 10.0.0.0/8");
    check("f|exists: true", "f = exists true");
    check("f|exists: false", "f = exists false");
    check("f|lt: 5", "f = Less Integer(5)");
    check("f|lte: 5.5", "f = LessOrEqual Float(5.5)");
    check("f|gt: '5'", "f = Greater Integer(5)");
    check("f|gte: -1", "f = GreaterOrEqual Integer(-1)");
    check("f|fieldref: g.h", "f = Whole g.h");
    check("f|fieldref|startswith: g", "f = Start g");
    check("f|endswith|fieldref|cased: g", "f = cased End g");
    check("f|fieldref|contains|neq: g", "not f = Anywhere g");
    check("f|minute: 5", "f = Minute Equal Integer(5)");
    check("f|hour|gte: 22", "f = Hour GreaterOrEqual Integer(22)");
    check("f|day: [1, 15]", "f = Day Equal Integer(1) | Day Equal Integer(15)");
    check("f|week|lt: 10", "f = Week Less Integer(10)");
    check("f|month|neq: 12", "not f = Month Equal Integer(12)");
    check("f|year|lte: 2024", "f = Year LessOrEqual Integer(2024)");
}

#[test]
fn impossible_chains_are_refused_by_name() {
    refused("f|contians: a", "unknown modifier \"contians\" (did you mean \"contains\"?)");
    refused("f|Contains: a", "unknown modifier \"Contains\" (did you mean \"contains\"?)");
    refused("f|regex: a", "unknown modifier \"regex\" (Sigma writes \"re\")");
    refused("f|not: a", "unknown modifier \"not\" (Sigma writes \"neq\")");
    refused("f|sounds: a", "unknown modifier \"sounds\" (docs/rules.md lists them)");
    refused("f|notcontains: a", "unknown modifier \"notcontains\" (write contains|neq)");
    refused("f|not_in: a", "unknown modifier \"not_in\" (docs/rules.md lists them)");
    refused(
        "f|contains|any: a",
        "unknown modifier \"any\" (remove it: one value of a list is enough)",
    );
    refused("f|: a", "empty modifier (remove the |)");
    refused("f|contains|contains: a", "modifier \"contains\" is written twice");
    refused("f|wide|utf16le: a", "modifier \"utf16le\" is written twice");
    refused(
        "f|contains|startswith: a",
        "\"startswith\" cannot be combined with another of contains, startswith, endswith",
    );
    refused(
        "f|re|contains: a",
        "\"contains\" cannot be combined with \"re\": a regular expression is sought anywhere; use ^ and $",
    );
    refused(
        "f|contains|re: a",
        "\"contains\" cannot be combined with \"re\": a regular expression is sought anywhere; use ^ and $",
    );
    refused(
        "f|re|cased: a",
        "\"cased\" cannot be combined with \"re\": a regular expression is case-sensitive unless i is given",
    );
    refused(
        "f|re|base64: a",
        "\"base64\" cannot be combined with \"re\": the value of re is taken as it is written",
    );
    refused("f|i|re: a", "\"i\" is a flag of \"re\" and must follow it (write re|i)");
    refused("f|i: a", "\"i\" is a flag of \"re\" and must follow it (write re|i)");
    refused(
        "f|cidr|contains: a",
        "\"contains\" cannot be combined with \"cidr\": an address is in the network or not, its text is not looked at",
    );
    refused("f|cidr|re: a", "\"re\" cannot be combined with \"cidr\"");
    refused(
        "f|exists|neq: true",
        "\"neq\" cannot be combined with \"exists\": write exists: false",
    );
    refused(
        "f|exists: 'true'",
        "f|exists: \"exists\" takes true or false, found \"true\" (write it without quotes)",
    );
    refused(
        "f|exists: yes",
        "f|exists: \"exists\" takes true or false, found \"yes\" (write true)",
    );
    refused(
        "f|exists: 1",
        "f|exists: \"exists\" takes true or false, found \"1\" (true: the field is there, false: it is not)",
    );
    refused("f|exists: [true, false]", "\"f|exists\" takes one value, true or false");
    refused("f|lt: abc", "f|lt: \"abc\" is no number");
    refused("f|lt: true", "f|lt: \"true\" is no number");
    refused(
        "f|lt|contains: 5",
        "\"contains\" cannot be combined with a comparison: numbers are compared, not text",
    );
    refused(
        "f|lt|neq: 5",
        "\"neq\" cannot be combined with a comparison: write the opposite comparison",
    );
    refused("f|lt|gt: 5", "\"gt\" cannot be combined with \"lt\"");
    refused("f|lt|hour: 5", "\"hour\" must stand before the comparison");
    refused("f|hour: 24", "f|hour: 24 never matches: it is 0 to 23");
    refused("f|hour|minute: 1", "\"minute\" cannot be combined with \"hour\"");
    refused(
        "f|hour|contains: 1",
        "\"contains\" cannot be combined with a part of a time: numbers are compared, not text",
    );
    refused("f|hour: 1.5", "f|hour: a part of a time is a whole number");
    refused("f|fieldref: ''", "f|fieldref: \"fieldref\" takes the name of a field");
    refused(
        "f|fieldref|base64: g",
        "\"base64\" cannot be combined with \"fieldref\": the value is the name of a field",
    );
    refused(
        "f|contains: null",
        "f|contains: null has no text for \"contains\" (write '' for the empty text, or null without the modifier)",
    );
    refused("f|re: null", "f|re: null has no text to compare");
    refused(
        "f|cidr: 10.0.0.1/8",
        "f|cidr: \"10.0.0.1/8\" has bits set behind its prefix (write 10.0.0.0/8)",
    );
    refused(
        "f|re: '(?!a)b'",
        "f|re: look-around is not supported: write a second selection and negate it in the condition",
    );
    refused("f|re: 'a('", "f|re: the regular expression does not compile: unclosed group");
}

#[test]
fn suspicious_values_are_warned_about() {
    refused(
        "f|contains|all: a",
        "warning: \"f|contains|all\" has one value, \"all\" is idle (remove |all, or give a list)",
    );
    refused(
        "f|contains: ''",
        "warning: f|contains: matches every text (for \"is there\" write exists: true)",
    );
    refused("f|re: ''", "warning: f|re: matches every text");
    refused("f|expand: abc", "warning: f|expand: \"abc\" has no placeholder to expand");
    refused(
        "f|base64offset: foo",
        "warning: f|base64offset: \"base64offset\" without \"contains\" compares whole values (write base64offset|contains)",
    );
}
