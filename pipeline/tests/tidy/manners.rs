//! Checks on how code is written: comments, unwraps, discarded results, names of tests.
//!
//! They are light: each looks for a shape that is nearly always wrong, and stays silent when in doubt.

use super::code::{Code, is_word};
use super::tree::{File, Violation};

/// Words that open a statement or an item and hardly ever a sentence that ends in `;` or `{`.
const OPENING_WORDS: [&str; 10] =
    ["let", "pub", "use", "fn", "impl", "struct", "enum", "mod", "const", "return"];

fn read(files: &[File]) -> impl Iterator<Item = (&File, Code)> {
    files.iter().filter(|file| file.is_rust()).map(|file| (file, Code::read(&file.text)))
}

/// Numbered lines of code outside tests; nothing for files that are all tests.
fn own_code<'a>(file: &File, code: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = if file.is_test() { "" } else { code };
    lines.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// No comment holds code that was switched off.
pub(crate) fn no_commented_code(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, code) in read(files) {
        for (index, line) in code.comments.lines().enumerate() {
            let comment = line.trim();
            let is_plain = !comment.starts_with("///") && !comment.starts_with("//!");
            let Some(text) = comment.strip_prefix("//").filter(|_| is_plain) else { continue };
            if looks_like_code(text.trim()) {
                violations.push(Violation::new(file, index + 1, "delete the commented-out code"));
            }
        }
    }
    violations
}

fn looks_like_code(text: &str) -> bool {
    if matches!(text, "}" | "};" | "})" | "});" | "},") || text.starts_with("#[") {
        return true;
    }
    if !text.ends_with([';', '{']) {
        return false;
    }
    let word_end = text.find(|c: char| !(is_word(c) || ".:&*".contains(c))).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    let is_call = rest.starts_with(['(', '!', '?']);
    let is_assignment = [" = ", " += ", " -= ", " => "].iter().any(|sign| rest.starts_with(sign));
    OPENING_WORDS.contains(&word) || (!word.is_empty() && (is_call || is_assignment))
}

/// A note of work left carries the number of an open issue; other markers are not used.
pub(crate) fn todo_has_issue(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, code) in read(files) {
        for (index, line) in code.comments.lines().enumerate() {
            let words = line.split(|c: char| c.is_whitespace() || c == '/');
            for word in words.map(|word| word.trim_matches('`')) {
                let is_marker = ["TODO", "FIXME", "XXX", "HACK"].iter().any(|marker| {
                    word.strip_prefix(marker).is_some_and(|rest| !rest.starts_with(is_word))
                });
                if is_marker && !names_issue(word) {
                    let what = "write `TODO(#123)` with the number of an open issue";
                    violations.push(Violation::new(file, index + 1, what));
                }
            }
        }
    }
    violations
}

fn names_issue(word: &str) -> bool {
    word.strip_prefix("TODO(#")
        .and_then(|rest| rest.split_once(')'))
        .is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

/// No `.unwrap()` outside tests.
pub(crate) fn no_unwrap(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, code) in read(files) {
        for (number, line) in own_code(file, &code.without_tests()) {
            if line.contains(".unwrap()") {
                let what = "return the error, or `expect(\"why it holds\")` for a true invariant";
                violations.push(Violation::new(file, number, what));
            }
        }
    }
    violations
}

/// A discarded value has a comment with the reason on its line or the line before.
///
/// `write!` is let through: into a `String` it cannot fail.
pub(crate) fn discard_has_reason(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, code) in read(files) {
        let comments: Vec<&str> = code.comments.lines().collect();
        let has_comment = |line: usize| comments.get(line).is_some_and(|c| !c.trim().is_empty());
        for (number, line) in own_code(file, &code.without_tests()) {
            if line.contains("filter_map(Result::ok)") {
                violations.push(Violation::new(
                    file,
                    number,
                    "count what failed: do not drop errors",
                ));
            }
            let Some((_, value)) = line.split_once("let _ =") else { continue };
            let is_write = ["write!(", "writeln!("].iter().any(|m| value.trim().starts_with(m));
            let is_explained = has_comment(number - 1) || (number > 1 && has_comment(number - 2));
            if !is_write && !is_explained {
                violations.push(Violation::new(
                    file,
                    number,
                    "handle it, or say in a comment why not",
                ));
            }
        }
    }
    violations
}

