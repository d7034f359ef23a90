//! What a Sigma document says, typed and checked: the reader's output and the matcher's input.
//!
//! Modifiers that transform values (`base64`, `windash`, `contains`, ...) are already applied
//! here; what is left are tests on a value. Nothing in this file reads text or looks at records.

use std::fmt;

pub use crate::model::Level;

/// Where something was written, for messages: a file, a line and a column, both from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path of the file as it was given.
    pub file: std::sync::Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Which log a document is about. `None` means that the key was not written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSource {
    /// For example `aws`.
    pub product: Option<String>,
    /// For example `cloudtrail`.
    pub service: Option<String>,
    /// For inventory rules the resource type.
    pub category: Option<String>,
}

/// One detection rule, with the filters that apply to it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The `id`, or the title where there is none. Unique in a [`super::Reading`].
    pub id: String,
    /// The title.
    pub title: String,
    /// The `name`, by which filters and correlations may refer to it.
    pub name: Option<String>,
    /// The level; medium where none is written.
    pub level: Level,
    /// `status` as written.
    pub status: Option<String>,
    /// `description` as written.
    pub description: Option<String>,
    /// `tags`, in order.
    pub tags: Vec<String>,
    /// `references`, in order.
    pub references: Vec<String>,
    /// `falsepositives`, in order.
    pub false_positives: Vec<String>,
    /// The log that it is about.
    pub log_source: LogSource,
    /// What it looks for.
    pub detection: Detection,
    /// Filters that apply: the rule matches if its detection does **and** each of these does.
    pub filters: Vec<AppliedFilter>,
    /// What askance adds, if it is written.
    pub askance: Option<Askance>,
    /// True where the rule only feeds a correlation without `generate: true`: it raises nothing itself.
    pub is_silent: bool,
    /// Where its title stands.
    pub place: Place,
}

/// A filter, joined to a rule by AND; its selections have their own name space.
#[derive(Debug, Clone)]
pub struct AppliedFilter {
    /// Title of the filter document.
    pub title: String,
    /// Its selections and condition.
    pub detection: Detection,
}

/// Named selections and the condition that joins them.
#[derive(Debug, Clone)]
pub struct Detection {
    /// In the order of the file.
    pub selections: Vec<Selection>,
    /// Several conditions of a list are joined by OR already.
    pub condition: Expr,
    /// The condition as written (a list's parts joined by ` or `), for people.
    pub condition_text: String,
}

/// A condition over selections, by their index in [`Detection::selections`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All hold. Never empty.
    And(Vec<Expr>),
    /// At least one holds. Never empty.
    Or(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// At least so many hold: `2 of selection*`. Never 0.
    AtLeast(usize, Vec<Expr>),
    /// The selection holds.
    Selection(usize),
}

/// A named search.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The search identifier.
    pub name: String,
    /// What is searched for.
    pub search: Search,
    /// Where the name stands.
    pub place: Place,
}

/// What a selection is made of: maps join by AND, lists by OR.
#[derive(Debug, Clone)]
pub enum Search {
    /// Each part holds (a map). Never empty.
    All(Vec<Search>),
    /// Some part holds (a list of maps). Never empty.
    Any(Vec<Search>),
    /// One line of a map, or the keywords of a list.
    Item(Item),
}

/// `field|modifiers: values`, or keywords.
#[derive(Debug, Clone)]
pub struct Item {
    /// Dotted path of the field; `None` for keywords, which are sought in every value of a record.
    pub field: Option<String>,
    /// The key as written, with modifiers (`userAgent|contains`); `keywords` for a bare list.
    pub written: String,
    /// True for `neq`: the item holds if its tests do not.
    pub is_negated: bool,
    /// True for `all`: each test must hold; else one is enough.
    pub needs_all: bool,
    /// One per written value, in order. Never empty.
    pub tests: Vec<Test>,
    /// Where the key stands.
    pub place: Place,
}

/// What a value is compared with. One written value makes one test.
#[derive(Debug, Clone)]
pub enum Test {
    /// Text with wildcards. For keywords the pattern is sought anywhere in a value (the reader has
    /// put the `*` around it).
    Text(Pattern),
    /// A plain number without a modifier: equal as a number, or written the same as text.
    Number(Number),
    /// A plain boolean: equal to it, or to its name as text.
    Bool(bool),
    /// `null`: the field is absent or null.
    Null,
    /// `exists`: the field is there (null included), or is not.
    Exists(bool),
    /// `re`: sought anywhere in the value (unanchored).
    Regex(RegexTest),
    /// `cidr`: the value is an address within the network.
    Cidr(Cidr),
    /// `lt`, `lte`, `gt`, `gte`.
    Compare(Comparison, Number),
    /// `fieldref`: compared with another field of the same record.
    FieldRef(FieldRef),
    /// A part of a timestamp (UTC), compared with a number.
    TimePart(TimePart, Comparison, Number),
    /// Alternatives that one written value expands to (`windash`, `base64offset`, `expand`).
    AnyOf(Vec<Test>),
}

