//! Events to trees, within bounds: anchors, merges, keys that stand twice. It gives no meaning to keys.

use std::collections::HashMap;

use saphyr_parser::{Event, ScalarStyle, Span, Tag};

use super::Document;
use crate::yaml::limits::{BYTES_PER_NODE, MAX_DEPTH, MAX_NODES};
use crate::yaml::node::{Entry, Fault, Kind, Mapping, Node, Position};
use crate::yaml::scalar::Text;

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

/// Takes the events of one stream and gives its documents.
pub(super) struct Builder<'b> {
    lines_before: usize,
    budget: &'b mut usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    faults: Vec<Fault>,
}

/// Boxed, since a fault is much larger than what is returned otherwise.
pub(super) type Fatal = Box<Fault>;

impl<'b> Builder<'b> {
    pub(super) fn new(lines_before: usize, budget: &'b mut usize) -> Self {
        Self {
            lines_before,
            budget,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            faults: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Document>, Fatal> {
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
