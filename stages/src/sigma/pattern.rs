//! Sigma's text with wildcards and escapes to a pattern. It does not match.

use super::ast::{Part, Pattern, Position};

/// Reads `*`, `?` and the escapes `\*`, `\?`, `\\`. A backslash before anything else is itself.
pub(super) fn parse(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => literal.push(escaped),
                None => literal.push('\\'),
            },
            '*' | '?' => {
                push_literal(&mut parts, &std::mem::take(&mut literal));
                push(&mut parts, if letter == '*' { Part::Many } else { Part::One });
            }
            _ => literal.push(letter),
        }
    }
    push_literal(&mut parts, &literal);
    parts
}

/// Appends a part, joining neighbours.
pub(super) fn push(parts: &mut Vec<Part>, part: Part) {
    match part {
        Part::Literal(text) => push_literal(parts, &text),
        Part::Many if parts.last() == Some(&Part::Many) => {}
        Part::Many | Part::One => parts.push(part),
    }
}

/// Appends text, joining it with a literal before it.
pub(super) fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Literal(before)) => before.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

/// Opens the ends that the position leaves free.
pub(super) fn widen(parts: Vec<Part>, position: Position) -> Vec<Part> {
    let (before, after) = match position {
        Position::Whole => (false, false),
        Position::Start => (false, true),
        Position::End => (true, false),
        Position::Anywhere => (true, true),
    };
    let mut wide = Vec::with_capacity(parts.len() + 2);
    if before {
        wide.push(Part::Many);
    }
    for part in parts {
        push(&mut wide, part);
    }
    if after {
        push(&mut wide, Part::Many);
    }
    wide
}

/// The text of parts without wildcards.
pub(super) fn as_literal(parts: &[Part]) -> Option<&str> {
    match parts {
        [] => Some(""),
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}

/// The pattern of exactly this text.
pub(super) fn literal(text: &str, is_cased: bool) -> Pattern {
    let mut parts = Vec::new();
    push_literal(&mut parts, text);
    Pattern { parts, is_cased }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows `*` and `?` as wildcards, literals in brackets.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown: String = parse(text)
            .iter()
            .map(|part| match part {
                Part::Literal(text) => format!("[{text}]"),
                Part::One => "?".to_owned(),
                Part::Many => "*".to_owned(),
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn escapes_follow_the_specification() {
        check("", "");
        check("plain", "[plain]");
        check("a*b?c", "[a]*[b]?[c]");
        check("**a***", "*[a]*");
        check("??", "??");
        check(r"a\*b", "[a*b]");
        check(r"a\?b", "[a?b]");
        check(r"a\b", r"[a\b]");
        check(r"a\\b", r"[a\b]");
        check(r"a\\*", r"[a\]*");
        check(r"a\\\*", r"[a\*]");
        check(r"a\\\b", r"[a\\b]");
        check(r"a\\\\b", r"[a\\b]");
        check(r"a\", r"[a\]");
        check(r"\\", r"[\]");
        check(r"C:\Windows\*", r"[C:\Windows*]");
        check("日本*語", "[日本]*[語]");
    }

    #[test]
    fn widening_joins_neighbouring_wildcards() {
        let wide = widen(parse("*a"), Position::Anywhere);
        assert_eq!(wide, [Part::Many, Part::Literal("a".to_owned()), Part::Many]);
        assert_eq!(widen(parse(""), Position::Anywhere), [Part::Many]);
        assert_eq!(widen(parse("a"), Position::Start).len(), 2);
    }
}
