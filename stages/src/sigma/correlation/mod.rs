//! Correlation documents: read here, resolved to the rules that feed them in `resolve`. Not evaluated.

mod emit;
mod resolve;

use std::time::Duration;

use crate::sigma::askance;
use crate::sigma::ast::{Alias, Comparison, Correlation, Expr, Number};
use crate::sigma::condition as expression;
use crate::sigma::document::Document;
use crate::sigma::rule;
use crate::sigma::scope::Scope;
use crate::yaml::{Kind, Mapping, Node, Position, Scalar, nearest};

pub(super) use resolve::resolve;

/// Most rules that a correlation names. What is kept of each group counts by rule, and each event is
/// sought among them; conditions that people wrote name a handful.
const MAX_RULES: usize = 100;

/// Most fields that a correlation groups by, or whose values it looks at. Each is looked up in every
/// event that feeds it, and its value is kept and told with every group.
const MAX_FIELDS: usize = 16;

/// A correlation whose references are not resolved yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) correlation: Correlation,
    positions: Vec<Position>,
}

/// What a kind of correlation needs in its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Bounds on a count of events.
    Bounds,
    /// Bounds on values of a field.
    Field,
    /// Nothing; bounds on the number of rules may be given.
    Nothing,
    /// An expression over rules.
    Expression,
}

const KINDS: [(&str, Needs); 10] = [
    ("event_count", Needs::Bounds),
    ("value_count", Needs::Field),
    ("value_sum", Needs::Field),
    ("value_avg", Needs::Field),
    ("value_percentile", Needs::Field),
    ("value_median", Needs::Field),
    ("temporal", Needs::Nothing),
    ("temporal_ordered", Needs::Nothing),
    ("temporal_extended", Needs::Expression),
    ("temporal_ordered_extended", Needs::Expression),
];

const KEYS: [&str; 7] =
    ["type", "rules", "timespan", "group-by", "condition", "aliases", "generate"];

const BOUNDS: [(&str, Comparison); 5] = [
    ("gt", Comparison::Greater),
    ("gte", Comparison::GreaterOrEqual),
    ("lt", Comparison::Less),
    ("lte", Comparison::LessOrEqual),
    ("eq", Comparison::Equal),
];

/// Reads a correlation; errors are noted.
pub(super) fn read(scope: &mut Scope<'_>, document: &Document) -> Option<Draft> {
    let head = rule::head(scope, document);
    let node = document.mapping.get("correlation")?;
    let body = scope.report.checked("correlation", node.mapping())?;
    for fault in body.unknown_keys(&KEYS) {
        scope.report.fault(fault);
    }
    let needs = kind(scope, node, body);
    let rules = references(scope, node, body);
    let timespan = timespan(scope, node, body);
    let group_by = fields(scope, body, "group-by");
    let aliases = aliases(scope, body);
    let generates = generates(scope, document, body);
    let tags = rule::remarks(scope, &document.mapping, "tags");
    let references = rule::remarks(scope, &document.mapping, "references");
    let false_positives = rule::remarks(scope, &document.mapping, "falsepositives");
    let description = rule::remarks(scope, &document.mapping, "description").pop();
    let (askance, written) = match document.mapping.get_some("askance") {
        Some(node) => askance::read_of_correlation(scope, node),
        None => (None, None),
    };
    let (kind, needs) = needs?;
    let listed = rules.as_deref().unwrap_or_default();
    let condition = condition(scope, node, body, (&kind, needs), listed);
    let (head, rules, condition) = (head?, rules?, condition?);
    let emit = emit::decide(scope, written, &kind, &condition);
    let (rules, positions) = rules.into_iter().unzip();
    Some(Draft {
        correlation: Correlation {
            id: head.id,
            title: head.title,
            name: head.name,
            level: head.level,
            tags,
            description,
            references,
            false_positives,
            kind,
            rules,
            feeders: Vec::new(),
            timespan: timespan?,
            group_by,
            bounds: condition.bounds,
            fields: condition.fields,
            percentile: condition.percentile,
            condition_text: condition.text,
            condition: condition.expression,
            aliases,
            generates,
            is_silent: false,
            emit,
            askance,
            place: head.place,
        },
        positions,
    })
}

