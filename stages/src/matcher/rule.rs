//! Rules, compiled, and how they are decided about a record.

use std::collections::HashMap;
use std::sync::Arc;

use simd_json::StaticNode;

use super::text::TextTest;
use super::tri::Tri;
use super::value::{Buffers, ValueTest, compile_regex};
use crate::model::{
    Derive, DerivedValues, Enriched, Field, Lookup, Memo, Record, RuleFacts, RuleRef, Values,
    static_text,
};
use crate::sigma::ast::{self, Expr, Position};

/// A field of some rule, by its place in [`Fields`].
pub(super) type FieldId = usize;

/// All fields that rules name, each once.
#[derive(Debug, Default)]
pub(super) struct Fields {
    found: Vec<Source>,
    ids: HashMap<String, FieldId>,
}

/// Where a field's values come from.
#[derive(Debug)]
enum Source {
    /// A dotted path into the record.
    Path(String),
    /// It is worked out; with what stands for `*` in its name.
    Derived(Field, String),
}

impl Fields {
    /// Names of those that are worked out.
    pub(super) fn derived(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().filter_map(|source| match source {
            Source::Path(_) => None,
            Source::Derived(field, _) => Some(field.name()),
        })
    }

    fn id(&mut self, path: &str) -> FieldId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = self.found.len();
        self.found.push(match Field::find(path) {
            Some((field, rest)) => Source::Derived(field, rest.to_owned()),
            None => Source::Path(path.to_owned()),
        });
        self.ids.insert(path.to_owned(), id);
        id
    }
}

/// A rule ready to be decided.
#[derive(Debug)]
pub struct CompiledRule {
    /// The rule as it was read.
    pub rule: Arc<ast::Rule>,
    /// What its alerts tell of it.
    pub facts: RuleFacts,
    /// It sees records that conditions of the configuration drop.
    pub is_always: bool,
    /// The rule's own detection, then each filter's: all must hold.
    pub(super) parts: Vec<Part>,
}

/// A detection, compiled.
#[derive(Debug)]
pub(super) struct Part {
    /// Title of the filter; `None` for the rule's own.
    pub filter: Option<String>,
    pub selections: Vec<(String, Search)>,
    pub condition: Expr,
    pub condition_text: String,
}

#[derive(Debug)]
pub(super) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Item(Item),
}

#[derive(Debug)]
pub(super) struct Item {
    /// `None` for keywords.
    pub field: Option<FieldId>,
    pub path: Option<String>,
    pub written: String,
    pub is_negated: bool,
    pub needs_all: bool,
    pub tests: Vec<Test>,
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Value(ValueTest),
    Null,
    Exists(bool),
    FieldRef { field: FieldId, position: Position, is_cased: bool },
    AnyOf(Vec<Test>),
}

/// What was looked up in the record at hand; made once for each worker.
#[derive(Debug, Default)]
pub struct Scratch {
    fields: Vec<(u64, Looked)>,
    epoch: u64,
    memo: Memo,
    pub(super) buffers: Buffers,
}

/// What a field holds: what stands at its path, or what was worked out.
#[derive(Debug, Default, Clone)]
pub(super) struct Looked {
    /// In the record; empty for what is worked out.
    pub values: Values,
    /// Worked out.
    pub derived: DerivedValues,
}

impl Looked {
    /// The values, in order.
    pub(super) fn lookups<'l>(&'l self, record: &Record<'l>) -> impl Iterator<Item = Lookup<'l>> {
        let record = *record;
        let found = self.values.found.iter().map(move |at| record.value(*at));
        found.chain(self.derived.found.iter().map(|derived| derived.lookup()))
    }

    /// Something is there.
    pub(super) fn is_present(&self) -> bool {
        self.values.is_present || !self.derived.found.is_empty()
    }

    /// There may be more.
    pub(super) fn is_cut(&self) -> bool {
        self.values.is_cut || self.derived.is_cut
    }
}

impl Scratch {
    /// Forgets the last record.
    pub fn next_record(&mut self) {
        self.epoch += 1;
        self.memo.clear();
    }

    /// Looks a field up, once for each record.
    fn look_up<D: Derive>(
        &mut self,
        field: FieldId,
        fields: &Fields,
        enriched: Enriched<'_, '_, D>,
    ) {
        if self.fields.len() <= field {
            self.fields.resize_with(field + 1, Default::default);
        }
        let (epoch, looked) = &mut self.fields[field];
        if *epoch != self.epoch {
            *epoch = self.epoch;
            let Enriched { record, derive } = enriched;
            match &fields.found[field] {
                Source::Path(path) => {
                    looked.values.clear();
                    record.find(path, &mut looked.values);
                }
                Source::Derived(field, rest) => {
                    looked.derived.clear();
                    let field = (*field, rest.as_str());
                    derive.derive(field, record, &mut self.memo, &mut looked.derived);
                }
            }
        }
    }

