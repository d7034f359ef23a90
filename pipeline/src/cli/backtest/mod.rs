//! `askance backtest`: two sets of rules over the same events, and what the change would do.

mod past;
mod report;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use askance_stages::decode::DecodeLimits;
use askance_stages::filter::FilterConfig;
use askance_stages::flow::{Detect, DetectConfig, Output};
use askance_stages::matcher::RuleSet;
use askance_stages::model::Reject;
use askance_stages::sigma::Reading;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::replay::WayArgs;
use super::scan::{on_interrupt, open_output, tell_problems};
use super::scan_args::RuleArgs;
use super::{code, eprintln_line, times};
use crate::backtest::{Comparison, Pair};
use crate::config::{self, Config};
use crate::output::clean::clean;
use crate::rulebook::{self, RuleChoice};
use crate::runtime::plan::nanoseconds;
use crate::runtime::pool::{self, Control, Event};
use crate::sources::files::Files;
use crate::sources::s3_replay::Address;
use report::Report;

/// Rejects that are told line by line; the rest is counted.
const TOLD: u64 = 20;

/// Options of a backtest.
#[derive(Debug, Args)]
#[command(
    after_help = "Both sets run in one pass over the data; rules that are the same in both run once.\n\n\
    Exit codes, the first that applies:\n  \
    130  ended by a signal\n  \
    2  wrong use, or rules that cannot be used\n  \
    3  some input could not be read or was damaged; everything else was read\n  \
    0  otherwise\n\n\
    Examples:\n  \
    askance backtest trail/ --rules new/ --baseline old/\n  \
    askance backtest s3://org-trail/AWSLogs/ --from 30d --rules new/ --format json\n  \
    askance backtest trail/ --rules my/ --builtin"
)]
pub struct BacktestArgs {
    /// Files and folders, or one s3://BUCKET/PREFIX
    #[arg(required = true, value_name = "PATH")]
    inputs: Vec<String>,

    #[command(flatten)]
    rules: RuleArgs,
    /// Rule file or folder as it is now, to compare with [default: the built-in rules]; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Rules")]
    baseline: Vec<PathBuf>,

    /// Only events at this time or later: 30d, 2026-11-24, 2026-11-24T09:30:00Z; needed for S3
    #[arg(long, value_name = "TIME", help_heading = "What is looked at")]
    from: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", help_heading = "What is looked at")]
    to: Option<String>,
    /// Only events of this account (the one it happened in); may be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "What is looked at")]
    account: Vec<String>,
    /// Only events of this region; may be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',', help_heading = "What is looked at")]
    region: Vec<String>,

    /// How the report is written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        help_heading = "Output"
    )]
    format: ReportFormat,
    /// Write the report to this file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// No plan and no notes on what could not be read
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    way: WayArgs,
    /// Worker threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "How it is run")]
    threads: Option<u16>,
    /// Don't exit with 3 because of input that could not be read
    #[arg(long, help_heading = "How it is run")]
    allow_unreadable: bool,
    /// Configuration file: limits, aws, the bucket's role
    #[arg(long, value_name = "FILE", help_heading = "How it is run")]
    config: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// How reading ended.
struct Ended {
    was_interrupted: bool,
    /// Objects that could not be fetched or listed.
    unread: u64,
}

/// Does what was said; answers the exit code.
pub fn backtest(args: &BacktestArgs) -> anyhow::Result<u8> {
    let began = Instant::now();
    if args.rules.rule_paths.is_empty() && args.baseline.is_empty() {
        bail!(
            "there is nothing to compare: name the changed rules with --rules PATH, or those to \
             compare the built-in ones with by --baseline PATH"
        );
    }
    let config = match &args.config {
        Some(path) => config::read(path)?.config,
        None => Config::default(),
    };
    let (from, to) = times::range(args.from.as_deref(), args.to.as_deref(), Timestamp::now())?;
    let filter =
        FilterConfig { from, to, accounts: args.account.clone(), regions: args.region.clone() };
    let Some(mut pair) = pair(args)? else { return Ok(code::USE) };
    // The engine takes the rules; what they are called stays.
    let nothing = RuleSet::compile([]).map_err(|_| anyhow!("no rules cannot be compiled"))?;
    let mut detect = Detect::new(
        std::mem::replace(&mut pair.rules, nothing),
        DetectConfig {
            filter,
            limits: DecodeLimits {
                max_object_bytes: config.limits.max_object.0,
                max_ratio: config.limits.max_ratio,
            },
            without_event: true,
            nanoseconds: Some(nanoseconds),
            ..DetectConfig::default()
        },
    );
    detect.correlations = std::mem::take(&mut pair.feeds);
    let mut comparison = Comparison::new(&pair);
    let ended = match address(args)? {
        Some(address) => past::read(args, &config, address, detect, &mut comparison)?,
        None => files(args, &detect, &mut comparison)?,
    };
    comparison.finish();
    let report = Report { pair: &pair, comparison: &comparison, took: began.elapsed() };
    let mut out = open_output(args.output.as_deref())?;
    let written = match args.format {
        ReportFormat::Table => report.table(&mut out),
        ReportFormat::Json => report.json(&mut out),
    };
    if let Err(error) = written.and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        return Err(error).context("cannot write the report");
    }
    Ok(exit_code(args, &comparison, &ended))
}