fn missing(scope: &mut Scope<'_>, node: &Node, key: &str) {
    scope.report.error(node.position, format!("correlation: missing {key:?}")).key(key);
}

fn kind(scope: &mut Scope<'_>, node: &Node, body: &Mapping) -> Option<(String, Needs)> {
    let Some(kind) = body.get_some("type") else {
        missing(scope, node, "type");
        return None;
    };
    let name = scope.report.checked("type", kind.text())?;
    let found = KINDS.iter().find(|(known, _)| *known == name);
    if found.is_none() {
        let known = KINDS.map(|(known, _)| known);
        let note = scope.report.error(kind.position, format!("unknown correlation type {name:?}"));
        note.key("type").near(nearest(name, known), &known.join(", "));
    }
    found.map(|(name, needs)| ((*name).to_owned(), *needs))
}

fn references(
    scope: &mut Scope<'_>,
    node: &Node,
    body: &Mapping,
) -> Option<Vec<(String, Position)>> {
    let Some(rules) = body.get_some("rules") else {
        missing(scope, node, "rules");
        return None;
    };
    let items: Vec<&Node> = match &rules.kind {
        Kind::Sequence(items) => items.iter().collect(),
        Kind::Scalar(_) | Kind::Mapping(_) => vec![rules],
    };
    if items.is_empty() {
        scope.report.error(rules.position, "rules: an empty list").key("rules");
        return None;
    }
    if let Some(first) = items.get(MAX_RULES) {
        let message = format!("rules: {} are named, {MAX_RULES} are the most", items.len());
        let note = scope.report.error(first.position, message).key("rules");
        note.hint("write one rule for what several find, or correlations that this one names");
        return None;
    }
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let reference = scope.report.checked("rules", item.text())?;
        found.push((reference.to_owned(), item.position));
    }
    Some(found)
}

/// One field or a list of fields, few enough to be kept with every group.
fn fields(scope: &mut Scope<'_>, body: &Mapping, key: &str) -> Vec<String> {
    let fields = rule::texts(scope, body, key);
    if fields.len() > MAX_FIELDS {
        let node = body.get_some(key);
        let first = node.and_then(Node::as_sequence).and_then(|items| items.get(MAX_FIELDS));
        if let Some(first) = first {
            let message = format!("{key}: {} fields, {MAX_FIELDS} are the most", fields.len());
            let note = scope.report.error(first.position, message).key(key);
            note.hint("leave out those that others decide, as an ARN does its account");
        }
    }
    fields
}

fn timespan(scope: &mut Scope<'_>, node: &Node, body: &Mapping) -> Option<Duration> {
    let Some(timespan) = body.get_some("timespan") else {
        missing(scope, node, "timespan");
        return None;
    };
    let text = scope.report.checked("timespan", timespan.text())?;
    let parsed = duration(text);
    if parsed.is_none() {
        let note = scope.report.error(timespan.position, format!("{text:?} is no timespan"));
        note.key("timespan").hint("a number and a unit: 30s, 10m, 2h, 7d, 1w, 1M, 1y");
    }
    parsed
}

/// A number and a unit: `30s`, `10m`, `2h`, `7d`, `1w`, `1M` (30 days), `1y` (365). Never zero.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' => 30 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let total = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
    (total > 0).then(|| Duration::from_secs(total))
}