    pub(super) fn looked(&self, field: FieldId) -> &Looked {
        &self.fields[field].1
    }
}

/// Compiles a rule; its fields are added to `fields`.
///
/// # Errors
/// Words for people, if a regular expression is too large.
pub(super) fn compile(rule: Arc<ast::Rule>, fields: &mut Fields) -> Result<CompiledRule, String> {
    let mut parts = vec![compile_part(None, &rule.detection, fields)?];
    for filter in &rule.filters {
        parts.push(compile_part(Some(filter.title.clone()), &filter.detection, fields)?);
    }
    let facts = RuleFacts {
        rule: RuleRef { id: rule.id.clone(), title: rule.title.clone(), tags: rule.tags.clone() },
        level: rule.level,
        resource: rule.askance.as_ref().map_or_else(Vec::new, |askance| askance.resource.clone()),
    };
    let is_always = rule.askance.as_ref().is_some_and(|askance| askance.always);
    Ok(CompiledRule { rule, facts, is_always, parts })
}

fn compile_part(
    filter: Option<String>,
    detection: &ast::Detection,
    fields: &mut Fields,
) -> Result<Part, String> {
    let selections = detection
        .selections
        .iter()
        .map(|selection| Ok((selection.name.clone(), compile_search(&selection.search, fields)?)))
        .collect::<Result<_, String>>()?;
    Ok(Part {
        filter,
        selections,
        condition: detection.condition.clone(),
        condition_text: detection.condition_text.clone(),
    })
}

