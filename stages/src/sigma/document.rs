//! The documents of a file, `action:` documents merged into those that follow.

use std::collections::HashMap;
use std::sync::Arc;

use super::problem::{Problem, Report, Skipped};
use crate::yaml::{self, Fault, Kind, Mapping, Node, Position, nearest};

/// A mapping that a file holds, after its actions.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: Arc<str>,
    pub(super) position: Position,
    pub(super) mapping: Mapping,
    /// What is wrong with its YAML; told only if the document runs here.
    pub(super) faults: Vec<Fault>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) documents: Vec<Document>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) problems: Vec<Problem>,
}

const ACTIONS: [&str; 3] = ["global", "repeat", "reset"];

/// Reads the documents of a file.
pub(super) fn split(file: &Arc<str>, text: &str) -> Contents {
    let stream = yaml::parse(text);
    let mut report = Report::new(file.clone());
    let mut contents = Contents::default();
    let is_empty = stream.documents.is_empty() && stream.faults.is_empty();
    for fault in stream.faults {
        report.fault(fault);
    }
    if is_empty {
        contents.skipped.push(skipped(&report, START, "nothing is written here"));
    }
    let is_action = |document: &yaml::Document| {
        document.root.as_mapping().is_some_and(|mapping| mapping.has("action"))
    };
    // Without actions, as nearly always, nothing needs to be copied.
    let has_actions = stream.documents.iter().any(is_action);
    let mut merger = Merger::default();
    for document in stream.documents {
        let position = document.root.position;
        let Kind::Mapping(mapping) = document.root.kind else {
            if !document.root.is_null() {
                let why = format!("not a rule but {}", document.root.kind_name());
                contents.skipped.push(skipped(&report, position, &why));
            }
            continue;
        };
        let document = Document { file: file.clone(), position, mapping, faults: document.faults };
        let document = match has_actions {
            true => merger.take(document, &mut report),
            false => Some(document),
        };
        contents.documents.extend(document);
    }
    contents.problems = report.problems;
    contents
}

const START: Position = Position { line: 1, column: 1 };

fn skipped(report: &Report, position: Position, why: &str) -> Skipped {
    Skipped { place: report.place(position), why: why.to_owned(), id: None }
}

/// Carries what `action` documents say to the documents that follow.
#[derive(Default)]
struct Merger {
    global: Mapping,
    global_faults: Vec<Fault>,
    previous: Mapping,
    /// Nodes copied so far.
    copied: usize,
}

impl Merger {
    /// The document that runs, if this one does.
    fn take(&mut self, mut document: Document, report: &mut Report) -> Option<Document> {
        let action = document.mapping.entry("action").map(|entry| {
            (entry.value.as_str().unwrap_or_default().to_owned(), entry.value.position)
        });
        let Some((action, position)) = action else {
            let base = std::mem::take(&mut self.global);
            document.mapping = self.merge(&base, &document.mapping, document.position, report)?;
            self.global = base;
            document.faults.extend(self.global_faults.iter().cloned());
            self.previous = Mapping::default();
            if self.spend(document.mapping.size(), document.position, report) {
                self.previous = document.mapping.clone();
            }
            return Some(document);
        };
        document.mapping.entries.retain(|entry| entry.key != "action");
        match action.as_str() {
            "global" => {
                let base = std::mem::take(&mut self.global);
                self.global = self.merge(&base, &document.mapping, document.position, report)?;
                self.global_faults.extend(document.faults);
                None
            }
            "reset" => {
                self.global = Mapping::default();
                self.global_faults.clear();
                if let Some(entry) = document.mapping.entries.first() {
                    let message = format!("key {:?} in a reset document", entry.key);
                    let note = report.error(entry.key_position, message).key(&entry.key);
                    note.hint("a document with action: reset holds nothing else");
                }
                None
            }
            "repeat" => {
                if self.previous.entries.is_empty() {
                    let note = report.error(position, "nothing to repeat").key("action");
                    note.hint("action: repeat takes up the document before it in the file");
                    return None;
                }
                let base = std::mem::take(&mut self.previous);
                document.mapping =
                    self.merge(&base, &document.mapping, document.position, report)?;
                if self.spend(document.mapping.size(), document.position, report) {
                    self.previous = document.mapping.clone();
                }
                Some(document)
            }
            _ => {
                let note = report.error(position, format!("unknown action {action:?}"));
                note.key("action").near(nearest(&action, ACTIONS), "global, repeat or reset");
                None
            }
        }
    }

    fn merge(
        &mut self,
        base: &Mapping,
        over: &Mapping,
        position: Position,
        report: &mut Report,
    ) -> Option<Mapping> {
        if base.entries.is_empty() {
            return Some(over.clone());
        }
        self.spend(base.size(), position, report).then(|| merge(base.clone(), over))
    }

    fn spend(&mut self, nodes: usize, position: Position, report: &mut Report) -> bool {
        let was_within = self.copied <= 4 * yaml::MAX_NODES;
        self.copied += nodes;
        let is_within = self.copied <= 4 * yaml::MAX_NODES;
        if was_within && !is_within {
            report.error(position, "too much is repeated in this file").hint("split the file");
        }
        is_within
    }
}

/// What `over` says goes before what `base` says; mappings in both are merged in turn.
fn merge(mut base: Mapping, over: &Mapping) -> Mapping {
    let at: HashMap<String, usize> =
        base.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    for entry in &over.entries {
        let Some(earlier) = at.get(&entry.key).and_then(|&at| base.entries.get_mut(at)) else {
            base.entries.push(entry.clone());
            continue;
        };
        earlier.key_position = entry.key_position;
        earlier.value = match (&mut earlier.value.kind, &entry.value.kind) {
            (Kind::Mapping(before), Kind::Mapping(after)) => Node {
                position: entry.value.position,
                kind: Kind::Mapping(merge(std::mem::take(before), after)),
            },
            _ => entry.value.clone(),
        };
    }
    base
}
