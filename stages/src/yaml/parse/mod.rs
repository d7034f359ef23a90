//! Text to documents: one stream of events after the other, going on after errors. Trees are built
//! in `build`.

mod build;

use saphyr_parser::{Event, Parser, Span, StrInput};

use self::build::Builder;
use super::limits::{MAX_FAULTS, MAX_NODES, MAX_TEXT_BYTES};
use super::node::{Fault, Node, Position};

/// What a text holds: its documents, and what could not be read.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// The documents that could be read, in order. A document with a syntax error is not here.
    pub documents: Vec<Document>,
    /// Syntax errors and broken bounds, in order. Reading goes on at the next `---`.
    pub faults: Vec<Fault>,
}

/// One document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its tree. Of a key that stands twice the first is kept.
    pub root: Node,
    /// What is wrong with it though its syntax is right: keys that stand twice, unknown aliases.
    pub faults: Vec<Fault>,
}

/// Reads all documents of a text.
#[must_use]
pub fn parse(text: &str) -> Stream {
    let mut stream = Stream::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("file of {} bytes, at most {MAX_TEXT_BYTES} are read", text.len());
        stream.faults.push(Fault::new(START, message));
        return stream;
    }
    if let Some(fault) = control_character(text) {
        stream.faults.push(fault);
        return stream;
    }
    let mut budget = MAX_NODES;
    let mut begin = 0;
    let mut lines_before = 0;
    while let Some(stop) = read_until_error(&text[begin..], lines_before, &mut budget, &mut stream)
    {
        if stop.is_final || stream.faults.len() >= MAX_FAULTS {
            break;
        }
        let rest = &text[begin..];
        let at = rest.char_indices().nth(stop.char_index).map_or(rest.len(), |(at, _)| at);
        // The error may be told at the very `---` that begins the next document.
        let at = rest[..at].rfind('\n').unwrap_or(at);
        let Some(next) = next_document(rest, at) else { break };
        lines_before += line_breaks(&rest[..next]);
        begin += next;
    }
    stream
}

/// Reads a text that must hold one document (a configuration, say).
///
/// # Errors
/// Everything that is wrong with it, in order; also if it holds no document, or several.
pub fn parse_one(text: &str) -> Result<Node, Vec<Fault>> {
    let stream = parse(text);
    let mut faults = stream.faults;
    let mut roots = Vec::new();
    for document in stream.documents {
        faults.extend(document.faults);
        roots.push(document.root);
    }
    if let (true, Some(second)) = (faults.is_empty(), roots.get(1)) {
        faults.push(Fault::new(second.position, "a second document where one is expected"));
    }
    faults.sort_by_key(|fault| fault.position);
    match (faults.is_empty(), roots.into_iter().next()) {
        (true, Some(root)) => Ok(root),
        (true, None) => Err(vec![Fault::new(START, "nothing is written here")]),
        (false, _) => Err(faults),
    }
}

const START: Position = Position { line: 1, column: 1 };

/// The YAML crate takes NUL for the end of its input, which would silently cut a file short.
fn control_character(text: &str) -> Option<Fault> {
    let is_bad =
        |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7f;
    let at = text.as_bytes().iter().position(is_bad)?;
    let before = &text[..at];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let column = before[line_start..].chars().count() + 1;
    let position = Position { line: line_breaks(before) + 1, column };
    let message = format!("control character U+{:04X}", text.as_bytes()[at]);
    Some(Fault::new(position, message).hint("write it as an escape in double quotes"))
}

fn line_breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_break = |&at: &usize| {
        bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
    };
    (0..bytes.len()).filter(is_break).count()
}

/// Where the next `---` line begins, from byte `from` on.
fn next_document(text: &str, from: usize) -> Option<usize> {
    let from = from.min(text.len());
    let found = text.as_bytes()[from..].windows(4).position(|window| window == b"\n---")?;
    Some(from + found + 1)
}

/// Why reading stopped before the end.
struct Stop {
    /// Characters from the start of what was read.
    char_index: usize,
    /// True if there is no use in going on.
    is_final: bool,
}

fn read_until_error(
    text: &str,
    lines_before: usize,
    budget: &mut usize,
    stream: &mut Stream,
) -> Option<Stop> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::new(lines_before, budget);
    loop {
        match next(&mut parser) {
            None => return None,
            Some(Err(error)) => {
                let mark = error.marker();
                let position =
                    Position { line: mark.line() + lines_before, column: mark.col() + 1 };
                stream.faults.push(syntax_fault(position, error.info()));
                return Some(Stop { char_index: mark.index(), is_final: false });
            }
            Some(Ok((event, span))) => match builder.take(event, span) {
                Ok(Some(document)) => stream.documents.push(document),
                Ok(None) => {}
                Err(fault) => {
                    stream.faults.push(*fault);
                    return Some(Stop { char_index: span.start.index(), is_final: true });
                }
            },
        }
    }
}

type Step<'a> = Result<(Event<'a>, Span), saphyr_parser::ScanError>;

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Option<Step<'a>> {
    parser.next_event()
}

fn syntax_fault(position: Position, info: &str) -> Fault {
    let fault = Fault::new(position, format!("not valid YAML: {info}"));
    let hints = [
        (
            "mapping values are not allowed",
            "quote a text that holds \": \", and check the indentation",
        ),
        ("unknown anchor", "quote a text that begins with *"),
        ("unexpected character", "quote a text that begins with %, @ or `"),
        ("unknown escape character", "a \\ in double quotes begins an escape: use single quotes"),
        ("trailing content after", "a ' within single quotes is written twice"),
        ("tab", "indent with spaces"),
    ];
    match hints.iter().find(|(part, _)| info.contains(part)) {
        Some((_, hint)) => fault.hint(*hint),
        None => fault,
    }
}

#[cfg(test)]
mod tests;
