//! Filter documents: read, then joined to the rules that they name.

use jiff::civil::Date;

use super::ast::{AppliedFilter, Detection, LogSource, Place, Rule};
use super::condition;
use super::detection;
use super::document::Document;
use super::ending::{Ended, Ending};
use super::problem::Report;
use super::reading::{Draft, Known};
use super::rule;
use super::scope::Scope;
use crate::yaml::{Kind, Mapping, Node, Position, nearest};

/// A filter that is not joined to rules yet.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) place: Place,
    source: LogSource,
    targets: Targets,
    detection: Detection,
    ending: Ending,
}

#[derive(Debug)]
enum Targets {
    Any(Position),
    Listed(Vec<(String, Position)>),
}

/// Reads a filter; errors are noted.
pub(super) fn read(
    scope: &mut Scope<'_>,
    document: &Document,
    source: LogSource,
) -> Option<Filter> {
    let head = rule::head(scope, document);
    let mapping = &document.mapping;
    for key in ["detection"].iter().filter(|key| mapping.has(key)) {
        let message = format!("a document cannot hold both \"filter\" and {key:?}");
        scope.report.error(document.position, message).key(key);
    }
    let block = mapping.get("filter")?;
    let body = scope.report.checked("filter", block.mapping())?;
    let targets = match body.get("rules") {
        Some(node) => targets(scope, node),
        None => {
            let near = body.near_misses(&["rules"]);
            let note = scope.report.error(block.position, "filter: missing \"rules\"").key("rules");
            match near.first() {
                Some((entry, _)) => note.hint(format!("{:?} is read as a selection", entry.key)),
                None => note.hint("a list of ids or names, or any"),
            };
            None
        }
    };
    let detection = detection::read(scope, block, "filter", &["rules"]);
    let ending = ending(scope, mapping);
    let (head, targets, detection) = (head?, targets?, detection?);
    if !condition::negates(&detection.condition) {
        let position = body.get("condition").map_or(block.position, |node| node.position);
        let note = scope.report.warn(position, "the filter's condition negates nothing");
        note.key("condition").hint("rules match only where it holds: \"not selection\" suppresses");
    }
    let ending = ending?;
    Some(Filter {
        id: head.id,
        title: head.title,
        place: head.place,
        source,
        targets,
        detection,
        ending,
    })
}

/// Until when it holds and whose it is: its `askance:` block.
fn ending(scope: &mut Scope<'_>, mapping: &Mapping) -> Option<Ending> {
    let Some(node) = mapping.get_some("askance") else { return Some(Ending::default()) };
    let block = scope.report.checked("askance", node.mapping())?;
    let unknown = block.unknown_keys(&["until", "owner", "reason"]);
    let is_known = unknown.is_empty();
    unknown.into_iter().for_each(|fault| scope.report.fault(fault));
    match Ending::read(block) {
        Ok(ending) => is_known.then_some(ending),
        Err(fault) => {
            scope.report.fault(fault);
            None
        }
    }
}

fn targets(scope: &mut Scope<'_>, node: &Node) -> Option<Targets> {
    match &node.kind {
        Kind::Scalar(_) if node.as_str() == Some("any") => Some(Targets::Any(node.position)),
        Kind::Sequence(items) if !items.is_empty() => {
            let mut listed = Vec::with_capacity(items.len());
            for item in items {
                let reference = scope.report.checked("rules", item.text())?;
                listed.push((reference.to_owned(), item.position));
            }
            Some(Targets::Listed(listed))
        }
        Kind::Scalar(_) if node.as_str().is_some_and(is_reference) => {
            let reference = node.as_str().unwrap_or_default().to_owned();
            Some(Targets::Listed(vec![(reference, node.position)]))
        }
        Kind::Sequence(_) | Kind::Scalar(_) | Kind::Mapping(_) => {
            let found = match node.as_sequence() {
                Some(_) => "an empty list".to_owned(),
                None => node
                    .as_str()
                    .filter(|text| !text.is_empty())
                    .map_or_else(|| node.kind_name().to_owned(), |text| format!("{text:?}")),
            };
            let message = format!("rules: expected a list of ids or names, or any, found {found}");
            scope.report.error(node.position, message).key("rules");
            None
        }
    }
}

/// True for one id or name, given without a list; a misspelled `any` is none.
fn is_reference(text: &str) -> bool {
    !text.is_empty() && nearest(text, ["any"]).is_none()
}

/// True if what the filter's source names is what the rule's names.
fn fits(filter: &LogSource, rule: &LogSource) -> bool {
    let same = |filter: &Option<String>, rule: &Option<String>| match (filter, rule) {
        (None, _) => true,
        (Some(filter), Some(rule)) => filter.to_lowercase() == rule.to_lowercase(),
        (Some(_), None) => false,
    };
    same(&filter.product, &rule.product)
        && same(&filter.service, &rule.service)
        && same(&filter.category, &rule.category)
}

/// Joins the filters to the rules.
pub(super) fn apply(draft: &mut Draft, today: Option<Date>) {
    for filter in std::mem::take(&mut draft.filters) {
        if today.is_some_and(|today| filter.ending.is_over(today)) {
            let title = format!("the filter {:?}", filter.title);
            let (place, ending) = (filter.place, filter.ending);
            draft.reading.ended.push(Ended { place, title, ending });
            continue;
        }
        draft.reading.has_ends |= filter.ending.until.is_some();
        let mut report = Report::new(filter.place.file.clone());
        let indexes = chosen(draft, &filter, &mut report);
        if report.has_errors() {
            draft.leave_out(&filter.id, Some(&filter.title), filter.place.clone());
        } else {
            for index in indexes {
                if let Some(rule) = draft.reading.rules.get_mut(index) {
                    let (title, detection) = (filter.title.clone(), filter.detection.clone());
                    rule.filters.push(AppliedFilter { title, detection });
                }
            }
        }
        draft.reading.problems.append(&mut report.problems);
    }
}

/// The rules that a filter applies to, by index.
fn chosen(draft: &Draft, filter: &Filter, report: &mut Report) -> Vec<usize> {
    let rules: &[Rule] = &draft.reading.rules;
    let mut indexes = Vec::new();
    let listed = match &filter.targets {
        Targets::Any(position) => {
            let fitting = rules.iter().enumerate();
            indexes.extend(
                fitting
                    .filter(|(_, rule)| fits(&filter.source, &rule.log_source))
                    .map(|(index, _)| index),
            );
            if indexes.is_empty() {
                report.warn(*position, "the filter fits no rule").key("rules");
            }
            return indexes;
        }
        Targets::Listed(listed) => listed,
    };
    for (reference, position) in listed {
        match draft.find(reference) {
            Some(Known::Rule(index)) => match rules.get(index) {
                Some(rule) if !fits(&filter.source, &rule.log_source) => {
                    let message =
                        format!("rule {reference:?} has another logsource than the filter");
                    report.error(*position, message).key("rules");
                }
                Some(_) if !indexes.contains(&index) => indexes.push(index),
                Some(_) | None => {}
            },
            Some(Known::LeftOut) => {}
            Some(Known::Foreign) => {
                let message = format!("rule {reference:?} is for another log and does not run");
                report.warn(*position, message).key("rules");
            }
            Some(Known::Correlation(_)) => {
                let message = format!("{reference:?} is a correlation, filters apply to rules");
                report.error(*position, message).key("rules");
            }
            None => {
                let message = format!("no rule has the id or name {reference:?}");
                report.warn(*position, message).key("rules");
            }
        }
    }
    indexes
}
