//! Rules: typed, so that a test can look at what was written, and as Sigma's YAML.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::words::{FLAGS, FRAGMENTS, NAMES, NETWORKS, PATHS, REGEXES, VALUES, WILDCARDS};

/// One line of a selection.
#[derive(Debug, Clone)]
pub struct Item {
    /// Empty for keywords with modifiers.
    pub field: &'static str,
    /// With their bars: `|contains|all`.
    pub modifiers: &'static str,
    /// One or several.
    pub values: Vec<Value>,
}

/// What a selection is made of.
#[derive(Debug, Clone)]
pub enum Search {
    /// All lines hold.
    Map(Vec<Item>),
    /// One of these maps holds.
    Maps(Vec<Vec<Item>>),
    /// One of these stands somewhere.
    Keywords(Vec<Value>),
}

/// A rule: its selections are called `s0`, `s1`, ...
#[derive(Debug, Clone)]
pub struct Rule {
    /// At least one.
    pub selections: Vec<Search>,
    /// Over those names.
    pub condition: String,
}

impl Item {
    /// True if the modifier was written.
    pub fn has(&self, modifier: &str) -> bool {
        self.modifiers.split('|').any(|name| name == modifier)
    }

    fn entry(&self) -> (String, Value) {
        let value = match self.values.as_slice() {
            [one] => one.clone(),
            several => Value::Array(several.to_vec()),
        };
        (format!("{}{}", self.field, self.modifiers), value)
    }
}

impl Search {
    /// Every line; keywords are lines without a field.
    pub fn items(&self) -> Vec<Item> {
        match self {
            Self::Map(items) => items.clone(),
            Self::Maps(maps) => maps.concat(),
            Self::Keywords(values) => {
                vec![Item { field: "", modifiers: "", values: values.clone() }]
            }
        }
    }

    fn json(&self) -> Value {
        let map =
            |items: &[Item]| Value::Object(items.iter().map(Item::entry).collect::<Map<_, _>>());
        match self {
            Self::Map(items) => map(items),
            Self::Maps(maps) => maps.iter().map(|items| map(items)).collect(),
            Self::Keywords(values) => Value::Array(values.clone()),
        }
    }
}

impl Rule {
    /// Every line of every selection.
    pub fn items(&self) -> Vec<Item> {
        self.selections.iter().flat_map(Search::items).collect()
    }

    /// The document; JSON is YAML too.
    pub fn yaml(&self, id: usize) -> String {
        let detection = selections(&self.selections, "s");
        format!(
            "---\ntitle: rule {id}\nid: rule-{id}\nlogsource: {SOURCE}\ndetection:\n{detection}  condition: {}\nlevel: high\n",
            self.condition
        )
    }
}

const SOURCE: &str = "{product: aws, service: cloudtrail}";

fn selections(searches: &[Search], prefix: &str) -> String {
    let line =
        |(index, search): (usize, &Search)| format!("  {prefix}{index}: {}\n", search.json());
    searches.iter().enumerate().map(line).collect()
}

/// A filter that takes away from every rule what the search matches.
pub fn filter_yaml(search: &Search) -> String {
    let body = selections(std::slice::from_ref(search), "f");
    format!(
        "---\ntitle: filter\nlogsource: {SOURCE}\nfilter:\n  rules: any\n{body}  condition: not f0\n"
    )
}

/// A few rules and perhaps a filter, as one file.
pub fn rulebook() -> impl Strategy<Value = String> {
    let rules = prop::collection::vec(rule(), 1..4);
    (rules, prop::option::weighted(0.2, search())).prop_map(|(rules, filter)| {
        let mut yaml: String = rules.iter().enumerate().map(|(id, rule)| rule.yaml(id)).collect();
        yaml.extend(filter.iter().map(filter_yaml));
        yaml
    })
}

/// A rule.
pub fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![any_rule(), plain_rule()]
}