fn exit_code(args: &BacktestArgs, comparison: &Comparison<'_>, ended: &Ended) -> u8 {
    let has_gaps = ended.unread > 0 || comparison.tally.rejected.total() > 0;
    match (ended.was_interrupted, has_gaps && !args.allow_unreadable) {
        (true, _) => code::INTERRUPTED,
        (false, true) => code::UNREADABLE,
        (false, false) => code::OK,
    }
}

/// Reads both sets; `None` if one cannot be used, which has been told.
fn pair(args: &BacktestArgs) -> anyhow::Result<Option<Pair>> {
    let choice = |paths: &[PathBuf], with_builtin: bool| RuleChoice {
        paths: paths.to_vec(),
        with_builtin,
        placeholders: args.rules.placeholders.clone(),
        now: None,
    };
    let keep_going = args.rules.keep_going;
    let candidate = reading(&choice(&args.rules.rule_paths, args.rules.builtin), keep_going)?;
    let baseline = reading(&choice(&args.baseline, false), keep_going)?;
    let (Some(candidate), Some(baseline)) = (candidate, baseline) else { return Ok(None) };
    match Pair::join(baseline, candidate) {
        Ok(pair) => Ok(Some(pair)),
        Err(errors) => {
            errors.iter().for_each(|error| eprintln_line(error));
            Ok(None)
        }
    }
}

fn reading(choice: &RuleChoice, keep_going: bool) -> anyhow::Result<Option<Reading>> {
    let reading = rulebook::read(choice)?;
    Ok(tell_problems(&reading, keep_going).then_some(reading))
}

/// The bucket, if the input is one.
fn address(args: &BacktestArgs) -> anyhow::Result<Option<Address>> {
    match args.inputs.as_slice() {
        [one] if one.starts_with("s3://") => {
            let read = one.parse().map_err(|why| anyhow!("cannot read {one}: {why}"));
            read.map(Some)
        }
        several if several.iter().any(|one| one.starts_with("s3://")) => {
            bail!("one address in S3 can be read, and nothing beside it")
        }
        _ => Ok(None),
    }
}

fn threads(args: &BacktestArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    args.threads.map_or_else(cores, usize::from)
}

/// Reads files and folders.
fn files(
    args: &BacktestArgs,
    detect: &Detect,
    comparison: &mut Comparison<'_>,
) -> anyhow::Result<Ended> {
    let control = std::sync::Arc::new(Control::default());
    let was_interrupted = on_interrupt(&control)?;
    let paths = args.inputs.iter().map(PathBuf::from).collect();
    let mut told = 0;
    let mut path = String::new();
    pool::run(detect, Files::new(paths), threads(args), &control, |event| {
        match event {
            Event::Output(Output::Alert(alert)) => {
                path.clone_from(&alert.origin.path);
                comparison.alert(*alert);
            }
            Event::Output(Output::Entry(entry)) => comparison.entry(*entry),
            Event::Output(Output::Given(_) | Output::Unknown(_) | Output::Reject(_))
            | Event::Skipped => {}
            Event::Reject(path, reject) => {
                told += 1;
                if !args.quiet && told <= TOLD {
                    tell(&path, &reject);
                }
            }
            Event::Done(tally) => comparison.end(&std::mem::take(&mut path), &tally),
        }
        true
    });
    if told > TOLD && !args.quiet {
        eprintln_line(&format!("askance: {} more could not be read", told - TOLD));
    }
    let was_interrupted = was_interrupted.load(std::sync::atomic::Ordering::Relaxed);
    Ok(Ended { was_interrupted, unread: 0 })
}

fn tell(path: &str, reject: &Reject) {
    let detail = if reject.detail.is_empty() { "" } else { ": " };
    let words = reject.reason.words();
    eprintln_line(&clean(&format!("askance: {path}: {words}{detail}{}", reject.detail)));
}
