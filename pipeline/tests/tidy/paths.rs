//! The paths that Rust code names: `use` trees written out, and paths in expressions and types.
//!
//! `self` and `super` are resolved against the file's place; names that an import brought in are not followed.

use super::code::is_word;

/// One path as code names it, with its line from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) path: String,
    pub(crate) line: usize,
}

impl Named {
    /// Whether the path is `prefix` or lies below it.
    pub(crate) fn is_below(&self, prefix: &str) -> bool {
        self.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// Every path with two parts or more, and every import, in order of lines.
///
/// `module` is the file's own module below the crate's root (`["decode", "gzip"]`).
pub(crate) fn named(code: &str, module: &[&str]) -> Vec<Named> {
    let mut chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    for (start, end) in use_items(&chars) {
        expand(&chars, (start, end), "", &mut found);
        for c in &mut chars[start..end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
    }
    inline(&chars, &mut found);
    for named in &mut found {
        named.path = resolve(&named.path, module);
    }
    found.sort_by_key(|named| named.line);
    found
}

/// A file's module below the crate's root, from its path below `src/`.
pub(crate) fn module_of(path_in_src: &str) -> Vec<&str> {
    let stem = path_in_src.strip_suffix(".rs").unwrap_or(path_in_src);
    let mut parts: Vec<&str> = stem.split('/').collect();
    if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
        parts.pop();
    }
    parts
}

fn line_of(chars: &[char], at: usize) -> usize {
    1 + chars[..at].iter().filter(|c| **c == '\n').count()
}

/// Spans between `use` and its semicolon.
fn use_items(chars: &[char]) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    let mut at = 0;
    while at + 4 < chars.len() {
        let begins_word = at == 0 || !(is_word(chars[at - 1]) || chars[at - 1] == '#');
        if begins_word && chars[at..at + 3] == ['u', 's', 'e'] && chars[at + 3].is_whitespace() {
            let end = (at..chars.len()).find(|index| chars[*index] == ';').unwrap_or(chars.len());
            items.push((at + 4, end));
            at = end;
        }
        at += 1;
    }
    items
}

/// Writes out the use tree in `span` below `prefix`.
fn expand(chars: &[char], span: (usize, usize), prefix: &str, found: &mut Vec<Named>) {
    for (start, end) in split_at_commas(chars, span) {
        let Some(first) = (start..end).find(|index| !chars[*index].is_whitespace()) else {
            continue;
        };
        let text = |from: usize, to: usize| -> String {
            chars[from..to].iter().filter(|c| !c.is_whitespace()).collect()
        };
        if let Some(open) = (start..end).find(|index| chars[*index] == '{') {
            let close = (open..end).rev().find(|index| chars[*index] == '}').unwrap_or(end);
            expand(chars, (open + 1, close), &format!("{prefix}{}", text(start, open)), found);
            continue;
        }
        let whole: String = chars[first..end].iter().collect();
        let leaf = whole.split_whitespace().next().unwrap_or_default();
        let path = if leaf == "self" && !prefix.is_empty() {
            prefix.trim_end_matches("::").to_owned()
        } else {
            format!("{prefix}{leaf}")
        };
        let path = path.trim_start_matches("::").to_owned();
        found.push(Named { path, line: line_of(chars, first) });
    }
}

fn split_at_commas(chars: &[char], (start, end): (usize, usize)) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0, start);
    for (index, c) in chars[start..end].iter().enumerate() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push((from, start + index));
                from = start + index + 1;
            }
            _ => {}
        }
    }
    parts.push((from, end));
    parts
}

/// Paths outside `use` items: words joined by `::`.
fn inline(chars: &[char], found: &mut Vec<Named>) {
    let mut at = 0;
    while at < chars.len() {
        if !is_word(chars[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut end = word_end(chars, at);
        while chars[end..].starts_with(&[':', ':'])
            && chars.get(end + 2).is_some_and(|c| is_word(*c))
        {
            end = word_end(chars, end + 2);
        }
        let path: String = chars[start..end].iter().collect();
        if path.contains("::") {
            found.push(Named { path, line: line_of(chars, start) });
        }
        at = end;
    }
}

fn word_end(chars: &[char], start: usize) -> usize {
    (start..chars.len()).find(|index| !is_word(chars[*index])).unwrap_or(chars.len())
}

/// Turns a leading `self` or `super` into a path from `crate`.
fn resolve(path: &str, module: &[&str]) -> String {
    let mut here = module.to_vec();
    let mut rest = path;
    let mut is_relative = false;
    loop {
        if let Some(below) = rest.strip_prefix("self::") {
            rest = below;
        } else if let Some(below) = rest.strip_prefix("super::") {
            here.pop();
            rest = below;
        } else {
            break;
        }
        is_relative = true;
    }
    if !is_relative {
        return path.to_owned();
    }
    let mut parts = vec!["crate"];
    parts.extend(here);
    parts.push(rest);
    parts.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: &[(&str, usize)]) {
        let found = named(code, &["decode", "gzip"]);
        let found: Vec<(&str, usize)> =
            found.iter().map(|named| (named.path.as_str(), named.line)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn use_trees_are_written_out() {
        check("use std::fs;", &[("std::fs", 1)]);
        check(
            "pub use std::{\n  fs::{self, File as F},\n  net::*,\n};",
            &[("std::fs", 2), ("std::fs::File", 2), ("std::net::*", 3)],
        );
        check("use {crate::a::B, regex};", &[("crate::a::B", 1), ("regex", 1)]);
    }

    #[test]
    fn inline_paths_are_found() {
        check("let a = std::env::var(b);\nVec::<u8>::new()", &[("std::env::var", 1)]);
        check("fn reuse (a: $crate::model::Raw) {}", &[("crate::model::Raw", 1)]);
    }

    #[test]
    fn relative_paths_are_resolved() {
        check("use super::super::parse::P;", &[("crate::parse::P", 1)]);
        check(
            "use super::plain; self::inner::f();",
            &[("crate::decode::plain", 1), ("crate::decode::gzip::inner::f", 1)],
        );
    }

    #[test]
    fn a_file_knows_its_module() {
        assert_eq!(module_of("decode/gzip.rs"), ["decode", "gzip"]);
        assert_eq!(module_of("decode/mod.rs"), ["decode"]);
        assert!(module_of("lib.rs").is_empty());
    }
}
