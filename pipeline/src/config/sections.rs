//! The other sections: rules, filter, alerts, routes, store, metrics, limits, aws.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use askance_stages::model::Level;
use jiff::civil::Weekday;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::units::{ByteSize, Span};

/// `rules`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// Rule files and folders; without them the built-in rules run.
    pub paths: Vec<PathBuf>,
    /// The built-in rules as well; they run anyway if there are no paths.
    pub builtin: Option<bool>,
    /// Files with values of %placeholders%.
    pub placeholders: Vec<PathBuf>,
    /// Rules that do not run, by id. An id that no rule has is an error.
    pub disable: Vec<String>,
    /// Other levels than the rules' own, by rule id.
    pub levels: BTreeMap<String, LevelName>,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LevelName {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl LevelName {
    /// The level of that name.
    pub fn level(self) -> Level {
        match self {
            Self::Informational => Level::Informational,
            Self::Low => Level::Low,
            Self::Medium => Level::Medium,
            Self::High => Level::High,
            Self::Critical => Level::Critical,
        }
    }
}

/// `filter`: records that are not asked for are counted and left.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FilterSection {
    /// Only these accounts (`recipientAccountId`).
    pub accounts: Vec<String>,
    /// Only these regions.
    pub regions: Vec<String>,
    /// Only rules of this level and above.
    pub min_level: Option<LevelName>,
    /// Records that rules do not look at, by named conditions; rules with `always: true` see them all
    /// the same.
    pub drop: Vec<DropCondition>,
}

/// One of `filter.drop`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCondition {
    /// A name, for counters.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,63}$"))]
    pub name: String,
    /// A Sigma selection on the record: `{eventSource: config.amazonaws.com, readOnly: true}`.
    #[serde(rename = "match")]
    pub selection: Value,
}

/// `correlate`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CorrelateConfig {
    /// How late an event may be read and still count. CloudTrail delivers most within five minutes,
    /// some later. Correlations that could be undone by a late event are told after so long; those
    /// that could not are told at once.
    pub lateness: Span,
}

impl Default for CorrelateConfig {
    fn default() -> Self {
        Self { lateness: Span::seconds(30 * 60) }
    }
}

/// `alerts`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// Alerts of one rule, actor and resource within so long (by the events' times) are one alert
    /// with a count; `0s`: each alert by itself.
    pub merge_window: Span,
    /// Repeats of a merged alert are told together, at most this often.
    pub update_interval: Span,
    /// Leave the whole event out of alerts.
    pub without_event: bool,
    /// Alerts that are kept and counted, but told to nobody.
    pub suppress: Vec<Suppression>,
    /// At most so many alerts of one rule are told; off unless written.
    pub rate_cap: Option<RateCap>,
    /// Languages of what people read, the first one first.
    #[schemars(length(min = 1))]
    pub languages: Vec<Language>,
    /// A file of your accounts, which says what they are: `ACCOUNT: {name: ..., ou: ..., owner: ...,
    /// environment: ..., tags: {...}}`. Accounts that are not in it are strangers to rules that ask.
    pub accounts: Option<PathBuf>,
    /// How long alerts are kept in the store.
    pub keep: Span,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            merge_window: Span::seconds(30 * 60),
            update_interval: Span::seconds(60),
            without_event: false,
            suppress: Vec::new(),
            rate_cap: None,
            languages: vec![Language::En],
            accounts: None,
            keep: Span::seconds(400 * 86_400),
        }
    }
}

/// A language that people are asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Japanese.
    Ja,
}

/// Alerts that are told to nobody until a day.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// A name, for counters and lists.
    pub name: String,
    /// A Sigma selection on the alert's fields: `{rule.id: ..., account: "111122223333",
    /// actor.arn|contains: deploy}`. The record is below `event`.
    #[serde(rename = "match")]
    pub selection: Value,
    /// Why it is no danger.
    pub reason: String,
    /// Who said so.
    pub owner: String,
    /// The last day, in UTC: `2027-03-31`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: String,
}

/// `alerts.rate_cap`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateCap {
    /// So many alerts of one rule...
    #[schemars(range(min = 1))]
    pub count: u32,
    /// ...in this time; the rest of them are told as one "N more".
    pub per: Span,
}

