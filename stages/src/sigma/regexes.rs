//! Whether regular expressions compile, each looked at once. The matcher compiles its own.

use std::collections::HashMap;

use regex::RegexBuilder;

use super::ast::RegexTest;
use super::pcre;

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
        if let Some(trap) = pcre::trap(&test.pattern) {
            return Some(trap);
        }
        let built = RegexBuilder::new(&pcre::crate_syntax(&test.pattern))
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
        check("[+--]", Some("\"--\" within [...] is ambiguous: write \\-"));
        check(r"[a[b]\<{x}[]a-][^]\[&-][[:alpha:]&]--&&\\[\-\-]\]", None);
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
