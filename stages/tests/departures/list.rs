//! The departures.

use askance_stages::matcher::Tri::{False, True, Unknown};
use serde_json::Value;

use super::look::{
    found, has_other_dash, has_wildcard, is_between_texts, leads_over_dots, leaves,
    stands_in_scalar, texts,
};
use super::{Departure, Example};

/// All of them.
pub const DEPARTURES: &[Departure] = &[
    Departure {
        name: "keywords with all",
        reason: "each keyword is sought anywhere in the event (Modifiers, `all`; Detection, lists \
                 of keywords); rsigma wants one value that equals them all",
        may_show: |case| {
            case.items.iter().any(|item| item.field.is_empty() && !item.modifiers.is_empty())
        },
        example: Example {
            selection: "{'|all': [Stop, Kick]}",
            record: r#"{"a":"Stop it","b":"Kick it"}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "keywords in numbers and booleans",
        reason: "keywords are sought in the log as it stands (Detection, lists); rsigma looks at \
                 strings only",
        may_show: |case| {
            case.items
                .iter()
                .filter(|item| item.field.is_empty())
                .any(|item| stands_in_scalar(item, case))
        },
        example: Example {
            selection: "[22]",
            record: r#"{"port":22}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "wildcards with startswith and endswith",
        reason: "the modifier puts one `*` at the other end (Modifiers, `startswith`); rsigma \
                 forgets to anchor this one",
        may_show: |case| {
            case.items
                .iter()
                .any(|item| (item.has("startswith") || item.has("endswith")) && has_wildcard(item))
        },
        example: Example {
            selection: "{a|startswith: 'S*p'}",
            record: r#"{"a":"no Stop"}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "wildcards over line breaks",
        reason: "`*` and `?` stand for any characters (Values, wildcards); rsigma's stop at a line \
                 break",
        may_show: |case| {
            case.items.iter().any(|item| {
                has_wildcard(item)
                    && !item.has("re")
                    && texts(item, case).iter().any(|text| text.contains('\n'))
            })
        },
        example: Example {
            selection: "{a: 'x*y'}",
            record: r#"{"a":"x\ny"}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "exists on null",
        reason: "the field is in the event (Modifiers, `exists`); for its value there is `null`",
        may_show: |case| {
            case.items
                .iter()
                .any(|item| item.has("exists") && found(item, case).contains(&&Value::Null))
        },
        example: Example {
            selection: "{a|exists: true}",
            record: r#"{"a":null}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "last character of base64offset",
        reason: "a character whose bits come partly from what follows is not certain (Modifiers, \
                 `base64offset`); rsigma keeps it and misses values",
        may_show: |case| case.items.iter().any(|item| item.has("base64offset")),
        example: Example {
            // Base64 of "Stopx": the last character of "Stop" alone would be A.
            selection: "{a|base64offset|contains: Stop}",
            record: r#"{"a":"U3RvcHg="}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "whole floats as text",
        reason: "a float is compared with text as JSON writes it: 5.0 is not the text 5",
        may_show: |case| {
            let is_whole_float = |value: &&Value| {
                value.is_f64() && value.as_f64().is_some_and(|number| number.fract() == 0.0)
            };
            case.items.iter().any(|item| found(item, case).iter().any(is_whole_float))
        },
        example: Example {
            selection: "{a: \"5\"}",
            record: r#"{"a":5.0}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "integers past 2^53",
        reason: "numbers are compared as numbers (Values); rsigma rounds them to floats",
        may_show: |case| {
            let is_large =
                |value: &&Value| value.as_i64().is_some_and(|n| n.unsigned_abs() > 1 << 53);
            case.items.iter().any(|item| {
                item.values.iter().any(|value| is_large(&value))
                    || found(item, case).iter().any(is_large)
            })
        },
        example: Example {
            selection: "{a: 9007199254740993}",
            record: r#"{"a":9007199254740992}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "which dashes windash varies",
        reason: "dashes that begin a flag, `/` included (Modifiers, `windash`: \"all permutations \
                 of - / – — ―\"); rsigma varies each `-` and nothing else",
        may_show: |case| {
            case.items.iter().any(|item| {
                item.has("windash")
                    && item.values.iter().filter_map(Value::as_str).any(has_other_dash)
            })
        },
        example: Example {
            selection: "{a|windash: /c}",
            record: r#"{"a":"-c"}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "booleans by other words",
        reason: "a boolean equals a boolean or its name (Values); `1` and `yes` are other values",
        may_show: |case| {
            case.items.iter().any(|item| {
                item.values.iter().any(Value::is_boolean)
                    && texts(item, case).iter().any(|text| ["1", "0", "yes", "no"].contains(text))
            })
        },
        example: Example {
            selection: "{a: true}",
            record: r#"{"a":"yes"}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "booleans with a text modifier",
        reason: "the modifier makes text of the value (Modifiers, `contains`); rsigma drops it",
        may_show: |case| {
            case.items
                .iter()
                .any(|item| item.has("contains") && item.values.iter().any(Value::is_boolean))
        },
        example: Example {
            selection: "{a|contains: true}",
            record: r#"{"a":"so true"}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "neq on a missing field",
        reason: "`neq` is the item negated (Modifiers, `neq`), as pySigma's NOT; rsigma lets no \
                 item hold without its field",
        may_show: |case| {
            case.items.iter().any(|item| item.has("neq") && found(item, case).is_empty())
        },
        example: Example {
            selection: "{a|neq: x}",
            record: r#"{"b":1}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "text patterns on objects",
        reason: "rules are written for systems that hold an object as one string, so it is sought \
                 in its JSON and the texts below; the specification says nothing of objects",
        may_show: |case| {
            case.items.iter().any(|item| {
                item.values.iter().any(Value::is_string)
                    && leaves(item, case).iter().any(|value| value.is_object())
            })
        },
        example: Example {
            selection: "{a|contains: evil}",
            record: r#"{"a":{"b":"evil"}}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "keys that hold dots",
        reason: "what a dotted path leads to is united (Detection, field names leave it open); \
                 rsigma takes the flat key of the outermost level, else none with dots",
        may_show: |case| {
            case.items.iter().any(|item| {
                let others =
                    item.values.iter().filter_map(Value::as_str).filter(|_| item.has("fieldref"));
                others.chain([item.field]).any(|path| leads_over_dots(path, case))
            })
        },
        example: Example {
            selection: "{a.b: 1}",
            record: r#"{"a.b":2,"a":{"b":1}}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "null in a list of the record",
        reason: "a list stands for its elements (Detection, field values), null included",
        may_show: |case| {
            case.items.iter().any(|item| {
                item.values.contains(&Value::Null) && leaves(item, case).contains(&&Value::Null)
            })
        },
        example: Example {
            selection: "{a: null}",
            record: r#"{"a":[null,1]}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "null in a list of the rule",
        reason: "a list joins its values by OR (Detection, lists), so a missing field is null \
                 beside others too",
        may_show: |case| {
            case.items.iter().any(|item| {
                item.values.contains(&Value::Null)
                    && item.values.len() > 1
                    && found(item, case).is_empty()
            })
        },
        example: Example {
            selection: "{a: [null, x]}",
            record: r#"{"b":1}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "keys that stand twice",
        reason: "nobody can tell which one a service meant, so each counts; rsigma sees the last",
        // Records of one mind are generated for this comparison.
        may_show: |_| false,
        example: Example {
            selection: "{a: 1}",
            record: r#"{"a":1,"a":2}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "fieldref between lists and other types",
        reason: "values are compared as text, each of one list with each of the other (Modifiers, \
                 `fieldref`); rsigma wants equal types and whole lists",
        may_show: |case| {
            case.items.iter().any(|item| item.has("fieldref") && !is_between_texts(item, case))
        },
        example: Example {
            selection: "{a|fieldref|cased: b}",
            record: r#"{"a":["x","y"],"b":"y"}"#,
            askance: True,
            rsigma: false,
        },
    },
    Departure {
        name: "text that only Rust takes for a number",
        reason: "numbers are as JSON writes them (Values)",
        may_show: |case| {
            case.items.iter().any(|item| {
                texts(item, case).iter().any(|text| {
                    text.parse::<f64>().is_ok() && serde_json::from_str::<f64>(text).is_err()
                })
            })
        },
        example: Example {
            selection: "{a|gt: 1}",
            record: r#"{"a":"inf"}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "the final sigma",
        reason: "letters are folded one by one, so that a part of a word folds as the whole does \
                 (Values, case-insensitive); rsigma folds Σ by what stands around it",
        may_show: |_| false,
        example: Example {
            selection: "{a|contains: 'ας'}",
            record: r#"{"a":"ΣΑΣ"}"#,
            askance: False,
            rsigma: true,
        },
    },
    Departure {
        name: "what CloudTrail cut",
        reason: "it cannot be told (no section: `omitted` is CloudTrail's)",
        // Seen by what askance says.
        may_show: |_| false,
        example: Example {
            selection: "{a.b: 1}",
            record: r#"{"a":{"omitted":true}}"#,
            askance: Unknown,
            rsigma: false,
        },
    },
];