/// A rule as most are: it says what must be there, and perhaps what must not.
fn plain_rule() -> impl Strategy<Value = Rule> {
    let name =
        pair(&["", "", "|startswith", "|contains", "|cased", "|re"], texts(&NAMES[..4]), 1..3)
            .prop_map(|(modifiers, values)| Item { field: "eventName", modifiers, values });
    let value =
        (select(&PATHS[1..]), pair(&["", "|contains", "|endswith"], texts(&VALUES[..4]), 1..3))
            .prop_map(|(field, (modifiers, values))| Item { field, modifiers, values });
    let maps = prop::collection::vec(prop_oneof![2 => name, 3 => value], 1..3);
    let condition = select(&["s0", "s0 and not s1", "s0 and s1", "s0 or s1", "1 of s*"][..]);
    (prop::collection::vec(maps, 2), condition).prop_map(|(maps, condition)| Rule {
        selections: maps.into_iter().map(without_twins).map(Search::Map).collect(),
        condition: condition.to_owned(),
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    (prop::collection::vec(search(), 1..4), expression()).prop_map(|(selections, expression)| {
        let condition = expression.text(selections.len());
        Rule { selections, condition }
    })
}

fn search() -> impl Strategy<Value = Search> {
    let keyword = prop_oneof![
        4 => select(&FRAGMENTS[..]).prop_map(Value::from),
        1 => select(&["S*g", "k?ck", "StopLogging"][..]).prop_map(Value::from),
    ];
    prop_oneof![
        8 => items().prop_map(Search::Map),
        2 => prop::collection::vec(items(), 1..3).prop_map(Search::Maps),
        1 => prop::collection::vec(keyword, 1..3).prop_map(Search::Keywords),
    ]
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(item(), 1..4).prop_map(without_twins)
}

/// No key stands twice in a map.
fn without_twins(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        let is_new = |other: &Item| (other.field, other.modifiers) != (item.field, item.modifiers);
        if kept.iter().all(is_new) {
            kept.push(item);
        }
    }
    kept
}

fn item() -> impl Strategy<Value = Item> {
    let field = prop_oneof![3 => Just("eventName"), 4 => select(&PATHS[..])];
    (field, comparison()).prop_map(|(field, (modifiers, values))| Item { field, modifiers, values })
}

type Comparison = (&'static str, Vec<Value>);

/// Modifiers and values that go with them.
fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        8 => pair(&["", "", "|cased", "|neq"], texts(&NAMES), 1..3),
        4 => pair(&["", "|cased", "|neq", "|startswith", "|endswith|cased"], texts(&VALUES), 1..3),
        4 => pair(&["|startswith", "|contains", "|endswith", "|contains|cased", "|contains|neq"], texts(&FRAGMENTS), 1..3),
        2 => pair(&["|contains|all", "|startswith|all"], texts(&FRAGMENTS), 2..4),
        3 => pair(&["", "|cased", "|contains", "|startswith", "|endswith", "|neq"], texts(&WILDCARDS), 1..3),
        2 => pair(&["|re", "|re|i", "|re|s", "|re|all"], texts(&REGEXES), 2..3),
        1 => pair(&["|windash|contains", "|windash"], texts(&FLAGS), 1..3),
        1 => pair(&["|base64|contains", "|base64offset|contains", "|wide|base64|contains"], texts(&["Stop", "Kick"]), 1..2),
        1 => pair(&["|cidr", "|cidr|neq"], texts(&NETWORKS), 1..3),
        1 => pair(&["|lt", "|lte", "|gt", "|gte"], numbers(), 1..2),
        2 => pair(&["", "|neq"], numbers(), 1..3),
        1 => pair(&["", "|neq"], any::<bool>().prop_map(Value::from).boxed(), 1..2),
        1 => pair(&[""], prop_oneof![Just(Value::Null), texts(&VALUES)].boxed(), 1..3),
        1 => pair(&["|exists"], any::<bool>().prop_map(Value::from).boxed(), 1..2),
        1 => pair(
            &["|fieldref", "|fieldref|startswith", "|fieldref|contains", "|fieldref|cased", "|fieldref|neq"],
            texts(&PATHS), 1..2),
    ]
}

fn pair(
    modifiers: &'static [&'static str],
    value: BoxedStrategy<Value>,
    count: std::ops::Range<usize>,
) -> BoxedStrategy<Comparison> {
    (select(modifiers), prop::collection::vec(value, count)).boxed()
}

fn texts(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}

fn numbers() -> BoxedStrategy<Value> {
    let all = [json!(5), json!(-1), json!(0), json!(5.5), json!(9_007_199_254_740_993_i64)];
    select(all.to_vec()).boxed()
}

/// A condition before it is known how many selections there are.
#[derive(Debug, Clone)]
enum Expression {
    Selection(usize),
    OneOf,
    TwoOf,
    AllOf,
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        6 => (0..6_usize).prop_map(Expression::Selection),
        1 => Just(Expression::OneOf),
        1 => Just(Expression::TwoOf),
        1 => Just(Expression::AllOf),
    ];
    leaf.prop_recursive(3, 6, 2, |inner| {
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            1 => inner.prop_map(|inner| Expression::Not(Box::new(inner))),
            2 => two.clone().prop_map(|(left, right)| Expression::And(left, right)),
            1 => two.prop_map(|(left, right)| Expression::Or(left, right)),
        ]
    })
}

impl Expression {
    fn text(&self, count: usize) -> String {
        match self {
            Self::Selection(index) => format!("s{}", index % count),
            Self::TwoOf if count > 1 => "2 of s*".to_owned(),
            Self::OneOf | Self::TwoOf => "1 of s*".to_owned(),
            Self::AllOf => "all of them".to_owned(),
            Self::Not(inner) => format!("not {}", inner.text(count)),
            Self::And(left, right) => format!("({} and {})", left.text(count), right.text(count)),
            Self::Or(left, right) => format!("({} or {})", left.text(count), right.text(count)),
        }
    }
}
