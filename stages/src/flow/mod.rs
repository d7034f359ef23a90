//! The whole pipe in order: bytes of one object in, alerts out. The file to read first.
//!
//! An object goes through on one core, from unpacking to alerts, with buffers that are kept from
//! object to object: [`Worker::run`]. Nothing here reads a file, a clock or the environment.

mod drops;
mod each;
mod looking;
mod worker;

use crate::correlate::Correlations;
use crate::decode::DecodeLimits;
use crate::enrich::Enrich;
use crate::filter::FilterConfig;
use crate::matcher::RuleSet;
use crate::model::{Alert, Entry, Given, Reject};

pub use crate::model::Unknown;
pub use drops::{DropError, Drops};
pub use each::each_record;
pub use worker::Worker;

/// See [`DetectConfig::with_newest`].
pub const NEWEST_EVERY: u64 = 64;

/// See [`DetectConfig::nanoseconds`].
pub const TIMED_EVERY: u64 = 64;

/// What is done with each object; immutable, shared by all workers.
#[derive(Debug)]
pub struct Detect {
    /// The rules.
    pub rules: RuleSet,
    /// What rules feed; nothing is evaluated here, only events handed on for it.
    pub correlations: Correlations,
    /// Works out the fields that stand in no record.
    pub enrich: Enrich,
    /// What is not looked at.
    pub drops: Drops,
    /// What is asked for.
    pub config: DetectConfig,
}

impl Detect {
    /// Rules that feed no correlation, and nothing known besides the records.
    #[must_use]
    pub fn new(rules: RuleSet, config: DetectConfig) -> Self {
        Self {
            rules,
            correlations: Correlations::default(),
            enrich: Enrich::default(),
            drops: Drops::default(),
            config,
        }
    }
}

/// How objects are looked at.
#[derive(Debug, Clone, Default)]
pub struct DetectConfig {
    /// Which records are asked for.
    pub filter: FilterConfig,
    /// What an object may unpack to.
    pub limits: DecodeLimits,
    /// Leave the whole record out of alerts.
    pub without_event: bool,
    /// Count records by day and region; every record is parsed for it.
    pub with_days: bool,
    /// Note the newest event of each account, from one record in [`NEWEST_EVERY`] of an object, its
    /// first one included, and from those that are parsed: CloudTrail's files are of one account and
    /// a few minutes each.
    pub with_newest: bool,
    /// Tell which keys are given to whom; the records that do so are parsed for it.
    pub with_given: bool,
    /// Tells nanoseconds from any beginning: the time spent on rules is measured on one parsed record
    /// in [`TIMED_EVERY`]. `None`: it is not measured.
    pub nanoseconds: Option<fn() -> u64>,
    /// Parse every record and try every rule on it: the slow and obvious way, for comparison.
    pub without_prefilter: bool,
}

/// What comes out, in the order of the records.
#[derive(Debug, Clone)]
pub enum Output {
    /// A rule matched.
    Alert(Box<Alert>),
    /// A rule matched that feeds a correlation.
    Entry(Box<Entry>),
    /// A key was given, wherever and whenever: also by records that were not asked for.
    Given(Box<Given>),
    /// A rule could not be decided, since CloudTrail cut what it looks at.
    Unknown(Unknown),
    /// Something could not be read.
    Reject(Reject),
}