/// A test's name states a fact: no `test_` prefix, no counting (`gzip_2`).
pub(crate) fn test_names(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, code) in read(files) {
        let code: String = code.code.iter().collect();
        let mut is_marked = false;
        for (index, line) in code.lines().enumerate() {
            is_marked |= line.contains("#[test]");
            let Some(name) = line.split("fn ").nth(1).filter(|_| is_marked) else { continue };
            is_marked = false;
            let name = name.split(|c| !is_word(c)).next().unwrap_or(name);
            let counts = name
                .split_once('_')
                .is_some_and(|(_, rest)| rest.chars().all(|c| c.is_ascii_digit()));
            if name.starts_with("test_") || counts {
                let what = format!("name the fact that `{name}` shows");
                violations.push(Violation::new(file, index + 1, what));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::check;
    use super::*;

    #[test]
    fn commented_out_code_is_caught() {
        for text in [
            "// let a = 1;",
            "// self.flush(now);",
            "// if a {\n// }",
            "// total += 1;",
            "// #[derive(Debug)]",
            "// println!(\"{a}\");",
        ] {
            let lines = if text.contains('\n') { vec![2] } else { vec![1] };
            check(no_commented_code, "stages/src/a.rs", text, &lines);
        }
    }

    #[test]
    fn prose_is_not_taken_for_code() {
        for text in [
            "// The first wins (serde_json: the last);",
            "// use the slow way here",
            "/// let a = 1;",
            "let a = \"// let b = 1;\";",
            "// gzip: see the format;",
        ] {
            check(no_commented_code, "stages/src/a.rs", text, &[]);
        }
    }

    #[test]
    fn a_todo_without_an_issue_is_caught() {
        for text in ["// TODO later", "// TODO(me): x", "/// FIXME: y", "//TODO(#): z"] {
            check(todo_has_issue, "stages/src/a.rs", text, &[1]);
        }
        check(todo_has_issue, "stages/src/a.rs", "// TODO(#12): x\nlet todos = \"TODO\";", &[]);
    }

    #[test]
    fn an_unwrap_outside_tests_is_caught() {
        check(no_unwrap, "pipeline/src/a.rs", "fn a() {\n    b().unwrap();\n}", &[2]);
        check(no_unwrap, "pipeline/src/a.rs", "/// `b().unwrap()`\nfn a() { c.unwrap_or(1) }", &[]);
        check(no_unwrap, "pipeline/src/a.rs", "#[test]\nfn a() { b().unwrap(); }", &[]);
        check(no_unwrap, "pipeline/tests/a.rs", "fn a() { b().unwrap(); }", &[]);
    }

    #[test]
    fn a_silent_discard_is_caught() {
        check(discard_has_reason, "pipeline/src/a.rs", "\nlet _ = send();", &[2]);
        check(discard_has_reason, "pipeline/src/a.rs", "a.filter_map(Result::ok)", &[1]);
        check(discard_has_reason, "pipeline/src/a.rs", "let _ = send(); // the reader left", &[]);
        check(discard_has_reason, "pipeline/src/a.rs", "let _ = write!(text, \"a\");", &[]);
    }

    #[test]
    fn a_test_without_a_fact_is_caught() {
        check(test_names, "stages/src/a.rs", "#[test]\nfn test_gzip() {}", &[2]);
        check(test_names, "stages/src/a.rs", "#[test]\nfn gzip_2() {}", &[2]);
        check(
            test_names,
            "stages/src/a.rs",
            "#[test]\nfn a_bomb_is_rejected() {}\nfn test_a() {}",
            &[],
        );
    }
}
