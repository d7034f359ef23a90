//! Files of Sigma documents to a checked set of rules: the way through the reader.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil::Date;

use super::ast::{Correlation, Place, Rule};
use super::classify::{Class, Role, classify};
use super::correlation;
use super::document::{self, Document};
use super::ending::Ended;
use super::filter;
use super::problem::{LeftOut, Problem, Report, Severity, Skipped};
use super::regexes::Regexes;
use super::rule;
use super::scope::Scope;
use crate::yaml::Position;

/// A file of rules.
#[derive(Debug, Clone)]
pub struct SourceFile<'a> {
    /// Its path, as messages shall name it.
    pub path: Arc<str>,
    /// Its text.
    pub text: Cow<'a, str>,
}

/// What the reader is told besides the files.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Values of placeholders, by name without percent signs. They are Sigma texts: `srv*` has a
    /// wildcard.
    pub placeholders: BTreeMap<String, Vec<String>>,
    /// Names of placeholders all of whose values have ended: they match nothing.
    pub emptied: BTreeSet<String>,
    /// The day in UTC: what ended before it does not hold. `None`: nothing ends.
    pub today: Option<Date>,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The rules that run, in the order of the files, filters applied.
    pub rules: Vec<Rule>,
    /// The correlations that hold, in the order of the files.
    pub correlations: Vec<Correlation>,
    /// Documents that do not run here, and why.
    pub skipped: Vec<Skipped>,
    /// Errors and warnings of all files, by file and line.
    pub problems: Vec<Problem>,
    /// Rules in the old form that counts in their condition (`selection | count() > 5`), which the
    /// specification has replaced by correlation documents. They are told as warnings.
    pub not_run: Vec<LeftOut>,
    /// Rules, filters and correlations that would run but for an error.
    pub left_out: Vec<LeftOut>,
    /// Filters whose last day is over: they filter nothing.
    pub ended: Vec<Ended>,
    /// Something in it ends on a later day.
    pub has_ends: bool,
}

impl Reading {
    /// True if something is left out because of an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// Reads all documents of all files.
#[must_use]
pub fn read(files: &[SourceFile<'_>], options: &ReadOptions) -> Reading {
    let mut draft = Draft::default();
    let mut regexes = Regexes::default();
    for file in files {
        let contents = document::split(&file.path, &file.text);
        draft.reading.problems.extend(contents.problems);
        draft.reading.skipped.extend(contents.skipped);
        for document in contents.documents {
            let scope = Scope::new(file.path.clone(), options, &mut regexes);
            draft.take(scope, &document);
        }
    }
    filter::apply(&mut draft, options.today);
    correlation::resolve(&mut draft);
    let mut reading = draft.reading;
    reading.problems.sort_by(|left, right| left.place.cmp(&right.place));
    reading
}

/// What an id or a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A rule that runs, by its index.
    Rule(usize),
    /// A correlation, by its index in [`Draft::correlations`].
    Correlation(usize),
    /// A document for another log.
    Foreign,
    /// A document that is left out.
    LeftOut,
}

/// The reading while documents still come in.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) reading: Reading,
    pub(super) filters: Vec<filter::Filter>,
    pub(super) correlations: Vec<correlation::Draft>,
    known: HashMap<String, Known>,
    /// Where ids and names of what runs were first given.
    taken: HashMap<String, Place>,
}

impl Draft {
    /// What an id or name stands for, if any document has it.
    pub(super) fn find(&self, reference: &str) -> Option<Known> {
        self.known.get(reference).copied()
    }

    /// Leaves a document out whose errors are noted.
    pub(super) fn leave_out(&mut self, id: &str, title: Option<&str>, place: Place) {
        let title = title.map(str::to_owned);
        self.reading.left_out.push(LeftOut { id: id.to_owned(), title, place });
    }

    /// A rule in the old form that counts: known by name, told, and not run.
    fn needs_correlation(
        &mut self,
        mut report: Report,
        document: &Document,
        position: Position,
        what: &str,
    ) {
        let title = written(document, "title");
        let id = written(document, "id").or_else(|| title.clone()).unwrap_or_default();
        let message = format!("the rule is not run: aggregation {what:?} needs correlation");
        report.warn(position, message).key("condition").hint("use a correlation document");
        let place = report.place(document.position);
        self.reading.problems.extend(report.problems);
        self.reading.not_run.push(LeftOut { id, title, place });
        self.know(document, Known::LeftOut);
    }