fn aliases(scope: &mut Scope<'_>, body: &Mapping) -> Vec<Alias> {
    let Some(node) = body.get_some("aliases") else { return Vec::new() };
    let Some(mapping) = scope.report.checked("aliases", node.mapping()) else { return Vec::new() };
    let mut aliases = Vec::with_capacity(mapping.entries.len());
    for entry in &mapping.entries {
        let Some(inner) = scope.report.checked("aliases", entry.value.mapping()) else { continue };
        let mut fields = Vec::with_capacity(inner.entries.len());
        for inner in &inner.entries {
            if let Some(field) = scope.report.checked("aliases", inner.value.text()) {
                fields.push((inner.key.clone(), field.to_owned()));
            }
        }
        aliases.push(Alias { name: entry.key.clone(), fields });
    }
    aliases
}

fn generates(scope: &mut Scope<'_>, document: &Document, body: &Mapping) -> bool {
    let node = document.mapping.get_some("generate").or_else(|| body.get_some("generate"));
    node.and_then(|node| scope.report.checked("generate", node.boolean())).unwrap_or(false)
}

#[derive(Default)]
struct Condition {
    bounds: Vec<(Comparison, Number)>,
    fields: Vec<String>,
    percentile: Option<Number>,
    text: Option<String>,
    expression: Option<Expr>,
}

fn condition(
    scope: &mut Scope<'_>,
    node: &Node,
    body: &Mapping,
    (kind, needs): (&str, Needs),
    rules: &[(String, Position)],
) -> Option<Condition> {
    let Some(written) = body.get_some("condition") else {
        if needs == Needs::Nothing {
            return Some(Condition::default());
        }
        missing(scope, node, "condition");
        return None;
    };
    let is_text = written.as_str().is_some();
    if needs == Needs::Expression || (needs == Needs::Nothing && is_text) {
        let text = scope.report.checked("condition", written.text())?;
        let names: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
        return match expression::parse(text, &names, &mut vec![false; names.len()]) {
            Ok(expression) => Some(Condition {
                text: Some(text.to_owned()),
                expression: Some(expression),
                ..Condition::default()
            }),
            Err(refusal) => {
                let note = scope.report.error(written.position, refusal.message).key("condition");
                if let Some(hint) = refusal.hint {
                    note.hint(hint);
                }
                None
            }
        };
    }
    let mapping = scope.report.checked("condition", written.mapping())?;
    let mut known: Vec<&str> = BOUNDS.map(|(name, _)| name).to_vec();
    known.extend(["field", "percentile"]);
    let unknown = mapping.unknown_keys(&known);
    let mut is_whole = unknown.is_empty();
    for fault in unknown {
        scope.report.fault(fault);
    }
    let mut condition =
        Condition { fields: fields(scope, mapping, "field"), ..Condition::default() };
    for (name, comparison) in BOUNDS {
        let Some(node) = mapping.get(name) else { continue };
        match number(scope, name, node) {
            Some(number) => condition.bounds.push((comparison, number)),
            None => is_whole = false,
        }
    }
    if let Some(node) = mapping.get_some("percentile") {
        condition.percentile = number(scope, "percentile", node);
        is_whole &= condition.percentile.is_some();
    }
    if condition.bounds.is_empty() && is_whole {
        let note = scope.report.error(written.position, "condition: no bound is written");
        note.key("condition").hint("one of gt, gte, lt, lte, eq");
        is_whole = false;
    }
    if needs == Needs::Field && condition.fields.is_empty() {
        let message = format!("condition: {kind} needs a \"field\"");
        scope.report.error(written.position, message).key("field");
        is_whole = false;
    }
    if needs == Needs::Field && kind != "value_count" && condition.fields.len() > 1 {
        let message = format!("condition: {kind} takes one \"field\"");
        scope.report.error(written.position, message).key("field");
        is_whole = false;
    }
    is_whole.then_some(condition)
}

fn number(scope: &mut Scope<'_>, key: &str, node: &Node) -> Option<Number> {
    match node.scalar() {
        Some(Scalar::Integer(value)) => Some(Number::Integer(value)),
        Some(Scalar::Float(value)) if value.is_finite() => Some(Number::Float(value)),
        _ => {
            let message = format!("{key}: expected a number, found {}", node.kind_name());
            scope.report.error(node.position, message).key(key);
            None
        }
    }
}