/// Text with wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Literals and wildcards in order; neighbouring literals are joined, neighbouring `Many` are one.
    /// Empty for the empty text.
    pub parts: Vec<Part>,
    /// True if letter case matters (`cased`).
    pub is_cased: bool,
}

/// A part of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// This text.
    Literal(String),
    /// `?`: exactly one character, of any kind.
    One,
    /// `*`: any number of characters, none included, line breaks included.
    Many,
}

/// A regular expression that was seen to compile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegexTest {
    /// As written.
    pub pattern: String,
    /// `i`.
    pub ignores_case: bool,
    /// `m`: `^` and `$` match at line breaks.
    pub is_multi_line: bool,
    /// `s`: `.` matches line breaks.
    pub dot_matches_newline: bool,
}

/// A network. Host bits are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// First address.
    pub network: std::net::IpAddr,
    /// Length of the prefix in bits.
    pub prefix: u8,
}

/// An exact integer where it is one, else a float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Within i128: every integer of JSON that matters is exact.
    Integer(i128),
    /// Never an infinity or NaN.
    Float(f64),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
}

/// Comparison with another field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRef {
    /// Dotted path of the other field.
    pub field: String,
    /// Where the other field's text must stand in this one.
    pub position: Position,
    /// True if letter case matters.
    pub is_cased: bool,
}

/// Where a text must stand in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Position {
    /// It is the whole.
    Whole,
    /// At the start.
    Start,
    /// At the end.
    End,
    /// Anywhere.
    Anywhere,
}

/// Part of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    Day,
    /// ISO week, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// As written.
    Year,
}

/// The `askance:` block of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Askance {
    /// Dotted paths of what is asked about.
    pub resource: Vec<String>,
    /// The question, in English.
    pub ask_en: Option<String>,
    /// The question, in Japanese.
    pub ask_ja: Option<String>,
    /// Why it is dangerous, in English.
    pub why: Option<String>,
    /// Why it is dangerous, in Japanese.
    pub why_ja: Option<String>,
    /// What to do, in English.
    pub fix: Option<String>,
    /// What to do, in Japanese.
    pub fix_ja: Option<String>,
    /// Id of the inventory rule that tells whether it is still so.
    pub verify: Option<String>,
    /// Who is asked: `owner`, `actor`, `security`.
    pub route: Vec<String>,
    /// Control numbers, for example `cis-5.0-3.4`.
    pub controls: Vec<String>,
    /// It sees what a configuration has dropped (`filter.drop`), too.
    pub always: bool,
}

/// A correlation document, checked: what is counted of what, within which time, told when.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// The `id`, or the title.
    pub id: String,
    /// The title.
    pub title: String,
    /// The `name`, by which other correlations may refer to it.
    pub name: Option<String>,
    /// The level; medium where none is written.
    pub level: Level,
    /// `tags`, in order.
    pub tags: Vec<String>,
    /// `description` as written.
    pub description: Option<String>,
    /// `references`, in order.
    pub references: Vec<String>,
    /// `falsepositives`, in order.
    pub false_positives: Vec<String>,
    /// For example `event_count`.
    pub kind: String,
    /// Ids or names of what feeds it, as written. Each is known. Never empty.
    pub rules: Vec<String>,
    /// What [`Self::rules`] stand for, one for each, in their order.
    pub feeders: Vec<Feeder>,
    /// How far apart the first and the last event may be. Never zero.
    pub timespan: std::time::Duration,
    /// Fields, or aliases, whose values must be equal. May be empty.
    pub group_by: Vec<String>,
    /// Bounds that must all hold. Empty for `temporal` kinds without a condition.
    pub bounds: Vec<(Comparison, Number)>,
    /// `field` of the condition: whose values are counted or summed. Empty where none is needed.
    pub fields: Vec<String>,
    /// `percentile` of the condition of `value_percentile`.
    pub percentile: Option<Number>,
    /// A condition over rules, of the `temporal` kinds, as written.
    pub condition_text: Option<String>,
    /// The same, read: selections are indices in [`Self::rules`].
    pub condition: Option<Expr>,
    /// Names for fields that differ from rule to rule.
    pub aliases: Vec<Alias>,
    /// True if its base rules also raise alerts of their own.
    pub generates: bool,
    /// True where it only feeds another correlation without `generate: true`.
    pub is_silent: bool,
    /// When it is told.
    pub emit: Emit,
    /// What askance adds, if it is written.
    pub askance: Option<Askance>,
    /// Where it stands.
    pub place: Place,
}

/// A rule or correlation that feeds a correlation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feeder {
    /// Its id.
    pub id: String,
    /// Its `name`, if it has one.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// It is itself a correlation.
    pub is_correlation: bool,
}

/// When a correlation is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Emit {
    /// As soon as its condition holds; what comes later corrects what was told.
    Early,
    /// Once no event that is merely late can change it.
    Settled,
}

/// A name for fields that differ from rule to rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// What `group-by` calls it.
    pub name: String,
    /// Id or name of a rule, and the field that the alias stands for in its events.
    pub fields: Vec<(String, String)>,
}
