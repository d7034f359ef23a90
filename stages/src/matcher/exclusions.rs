//! What a rule does not match with: values of which one, standing where the rule says, settles that it does
//! not hold, whatever else the record says.
//!
//! Drawn from what a condition excludes (`not failed`, where a failed call has an `errorCode`), and from what
//! it needs of a field that is worked out of a few texts (`askance.first_seen.account_region`). Nothing follows
//! from their not being seen.

use hashbrown::HashMap;
use memchr::memmem;

use super::glance::{Behind, plain_text, value_behind};
use super::needs::{Wanted, any_holds, is_plain};
use super::prefilter::RuleIndex;
use super::rule::{CompiledRule, Item, Part, Search, Test};
use super::value::ValueTest;
use crate::model::{Derive, DerivedValues, Field};
use crate::sigma::ast::Expr;

/// What excludes the rules of a set.
#[derive(Debug, Default)]
pub(super) struct Exclusions {
    paths: Vec<Path>,
    by_rule: Vec<Vec<Exclusion>>,
    /// How many of them are of fields that are worked out.
    derived: usize,
}

/// A path that is asked for.
#[derive(Debug)]
struct Path {
    name: String,
    /// The place of its last key among those that the first step looks for.
    first_step: Option<usize>,
}

/// What excludes a rule. Paths are named by their places.
#[derive(Debug)]
enum Exclusion {
    /// A value for which one of the tests holds; without tests, that something is there.
    Value { path: usize, tests: Vec<ValueTest>, unless: Option<Box<Unless>> },
    /// Of what is worked out of the texts at these paths one of the tests holds, or none does. Without tests:
    /// there is something, or nothing.
    Derived(Derived),
}

/// What lets a rule hold all the same: such a value behind such a key, wherever it stands.
#[derive(Debug)]
struct Unless {
    /// A path's last key and its closing quote: with dots in it, it may stand for the path.
    key: memmem::Finder<'static>,
    wanted: Wanted,
}

#[derive(Debug)]
struct Derived {
    field: Field,
    paths: Vec<usize>,
    tests: Vec<ValueTest>,
    if_holds: bool,
    /// Tells it from others.
    number: usize,
}

/// Most texts of which a field is worked out here.
const MAX_TEXTS: usize = 4;

/// Most things that were worked out and are remembered, and the longest, in bytes.
const MAX_REMEMBERED: usize = 32_768;
const MAX_LENGTH: usize = 512;

/// Where paths lead in the record at hand, as far as it was asked: several rules ask for the same ones. And what
/// texts led to earlier.
#[derive(Debug, Default)]
pub(super) struct Located {
    ends: Vec<(usize, Option<usize>)>,
    remembered: HashMap<Box<str>, bool, foldhash::fast::FixedState>,
    key: String,
}

