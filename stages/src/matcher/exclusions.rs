//! What a rule does not match with: values of which one, standing where the rule says, settles that it does
//! not hold, whatever else the record says.
//!
//! Drawn from what a condition excludes (`not failed`, where a failed call has an `errorCode`). Nothing
//! follows from its not being seen.

use super::glance::{Behind, plain_text, value_behind};
use super::needs::is_plain;
use super::prefilter::RuleIndex;
use super::rule::{CompiledRule, Item, Part, Search, Test};
use super::value::ValueTest;
use crate::model::Field;
use crate::sigma::ast::Expr;

/// What excludes the rules of a set.
#[derive(Debug, Default)]
pub(super) struct Exclusions {
    paths: Vec<Path>,
    by_rule: Vec<Vec<Exclusion>>,
}

/// A path that is asked for.
#[derive(Debug)]
struct Path {
    name: String,
    /// The place of its last key among those that the first step looks for.
    first_step: Option<usize>,
}

/// One value that excludes a rule.
#[derive(Debug)]
struct Exclusion {
    /// Place of its path.
    path: usize,
    /// How it must be; `None`: that something is there is enough.
    test: Option<ValueTest>,
}

/// Where paths lead in the record at hand, as far as it was asked: several rules ask for the same ones.
#[derive(Debug, Default)]
pub(super) struct Located(Vec<(usize, Option<usize>)>);

impl Located {
    fn end(
        &mut self,
        path: usize,
        locate: &mut impl FnMut(usize) -> Option<usize>,
    ) -> Option<usize> {
        if let Some((_, end)) = self.0.iter().find(|(known, _)| *known == path) {
            return *end;
        }
        let end = locate(path);
        self.0.push((path, end));
        end
    }
}

impl Exclusions {
    pub(super) fn new(rules: &[CompiledRule], first_step: impl Fn(&str) -> Option<usize>) -> Self {
        let mut all = Self::default();
        for rule in rules {
            let mut found = Vec::new();
            // Those of filters count too: all parts must hold.
            for part in &rule.parts {
                let mut take = |item: &Item| all.of_item(item, &mut found);
                each_excluded(&part.condition, part, false, &mut take);
            }
            all.by_rule.push(found);
        }
        for path in &mut all.paths {
            path.first_step = path.name.rsplit('.').next().and_then(&first_step);
        }
        all
    }

    /// The paths that are asked for: dotted, outermost key first.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|path| path.name.as_str())
    }

    /// Strikes the rules that something excludes which surely stands in `text`. `seen` are the keys that the
    /// first step has seen. `locate` tells for a path, by its place, the offset behind the closing quote of
    /// its key, if that surely stands there.
    pub(super) fn strike(
        &self,
        (text, seen): (&[u8], &[(usize, usize)]),
        rules: &mut Vec<RuleIndex>,
        (located, folded): (&mut Located, &mut String),
        mut locate: impl FnMut(usize) -> Option<usize>,
    ) {
        located.0.clear();
        let mut locate = |path: usize| {
            let first_step = self.paths[path].first_step;
            let is_absent = first_step.is_some_and(|key| seen.iter().all(|(seen, _)| *seen != key));
            if is_absent { None } else { locate(path) }
        };
        rules.retain(|rule| {
            !self.by_rule[*rule as usize].iter().any(|exclusion| {
                let end = located.end(exclusion.path, &mut locate);
                end.is_some_and(|end| exclusion.holds(text, end, folded))
            })
        });
    }

    /// Enters each value that the item holds for, as far as a value's text tells it.
    fn of_item(&mut self, item: &Item, found: &mut Vec<Exclusion>) {
        let Some(path) = item.path.as_deref() else { return };
        let is_sought = is_plain(path) && Field::find(path).is_none();
        if !is_sought || item.is_negated || (item.needs_all && item.tests.len() > 1) {
            return;
        }
        let mut tests = Vec::new();
        item.tests.iter().for_each(|test| alternatives(test, &mut tests));
        if tests.is_empty() {
            return;
        }
        let known = self.paths.iter().position(|known| known.name == path);
        let path = known.unwrap_or_else(|| {
            self.paths.push(Path { name: path.to_owned(), first_step: None });
            self.paths.len() - 1
        });
        found.extend(tests.into_iter().map(|test| Exclusion { path, test }));
    }
}

impl Exclusion {
    /// Does it surely hold for the value of the key that ends there?
    fn holds(&self, text: &[u8], end: usize, folded: &mut String) -> bool {
        let Some(test) = &self.test else { return true };
        match value_behind(text, end) {
            Behind::String(inside) => {
                plain_text(inside).is_some_and(|text| test.holds_for_text(text, folded))
            }
            Behind::Word(word) => test.holds_for_text(word, folded),
            Behind::NotAKey | Behind::Null | Behind::Unclear => false,
        }
    }
}

/// Hands on the items of which one that holds makes a condition false; behind a `not`, those of which one
/// makes it true.
fn each_excluded(expr: &Expr, part: &Part, is_within_not: bool, take: &mut impl FnMut(&Item)) {
    match (expr, is_within_not) {
        (Expr::And(parts), false) | (Expr::Or(parts) | Expr::AtLeast(1, parts), true) => {
            parts.iter().for_each(|expr| each_excluded(expr, part, is_within_not, take));
        }
        (Expr::Not(inner), false) => each_excluded(inner, part, true, take),
        (Expr::Selection(index), true) => each_sufficient(&part.selections[*index].1, take),
        // Of several things that must hold together, one says nothing.
        (Expr::And(parts) | Expr::Or(parts), _) => {
            if let [one] = parts.as_slice() {
                each_excluded(one, part, is_within_not, take);
            }
        }
        (Expr::AtLeast(..), _) | (Expr::Not(_), true) | (Expr::Selection(_), false) => {}
    }
}

/// Hands on the items of which each alone makes the selection hold.
fn each_sufficient(search: &Search, take: &mut impl FnMut(&Item)) {
    match search {
        Search::Any(searches) => searches.iter().for_each(|one| each_sufficient(one, take)),
        Search::All(searches) => {
            if let [one] = searches.as_slice() {
                each_sufficient(one, take);
            }
        }
        Search::Item(item) => take(item),
    }
}

/// Adds the alternatives of a test that can be told from a value's text.
fn alternatives(test: &Test, into: &mut Vec<Option<ValueTest>>) {
    match test {
        Test::Value(test) => into.push(Some(test.clone())),
        Test::Exists(true) => into.push(None),
        Test::AnyOf(tests) => tests.iter().for_each(|test| alternatives(test, into)),
        Test::Null | Test::Exists(false) | Test::FieldRef { .. } => {}
    }
}
