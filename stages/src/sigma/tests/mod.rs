//! Tests of the reader as a whole.

mod documents;
mod errors;
mod hostile;
mod selections;
mod values;

use super::ast::{Expr, Item, Search, Test};
use super::{ReadOptions, Reading, SourceFile, read};

/// Reads files given as paths and texts, with two placeholders.
fn reading(files: &[(&str, &str)]) -> Reading {
    let files: Vec<SourceFile<'_>> = files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).into(), text: (*text).into() })
        .collect();
    let mut options = ReadOptions::default();
    options.placeholders.insert("two".to_owned(), vec!["a*".to_owned(), r"b\*".to_owned()]);
    options.placeholders.insert("nets".to_owned(), vec!["10.0.0.0/8".to_owned()]);
    read(&files, &options)
}

/// Everything that is told about files, one a line.
fn told(files: &[(&str, &str)]) -> String {
    let reading = reading(files);
    let mut lines: Vec<String> = reading.problems.iter().map(ToString::to_string).collect();
    lines.extend(
        reading
            .skipped
            .iter()
            .map(|skipped| format!("{}: skipped: {}", skipped.place, skipped.why)),
    );
    lines.extend(reading.left_out.iter().map(|left| format!("left out: {}", left.id)));
    lines.join("\n")
}

/// A rule around a detection block, whose lines begin on line 5.
fn rule(detection: &str) -> String {
    let mut text =
        "title: T\nid: rule-1\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n"
            .to_owned();
    for line in detection.lines() {
        text.push_str(&format!("    {line}\n"));
    }
    text
}

/// A test in one line: text in `'` with `*` and `?` as wildcards and `\` before literal ones.
fn show_test(test: &Test) -> String {
    use super::ast::Part;
    match test {
        Test::Text(pattern) => {
            let parts = pattern.parts.iter().map(|part| match part {
                Part::Literal(text) => text.replace('*', r"\*").replace('?', r"\?"),
                Part::One => "?".to_owned(),
                Part::Many => "*".to_owned(),
            });
            let case = if pattern.is_cased { "cased " } else { "" };
            format!("{case}'{}'", parts.collect::<String>())
        }
        Test::Number(number) => format!("{number:?}"),
        Test::Bool(value) => value.to_string(),
        Test::Null => "null".to_owned(),
        Test::Exists(value) => format!("exists {value}"),
        Test::Regex(test) => {
            let flag = |is_set: bool, letter: &'static str| if is_set { letter } else { "" };
            format!(
                "/{}/{}{}{}",
                test.pattern,
                flag(test.ignores_case, "i"),
                flag(test.is_multi_line, "m"),
                flag(test.dot_matches_newline, "s")
            )
        }
        Test::Cidr(cidr) => format!("{}/{}", cidr.network, cidr.prefix),
        Test::Compare(comparison, number) => format!("{comparison:?} {number:?}"),
        Test::FieldRef(other) => {
            let case = if other.is_cased { "cased " } else { "" };
            format!("{case}{:?} {}", other.position, other.field)
        }
        Test::TimePart(part, comparison, number) => format!("{part:?} {comparison:?} {number:?}"),
        Test::AnyOf(tests) => {
            format!("any({})", tests.iter().map(show_test).collect::<Vec<_>>().join(" "))
        }
    }
}

fn show_item(item: &Item) -> String {
    let tests: Vec<String> = item.tests.iter().map(show_test).collect();
    let join = if item.needs_all { " & " } else { " | " };
    let not = if item.is_negated { "not " } else { "" };
    format!("{not}{} = {}", item.field.as_deref().unwrap_or("keywords"), tests.join(join))
}

fn show_search(search: &Search) -> String {
    let join = |parts: &[Search]| parts.iter().map(show_search).collect::<Vec<_>>().join("; ");
    match search {
        Search::All(parts) => format!("{{{}}}", join(parts)),
        Search::Any(parts) => format!("[{}]", join(parts)),
        Search::Item(item) => show_item(item),
    }
}

fn show_expr(expr: &Expr) -> String {
    let join = |parts: &[Expr], with: &str| {
        format!("({})", parts.iter().map(show_expr).collect::<Vec<_>>().join(with))
    };
    match expr {
        Expr::And(parts) => join(parts, " & "),
        Expr::Or(parts) => join(parts, " | "),
        Expr::Not(inner) => format!("!{}", show_expr(inner)),
        Expr::AtLeast(least, parts) => format!("{least}{}", join(parts, ", ")),
        Expr::Selection(index) => index.to_string(),
    }
}
