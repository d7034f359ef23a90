//! Random correlations of every kind, alone and in chains.

use std::fmt::Write as _;

use proptest::prelude::*;

/// What feeds a correlation, by the word that refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The rule that matches events of this letter.
    Rule(char),
    /// The first of the two correlations.
    Inner,
}

impl Source {
    /// Its id.
    pub(crate) fn id(self) -> String {
        match self {
            Self::Rule(letter) => format!("rule-{letter}"),
            Self::Inner => "inner".to_owned(),
        }
    }
}

/// A condition over what feeds, by place among the listed.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    One(usize),
    Not(usize),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// How something is compared, and with what.
type Bounds = Vec<(&'static str, i64)>;

/// A correlation.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    /// What is listed, each by its id or by its name.
    pub(crate) sources: Vec<(Source, bool)>,
    /// Fields; `who` is an alias.
    pub(crate) group_by: Vec<&'static str>,
    /// In seconds.
    pub(crate) timespan: i64,
    pub(crate) bounds: Bounds,
    pub(crate) fields: Vec<&'static str>,
    pub(crate) percentile: Option<i64>,
    pub(crate) expression: Option<Expr>,
    pub(crate) generates: bool,
}

/// What `who` stands for in the events of a rule; in those of others it is a field that none has.
pub(crate) const ALIAS: [(char, &str); 2] = [('a', "u"), ('b', "w")];

impl Correlation {
    /// The word that a place of the list is referred to by.
    fn word(&self, place: usize) -> String {
        match self.sources[place] {
            (Source::Rule(letter), true) => format!("name_{letter}"),
            (source, _) => source.id(),
        }
    }

    /// What is listed, each once.
    pub(crate) fn distinct(&self) -> Vec<Source> {
        let mut all = Vec::new();
        for (source, _) in &self.sources {
            if !all.contains(source) {
                all.push(*source);
            }
        }
        all
    }

    /// It counts how many of what feeds it were there.
    pub(crate) fn is_temporal(&self) -> bool {
        self.kind.starts_with("temporal")
    }