    fn take(&mut self, mut scope: Scope<'_>, document: &Document) {
        match classify(document, &mut scope.report) {
            Class::Skipped(why) => {
                let place = scope.report.place(document.position);
                let id = ["id", "title"].iter().find_map(|key| written(document, key));
                self.reading.skipped.push(Skipped { place, why, id });
                self.know(document, Known::Foreign);
            }
            Class::Wrong => self.refuse(scope.report, document),
            Class::Runs(role, source) => {
                for fault in &document.faults {
                    scope.report.fault(fault.clone());
                }
                match role {
                    Role::Rule if let Some((position, what)) = aggregation(document) => {
                        self.needs_correlation(scope.report, document, position, &what);
                    }
                    Role::Rule => {
                        let rule = rule::read(&mut scope, document, source);
                        self.add_rule(rule, scope.report, document);
                    }
                    Role::Filter => {
                        let filter = filter::read(&mut scope, document, source);
                        self.add_filter(filter, scope.report, document);
                    }
                    Role::Correlation => {
                        let correlation = correlation::read(&mut scope, document);
                        self.add_correlation(correlation, scope.report, document);
                    }
                }
            }
        }
    }

    fn add_rule(&mut self, rule: Option<Rule>, mut report: Report, document: &Document) {
        if let Some(rule) = &rule {
            self.claim(&rule.id, rule.name.as_deref(), &rule.place, &mut report);
        }
        match rule {
            Some(rule) if !report.has_errors() => {
                self.know(document, Known::Rule(self.reading.rules.len()));
                self.reading.rules.push(rule);
                self.reading.problems.extend(report.problems);
            }
            _ => self.refuse(report, document),
        }
    }

    fn add_filter(
        &mut self,
        filter: Option<filter::Filter>,
        mut report: Report,
        document: &Document,
    ) {
        if let Some(filter) = &filter {
            self.claim(&filter.id, None, &filter.place, &mut report);
        }
        match filter {
            Some(filter) if !report.has_errors() => {
                self.filters.push(filter);
                self.reading.problems.extend(report.problems);
            }
            _ => self.refuse(report, document),
        }
    }

    fn add_correlation(
        &mut self,
        correlation: Option<correlation::Draft>,
        mut report: Report,
        document: &Document,
    ) {
        if let Some(draft) = &correlation {
            let it = &draft.correlation;
            self.claim(&it.id, it.name.as_deref(), &it.place, &mut report);
        }
        match correlation {
            Some(draft) if !report.has_errors() => {
                self.know(document, Known::Correlation(self.correlations.len()));
                self.correlations.push(draft);
                self.reading.problems.extend(report.problems);
            }
            _ => self.refuse(report, document),
        }
    }

    /// Leaves out a document whose errors are in `report`.
    fn refuse(&mut self, report: Report, document: &Document) {
        let title = written(document, "title");
        let id = written(document, "id").or_else(|| title.clone()).unwrap_or_default();
        self.leave_out(&id, title.as_deref(), report.place(document.position));
        self.know(document, Known::LeftOut);
        self.reading.problems.extend(report.problems);
    }

    /// Notes an error if another document that runs has the id or the name.
    fn claim(&mut self, id: &str, name: Option<&str>, place: &Place, report: &mut Report) {
        for (key, value) in [("id", Some(id)), ("name", name)] {
            let Some(value) = value else { continue };
            if let Some(first) = self.taken.get(value) {
                if first == place {
                    continue;
                }
                let position = crate::yaml::Position { line: place.line, column: place.column };
                let message = format!(
                    "{value:?} is the id, name or title of two documents, the other at {first}"
                );
                report.error(position, message).key(key).hint("give each its own id");
            } else {
                self.taken.insert(value.to_owned(), place.clone());
            }
        }
    }

    /// Remembers what its id and name stand for. What runs goes before what does not.
    fn know(&mut self, document: &Document, known: Known) {
        let title =
            if written(document, "id").is_none() { written(document, "title") } else { None };
        for word in
            [written(document, "id"), written(document, "name"), title].into_iter().flatten()
        {
            match known {
                Known::Rule(_) | Known::Correlation(_) => {
                    self.known.insert(word, known);
                }
                Known::Foreign | Known::LeftOut => {
                    let before = self.known.entry(word).or_insert(known);
                    if *before == Known::Foreign {
                        *before = known;
                    }
                }
            }
        }
    }
}

/// The text of a top-level key, if it has one.
fn written(document: &Document, key: &str) -> Option<String> {
    let text = document.mapping.get_some(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The aggregation behind the `|` of a rule's condition, if it has one.
fn aggregation(document: &Document) -> Option<(Position, String)> {
    let condition = document.mapping.get("detection")?.as_mapping()?.get("condition")?;
    let one = std::slice::from_ref(condition);
    condition.as_sequence().unwrap_or(one).iter().find_map(|node| {
        let (_, behind) = node.as_str()?.split_once('|')?;
        // Two are meant as `or`, which the condition's reader refuses by name.
        let counts = !behind.starts_with('|');
        counts.then(|| (node.position, behind.trim().to_owned()))
    })
}
