//! The condition: text to an expression over selections. It does not evaluate.

use crate::sigma::ast::Expr;
use crate::yaml::nearest;

/// Deepest nesting of brackets and `not`.
const MAX_DEPTH: usize = 64;

/// Most references to selections, those of patterns counted each.
const MAX_REFERENCES: usize = 10_000;

/// Why a condition is refused, with a hint where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), hint: None })
}

fn refuse_with<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), hint: Some(hint.into()) })
}

/// Reads a condition over the selections of these names; marks in `used` which it refers to.
pub(super) fn parse(text: &str, names: &[&str], used: &mut [bool]) -> Result<Expr, Refusal> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return refuse("the condition is empty");
    }
    let mut reader = Reader { tokens: &tokens, at: 0, names, used, depth: 0, references: 0 };
    let expr = reader.or()?;
    match reader.peek() {
        None => Ok(expr),
        Some(Token::Close) => refuse("the condition has a ) without ("),
        Some(Token::Open) => refuse("the condition lacks an operator before ("),
        Some(Token::Word(word)) if is(word, "of") => {
            refuse_with("\"of\" without a quantifier before it", "write 1 of, all of or 2 of")
        }
        Some(Token::Word(word)) => {
            let near = nearest(word, ["and", "or"]);
            let message = format!("the condition lacks an operator before {word:?}");
            match near {
                Some(near) => refuse_with(message, format!("did you mean {near:?}?")),
                None => refuse(message),
            }
        }
    }
}

/// True if the condition negates something.
pub(super) fn negates(expr: &Expr) -> bool {
    match expr {
        Expr::Not(_) => true,
        Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => parts.iter().any(negates),
        Expr::Selection(_) => false,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Refusal> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '(' => {
                found.push(Token::Open);
                1
            }
            ')' => {
                found.push(Token::Close);
                1
            }
            '|' if rest.starts_with("||") => {
                return refuse_with("the condition has an unexpected \"||\"", "write or");
            }
            '|' => {
                let what = rest[1..].trim();
                return refuse_with(
                    format!("unsupported aggregation {what:?}"),
                    "use a correlation document",
                );
            }
            _ if is_word(letter) => {
                let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
                found.push(Token::Word(&rest[..end]));
                end
            }
            _ => {
                let hint = match letter {
                    '&' => "write and",
                    '!' => "write not",
                    '<' | '=' | '>' => "to count events, use a correlation document",
                    _ => "it is made of selections, and, or, not, 1 of, all of, brackets",
                };
                return refuse_with(format!("the condition has an unexpected {letter:?}"), hint);
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '*')
}

/// True if `name` can be written in a condition.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| is_word(letter) && letter != '*')
}

fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    names: &'t [&'t str],
    used: &'t mut [bool],
    depth: usize,
    references: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    /// Takes the next token if it is that operator.
    fn takes(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if is(word, keyword));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expr, Refusal> {
        let mut parts = vec![self.and()?];
        while self.takes("or") {
            parts.push(self.and()?);
        }
        Ok(single_or(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, Refusal> {
        let mut parts = vec![self.not()?];
        loop {
            if let Some(Token::Word(word)) = self.peek()
                && is(word, "near")
            {
                return refuse_with("unsupported operator \"near\"", "use a correlation document");
            }
            if !self.takes("and") {
                return Ok(single_or(parts, Expr::And));
            }
            parts.push(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Expr, Refusal> {
        let Some(Token::Word(word)) = self.peek() else { return self.operand() };
        if !is(word, "not") || self.names.contains(&word) {
            return self.operand();
        }
        self.at += 1;
        self.descend()?;
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Expr::Not(Box::new(inner)))
    }

    fn descend(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return refuse(format!("the condition is nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(())
    }

    fn operand(&mut self) -> Result<Expr, Refusal> {
        let token = self.peek();
        self.at += 1;
        match token {
            None => refuse("the condition ends where a selection is expected"),
            Some(Token::Close) => refuse("the condition has a ) where a selection is expected"),
            Some(Token::Open) => {
                self.descend()?;
                let inner = self.or()?;
                self.depth -= 1;
                if self.peek() != Some(Token::Close) {
                    return refuse("the condition has a ( without )");
                }
                self.at += 1;
                Ok(inner)
            }
            Some(Token::Word(word)) => {
                if matches!(self.peek(), Some(Token::Word(next)) if is(next, "of"))
                    && let Some(quantity) = Quantity::read(word)
                {
                    self.at += 1;
                    return self.quantified(quantity, word);
                }
                self.selection(word)
            }
        }
    }

    fn selection(&mut self, word: &str) -> Result<Expr, Refusal> {
        if let Some(index) = self.names.iter().position(|name| *name == word) {
            self.refer(index)?;
            return Ok(Expr::Selection(index));
        }
        if ["and", "or", "of", "not"].iter().any(|keyword| is(word, keyword)) {
            return refuse(format!("the condition has {word:?} where a selection is expected"));
        }
        if word.contains('*') || is(word, "them") {
            return refuse_with(
                format!("{word:?} without a quantifier"),
                format!("write 1 of {word} or all of {word}"),
            );
        }
        let message = format!("the condition names an unknown selection {word:?}");
        match nearest(word, self.names.iter().copied()) {
            Some(near) => refuse_with(message, format!("did you mean {near:?}?")),
            None if self.names.is_empty() => refuse_with(message, "no selection is written"),
            None => {
                let some: Vec<&str> = self.names.iter().copied().take(8).collect();
                refuse_with(message, format!("selections: {}", some.join(", ")))
            }
        }
    }

    fn quantified(&mut self, quantity: Quantity, word: &str) -> Result<Expr, Refusal> {
        let Some(Token::Word(pattern)) = self.peek() else {
            return refuse_with(
                format!("\"{word} of\" without what it is of"),
                "write them, or a pattern such as selection_*",
            );
        };
        self.at += 1;
        let is_them = is(pattern, "them") && !self.names.contains(&pattern);
        let matching: Vec<usize> = (0..self.names.len())
            .filter(|&index| match is_them {
                true => !is_aside(self.names[index]),
                false => {
                    let is_meant = pattern.starts_with('_') || !is_aside(self.names[index]);
                    is_meant && glob(pattern, self.names[index])
                }
            })
            .collect();
        let written = format!("{word} of {pattern}");
        if matching.is_empty() {
            let message = format!("{written:?} matches no selection");
            let stem = pattern.trim_end_matches(['*', '_']);
            let near = self.names.iter().find(|name| {
                let head: String = name.chars().take(stem.chars().count()).collect();
                nearest(stem, [head.as_str()]).is_some()
            });
            return match near {
                Some(near) => refuse_with(message, format!("there is {near:?}")),
                None => refuse(message),
            };
        }
        for &index in &matching {
            self.refer(index)?;
        }
        let count = matching.len();
        let parts: Vec<Expr> = matching.into_iter().map(Expr::Selection).collect();
        match quantity {
            Quantity::All => Ok(single_or(parts, Expr::And)),
            Quantity::AtLeast(0) => {
                refuse_with(format!("{written:?} always holds"), "write 1 of, or not 1 of")
            }
            Quantity::AtLeast(1) => Ok(single_or(parts, Expr::Or)),
            Quantity::AtLeast(least) if least > count => refuse(format!(
                "{written:?} never holds: it matches {count} selection{}",
                if count == 1 { "" } else { "s" }
            )),
            Quantity::AtLeast(least) => Ok(Expr::AtLeast(least, parts)),
        }
    }

    fn refer(&mut self, index: usize) -> Result<(), Refusal> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return refuse(format!(
                "the condition refers to more than {MAX_REFERENCES} selections"
            ));
        }
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Quantity {
    All,
    AtLeast(usize),
}

impl Quantity {
    fn read(word: &str) -> Option<Self> {
        if is(word, "all") {
            return Some(Self::All);
        }
        if is(word, "any") {
            return Some(Self::AtLeast(1));
        }
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::AtLeast(word.parse().unwrap_or(usize::MAX)));
        }
        None
    }
}

fn single_or(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}

/// True for selections that are counted only where their names are asked for, by the underscore.
fn is_aside(name: &str) -> bool {
    name.starts_with('_')
}

/// True if `name` is of that pattern, in which `*` stands for any characters.
fn glob(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
