//! What can be said to `askance replay`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::scan_args::{Format, RuleArgs};
use crate::sources::s3_replay::Address;
use crate::telemetry::LogFormat;

/// Options of a replay.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "A replay that was interrupted, however it ended, goes on where it was when it is started again. \
    Jobs are kept below --jobs-dir; two replays of the same job are refused.\n\n\
    Exit codes, the first that applies:\n  \
    130  ended by a signal; start it again to go on\n  \
    2  wrong use, nothing to read, or no way to go on\n  \
    3  some of it could not be listed or read; everything else was\n  \
    0  otherwise\n\n\
    Examples:\n  \
    askance replay s3://org-trail/AWSLogs/ --from 2026-03-01 --to 2026-04-01 --dry-run\n  \
    askance replay s3://org-trail/AWSLogs/ --from 30d --account 111122223333 --rules new/ --format jsonl\n  \
    askance replay s3://org-trail/ --from 2025-01-01 --job year --config askance.yaml --to-sinks\n  \
    askance replay jobs"
)]
pub struct ReplayArgs {
    #[command(subcommand)]
    pub command: Option<ReplayCommand>,

    /// What is read: s3://BUCKET or s3://BUCKET/PREFIX; may be left out to go on with --job
    #[arg(value_name = "S3_URL", required_unless_present = "job")]
    pub url: Option<Address>,

    /// Only events at this time or later: 30d, 2026-11-24, 2026-11-24T09:30:00Z
    #[arg(
        long,
        value_name = "TIME",
        required_unless_present = "job",
        help_heading = "What is looked at"
    )]
    pub from: Option<String>,
    /// Only events before this time [default: now]
    #[arg(long, value_name = "TIME", help_heading = "What is looked at")]
    pub to: Option<String>,
    /// Only this account: its folders, and events that happened in it; may be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "What is looked at")]
    pub account: Vec<String>,
    /// Only this region: its folders, and events that happened in it; may be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',', help_heading = "What is looked at")]
    pub region: Vec<String>,

    #[command(flatten)]
    pub rules: RuleArgs,

    /// Tell people: alerts go to the store, routes and sinks of --config, marked as historic
    #[arg(long, requires = "config", conflicts_with_all = ["dry_run", "enqueue", "format", "output", "no_event"], help_heading = "Where it goes")]
    pub to_sinks: bool,
    /// Say what would be read and what it would cost, and read nothing
    #[arg(long, conflicts_with_all = ["enqueue", "format", "output", "no_event"], help_heading = "Where it goes")]
    pub dry_run: bool,
    /// Put the objects into this queue, for `askance run` to read (replay_queue_url of its source)
    #[arg(long, value_name = "QUEUE_URL", conflicts_with_all = ["rule_paths", "builtin", "format", "output", "no_event"], help_heading = "Where it goes")]
    pub enqueue: Option<String>,
    /// How alerts are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Where it goes"
    )]
    pub format: Format,
    /// Write alerts to this file
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
    /// Leave the whole record out of JSON alerts
    #[arg(long, help_heading = "Where it goes")]
    pub no_event: bool,
    /// No plan, no progress bar and no summary
    #[arg(long, short, help_heading = "Where it goes")]
    pub quiet: bool,

    /// The job's name, to go on with it or to look at it later [default: made of what is asked for]
    #[arg(long, value_name = "NAME", help_heading = "How it is run")]
    pub job: Option<String>,
    /// Begin the job anew, and forget what it found
    #[arg(long, help_heading = "How it is run")]
    pub restart: bool,
    #[command(flatten)]
    pub jobs: JobsArgs,
    #[command(flatten)]
    pub way: WayArgs,
    /// Most downloads at once; S3 is asked for fewer when it says so
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "How it is run")]
    pub concurrency: u16,
    /// Worker threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "How it is run")]
    pub threads: Option<u16>,
    /// Don't exit with 3 because of what could not be listed or read
    #[arg(long, help_heading = "How it is run")]
    pub allow_unreadable: bool,
    /// Configuration file: rules, limits, aws, the bucket's role; with --to-sinks all of it
    #[arg(long, value_name = "FILE", help_heading = "How it is run")]
    pub config: Option<PathBuf>,
    /// How lines of the log look; ASKANCE_LOG chooses what is told (askance=debug,warn)
    #[arg(
        long,
        value_enum,
        default_value_t,
        env = "ASKANCE_LOG_FORMAT",
        help_heading = "How it is run"
    )]
    pub log_format: LogFormat,
}

/// How a bucket is reached; shared with `backtest`.
#[derive(Debug, Clone, Default, Args)]
pub struct WayArgs {
    /// The bucket's region, if it is not the one of AWS's environment
    #[arg(long, value_name = "REGION", help_heading = "How it is run")]
    pub bucket_region: Option<String>,
    /// A role to read the bucket with
    #[arg(long, value_name = "ARN", help_heading = "How it is run")]
    pub role_arn: Option<String>,
    /// Pay for the requests to a bucket whose reader pays
    #[arg(long, help_heading = "How it is run")]
    pub requester_pays: bool,
}

/// Where jobs are.
#[derive(Debug, Clone, Args)]
pub struct JobsArgs {
    /// Folder of jobs [default: askance/replay in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR", env = "ASKANCE_REPLAY_DIR", help_heading = "How it is run")]
    pub jobs_dir: Option<PathBuf>,
}

/// What can be said of jobs.
#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// List jobs, or show one: what it was asked, how far it is, what it found
    Jobs {
        /// The job to show
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Write JSON, a job a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        jobs: JobsArgs,
    },
}

impl JobsArgs {
    /// The folder of jobs.
    ///
    /// # Errors
    /// When nothing says where it is.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.jobs_dir {
            return Ok(folder.clone());
        }
        let folder = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
        let state = state.ok_or_else(|| {
            anyhow::anyhow!("cannot tell where jobs are kept: neither XDG_STATE_HOME nor HOME is set; name a folder with --jobs-dir")
        })?;
        Ok(state.join("askance/replay"))
    }
}
