//! Hostile text: nothing panics, nothing takes long.

use proptest::prelude::*;

use super::{reading, rule};

/// Pieces from which texts are made that come near to rules.
const PIECES: [&str; 44] = [
    "title: T\n",
    "id: a\n",
    "name: b\n",
    "logsource:\n",
    "  product: aws\n",
    "  service: cloudtrail\n",
    "detection:\n",
    "  sel:\n",
    "  sel: ",
    "    a|contains: ",
    "    '|all': ",
    "    b|base64offset: ",
    "    - ",
    "  condition: ",
    "sel",
    " and not 1 of ",
    "them",
    "(",
    ")",
    "| count()",
    "[",
    "]",
    "{",
    "}",
    "*a",
    "\\",
    "%two%",
    "\n---\n",
    "correlation:\n",
    "  rules: [a, b]\n",
    "  type: event_count\n",
    "  timespan: 5m\n",
    "filter:\n",
    "  rules: any\n",
    "action: global\n",
    "action: repeat\n",
    "&x ",
    "*x\n",
    "<<: ",
    "'",
    "\"",
    "é—",
    "f|re|i: (a\n",
    "\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn text_that_comes_near_to_rules_is_survived(
        chosen in proptest::collection::vec(0..PIECES.len(), 0..60)
    ) {
        let text: String = chosen.iter().map(|&index| PIECES[index]).collect();
        let reading = reading(&[("a.yml", &text)]);
        for problem in &reading.problems {
            prop_assert!(problem.place.line >= 1 && problem.place.column >= 1);
        }
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        reading(&[("a.yml", &text)]);
    }

    #[test]
    fn any_value_and_key_are_survived(key in "[a-z|.*%\\\\-]{0,30}", value in "\\PC{0,40}", condition in "[sel1of()andthem*not _|]{0,30}") {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let block = format!("sel:\n    {}: {}\ncondition: {}", quoted(&key), quoted(&value), quoted(&condition));
        reading(&[("a.yml", &rule(&block))]);
    }
}

#[test]
fn many_alternatives_are_bounded() {
    let values = vec!["'-a -b -c -d'"; 200].join(", ");
    let text = rule(&format!("sel:\n    f|windash: [{values}]\ncondition: sel"));
    let problem = reading(&[("a.yml", &text)]).problems[0].to_string();
    assert!(problem.ends_with("more than 100000 values in one document"), "{problem}");
}

#[test]
fn repeating_large_documents_is_bounded() {
    let mut text = format!("action: global\nx: [{}]\n", vec!["1"; 100_000].join(","));
    text.push_str(&"---\ntitle: a\n".repeat(100));
    let reading = reading(&[("a.yml", &text)]);
    assert_eq!(reading.problems.len(), 1);
    assert!(reading.problems[0].message.contains("too much is repeated"));
}

#[test]
fn long_chains_of_correlations_do_not_overflow_the_stack() {
    let mut text = String::new();
    for index in 0..3000 {
        text.push_str(&format!(
            "---\ntitle: c{index}\ncorrelation: {{type: temporal, rules: [c{}], timespan: 1m}}\n",
            index + 1
        ));
    }
    let found = reading(&[("a.yml", &text)]);
    assert_eq!(found.correlations.len(), 0);
    assert_eq!(found.left_out.len(), 3000);
}