fn compile_search(search: &ast::Search, fields: &mut Fields) -> Result<Search, String> {
    let list = |searches: &[ast::Search], fields: &mut Fields| {
        searches.iter().map(|search| compile_search(search, fields)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match search {
        ast::Search::All(searches) => Search::All(list(searches, fields)?),
        ast::Search::Any(searches) => Search::Any(list(searches, fields)?),
        ast::Search::Item(item) => Search::Item(Item {
            field: item.field.as_ref().map(|path| fields.id(path)),
            path: item.field.clone(),
            written: item.written.clone(),
            is_negated: item.is_negated,
            needs_all: item.needs_all,
            tests: item
                .tests
                .iter()
                .map(|test| compile_test(test, fields))
                .collect::<Result<_, _>>()?,
        }),
    })
}

fn compile_test(test: &ast::Test, fields: &mut Fields) -> Result<Test, String> {
    Ok(match test {
        ast::Test::Text(pattern) => Test::Value(ValueTest::Text(TextTest::new(pattern))),
        ast::Test::Number(number) => Test::Value(ValueTest::Number(*number)),
        ast::Test::Bool(value) => Test::Value(ValueTest::Bool(*value)),
        ast::Test::Null => Test::Null,
        ast::Test::Exists(value) => Test::Exists(*value),
        ast::Test::Regex(regex) => Test::Value(ValueTest::Regex(
            compile_regex(regex).map_err(|error| format!("`{}`: {error}", regex.pattern))?,
        )),
        ast::Test::Cidr(cidr) => Test::Value(ValueTest::Cidr(*cidr)),
        ast::Test::Compare(how, number) => Test::Value(ValueTest::Compare(*how, *number)),
        ast::Test::FieldRef(other) => Test::FieldRef {
            field: fields.id(&other.field),
            position: other.position,
            is_cased: other.is_cased,
        },
        ast::Test::TimePart(part, how, number) => {
            Test::Value(ValueTest::TimePart(*part, *how, *number))
        }
        ast::Test::AnyOf(tests) => Test::AnyOf(
            tests.iter().map(|test| compile_test(test, fields)).collect::<Result<_, _>>()?,
        ),
    })
}

/// A record being decided about: what all steps of the decision share.
pub(super) struct Decision<'d, 'r, D> {
    pub fields: &'d Fields,
    pub enriched: Enriched<'d, 'r, D>,
    pub scratch: &'d mut Scratch,
}

impl<D: Derive> Decision<'_, '_, D> {
    /// Does the rule match, filters and all?
    pub(super) fn rule(&mut self, rule: &CompiledRule) -> Tri {
        Tri::all(rule.parts.iter().map(|part| self.part(part)))
    }

    pub(super) fn part(&mut self, part: &Part) -> Tri {
        self.expr(&part.condition, &part.selections)
    }

    fn expr(&mut self, expr: &Expr, selections: &[(String, Search)]) -> Tri {
        match expr {
            Expr::And(parts) => Tri::all(parts.iter().map(|part| self.expr(part, selections))),
            Expr::Or(parts) => Tri::any(parts.iter().map(|part| self.expr(part, selections))),
            Expr::Not(part) => !self.expr(part, selections),
            Expr::AtLeast(count, parts) => {
                Tri::at_least(*count, parts.iter().map(|part| self.expr(part, selections)))
            }
            Expr::Selection(index) => self.search(&selections[*index].1),
        }
    }

    pub(super) fn search(&mut self, search: &Search) -> Tri {
        match search {
            Search::All(searches) => Tri::all(searches.iter().map(|search| self.search(search))),
            Search::Any(searches) => Tri::any(searches.iter().map(|search| self.search(search))),
            Search::Item(item) => self.item(item),
        }
    }

    pub(super) fn item(&mut self, item: &Item) -> Tri {
        let truths = item.tests.iter().map(|test| self.test(test, item.field));
        let truth = if item.needs_all { Tri::all(truths) } else { Tri::any(truths) };
        if item.is_negated { !truth } else { truth }
    }

    /// One test on a field, or on every value for keywords.
    pub(super) fn test(&mut self, test: &Test, field: Option<FieldId>) -> Tri {
        if let Test::AnyOf(tests) = test {
            return Tri::any(tests.iter().map(|test| self.test(test, field)));
        }
        let Some(field) = field else { return self.keyword(test) };
        let record = self.enriched.record;
        self.scratch.look_up(field, self.fields, self.enriched);
        let or_cut = |holds: bool, is_cut: bool| match (holds, is_cut) {
            (true, _) => Tri::True,
            (false, true) => Tri::Unknown,
            (false, false) => Tri::False,
        };
        match test {
            Test::Value(test) => {
                let Scratch { fields, buffers, .. } = &mut *self.scratch;
                let looked = &fields[field].1;
                let found = &looked.values.found;
                let holds = found.iter().any(|at| test.holds(record, *at, buffers))
                    || looked
                        .derived
                        .found
                        .iter()
                        .any(|derived| test.holds_for_scalar(derived.lookup(), buffers));
                let hides =
                    || test.searches_objects() && found.iter().any(|at| record.is_cut_within(*at));
                or_cut(holds, !holds && (looked.is_cut() || hides()))
            }
            Test::Null => {
                let looked = self.scratch.looked(field);
                let is_null =
                    looked.lookups(record).any(|value| value == Lookup::Static(StaticNode::Null));
                match (is_null, looked.is_present(), looked.is_cut()) {
                    (true, _, _) => Tri::True,
                    (false, _, true) => Tri::Unknown,
                    (false, is_present, false) => Tri::from(!is_present),
                }
            }
            Test::Exists(expected) => {
                let looked = self.scratch.looked(field);
                let exists = or_cut(looked.is_present(), looked.is_cut());
                if *expected { exists } else { !exists }
            }
            Test::FieldRef { field: other, position, is_cased } => {
                self.scratch.look_up(*other, self.fields, self.enriched);
                let (looked, others) = (self.scratch.looked(field), self.scratch.looked(*other));
                let holds = looked.lookups(record).any(|value| {
                    let mut others = others.lookups(record);
                    others.any(|other| refers(value, other, *position, *is_cased))
                });
                or_cut(holds, looked.is_cut() || others.is_cut())
            }
            Test::AnyOf(_) => Tri::False,
        }
    }

    fn keyword(&mut self, test: &Test) -> Tri {
        let record = self.enriched.record;
        let holds = match test {
            Test::Value(test) => test.holds_anywhere(record, &mut self.scratch.buffers),
            // The reader refuses these for keywords.
            Test::Null | Test::Exists(_) | Test::FieldRef { .. } | Test::AnyOf(_) => false,
        };
        if !holds && record.has_cut() { Tri::Unknown } else { Tri::from(holds) }
    }
}

/// Compares two scalars for `fieldref`: as text, numbers and booleans by how they are written.
fn refers(value: Lookup<'_>, other: Lookup<'_>, position: Position, is_cased: bool) -> bool {
    let text = |value: Lookup<'_>| match value {
        Lookup::Text(text) => Some(text.to_owned()),
        Lookup::Static(StaticNode::Null) | Lookup::Container => None,
        Lookup::Static(value) => Some(static_text(value)),
    };
    let (Some(mut value), Some(mut other)) = (text(value), text(other)) else { return false };
    if !is_cased {
        value = super::text::fold(&value);
        other = super::text::fold(&other);
    }
    match position {
        Position::Whole => value == other,
        Position::Start => value.starts_with(&other),
        Position::End => value.ends_with(&other),
        Position::Anywhere => value.contains(&other),
    }
}
