//! What is wrong with rule files, collected so that all of it is told at once.

use std::fmt;
use std::sync::Arc;

use super::ast::Place;
use crate::yaml::{Fault, Position};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is left out.
    Error,
    /// The document runs; something about it is probably not meant.
    Warning,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the document is left out because of it.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// The key that it is about, as written.
    pub key: Option<String>,
    /// What: lowercase, without a period.
    pub message: String,
    /// What to do, if that is known: `did you mean "contains"?`.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}: {kind}{}", self.place, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// A document that does not run here, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it begins.
    pub place: Place,
    /// Why: lowercase, without a period.
    pub why: String,
    /// Its `id` or `title`, where it has one.
    pub id: Option<String>,
}

/// A rule, filter or correlation that is left out because of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its `id` or `title`, or an empty text where neither can be read.
    pub id: String,
    /// Its title, where it can be read.
    pub title: Option<String>,
    /// Where it begins.
    pub place: Place,
}

/// Collects the problems of one document.
#[derive(Debug)]
pub(super) struct Report {
    file: Arc<str>,
    /// What was found, in order of finding.
    pub(super) problems: Vec<Problem>,
}

impl Report {
    pub(super) fn new(file: Arc<str>) -> Self {
        Self { file, problems: Vec::new() }
    }

    pub(super) fn place(&self, position: Position) -> Place {
        Place { file: self.file.clone(), line: position.line, column: position.column }
    }

    /// Notes an error; the document will be left out.
    pub(super) fn error(&mut self, position: Position, message: impl Into<String>) -> Note<'_> {
        self.note(Severity::Error, position, message.into())
    }

    /// Notes a warning.
    pub(super) fn warn(&mut self, position: Position, message: impl Into<String>) -> Note<'_> {
        self.note(Severity::Warning, position, message.into())
    }

    /// Notes a fault of the YAML as an error.
    pub(super) fn fault(&mut self, fault: Fault) {
        let note = self.error(fault.position, fault.message);
        note.0.key = fault.key;
        note.0.hint = fault.hint;
    }

    /// Notes the fault, if it is one.
    pub(super) fn checked<T>(&mut self, key: &str, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(fault) => {
                self.error(fault.position, format!("{key}: {}", fault.message)).key(key);
                None
            }
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    fn note(&mut self, severity: Severity, position: Position, message: String) -> Note<'_> {
        let place = self.place(position);
        // `push` and look at what was pushed: a place that is always there.
        let at = self.problems.len();
        self.problems.push(Problem { severity, place, key: None, message, hint: None });
        Note(&mut self.problems[at])
    }
}

/// A problem just noted, to add a key and a hint to.
pub(super) struct Note<'r>(&'r mut Problem);

impl Note<'_> {
    pub(super) fn key(self, key: &str) -> Self {
        self.0.key = Some(key.to_owned());
        self
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Hints at the nearest known word, if one is near; else at what `otherwise` says.
    pub(super) fn near(self, near: Option<&str>, otherwise: &str) -> Self {
        match near {
            Some(near) => self.hint(format!("did you mean {near:?}?")),
            None if otherwise.is_empty() => self,
            None => self.hint(otherwise),
        }
    }
}
