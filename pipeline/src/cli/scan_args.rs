//! What can be said to `askance scan`.

use std::path::PathBuf;

use askance_stages::model::Level;
use clap::{Args, ValueEnum};

/// Options of a scan.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes, the first that applies:\n  \
    130  ended by Ctrl-C\n  \
    2  wrong use, or rules that cannot be used\n  \
    3  some input could not be read or was damaged; everything else was read\n  \
    1  something at the level of --fail-on or above\n  \
    0  otherwise\n\n\
    Examples:\n  \
    askance scan trail/\n  \
    zcat *.json.gz | askance scan - --format jsonl\n  \
    askance scan trail/ --from 24h --level high --fail-on critical\n  \
    askance scan trail/ --rules sigma/rules/cloud/aws --builtin")]
pub struct ScanArgs {
    /// Files, folders (with everything below them) or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    #[command(flatten)]
    pub rules: RuleArgs,

    /// A file of your accounts, so that rules can tell strangers from them
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub own_accounts: Option<PathBuf>,
    /// What was seen before, from `askance baseline build`
    #[arg(long, value_name = "FILE", help_heading = "What is looked at")]
    pub baseline: Option<PathBuf>,
    /// Only events at this time or later: 24h, 2026-11-24, 2026-11-24T09:30:00Z
    #[arg(long, value_name = "TIME", help_heading = "What is looked at")]
    pub from: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", help_heading = "What is looked at")]
    pub to: Option<String>,
    /// Only events of this account (the one it happened in); may be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "What is looked at")]
    pub account: Vec<String>,
    /// Only events of this region; may be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',', help_heading = "What is looked at")]
    pub region: Vec<String>,
    /// Only rules of this level and above
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        default_value = "informational",
        help_heading = "What is looked at"
    )]
    pub level: LevelArg,

    /// How alerts are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Output"
    )]
    pub format: Format,
    /// Write alerts to this file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Leave the whole record out of JSON alerts
    #[arg(long, help_heading = "Output")]
    pub no_event: bool,
    /// Count records by day and region in the summary (reads every record closely: slower)
    #[arg(long, help_heading = "Output")]
    pub stats: bool,
    /// List records about which a rule could not be decided, since CloudTrail cut them
    #[arg(long, help_heading = "Output")]
    pub show_unknown: bool,
    /// No progress bar and no summary
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    /// Exit with 1 if something at this level or above was found
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "How it is run")]
    pub fail_on: Option<LevelArg>,
    /// Don't exit with 3 because of input that could not be read
    #[arg(long, help_heading = "How it is run")]
    pub allow_unreadable: bool,
    /// Worker threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "How it is run")]
    pub threads: Option<u16>,
    /// Configuration file: rules, filter and limits
    #[arg(long, value_name = "FILE", help_heading = "How it is run")]
    pub config: Option<PathBuf>,
    /// Try every rule on every record, the slow way, to compare with
    #[arg(long, hide = true)]
    pub no_prefilter: bool,
}

/// Which rules; shared by several commands.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArgs {
    /// Rule file or folder, instead of the built-in rules; may be repeated
    // The name of the field is clap's id of the option: it must differ from the inputs' `paths`.
    #[arg(long = "rules", value_name = "PATH", help_heading = "Rules")]
    pub rule_paths: Vec<PathBuf>,
    /// The built-in rules as well as those of --rules
    #[arg(long, help_heading = "Rules")]
    pub builtin: bool,
    /// File with values for %placeholders%, as `name: [values]`; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    pub placeholders: Vec<PathBuf>,
    /// Leave out rules with errors instead of stopping
    #[arg(long, help_heading = "Rules")]
    pub keep_going: bool,
}

/// How alerts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Jsonl,
    /// One JSON array
    Json,
    /// Comma-separated, safe for spreadsheets
    Csv,
}

/// A level as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    /// For enrichment
    Informational,
    /// Notable
    Low,
    /// To be reviewed
    Medium,
    /// To be reviewed promptly
    High,
    /// Borders on certainty
    Critical,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Informational => Self::Informational,
            LevelArg::Low => Self::Low,
            LevelArg::Medium => Self::Medium,
            LevelArg::High => Self::High,
            LevelArg::Critical => Self::Critical,
        }
    }
}
