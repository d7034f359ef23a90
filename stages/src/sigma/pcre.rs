//! Regular expressions as rules write them, PCRE, to those of the crate `regex`. It compiles none.

/// Why an expression of PCRE cannot be given to the crate, which would read something else in it.
///
/// `None` if it can; what the crate itself refuses is not looked for.
pub(super) fn trap(pattern: &str) -> Option<String> {
    let mut pieces = Pieces::new(pattern);
    let mut repeats = false;
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::InClass("-") if pieces.rest.starts_with('-') => {
                return Some("\"--\" within [...] is ambiguous: write \\-".to_owned());
            }
            Piece::Plain("+") if repeats => {
                return Some(
                    "possessive quantifiers are not supported: remove the second +".to_owned(),
                );
            }
            Piece::Plain("*" | "+" | "?") | Piece::Count(_) => repeats = true,
            Piece::Plain(_) | Piece::Escape(_) | Piece::Brace | Piece::InClass(_) => {
                repeats = false;
            }
        }
    }
    None
}

/// The same expression for the crate: what stands for itself in PCRE alone is escaped, namely `{`
/// where no count follows, and `[`, `&` and `~` within classes; `\<` and `\>` are made plain.
#[must_use]
pub fn crate_syntax(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for piece in Pieces::new(pattern) {
        match piece {
            Piece::Escape(r"\<") => out.push('<'),
            Piece::Escape(r"\>") => out.push('>'),
            Piece::Brace => out.push_str(r"\{"),
            Piece::InClass(text @ ("[" | "&" | "~")) => {
                out.push('\\');
                out.push_str(text);
            }
            Piece::Count(text) if text.starts_with("{,") => {
                out.push_str("{0");
                out.push_str(&text[1..]);
            }
            Piece::Plain(text)
            | Piece::Escape(text)
            | Piece::Count(text)
            | Piece::InClass(text) => {
                out.push_str(text);
            }
        }
    }
    out
}

/// A piece of an expression, as far as PCRE and the crate differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'p> {
    /// A letter outside of classes, or the beginning of a class.
    Plain(&'p str),
    /// A backslash and what belongs to it, within a class or not.
    Escape(&'p str),
    /// `{2}`, `{2,}`, `{2,5}`, `{,5}`.
    Count(&'p str),
    /// A `{` that begins no count.
    Brace,
    /// A letter of a class, `[:alpha:]`, or the end of the class.
    InClass(&'p str),
}

struct Pieces<'p> {
    rest: &'p str,
    is_class: bool,
}

impl<'p> Pieces<'p> {
    fn new(pattern: &'p str) -> Self {
        Self { rest: pattern, is_class: false }
    }

    fn take(&mut self, length: usize) -> &'p str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

impl<'p> Iterator for Pieces<'p> {
    type Item = Piece<'p>;

    fn next(&mut self) -> Option<Piece<'p>> {
        let letter = self.rest.chars().next()?;
        let length = letter.len_utf8();
        Some(match letter {
            '\\' => Piece::Escape(self.take(escape_length(self.rest))),
            '[' if !self.is_class => {
                self.is_class = true;
                Piece::Plain(self.take(opening_length(self.rest)))
            }
            '[' => {
                let named = self.rest.starts_with("[:").then(|| self.rest.find(":]")).flatten();
                Piece::InClass(self.take(named.map_or(length, |end| end + 2)))
            }
            ']' if self.is_class => {
                self.is_class = false;
                Piece::InClass(self.take(length))
            }
            _ if self.is_class => Piece::InClass(self.take(length)),
            '{' => match count_length(self.rest) {
                Some(length) => Piece::Count(self.take(length)),
                None => {
                    self.take(length);
                    Piece::Brace
                }
            },
            _ => Piece::Plain(self.take(length)),
        })
    }
}

/// The length of an escape with its braces: `\.`, `\x{20}`, `\p{Greek}`.
fn escape_length(text: &str) -> usize {
    let Some(letter) = text[1..].chars().next() else { return 1 };
    let length = 1 + letter.len_utf8();
    let has_braces = matches!(letter, 'x' | 'u' | 'U' | 'p' | 'P');
    match text[length..].find('}') {
        Some(end) if has_braces && text[length..].starts_with('{') => length + end + 1,
        _ => length,
    }
}

/// The length of a class's beginning; a `]` that stands first is one of its letters.
fn opening_length(text: &str) -> usize {
    let inside = text[1..].strip_prefix('^').unwrap_or(&text[1..]);
    let inside = inside.strip_prefix(']').unwrap_or(inside);
    text.len() - inside.len()
}

/// The length of a count, if `text` begins with one.
fn count_length(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (least, most) = text[1..end].split_once(',').unwrap_or((&text[1..end], ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_given = !(least.is_empty() && most.is_empty());
    (is_given && is_number(least) && is_number(most)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: &str) {
        assert_eq!(crate_syntax(pattern), expected);
        assert_eq!(trap(pattern), None, "{pattern}");
        regex::Regex::new(expected).expect("the crate takes it");
    }

    #[test]
    fn what_stands_for_itself_in_pcre_does_so_in_the_crate() {
        for same in [
            "",
            "^a.c$",
            r"(?i)\s-e(nc?)?\s.{1,64}\\[^\\]+\.exe",
            r"x{2}y{2,}z{2,5}?",
            r"\x{20}\p{Greek}\{\d\}",
            r"[]a-][^]\[][[:alpha:]_]\[\-\-]\]",
            "&&~~--{2}日本",
            "[a+*?.|$^({})]+",
        ] {
            check(same, same);
        }
        check("${jndi:", r"$\{jndi:");
        check(r#"{"a":{"b":1}}"#, r#"\{"a":\{"b":1}}"#);
        check("a{,3}{x}{,}", r"a{0,3}\{x}\{,}");
        check("a{", r"a\{");
        check(r"\<script\>", "<script>");
        check(r"[\<\>]", "[<>]");
        check("[a[b]c]", r"[a\[b]c]");
        check("[^[{]x", r"[^\[{]x");
        check("[a&&b~~c]", r"[a\&\&b\~\~c]");
        check("[[:digit:][]", r"[[:digit:]\[]");
    }

    #[test]
    fn what_the_crate_would_read_otherwise_is_told() {
        for (pattern, expected) in [
            ("[+--]", "\"--\" within [...] is ambiguous: write \\-"),
            ("a++b", "possessive quantifiers are not supported: remove the second +"),
            ("a{2,}+", "possessive quantifiers are not supported: remove the second +"),
            ("a?+", "possessive quantifiers are not supported: remove the second +"),
        ] {
            assert_eq!(trap(pattern).as_deref(), Some(expected), "{pattern}");
        }
        for fine in [r"\++", "[+]+", "[++]", "a+b+", "(a+)+", "a+?b"] {
            assert_eq!(trap(fine), None, "{fine}");
        }
    }
}
