//! Tells why a rule did or did not match: selection by selection, value by value.

use super::evidence::show_scalar;
use super::rule::{CompiledRule, Decision, Item, Search};
use super::tri::Tri;
use crate::model::{Derive, Derived};
use crate::sigma::ast;

/// A decision about one rule and record, opened up.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The whole.
    pub truth: Tri,
    /// The rule's own detection, then each filter.
    pub parts: Vec<PartExplanation>,
}

/// One detection.
#[derive(Debug, Clone)]
pub struct PartExplanation {
    /// Title of the filter; `None` for the rule's own.
    pub filter: Option<String>,
    /// The condition as written.
    pub condition: String,
    /// Does it hold?
    pub truth: Tri,
    /// Each selection, used or not.
    pub selections: Vec<(String, Clause)>,
}

/// A selection or a part of one.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Does it hold?
    pub truth: Tri,
    /// What it is.
    pub kind: ClauseKind,
}

/// What a clause is made of.
#[derive(Debug, Clone)]
pub enum ClauseKind {
    /// Each must hold.
    All(Vec<Clause>),
    /// One must hold.
    Any(Vec<Clause>),
    /// A line of a selection.
    Line {
        /// The key as written.
        written: String,
        /// Each value of the rule, in words, and whether it holds.
        tests: Vec<(String, Tri)>,
        /// `all` was written.
        needs_all: bool,
        /// `neq` was written.
        is_negated: bool,
        /// The record's values of that field; none for keywords.
        values: Vec<String>,
        /// Nothing stands at that path.
        is_absent: bool,
        /// CloudTrail cut the object that would hold it.
        is_cut: bool,
    },
}

impl<D: Derive> Decision<'_, '_, D> {
    pub(super) fn explain(&mut self, rule: &CompiledRule) -> Explanation {
        let source = std::iter::once(&rule.rule.detection)
            .chain(rule.rule.filters.iter().map(|filter| &filter.detection));
        let parts = rule
            .parts
            .iter()
            .zip(source)
            .map(|(part, source)| PartExplanation {
                filter: part.filter.clone(),
                condition: part.condition_text.clone(),
                truth: self.part(part),
                selections: part
                    .selections
                    .iter()
                    .zip(&source.selections)
                    .map(|((name, search), source)| {
                        (name.clone(), self.explain_search(search, &source.search))
                    })
                    .collect(),
            })
            .collect();
        Explanation { truth: self.rule(rule), parts }
    }

    fn explain_search(&mut self, search: &Search, source: &ast::Search) -> Clause {
        let truth = self.search(search);
        let kind = match (search, source) {
            (Search::All(parts), ast::Search::All(sources)) => {
                ClauseKind::All(self.explain_list(parts, sources))
            }
            (Search::Any(parts), ast::Search::Any(sources)) => {
                ClauseKind::Any(self.explain_list(parts, sources))
            }
            (Search::Item(item), ast::Search::Item(source)) => self.explain_item(item, source),
            // Compiled one to one, so the shapes agree.
            _ => ClauseKind::All(Vec::new()),
        };
        Clause { truth, kind }
    }

    fn explain_list(&mut self, parts: &[Search], sources: &[ast::Search]) -> Vec<Clause> {
        parts.iter().zip(sources).map(|(part, source)| self.explain_search(part, source)).collect()
    }

    fn explain_item(&mut self, item: &Item, source: &ast::Item) -> ClauseKind {
        let tests: Vec<(String, Tri)> = item
            .tests
            .iter()
            .zip(&source.tests)
            .map(|(test, source)| (in_words(source), self.test(test, item.field)))
            .collect();
        let (values, is_absent, is_cut) = match item.field {
            Some(field) => {
                let looked = self.scratch.looked(field).clone();
                let derived = looked.derived.found.iter().map(Derived::lookup).map(show_scalar);
                let shown = (looked.values.found.iter().map(|at| self.show(*at)).chain(derived))
                    .map(|value| value.unwrap_or_else(|| "null".to_owned()))
                    .collect();
                let is_unknown = tests.iter().any(|(_, truth)| *truth == Tri::Unknown);
                (shown, !looked.is_present(), looked.is_cut() || is_unknown)
            }
            None => (Vec::new(), false, self.enriched.record.has_cut()),
        };
        ClauseKind::Line {
            written: item.written.clone(),
            tests,
            needs_all: item.needs_all,
            is_negated: item.is_negated,
            values,
            is_absent,
            is_cut,
        }
    }
}

/// A test as a person would write it.
fn in_words(test: &ast::Test) -> String {
    match test {
        ast::Test::Text(pattern) => {
            let text: String = pattern
                .parts
                .iter()
                .map(|part| match part {
                    ast::Part::Literal(text) => text.replace('*', "\\*").replace('?', "\\?"),
                    ast::Part::One => "?".to_owned(),
                    ast::Part::Many => "*".to_owned(),
                })
                .collect();
            let case = if pattern.is_cased { " (case matters)" } else { "" };
            format!("'{text}'{case}")
        }
        ast::Test::Number(number) => number_text(*number),
        ast::Test::Bool(value) => value.to_string(),
        ast::Test::Null => "null".to_owned(),
        ast::Test::Exists(true) => "exists".to_owned(),
        ast::Test::Exists(false) => "does not exist".to_owned(),
        ast::Test::Regex(regex) => format!("/{}/", regex.pattern),
        ast::Test::Cidr(cidr) => format!("{}/{}", cidr.network, cidr.prefix),
        ast::Test::Compare(how, number) => format!("{} {}", sign(*how), number_text(*number)),
        ast::Test::FieldRef(other) => format!("the value of {}", other.field),
        ast::Test::TimePart(part, how, number) => {
            format!("{part:?} {} {}", sign(*how), number_text(*number)).to_lowercase()
        }
        ast::Test::AnyOf(tests) => tests.iter().map(in_words).collect::<Vec<_>>().join(" or "),
    }
}

fn sign(how: ast::Comparison) -> &'static str {
    match how {
        ast::Comparison::Less => "<",
        ast::Comparison::LessOrEqual => "<=",
        ast::Comparison::Greater => ">",
        ast::Comparison::GreaterOrEqual => ">=",
        ast::Comparison::Equal => "=",
    }
}

fn number_text(number: ast::Number) -> String {
    match number {
        ast::Number::Integer(value) => value.to_string(),
        ast::Number::Float(value) => value.to_string(),
    }
}
