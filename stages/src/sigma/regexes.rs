//! Whether regular expressions compile, each looked at once. The matcher compiles its own.

use std::collections::HashMap;

use regex::RegexBuilder;

use super::ast::RegexTest;

/// Largest compiled program of one expression. `regex` itself allows 10 MiB; rules need some KiB.
const MAX_PROGRAM_BYTES: usize = 1 << 20;

/// Longest expression in bytes; reading a longer one takes long even if it is refused then.
const MAX_PATTERN_BYTES: usize = 16 << 10;

/// Deepest nesting of groups and classes.
const MAX_NEST: u32 = 64;

/// What was found out about expressions already.
#[derive(Debug, Default)]
pub(super) struct Regexes {
    seen: HashMap<RegexTest, Option<String>>,
}

impl Regexes {
    /// Why the expression cannot be used; `None` if it can.
    pub(super) fn refusal(&mut self, test: &RegexTest) -> Option<String> {
        if let Some(known) = self.seen.get(test) {
            return known.clone();
        }
        if test.pattern.len() > MAX_PATTERN_BYTES {
            return Some(format!(
                "the regular expression is longer than {MAX_PATTERN_BYTES} bytes"
            ));
        }
        if let Some(trap) = trap(&test.pattern) {
            return Some(trap);
        }
        let built = RegexBuilder::new(&test.pattern)
            .case_insensitive(test.ignores_case)
            .multi_line(test.is_multi_line)
            .dot_matches_new_line(test.dot_matches_newline)
            .size_limit(MAX_PROGRAM_BYTES)
            .nest_limit(MAX_NEST)
            .build();
        let refusal = built.err().map(|error| explain(&error));
        self.seen.insert(test.clone(), refusal.clone());
        refusal
    }
}

/// What PCRE, which rules are written in, reads in one way and the crate in another: the crate has
/// sets within classes (`[a[b]]`, `&&`, `--`, `~~`), and `\<` and `\>` for the ends of words.
fn trap(pattern: &str) -> Option<String> {
    let mut rest = pattern;
    let mut is_class = false;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '\\' => {
                let escaped = after.chars().next();
                if let Some(escaped @ ('<' | '>')) = escaped {
                    return Some(format!("\"\\{escaped}\" is ambiguous: write {escaped}"));
                }
                &after[escaped.map_or(0, char::len_utf8)..]
            }
            '[' if !is_class => {
                is_class = true;
                let inside = after.strip_prefix('^').unwrap_or(after);
                inside.strip_prefix(']').unwrap_or(inside)
            }
            '[' => match after.strip_prefix(':').and_then(|name| name.find(":]")) {
                Some(end) => &after[end + 3..],
                None => return Some("\"[\" within [...] is ambiguous: write \\[".to_owned()),
            },
            ']' => {
                is_class = false;
                after
            }
            '&' | '-' | '~' if is_class && after.starts_with(letter) => {
                let message =
                    format!("\"{letter}{letter}\" within [...] is ambiguous: write \\{letter}");
                return Some(message);
            }
            _ => after,
        };
    }
    None
}

fn explain(error: &regex::Error) -> String {
    let text = match error {
        regex::Error::CompiledTooBig(limit) => {
            return format!("the regular expression takes more than {limit} bytes when compiled");
        }
        regex::Error::Syntax(text) => text.as_str(),
        _ => return format!("the regular expression does not compile: {error}"),
    };
    let reason = text.rsplit("error: ").next().unwrap_or(text).trim();
    if reason.starts_with("look-around") {
        return "look-around is not supported: write a second selection and negate it in the \
                condition"
            .to_owned();
    }
    if reason.starts_with("backreferences") {
        return "backreferences are not supported".to_owned();
    }
    format!("the regular expression does not compile: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Option<&str>) {
        let test = RegexTest {
            pattern: pattern.to_owned(),
            ignores_case: false,
            is_multi_line: false,
            dot_matches_newline: false,
        };
        let mut regexes = Regexes::default();
        assert_eq!(regexes.refusal(&test).as_deref(), expected);
        assert_eq!(regexes.refusal(&test).as_deref(), expected, "the second time");
    }

    #[test]
    fn what_the_engine_cannot_do_is_told_in_words() {
        check(".+:assumed-role/aws:.+", None);
        check(r"(?i)^a\/b\.c$", None);
        check(
            "(?!a)b",
            Some(
                "look-around is not supported: write a second selection and negate it in the condition",
            ),
        );
        check(r"(a)\1", Some("backreferences are not supported"));
        check("a(", Some("the regular expression does not compile: unclosed group"));
        check("[a[b]c]", Some("\"[\" within [...] is ambiguous: write \\["));
        check("[+--]", Some("\"--\" within [...] is ambiguous: write \\-"));
        check("x[&&]", Some("\"&&\" within [...] is ambiguous: write \\&"));
        check(r"\<b\>", Some("\"\\<\" is ambiguous: write <"));
        check(r"[]a-][^]\[&-][[:alpha:]&]--&&\\[\-\-]\]", None);
        check(&"a".repeat(20_000), Some("the regular expression is longer than 16384 bytes"));
        check(
            r"\w{1000}{1000}",
            Some("the regular expression takes more than 1048576 bytes when compiled"),
        );
        check(
            &"(".repeat(100).replace('(', "(a"),
            Some("the regular expression does not compile: unclosed group"),
        );
    }
}
