//! Placeholders (`%name%`) to the values given for them. Only where `expand` is written.

use std::collections::BTreeMap;

/// Most variants that one written value may expand to.
pub(super) const MAX_VARIANTS: usize = 1000;

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No values are given for that name.
    Unknown(String),
    /// That name has an empty list of values.
    Empty(String),
    /// More than [`MAX_VARIANTS`].
    TooMany,
}

/// The variants of a text, in Sigma's notation (escapes and wildcards still to be read), and how
/// many placeholders it has.
///
/// A percent sign that is escaped, or does not begin a placeholder, is itself. Several
/// placeholders multiply.
pub(super) fn expand(
    text: &str,
    values: &BTreeMap<String, Vec<String>>,
) -> Result<(Vec<String>, usize), Refusal> {
    let mut variants = vec![String::new()];
    let mut found = 0;
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let before = &rest[..at];
        let slashes = before.len() - before.trim_end_matches('\\').len();
        let after = &rest[at + 1..];
        if slashes % 2 == 1 {
            append(&mut variants, &before[..before.len() - 1]);
            append(&mut variants, "%");
            rest = after;
            continue;
        }
        append(&mut variants, before);
        let Some(name) = name(after) else {
            append(&mut variants, "%");
            rest = after;
            continue;
        };
        let Some(given) = values.get(name) else { return Err(Refusal::Unknown(name.to_owned())) };
        if given.is_empty() {
            return Err(Refusal::Empty(name.to_owned()));
        }
        if variants.len() * given.len() > MAX_VARIANTS {
            return Err(Refusal::TooMany);
        }
        variants = variants
            .iter()
            .flat_map(|variant| given.iter().map(move |value| format!("{variant}{value}")))
            .collect();
        found += 1;
        rest = &after[name.len() + 1..];
    }
    append(&mut variants, rest);
    Ok((variants, found))
}

/// The name that a text begins with, up to a percent sign.
fn name(text: &str) -> Option<&str> {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let end = text.find(|letter| !is_name(letter))?;
    (end > 0 && text[end..].starts_with('%')).then(|| &text[..end])
}

fn append(variants: &mut [String], text: &str) {
    for variant in variants {
        variant.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[&str], Refusal>) {
        let values = BTreeMap::from([
            ("a".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
            ("b".to_owned(), vec!["x*".to_owned()]),
            ("none".to_owned(), Vec::new()),
            ("many".to_owned(), vec![String::new(); 40]),
        ]);
        let found = expand(text, &values).map(|(variants, _)| variants);
        let expected = expected.map(|texts| texts.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn placeholders_multiply_and_escapes_hold() {
        check("plain", Ok(&["plain"]));
        check("%a%", Ok(&["1", "2"]));
        check("-%a%-%b%", Ok(&["-1-x*", "-2-x*"]));
        check(r"\%plain%a%", Ok(&["%plain1", "%plain2"]));
        check(r"\\%a%", Ok(&[r"\\1", r"\\2"]));
        check("100% of %b%", Ok(&["100% of x*"]));
        check("50%", Ok(&["50%"]));
        check("%%", Ok(&["%%"]));
        check("%c%", Err(Refusal::Unknown("c".to_owned())));
        check("%none%", Err(Refusal::Empty("none".to_owned())));
        check("%many%%many%", Err(Refusal::TooMany));
    }
}