/// One of `routes`: which alerts go to which sinks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Alerts of this level and above.
    pub min_level: Option<LevelName>,
    /// Alerts of these accounts.
    pub accounts: Vec<String>,
    /// Alerts of accounts in these organisation units; needs `alerts.accounts`.
    pub ous: Vec<String>,
    /// Alerts of accounts with all of these tags; needs `alerts.accounts`.
    pub account_tags: BTreeMap<String, String>,
    /// Alerts of rules with one of these tags; `attack.*` fits all that begin so.
    pub rule_tags: Vec<String>,
    /// A Sigma selection on the alert's fields, as in `alerts.suppress`.
    #[serde(rename = "match")]
    pub selection: Option<Value>,
    /// Hours of the day at which the alert is raised, `22:00-06:00`.
    #[schemars(regex(pattern = r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"))]
    pub hours: Option<String>,
    /// Days of the week at which the alert is raised.
    pub days: Vec<Day>,
    /// Time zone of `hours` and `days`: `Asia/Tokyo`; UTC unless written.
    pub time_zone: Option<String>,
    /// Names of sinks.
    pub to: Vec<String>,
    /// If this route fits, those below it are not looked at.
    pub stop: bool,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The day, for calendars.
    pub fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// `store`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum StoreConfig {
    /// One SQLite file.
    Sqlite {
        /// The file; it is made if it is not there.
        path: PathBuf,
        /// How long is remembered which objects were read.
        #[serde(default = "keep_ledger")]
        keep_ledger: Span,
        /// What the file may grow to before the oldest alerts and ledger rows go early.
        #[serde(default = "max_size")]
        max_size: ByteSize,
    },
    /// One DynamoDB table, shared by several replicas.
    Dynamodb(DynamoStoreConfig),
}

/// `store: {type: dynamodb}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamoStoreConfig {
    /// The table's name.
    #[schemars(length(min = 3, max = 255))]
    pub table: String,
    /// The table's region, if it is not the one of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// A role to assume for the table, by its ARN.
    #[serde(default)]
    pub role: Option<String>,
    /// This replica's name, the same after a restart; the host's name unless written. The places of
    /// file sinks are kept under it.
    #[serde(default)]
    pub replica: Option<String>,
    /// The table is made if it is not there, and told to let go of what is old.
    #[serde(default = "yes")]
    pub create: bool,
    /// How long a message that is being sent is left to the replica that took it, if nothing is
    /// heard of it; 150s unless written. Sending takes 2 minutes at most.
    #[serde(default = "claim")]
    pub claim: Span,
    /// How long is remembered which objects were read.
    #[serde(default = "keep_ledger")]
    pub keep_ledger: Span,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self::Sqlite {
            path: PathBuf::from("askance.db"),
            keep_ledger: keep_ledger(),
            max_size: max_size(),
        }
    }
}

impl DynamoStoreConfig {
    /// Most sinks: an update of one alert is two rows for each, and a transaction holds 100.
    pub const MOST_SINKS: usize = 45;

    /// Shortest claim: below, a replica that is only slow would lose what it sends.
    pub const SHORTEST_CLAIM: Span = Span::seconds(1);
}

fn yes() -> bool {
    true
}

fn claim() -> Span {
    Span::seconds(150)
}

fn keep_ledger() -> Span {
    Span::seconds(30 * 86_400)
}

fn max_size() -> ByteSize {
    ByteSize(10 << 30)
}

/// `rejects`: where what could not be read is written to, besides the store.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RejectsConfig {
    /// A file, one JSON object a line.
    File {
        /// The file; rejects are put at its end.
        path: PathBuf,
        /// At this size the file is renamed to `NAME.1` and begun anew; never unless written.
        #[serde(default)]
        rotate_at: Option<ByteSize>,
        /// So many old files are kept.
        #[serde(default = "keep_files")]
        #[schemars(range(min = 1, max = 1000))]
        keep: u32,
    },
    /// Objects of JSON lines in a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// What keys begin with.
        #[serde(default)]
        prefix: String,
        /// The bucket's region, if it is not the one of the environment.
        #[serde(default)]
        region: Option<String>,
    },
}

fn keep_files() -> u32 {
    10
}

/// `metrics`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address of `/metrics`, `/healthz` and `/readyz`; nothing listens unless it is written.
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
}

/// `limits`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Most bytes that one object may unpack to.
    pub max_object: ByteSize,
    /// Most bytes that come out for each byte that goes in, looked at past 64 MiB.
    #[schemars(range(min = 1))]
    pub max_ratio: u64,
    /// Objects that were fetched and wait for a worker, or are worked on, in bytes.
    pub queue: ByteSize,
    /// Threads that match; as many as there are cores unless written.
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<usize>,
    /// How long is waited at the end for what is in hand.
    pub shutdown: Span,
    /// How long a sink is tried before an alert is put with the dead letters.
    pub give_up_after: Span,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let decode = askance_stages::decode::DecodeLimits::default();
        Self {
            max_object: ByteSize(decode.max_object_bytes),
            max_ratio: decode.max_ratio,
            queue: ByteSize::mib(64),
            workers: None,
            shutdown: Span::seconds(30),
            give_up_after: Span::seconds(7 * 86_400),
        }
    }
}

/// `aws`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// Put the bucket's name into the path, not the host: for stand-ins of S3.
    pub s3_path_style: bool,
    /// Region, if it is not the one of the environment.
    pub region: Option<String>,
    /// Profile, if it is not the one of the environment.
    pub profile: Option<String>,
}
