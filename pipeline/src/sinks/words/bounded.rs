//! Text from logs and rules made short and harmless: one line, without controls or turned directions.

use crate::output::clean::clean;

/// The text on one line, each harmful character shown as its code, cut to `most` characters with `…`
/// where something is missing; and whether something is.
pub fn bounded(text: &str, most: usize) -> (String, bool) {
    // More than `most` characters are never shown, so no more of a long text is looked at.
    let head: String = text.chars().take(most.saturating_add(1)).collect();
    let harmless = clean(head.trim());
    let mut shown = String::with_capacity(harmless.len());
    for (index, character) in harmless.chars().enumerate() {
        if index + 1 >= most && harmless.chars().nth(index + 1).is_some() {
            shown.push('…');
            return (shown, true);
        }
        shown.push(character);
    }
    (shown, head.len() < text.len())
}

/// As [`bounded`], for prose: line breaks and rows of spaces are one space.
pub fn prose(text: &str, most: usize) -> (String, bool) {
    // Rules are small; a factor leaves room for spaces that go.
    let head: String = text.chars().take(most.saturating_mul(4)).collect();
    let words: Vec<&str> = head.split_whitespace().collect();
    let (shown, is_cut) = bounded(&words.join(" "), most);
    (shown, is_cut || head.len() < text.len())
}

/// True for an address that a link may lead to: `https://`, and nothing in it but what addresses hold.
pub fn is_web_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>\"'`\\{}|^".contains(c);
    text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_plain))
        && text.len() <= 500
}

/// The parts of a rule's text between backquotes, which are code, and the others.
pub fn code_parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
    // Without a partner the last backquote is none.
    let pairs = text.matches('`').count() / 2 * 2;
    text.splitn(pairs + 1, '`')
        .enumerate()
        .map(|(index, part)| (index % 2 == 1, part))
        .filter(|(_, part)| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        assert_eq!(bounded("abc", 3), ("abc".to_owned(), false));
        assert_eq!(bounded("abcd", 3), ("ab…".to_owned(), true));
        assert_eq!(bounded("日本語です", 3), ("日本…".to_owned(), true));
        assert_eq!(bounded("a\nb", 9), ("a\\nb".to_owned(), false));
        let (shown, is_cut) = bounded("\u{202e}\u{202e}", 9);
        assert_eq!((shown.chars().count(), is_cut), (9, true));
        assert_eq!(prose(" a\n  b ", 9), ("a b".to_owned(), false));
    }

    #[test]
    fn code_stands_between_backquotes() {
        let parts = |text| code_parts(text).collect::<Vec<_>>();
        assert_eq!(parts("run `a b`, then"), [(false, "run "), (true, "a b"), (false, ", then")]);
        assert_eq!(parts("a ` b"), [(false, "a ` b")]);
        assert_eq!(parts("`a` ` b"), [(true, "a"), (false, " ` b")]);
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        assert!(is_web_address("https://docs.aws.amazon.com/a?b=c#d"));
        for text in ["http://a", "https://", "javascript:alert(1)", "https://a b", "https://a\"b"] {
            assert!(!is_web_address(text), "{text}");
        }
    }
}
