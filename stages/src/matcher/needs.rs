//! What a rule needs: values of which at least one must stand in every record that it matches.
//!
//! Drawn from the condition by what cannot be done without. It may ask for less than the rule does,
//! never for more, and "cannot tell" counts as a match.

use super::glance::{Behind, plain_text, value_behind};
use super::rule::{CompiledRule, Part, Search, Test};
use super::value::{Buffers, ValueTest};
use crate::model::{Derive, DerivedValues, Field};
use crate::sigma::ast::Expr;

/// One value that would do.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// The path of what stands in the record.
    pub path: String,
    /// What its value must be like.
    pub wanted: Wanted,
}

/// What a value must be like.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// One of these holds for it; if there are none, it need only be there.
    pub tests: Vec<ValueTest>,
    /// Not for the value itself, but for what this field is worked out to be from it.
    pub field: Option<Field>,
}

impl Wanted {
    /// Could any value do?
    pub(super) fn is_open(&self) -> bool {
        self.tests.is_empty() && self.field.is_none()
    }

    /// Could what stands in `text` behind the key that ends before `end`? What can't be read at a glance could.
    pub(super) fn could_stand(
        &self,
        text: &[u8],
        end: usize,
        derive: &impl Derive,
        folded: &mut String,
    ) -> bool {
        let mut holds = |text: &str| self.could_be(text, derive, folded);
        match value_behind(text, end) {
            Behind::NotAKey => false,
            Behind::Unclear => true,
            Behind::Null => self.is_open(),
            Behind::Word(word) => holds(word),
            Behind::String(inside) => plain_text(inside).is_none_or(&mut holds),
        }
    }

    /// Could this one? `folded` is memory to work in.
    pub(super) fn could_be(&self, text: &str, derive: &impl Derive, folded: &mut String) -> bool {
        let Some(field) = self.field else {
            return self.tests.is_empty()
                || ValueTest::any_holds_for_text(&self.tests, text, folded);
        };
        let mut values = DerivedValues::default();
        derive.derive_of_texts(field, &[text], &mut values);
        values.is_cut || any_holds(&self.tests, &values)
    }
}

/// Does one of them hold for one of the values? If there are no tests: is there a value?
pub(super) fn any_holds(tests: &[ValueTest], values: &DerivedValues) -> bool {
    let mut buffers = Buffers::default();
    values.found.iter().any(|value| {
        let mut holds = |test: &ValueTest| test.holds_for_scalar(value.lookup(), &mut buffers);
        tests.is_empty() || tests.iter().any(&mut holds)
    })
}

/// Atoms of which one must hold. Never empty.
pub(super) type Clause = Vec<Atom>;

/// What a rule needs: each of these clauses, the one to look for first at the beginning. Empty if
/// nothing simple can be named.
pub(super) fn needs(rule: &CompiledRule) -> Vec<Clause> {
    // Filters can only narrow further, so the rule's own detection is enough.
    let Some(part) = rule.parts.first() else { return Vec::new() };
    let mut clauses = of_expr(&part.condition, part);
    clauses.sort_by_key(cost);
    clauses
}

fn of_expr(expr: &Expr, part: &Part) -> Vec<Clause> {
    match expr {
        Expr::And(parts) => parts.iter().flat_map(|expr| of_expr(expr, part)).collect(),
        Expr::Or(parts) => union(parts.iter().map(|expr| of_expr(expr, part))),
        // Of any number that must hold, one does.
        Expr::AtLeast(_, parts) => union(parts.iter().map(|expr| of_expr(expr, part))),
        Expr::Not(_) => Vec::new(),
        Expr::Selection(index) => of_search(&part.selections[*index].1),
    }
}

fn of_search(search: &Search) -> Vec<Clause> {
    match search {
        Search::All(searches) => searches.iter().flat_map(of_search).collect(),
        Search::Any(searches) => union(searches.iter().map(of_search)),
        Search::Item(item) => {
            let path = item.path.as_deref().filter(|_| !item.is_negated);
            let Some((path, field)) = path.and_then(sought) else { return Vec::new() };
            // With `all`, values of different elements may satisfy different tests: any one counts.
            let (mut tests, mut needs_only_key) = (Vec::new(), false);
            for test in &item.tests {
                match value_tests(test, &mut tests) {
                    Need::Value => {}
                    Need::Key => needs_only_key = true,
                    Need::Nothing if item.needs_all => {}
                    Need::Nothing => return Vec::new(),
                }
            }
            if needs_only_key {
                tests.clear();
            } else if tests.is_empty() {
                return Vec::new();
            }
            vec![vec![Atom { path: path.to_owned(), wanted: Wanted { tests, field } }]]
        }
    }
}

/// What a test needs of a record.
enum Need {
    /// One of the values that were added.
    Value,
    /// That the key is there.
    Key,
    /// Nothing.
    Nothing,
}

/// Adds a test's alternatives.
fn value_tests(test: &Test, into: &mut Vec<ValueTest>) -> Need {
    match test {
        Test::Value(test) => {
            into.push(test.clone());
            Need::Value
        }
        Test::AnyOf(tests) => {
            let mut most = Need::Value;
            for test in tests {
                match value_tests(test, into) {
                    Need::Value => {}
                    Need::Key => most = Need::Key,
                    Need::Nothing => return Need::Nothing,
                }
            }
            most
        }
        Test::Exists(true) => Need::Key,
        // Where the other field was cut it can't be told, whether or not this one is there.
        Test::Null | Test::Exists(false) | Test::FieldRef { .. } => Need::Nothing,
    }
}

/// What of a path can be looked for in the bytes; what is worked out stands there only if it is worked
/// out of one text.
fn sought(path: &str) -> Option<(&str, Option<Field>)> {
    match Field::find(path) {
        None => is_plain(path).then_some((path, None)),
        Some((field, _)) => Some((field.sole_key()?, Some(field))),
    }
}

/// A key whose bytes in a file can only differ from these by `\u` escapes.
pub(super) fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}

/// One clause for alternatives: the best of each. None if some alternative needs nothing.
fn union(alternatives: impl Iterator<Item = Vec<Clause>>) -> Vec<Clause> {
    let mut all = Vec::new();
    for clauses in alternatives {
        match clauses.into_iter().min_by_key(cost) {
            Some(clause) => all.extend(clause),
            None => return Vec::new(),
        }
    }
    if all.is_empty() { Vec::new() } else { vec![all] }
}

/// How little a clause helps: the event's name is always looked at, fields with few different
/// values say little.
fn cost(clause: &Clause) -> u32 {
    let one = |atom: &Atom| match atom.path.as_str() {
        // Half of all records have either value.
        _ if atom.wanted.tests.iter().any(|test| matches!(test, ValueTest::Bool(_))) => 6,
        _ if atom.wanted.field == Some(Field::SourceKind) => 6,
        "eventName" if !atom.wanted.is_open() => 0,
        // Nearly all have the same.
        "eventType" | "eventCategory" => 7,
        "eventSource" | "awsRegion" | "recipientAccountId" => 5,
        _ if atom.wanted.is_open() => 4,
        path if path.contains('.') => 3,
        // Rules ask for these by pattern, and ordinary records hold few that fit; an error code is
        // shared by many rules and many records.
        "sourceIPAddress" | "userAgent" => 1,
        _ => 2,
    };
    clause.iter().map(one).max().unwrap_or(u32::MAX)
}
