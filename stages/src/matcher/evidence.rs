//! Tells which fields made a rule match.

use simd_json::StaticNode;

use super::rule::{CompiledRule, Decision, Item, Part, Search, Test};
use super::tri::Tri;
use crate::model::{Derive, Derived, Lookup, Matched, static_text};
use crate::sigma::ast::Expr;

impl<D: Derive> Decision<'_, '_, D> {
    /// The fields behind a match: of each selection that the condition wants and that holds.
    pub(super) fn evidence(&mut self, rule: &CompiledRule) -> Vec<Matched> {
        let mut matched = Vec::new();
        // Filters hold by not matching: they have nothing to show.
        for part in rule.parts.iter().filter(|part| part.filter.is_none()) {
            for index in wanted(part) {
                let (name, search) = &part.selections[index];
                if self.search(search) == Tri::True {
                    self.collect(name, search, &mut matched);
                }
            }
        }
        matched
    }

    fn collect(&mut self, selection: &str, search: &Search, matched: &mut Vec<Matched>) {
        match search {
            Search::All(searches) => {
                for search in searches {
                    self.collect(selection, search, matched);
                }
            }
            Search::Any(searches) => {
                for search in searches {
                    if self.search(search) == Tri::True {
                        self.collect(selection, search, matched);
                    }
                }
            }
            Search::Item(item) => matched.push(Matched {
                selection: selection.to_owned(),
                field: item.path.clone(),
                value: self.matched_value(item),
            }),
        }
    }

    /// The first value that satisfies the item; for keywords the first keyword's.
    fn matched_value(&mut self, item: &Item) -> Option<String> {
        let Some(field) = item.field else {
            return item.tests.iter().find_map(|test| self.keyword_value(test));
        };
        let looked = self.scratch.looked(field).clone();
        let found = &looked.values.found;
        let mut derived = looked.derived.found.iter().map(Derived::lookup);
        if item.is_negated {
            let first = found.first().and_then(|at| self.show(*at));
            return first.or_else(|| derived.next().and_then(show_scalar));
        }
        item.tests.iter().find_map(|test| {
            let at = found.iter().find(|at| self.holds_at(test, **at));
            at.and_then(|at| self.show(*at)).or_else(|| {
                let mut derived = looked.derived.found.iter().map(Derived::lookup);
                derived.find(|value| self.holds_for(test, *value)).and_then(show_scalar)
            })
        })
    }

    fn holds_at(&mut self, test: &Test, at: usize) -> bool {
        let record = self.enriched.record;
        match test {
            Test::Value(test) => test.holds(record, at, &mut self.scratch.buffers),
            Test::AnyOf(tests) => tests.iter().any(|test| self.holds_at(test, at)),
            Test::Null => record.value(at) == Lookup::Static(StaticNode::Null),
            Test::Exists(_) | Test::FieldRef { .. } => true,
        }
    }

    /// As [`Self::holds_at`], for a value that was worked out.
    fn holds_for(&mut self, test: &Test, value: Lookup<'_>) -> bool {
        match test {
            Test::Value(test) => test.holds_for_scalar(value, &mut self.scratch.buffers),
            Test::AnyOf(tests) => tests.iter().any(|test| self.holds_for(test, value)),
            Test::Null => false,
            Test::Exists(_) | Test::FieldRef { .. } => true,
        }
    }

    fn keyword_value(&mut self, test: &Test) -> Option<String> {
        match test {
            Test::AnyOf(tests) => tests.iter().find_map(|test| self.keyword_value(test)),
            Test::Value(test) => {
                let folded = &mut String::new();
                self.enriched.record.scalars(0).find_map(|scalar| {
                    let text = match scalar {
                        Lookup::Text(text) => text.to_owned(),
                        Lookup::Static(value) => static_text(value),
                        Lookup::Container => return None,
                    };
                    test.holds_for_text(&text, folded).then(|| cut(text))
                })
            }
            Test::Null | Test::Exists(_) | Test::FieldRef { .. } => None,
        }
    }

    /// A value as text; `None` for null.
    pub(super) fn show(&self, at: usize) -> Option<String> {
        let record = self.enriched.record;
        match record.value(at) {
            Lookup::Container => {
                let mut json = String::new();
                record.write_json(at, &mut json);
                Some(cut(json))
            }
            scalar => show_scalar(scalar),
        }
    }
}

/// A value as text; `None` for null and for what is no scalar.
pub(super) fn show_scalar(value: Lookup<'_>) -> Option<String> {
    match value {
        Lookup::Text(text) => Some(cut(text.to_owned())),
        Lookup::Static(StaticNode::Null) | Lookup::Container => None,
        Lookup::Static(value) => Some(static_text(value)),
    }
}

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(Matched::MAX_VALUE) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Selections that the condition wants to hold, in the rule's order.
pub(super) fn wanted(part: &Part) -> Vec<usize> {
    fn walk(expr: &Expr, is_wanted: bool, wanted: &mut Vec<usize>) {
        match expr {
            Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => {
                for part in parts {
                    walk(part, is_wanted, wanted);
                }
            }
            Expr::Not(part) => walk(part, !is_wanted, wanted),
            Expr::Selection(index) => {
                if is_wanted {
                    wanted.push(*index);
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&part.condition, true, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}