    /// The field of a rule's events that a name in `group-by` stands for.
    pub(crate) fn path(&self, field: &'static str, letter: char) -> &'static str {
        let alias = ALIAS.iter().find(|(of, _)| field == "who" && *of == letter);
        alias.map_or(field, |(_, path)| path)
    }

    fn text(&self, expr: &Expr) -> String {
        let join = |parts: &[Expr], with: &str| {
            let parts: Vec<String> = parts.iter().map(|part| self.text(part)).collect();
            format!("({})", parts.join(with))
        };
        match expr {
            Expr::One(place) => self.word(*place),
            Expr::Not(place) => format!("not {}", self.word(*place)),
            Expr::And(parts) => join(parts, " and "),
            Expr::Or(parts) => join(parts, " or "),
        }
    }

    /// As a document.
    pub(crate) fn yaml(&self) -> String {
        let words: Vec<String> = (0..self.sources.len()).map(|place| self.word(place)).collect();
        let mut text = format!(
            "---\ntitle: Title of {id}\nid: {id}\ngenerate: {}\ncorrelation:\n  type: {}\n  \
             rules: [{}]\n  timespan: {}s\n  group-by: [{}]\n",
            self.generates,
            self.kind,
            words.join(", "),
            self.timespan,
            self.group_by.join(", "),
            id = self.id,
        );
        let mut parts: Vec<String> =
            self.bounds.iter().map(|(how, bound)| format!("{how}: {bound}")).collect();
        match self.fields.as_slice() {
            [] => {}
            [one] => parts.push(format!("field: {one}")),
            several => parts.push(format!("field: [{}]", several.join(", "))),
        }
        parts.extend(self.percentile.map(|rank| format!("percentile: {rank}")));
        if let Some(expression) = &self.expression {
            writeln!(text, "  condition: {}", self.text(expression)).unwrap();
        } else if !parts.is_empty() {
            writeln!(text, "  condition: {{{}}}", parts.join(", ")).unwrap();
        }
        if self.group_by.contains(&"who") {
            text.push_str("  aliases:\n    who: {name_a: u, rule-b: w}\n");
        }
        text
    }
}

/// The three rules that correlations are fed by.
pub(crate) fn base_rules() -> String {
    let rule = |letter: char, names: &str| {
        format!(
            "---\ntitle: Title of {letter}\nid: rule-{letter}\nname: name_{letter}\n\
             logsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {names}}}, condition: s}}\n"
        )
    };
    [rule('a', "[a, ab]"), rule('b', "[b, ab]"), rule('c', "c")].concat()
}

const KINDS: [&str; 10] = [
    "event_count",
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
    "temporal",
    "temporal",
    "temporal_ordered",
];

fn bounds(kind: &'static str) -> BoxedStrategy<Bounds> {
    let most = if kind.starts_with("temporal") { 4_i64 } else { 6 };
    let least = prop_oneof![Just("gte"), Just("gt")];
    let any = prop_oneof![Just("gte"), Just("gt"), Just("lt"), Just("lte"), Just("eq")];
    let one = (any, 0..most).prop_map(|bound| vec![bound]);
    let range = (least.clone(), 0..most, prop_oneof![Just("lt"), Just("lte")], 1..=most);
    let range = range.prop_map(|(left, from, right, to)| vec![(left, from), (right, to)]);
    let grows = (least, 1..most).prop_map(|bound| vec![bound]);
    prop_oneof![3 => grows, 2 => one, 1 => range].boxed()
}

/// An expression over so many.
fn expression(count: usize) -> BoxedStrategy<Expr> {
    let leaf =
        prop_oneof![3 => (0..count).prop_map(Expr::One), 1 => (0..count).prop_map(Expr::Not)];
    let pair = || prop::collection::vec(leaf.clone(), 2..4);
    let both = prop_oneof![pair().prop_map(Expr::And), pair().prop_map(Expr::Or)];
    let nested = (leaf.clone(), both.clone()).prop_map(|(one, both)| {
        if matches!(both, Expr::Or(_)) {
            Expr::And(vec![one, both])
        } else {
            Expr::Or(vec![one, both])
        }
    });
    prop_oneof![both, nested].boxed()
}

fn condition(kind: &'static str, count: usize) -> BoxedStrategy<(Bounds, Option<Expr>)> {
    let bounded = bounds(kind).prop_map(|bounds| (bounds, None));
    if !kind.starts_with("temporal") {
        return bounded.boxed();
    }
    let written = expression(count).prop_map(|expr| (Vec::new(), Some(expr)));
    prop_oneof![3 => bounded, 2 => written, 1 => Just((Vec::new(), None))].boxed()
}

fn fields(kind: &'static str) -> BoxedStrategy<Vec<&'static str>> {
    let one = prop_oneof![Just(vec!["v"]), Just(vec!["p.n"])];
    match kind {
        "value_count" => prop_oneof![3 => one, 1 => Just(vec!["v", "p.n"])].boxed(),
        _ if kind.starts_with("value") => one.boxed(),
        _ => Just(Vec::new()).boxed(),
    }
}

fn correlation(
    id: &'static str,
    sources: BoxedStrategy<Vec<Source>>,
) -> BoxedStrategy<Correlation> {
    let group_by =
        prop_oneof![Just(vec![]), Just(vec!["u"]), Just(vec!["u", "w"]), Just(vec!["who"]),];
    let kind = prop::sample::select(&KINDS[..]);
    // What feeds others is short, so that it has several episodes.
    let timespan = if id == "inner" { 1..9_i64 } else { 5..40 };
    (kind, sources, any::<u32>(), group_by, timespan, any::<bool>())
        .prop_flat_map(move |(kind, sources, names, group_by, timespan, generates)| {
            let rank = prop_oneof![Just(None), (0..=100_i64).prop_map(Some)];
            (condition(kind, sources.len()), fields(kind), rank).prop_map(
                move |((bounds, expression), fields, rank)| Correlation {
                    id,
                    kind,
                    sources: sources
                        .iter()
                        .enumerate()
                        .map(|(place, source)| (*source, names >> place & 1 == 1))
                        .collect(),
                    group_by: group_by.clone(),
                    timespan,
                    bounds,
                    fields,
                    percentile: rank.filter(|_| kind == "value_percentile"),
                    expression,
                    generates,
                },
            )
        })
        .boxed()
}

/// One correlation, or two of which the second is fed by the first.
pub(crate) fn correlations() -> impl Strategy<Value = Vec<Correlation>> {
    let letters = || Just(vec!['a', 'b', 'c']).prop_shuffle();
    let rules = || {
        let repeated = prop_oneof![8 => Just(false), 1 => Just(true)];
        let parts = (letters(), 1..4_usize, repeated);
        let rules = parts.prop_map(|(mut letters, count, is_repeated)| {
            letters.truncate(count);
            letters.extend(letters.first().copied().filter(|_| is_repeated));
            letters.into_iter().map(Source::Rule).collect::<Vec<_>>()
        });
        rules.boxed()
    };
    let chained = (rules(), 0..4_usize).prop_map(|(mut sources, at)| {
        sources.truncate(2);
        sources.insert(at.min(sources.len()), Source::Inner);
        sources
    });
    let alone = prop_oneof![Just(vec![Source::Inner]).boxed(), chained.boxed()].boxed();
    prop_oneof![
        3 => correlation("inner", rules()).prop_map(|one| vec![one]),
        2 => (correlation("inner", rules()), correlation("outer", alone))
            .prop_map(|(inner, outer)| vec![inner, outer]),
    ]
}
