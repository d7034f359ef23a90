//! What a rule needs: values of which at least one must stand in every record that it matches.
//!
//! Drawn from the condition by what cannot be done without. It may ask for less than the rule does,
//! never for more, and "cannot tell" counts as a match.

use super::rule::{CompiledRule, Part, Search, Test};
use super::value::ValueTest;
use crate::sigma::ast::Expr;

/// One value that would do.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// The field's path.
    pub path: String,
    /// One of these holds for one value of the field.
    pub tests: Vec<ValueTest>,
}

/// What a rule needs: one of these; `None` if nothing simple can be named.
pub(super) fn needs(rule: &CompiledRule) -> Option<Vec<Atom>> {
    // Filters can only narrow further, so the rule's own detection is enough.
    let part = rule.parts.first()?;
    of_expr(&part.condition, part)
}

fn of_expr(expr: &Expr, part: &Part) -> Option<Vec<Atom>> {
    match expr {
        Expr::And(parts) => best(parts.iter().map(|expr| of_expr(expr, part))),
        Expr::Or(parts) => union(parts.iter().map(|expr| of_expr(expr, part))),
        // Of any number that must hold, one does.
        Expr::AtLeast(_, parts) => union(parts.iter().map(|expr| of_expr(expr, part))),
        Expr::Not(_) => None,
        Expr::Selection(index) => of_search(&part.selections[*index].1),
    }
}

fn of_search(search: &Search) -> Option<Vec<Atom>> {
    match search {
        Search::All(searches) => best(searches.iter().map(of_search)),
        Search::Any(searches) => union(searches.iter().map(of_search)),
        Search::Item(item) => {
            let path = item.path.clone().filter(|path| is_plain(path) && !item.is_negated)?;
            // With `all`, values of different elements may satisfy different tests: any one counts.
            let mut tests = Vec::new();
            for test in &item.tests {
                let is_value = value_tests(test, &mut tests);
                if !is_value && !item.needs_all {
                    return None;
                }
            }
            (!tests.is_empty()).then(|| vec![Atom { path, tests }])
        }
    }
}

/// Adds a test's alternatives; false if one of them is about more than a value.
fn value_tests(test: &Test, into: &mut Vec<ValueTest>) -> bool {
    match test {
        Test::Value(test) => {
            into.push(test.clone());
            true
        }
        Test::AnyOf(tests) => {
            let before = into.len();
            let is_all = tests.iter().all(|test| value_tests(test, into));
            if !is_all {
                into.truncate(before);
            }
            is_all
        }
        Test::Null | Test::Exists(_) | Test::FieldRef { .. } => false,
    }
}

/// A key whose bytes in a file can only differ from these by `\u` escapes.
fn is_plain(path: &str) -> bool {
    !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}

/// Of what must all hold, the part that is quickest to look for and rarest.
fn best(needs: impl Iterator<Item = Option<Vec<Atom>>>) -> Option<Vec<Atom>> {
    needs.flatten().min_by_key(|atoms| cost(atoms))
}

fn union(needs: impl Iterator<Item = Option<Vec<Atom>>>) -> Option<Vec<Atom>> {
    let mut all = Vec::new();
    for atoms in needs {
        all.extend(atoms?);
    }
    (!all.is_empty()).then_some(all)
}

/// The event's name is always looked at; fields with few different values say little.
fn cost(atoms: &[Atom]) -> u32 {
    let one = |atom: &Atom| match atom.path.as_str() {
        // Half of all records have either value.
        _ if atom.tests.iter().any(|test| matches!(test, ValueTest::Bool(_))) => 4,
        "eventName" => 0,
        "eventSource" | "awsRegion" | "eventType" | "eventCategory" | "recipientAccountId" => 3,
        path if path.contains('.') => 2,
        _ => 1,
    };
    atoms.iter().map(one).max().unwrap_or(u32::MAX)
}
