//! Checks on rule files: cases beside each rule, a question in both languages, no question twice.
//!
//! They look at the layout of the text only; whether a rule is right is what `askance rules test` says.

use std::collections::BTreeMap;

use super::tree::{File, Violation};

/// Ends the name of the file with a rule's cases.
const CASES_SUFFIX: &str = ".cases.yml";

/// A question with its language and line.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    language: String,
    line: usize,
    text: String,
}

impl Question {
    /// Whether there is a question in the text: a Japanese one may end in `か。`.
    fn is_asked(&self) -> bool {
        self.text.contains(['?', '？']) || (self.language == "ja" && self.text.contains("か。"))
    }
}

fn in_rules(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| {
        file.path.starts_with("rules/")
            && (file.path.ends_with(".yml") || file.path.ends_with(".yaml"))
    })
}

fn rules(files: &[File]) -> impl Iterator<Item = &File> {
    in_rules(files).filter(|file| !file.path.ends_with(CASES_SUFFIX))
}

/// Every rule file has cases beside it with a hit and a miss; no cases stand alone.
pub(crate) fn cases(files: &[File]) -> Vec<Violation> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let mut violations = Vec::new();
    for rule in rules(files) {
        let Some(stem) = rule.path.strip_suffix(".yml") else {
            violations.push(Violation::new(rule, 1, "name the rule `.yml`"));
            continue;
        };
        let Some(cases) = find(&format!("{stem}{CASES_SUFFIX}")) else {
            let what = format!("no cases beside it: add {stem}{CASES_SUFFIX}");
            violations.push(Violation::new(rule, 1, what));
            continue;
        };
        for expected in ["hit", "miss"] {
            if !cases.text.lines().any(|line| expects(line, expected)) {
                let what = format!("no case with `expect: {expected}`");
                violations.push(Violation::new(cases, 1, what));
            }
        }
    }
    for cases in in_rules(files) {
        let Some(stem) = cases.path.strip_suffix(CASES_SUFFIX) else { continue };
        if find(&format!("{stem}.yml")).is_none() {
            violations.push(Violation::new(cases, 1, "cases without a rule"));
        }
    }
    violations
}

fn expects(line: &str, expected: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line);
    let line = line.trim().trim_start_matches("- ");
    line.strip_prefix("expect:").is_some_and(|value| value.trim() == expected)
}

/// Every rule has a question in English and one in Japanese.
pub(crate) fn asks(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for rule in rules(files).filter(|file| !is_filter(&file.text)) {
        let questions = questions(&rule.text);
        for language in ["en", "ja"] {
            let mut asked = questions.iter().filter(|question| question.language == language);
            if !asked.any(|question| !question.text.is_empty()) {
                let what = format!("no question in askance.ask.{language}");
                violations.push(Violation::new(rule, 1, what));
            }
        }
        for question in questions.iter().filter(|question| !question.is_asked()) {
            let what = format!("askance.ask.{} asks nothing", question.language);
            violations.push(Violation::new(rule, question.line, what));
        }
    }
    violations
}

/// A Sigma filter narrows other rules and asks nothing itself.
fn is_filter(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("filter:") && !has("detection:") && !has("correlation:")
}

/// No question stands in two rules.
pub(crate) fn distinct_questions(files: &[File]) -> Vec<Violation> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut violations = Vec::new();
    for rule in rules(files) {
        for question in questions(&rule.text) {
            let place = format!("{}:{}", rule.path, question.line);
            let earlier = first.entry(question.text).or_insert_with(|| place.clone());
            if *earlier != place {
                let what = format!("the same question as {earlier}: say what differs");
                violations.push(Violation::new(rule, question.line, what));
            }
        }
    }
    violations
}

/// The questions below `askance:` and `ask:`, with folded lines joined.
fn questions(text: &str) -> Vec<Question> {
    let mut keys: Vec<(usize, &str)> = Vec::new();
    let mut found: Vec<Question> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        let continues = is_question(&keys) && keys.last().is_some_and(|(at, _)| indent > *at);
        if let Some(question) = found.last_mut().filter(|_| continues) {
            let space = if question.text.is_empty() { "" } else { " " };
            question.text = format!("{}{space}{}", question.text, content.trim());
            continue;
        }
        keys.retain(|(at, _)| *at < indent);
        let Some((key, value)) = content.split_once(':') else { continue };
        keys.push((indent, key));
        if is_question(&keys) {
            let value = value.trim();
            let is_block = value.starts_with(['|', '>']);
            let text = if is_block { String::new() } else { value.to_owned() };
            found.push(Question { language: key.to_owned(), line: index + 1, text });
        }
    }
    for question in &mut found {
        question.text = question.text.trim_matches(['"', '\'']).to_owned();
    }
    found
}

fn is_question(keys: &[(usize, &str)]) -> bool {
    matches!(keys, [(0, "askance"), (_, "ask"), (_, _)])
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{check, file};
    use super::*;

    const RULE: &str = "title: A\ndetection:\n  en: x\naskance:\n  resource: a\n  ask:\n    \
                        en: >-\n      Is it\n      meant?\n    ja: \"本当ですか？\"\n  why: b\n";

    #[test]
    fn questions_are_read_from_their_block_alone() {
        let expected = [("en", 7, "Is it meant?"), ("ja", 10, "本当ですか？")];
        let found = questions(RULE);
        let found: Vec<(&str, usize, &str)> =
            found.iter().map(|q| (q.language.as_str(), q.line, q.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_rule_without_cases_is_caught() {
        check(cases, "rules/iam/key.yml", RULE, &[1]);
        check(cases, "rules/iam/key.cases.yml", "- expect: hit\n- expect: miss\n", &[1]);
    }

    #[test]
    fn cases_that_only_hit_are_caught() {
        let with = |text| cases(&[file("rules/a/b.yml", RULE), file("rules/a/b.cases.yml", text)]);
        assert_eq!(with("- name: a\n  expect: hit\n").len(), 1);
        assert_eq!(with("- expect: hit\n- expect: miss\n").len(), 0);
        assert_eq!(with("# expect: miss\n- expect: hit\n").len(), 1);
    }

    #[test]
    fn a_rule_that_does_not_ask_is_caught() {
        check(asks, "rules/a/b.yml", RULE, &[]);
        check(asks, "rules/a/b.yml", "title: A\ndetection: {}\n", &[1, 1]);
        check(asks, "rules/a/b.yml", &RULE.replace("    ja:", "    jp:"), &[1]);
        check(asks, "rules/a/b.yml", &RULE.replace("meant?", "meant."), &[7]);
        check(asks, "rules/a/b.yml", &RULE.replace("すか？", "すか。"), &[]);
        check(asks, "rules/a/b.yml", &RULE.replace("すか？", "す。"), &[10]);
        check(asks, "rules/a/b.yml", "title: A\nfilter:\n  rules: [a]\n", &[]);
    }

    #[test]
    fn a_question_in_two_rules_is_caught() {
        let same = [file("rules/a/b.yml", RULE), file("rules/a/c.yml", RULE)];
        assert_eq!(distinct_questions(&same).len(), 2);
        let other = RULE.replace("Is it", "Was it").replace("本当", "意図通り");
        assert!(
            distinct_questions(&[file("rules/a/b.yml", RULE), file("rules/a/c.yml", &other)])
                .is_empty()
        );
    }
}
