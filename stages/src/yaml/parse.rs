//! Text to trees: events of the YAML crate become nodes, within bounds. It gives no meaning to keys.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::limits::{BYTES_PER_NODE, MAX_DEPTH, MAX_FAULTS, MAX_NODES, MAX_TEXT_BYTES};
use super::node::{Entry, Fault, Kind, Mapping, Node, Position};
use super::scalar::Text;

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
    if info.contains("mapping values are not allowed") {
        return fault.hint("quote a text that holds \": \", and check the indentation");
    }
    if info.contains("tab") {
        return fault.hint("indent with spaces");
    }
    fault
}

/// A list or mapping that is not complete yet.
struct Open {
    position: Position,
    anchor: usize,
    held: Held,
}

enum Held {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<Key>, merged: Vec<Node> },
}

struct Key {
    text: String,
    position: Position,
    is_merge: bool,
}

/// What an anchor stands for, and how much of the bounds a copy takes.
struct Anchored {
    node: Node,
    weight: usize,
    depth: usize,
}

struct Builder<'b> {
    lines_before: usize,
    budget: &'b mut usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    faults: Vec<Fault>,
}

/// Boxed, since a fault is much larger than what is returned otherwise.
type Fatal = Box<Fault>;

impl<'b> Builder<'b> {
    fn new(lines_before: usize, budget: &'b mut usize) -> Self {
        Self {
            lines_before,
            budget,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            faults: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Document>, Fatal> {
        let position =
            Position { line: span.start.line() + self.lines_before, column: span.start.col() + 1 };
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(_) => {
                self.open.clear();
                self.anchors.clear();
                self.root = None;
                self.faults.clear();
            }
            Event::DocumentEnd => {
                let faults = std::mem::take(&mut self.faults);
                return Ok(self.root.take().map(|root| Document { root, faults }));
            }
            Event::Alias(anchor) => {
                let node = self.copy(anchor, position)?;
                self.place(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = self.check_tag(tag.as_deref(), position);
                let is_plain = style == ScalarStyle::Plain && !is_text;
                let text = Text { text: text.into_owned(), is_plain };
                self.spend(1 + text.text.len() / BYTES_PER_NODE, position)?;
                self.finish(Node { position, kind: Kind::Scalar(text) }, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), position);
                self.enter(position, anchor, Held::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), position);
                let held = Held::Mapping { entries: Vec::new(), key: None, merged: Vec::new() };
                self.enter(position, anchor, held)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let kind = match open.held {
                        Held::Sequence(items) => Kind::Sequence(items),
                        Held::Mapping { entries, merged, .. } => {
                            Kind::Mapping(self.close_mapping(entries, merged)?)
                        }
                    };
                    self.finish(Node { position: open.position, kind }, open.anchor)?;
                }
            }
        }
        Ok(None)
    }

    fn enter(&mut self, position: Position, anchor: usize, held: Held) -> Result<(), Fatal> {
        self.spend(1, position)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(position));
        }
        self.open.push(Open { position, anchor, held });
        Ok(())
    }

    fn spend(&mut self, weight: usize, position: Position) -> Result<(), Fatal> {
        match self.budget.checked_sub(weight) {
            Some(left) => {
                *self.budget = left;
                Ok(())
            }
            None => Err(Box::new(
                Fault::new(position, format!("more than {MAX_NODES} nodes in one file"))
                    .hint("what aliases copy is counted too; split the file"),
            )),
        }
    }

    /// True if the tag says that the scalar is text.
    fn check_tag(&mut self, tag: Option<&Tag>, position: Position) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "str" | "map" | "seq") {
            return tag.suffix == "str";
        }
        let fault = Fault::new(position, format!("tag {tag} is not supported"));
        self.faults.push(fault.hint("remove it; quote what shall be text"));
        false
    }

    /// A node is complete: remembers it if it has an anchor, and puts it where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        if anchor != 0 {
            let (weight, depth) = measure(&node);
            self.spend(weight, node.position)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), weight, depth });
        }
        self.place(node);
        Ok(())
    }

    fn copy(&mut self, anchor: usize, position: Position) -> Result<Node, Fatal> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            self.faults.push(Fault::new(position, "alias to an anchor that is not complete here"));
            return Ok(null(position));
        };
        let weight = anchored.weight;
        if self.open.len() + anchored.depth > MAX_DEPTH {
            return Err(too_deep(position));
        }
        let node = anchored.node.clone();
        self.spend(weight, position)?;
        Ok(node)
    }

    fn place(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.held {
            Held::Sequence(items) => items.push(node),
            Held::Mapping { entries, key, merged } => match key.take() {
                Some(key) if key.is_merge => merged.push(node),
                Some(Key { text, position, .. }) => {
                    entries.push(Entry { key: text, key_position: position, value: node });
                }
                None => {
                    let position = node.position;
                    let text = match node.kind {
                        Kind::Scalar(text) => text,
                        Kind::Sequence(_) | Kind::Mapping(_) => {
                            self.faults.push(Fault::new(position, "a key must be text"));
                            Text { text: String::new(), is_plain: false }
                        }
                    };
                    let is_merge = text.is_plain && text.text == "<<";
                    *key = Some(Key { text: text.text, position, is_merge });
                }
            },
        }
    }

    fn close_mapping(&mut self, entries: Vec<Entry>, merged: Vec<Node>) -> Result<Mapping, Fatal> {
        let mut seen: HashMap<String, Position> = HashMap::with_capacity(entries.len());
        let mut mapping = Mapping { entries: Vec::with_capacity(entries.len()) };
        for entry in entries {
            if let Some(first) = seen.get(&entry.key) {
                let message = format!(
                    "key {:?} stands twice in this mapping, first on line {}",
                    entry.key, first.line
                );
                let fault = Fault::new(entry.key_position, message).about(&entry.key);
                self.faults.push(fault.hint("remove one; join values in a list"));
                continue;
            }
            seen.insert(entry.key.clone(), entry.key_position);
            mapping.entries.push(entry);
        }
        for node in merged {
            let position = node.position;
            let sources = match node.kind {
                Kind::Sequence(items) => items,
                Kind::Mapping(_) | Kind::Scalar(_) => vec![node],
            };
            for source in sources {
                let Kind::Mapping(source) = source.kind else {
                    self.faults.push(Fault::new(position, "only mappings can be merged with <<"));
                    continue;
                };
                for entry in source.entries {
                    if !seen.contains_key(&entry.key) {
                        seen.insert(entry.key.clone(), entry.key_position);
                        mapping.entries.push(entry);
                    }
                }
            }
        }
        Ok(mapping)
    }
}

fn null(position: Position) -> Node {
    Node { position, kind: Kind::Scalar(Text { text: String::new(), is_plain: true }) }
}

fn too_deep(position: Position) -> Fatal {
    Box::new(Fault::new(position, format!("nested deeper than {MAX_DEPTH} levels")))
}

/// Weight and depth of a tree. It recurses no deeper than [`MAX_DEPTH`].
fn measure(node: &Node) -> (usize, usize) {
    let join = |(weight, depth): (usize, usize), child: &Node| {
        let (more, deeper) = measure(child);
        (weight + more, depth.max(deeper + 1))
    };
    match &node.kind {
        Kind::Scalar(text) => (1 + text.text.len() / BYTES_PER_NODE, 0),
        Kind::Sequence(items) => items.iter().fold((1, 1), join),
        Kind::Mapping(mapping) => mapping.entries.iter().fold((1, 1), |sum, entry| {
            let (weight, depth) = join(sum, &entry.value);
            (weight + 1 + entry.key.len() / BYTES_PER_NODE, depth)
        }),
    }
}

#[cfg(test)]
mod tests;