impl Located {
    /// What was worked out of texts for a purpose, or is now. `work_out` is a function of both.
    fn remembered<'t>(
        &mut self,
        purpose: usize,
        texts: impl Iterator<Item = &'t str>,
        work_out: impl FnOnce() -> bool,
    ) -> bool {
        self.key.clear();
        self.key.extend(u32::try_from(purpose).ok().and_then(char::from_u32));
        for text in texts {
            // A text has no quotes in it here.
            self.key.push('"');
            self.key.push_str(text);
        }
        if let Some(known) = self.remembered.get(self.key.as_str()) {
            return *known;
        }
        let answer = work_out();
        if self.remembered.len() < MAX_REMEMBERED && self.key.len() <= MAX_LENGTH {
            self.remembered.insert(self.key.as_str().into(), answer);
        }
        answer
    }

    fn end(
        &mut self,
        path: usize,
        locate: &mut impl FnMut(usize) -> Option<usize>,
    ) -> Option<usize> {
        if let Some((_, end)) = self.ends.iter().find(|(known, _)| *known == path) {
            return *end;
        }
        let end = locate(path);
        self.ends.push((path, end));
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
                each_excluded(&part.condition, part, false, &mut |item, role| {
                    all.of_item(item, role, &mut found);
                });
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
        derive: &impl Derive,
        mut locate: impl FnMut(usize) -> Option<usize>,
    ) {
        located.ends.clear();
        let mut locate = |path: usize| {
            let first_step = self.paths[path].first_step;
            let is_absent = first_step.is_some_and(|key| seen.iter().all(|(seen, _)| *seen != key));
            if is_absent { None } else { locate(path) }
        };
        rules.retain(|rule| {
            !self.by_rule[*rule as usize].iter().any(|exclusion| {
                let mut end = |path: usize| located.end(path, &mut locate);
                match exclusion {
                    Exclusion::Value { path, tests, unless } => {
                        let mut holds = |end: usize| {
                            tests.is_empty()
                                || plain_value(text, end).is_some_and(|value| {
                                    ValueTest::any_holds_for_text(tests, value, folded)
                                })
                        };
                        end(*path).is_some_and(&mut holds)
                            && !unless.as_ref().is_some_and(|it| it.may_hold(text, derive, folded))
                    }
                    Exclusion::Derived(derived) => {
                        let mut texts = [""; MAX_TEXTS];
                        let Some(texts) = texts.get_mut(..derived.paths.len()) else {
                            return false;
                        };
                        for (path, into) in derived.paths.iter().zip(&mut *texts) {
                            // What is no text counts as if it were not there.
                            *into = match end(*path).map(|end| value_behind(text, end)) {
                                Some(Behind::String(inside)) => plain_text(inside).unwrap_or(""),
                                _ => "",
                            };
                            if into.is_empty() {
                                return false;
                            }
                        }
                        let known = texts.iter().copied();
                        located.remembered(derived.number, known, || derived.holds(derive, texts))
                    }
                }
            })
        });
    }

    /// Enters what an item says.
    fn of_item(&mut self, item: &Item, role: Role<'_>, found: &mut Vec<Exclusion>) {
        let is_needed = matches!(role, Role::Needed);
        let Some(path) = item.path.as_deref() else { return };
        if item.is_negated || (item.needs_all && item.tests.len() > 1) {
            return;
        }
        let mut alternatives = Alternatives::default();
        item.tests.iter().for_each(|test| alternatives.add(test));
        let Alternatives { tests, is_any, has_others } = alternatives;
        if !is_any && tests.is_empty() {
            return;
        }
        if let Some((field, _)) = Field::find(path) {
            if matches!(role, Role::Excludes(Some(_))) {
                return;
            }
            let paths: Vec<usize> = field.texts().iter().map(|path| self.place(path)).collect();
            // What is needed of one text is looked for before.
            let is_sought = !(paths.is_empty() || is_needed && field.sole_key().is_some());
            // Tests that can't be told from the values may hold all the same.
            if is_sought && !(has_others && is_needed) {
                let (if_holds, number) = (!is_needed, self.derived);
                self.derived += 1;
                found.push(Exclusion::Derived(Derived { field, paths, tests, if_holds, number }));
            }
            return;
        }
        let unless = match role {
            Role::Excludes(None) => None,
            Role::Excludes(Some(but)) => match Unless::of(path, but) {
                Some(unless) => Some(Box::new(unless)),
                None => return,
            },
            Role::Needed => return,
        };
        if is_plain(path) {
            found.push(Exclusion::Value { path: self.place(path), tests, unless });
        }
    }

    fn place(&mut self, path: &str) -> usize {
        let known = self.paths.iter().position(|known| known.name == path);
        known.unwrap_or_else(|| {
            self.paths.push(Path { name: path.to_owned(), first_step: None });
            self.paths.len() - 1
        })
    }
}

impl Unless {
    /// Of what is said of the same path with a `not`.
    fn of(path: &str, but: &Item) -> Option<Self> {
        let mut alternatives = Alternatives::default();
        but.tests.iter().for_each(|test| alternatives.add(test));
        let Alternatives { tests, has_others, .. } = alternatives;
        let leaf = path.rsplit('.').next()?;
        let key = memmem::Finder::new(format!("{leaf}\"").as_bytes()).into_owned();
        let wanted = Wanted { tests, field: None };
        (!has_others && !wanted.is_open()).then_some(Self { key, wanted })
    }

    /// Could it?
    fn may_hold(&self, text: &[u8], derive: &impl Derive, folded: &mut String) -> bool {
        let length = self.key.needle().len();
        let mut is_there = |at| self.wanted.could_stand(text, at + length, derive, folded);
        self.key.find_iter(text).any(&mut is_there)
    }
}

impl Derived {
    fn holds(&self, derive: &impl Derive, texts: &[&str]) -> bool {
        let mut values = DerivedValues::default();
        derive.derive_of_texts(self.field, texts, &mut values);
        !values.is_cut && any_holds(&self.tests, &values) == self.if_holds
    }
}

/// The text of the value of the key that ends there, if it is plain.
fn plain_value(text: &[u8], end: usize) -> Option<&str> {
    match value_behind(text, end) {
        Behind::String(inside) => plain_text(inside),
        Behind::Word(word) => Some(word),
        Behind::NotAKey | Behind::Null | Behind::Unclear => None,
    }
}

/// What an item of a condition does.
#[derive(Debug, Clone, Copy)]
enum Role<'r> {
    /// Where it does not hold, neither does the condition.
    Needed,
    /// Where it holds, the condition does not, unless what this item says, which is negated, is there too.
    Excludes(Option<&'r Item>),
}

/// Hands on the items that alone can make a condition false. Behind a `not`: those that can make it true.
fn each_excluded<'p>(
    expr: &Expr,
    part: &'p Part,
    is_within_not: bool,
    take: &mut impl FnMut(&'p Item, Role<'p>),
) {
    match (expr, is_within_not) {
        (Expr::And(parts), false) | (Expr::Or(parts) | Expr::AtLeast(1, parts), true) => {
            parts.iter().for_each(|expr| each_excluded(expr, part, is_within_not, take));
        }
        (Expr::Not(inner), false) => each_excluded(inner, part, true, take),
        (Expr::Selection(index), true) => each_sufficient(&part.selections[*index].1, take),
        (Expr::Selection(index), false) => each_needed(&part.selections[*index].1, take),
        // Of several things that must hold together, one says nothing.
        (Expr::And(parts) | Expr::Or(parts), _) => {
            if let [one] = parts.as_slice() {
                each_excluded(one, part, is_within_not, take);
            }
        }
        (Expr::AtLeast(..), _) | (Expr::Not(_), true) => {}
    }
}

/// Hands on the items of which each must hold for the selection to.
fn each_needed<'p>(search: &'p Search, take: &mut impl FnMut(&'p Item, Role<'p>)) {
    match search {
        Search::All(searches) => searches.iter().for_each(|one| each_needed(one, take)),
        Search::Any(searches) => {
            if let [one] = searches.as_slice() {
                each_needed(one, take);
            }
        }
        Search::Item(item) => take(item, Role::Needed),
    }
}

/// Hands on the items of which each alone makes the selection hold; of one path also two, the second of
/// which names what does not count.
fn each_sufficient<'p>(search: &'p Search, take: &mut impl FnMut(&'p Item, Role<'p>)) {
    match search {
        Search::Any(searches) => searches.iter().for_each(|one| each_sufficient(one, take)),
        Search::All(searches) => match searches.as_slice() {
            [one] => each_sufficient(one, take),
            [Search::Item(item), Search::Item(but)] | [Search::Item(but), Search::Item(item)]
                if item.path == but.path && !item.is_negated && but.is_negated =>
            {
                take(item, Role::Excludes(Some(but)));
            }
            _ => {}
        },
        Search::Item(item) => take(item, Role::Excludes(None)),
    }
}

/// What an item holds for.
#[derive(Default)]
struct Alternatives {
    /// As far as a value's text tells it; none where any value will do.
    tests: Vec<ValueTest>,
    /// Any value will do.
    is_any: bool,
    /// There is more to it.
    has_others: bool,
}

impl Alternatives {
    fn add(&mut self, test: &Test) {
        match test {
            Test::Value(test) => {
                if !self.is_any {
                    self.tests.push(test.clone());
                }
            }
            Test::Exists(true) => {
                self.tests.clear();
                self.is_any = true;
            }
            Test::AnyOf(tests) => tests.iter().for_each(|test| self.add(test)),
            Test::Null | Test::Exists(false) | Test::FieldRef { .. } => self.has_others = true,
        }
    }
}
