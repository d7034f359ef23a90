//! `askance baseline`: makes a table of who did what from where, for the `askance.first_seen.*` fields.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use askance_stages::decode::DecodeLimits;
use askance_stages::enrich::{Baseline, BaselineBuilder};
use askance_stages::filter::FilterConfig;
use askance_stages::flow::each_record;
use askance_stages::model::Record;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::fetch_baseline::{address as address_of, read_baseline, write_baseline};
use super::replay::{WayArgs, bucket, way};
use super::run::listen_for_signals;
use super::summary::{number, plural};
use super::{code, eprintln_line, times};
use crate::aws::Aws;
use crate::baseline::{Past, PastError, Taken, take};
use crate::config::{self, Config};
use crate::output::clean::clean;
use crate::runtime::service::Stops;
use crate::sources::files::{Entry, Files, Opener};
use crate::sources::s3::Bucket;
use crate::sources::s3_replay::Address;
use crate::telemetry::{Families, LogFormat, start_quiet_logs};

/// Downloads at once, at most: one thread reads what they bring.
const CONCURRENCY: usize = 32;

/// What can be said to `askance baseline`.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Make one of CloudTrail files, or of a bucket
    #[command(
        after_help = "The file or object is replaced whole: askance run takes a new one over by itself.\n\n\
        Exit codes, the first that applies:\n  \
        130  ended by a signal; nothing is written\n  \
        2  wrong use, or nothing to make it of\n  \
        3  made, but some input could not be read and is left out\n  \
        0  made\n\n\
        Examples:\n  \
        askance baseline build trail/ --to 2d -o first-seen.bin\n  \
        askance baseline build s3://org-trail/AWSLogs/ --from 30d -o first-seen.bin\n  \
        askance baseline build s3://org-trail/AWSLogs/ --from 30d -o s3://seen/first-seen.bin"
    )]
    Build(BuildArgs),
    /// Tell what one is made of
    #[command(after_help = "Exit codes: 0 told, 2 it cannot be read.")]
    Show {
        /// The baseline: a file, or s3://BUCKET/KEY
        file: PathBuf,
        /// Configuration file: aws, and the role and region of the bucket of enrich.baseline
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// What `askance baseline build` is told.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Files, folders (with everything below them) or - for standard input; or one s3://BUCKET/PREFIX
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write it to this file, or to s3://BUCKET/KEY
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Only events at this time or later: 90d, 2026-09-01; needed for S3
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only events before this time: leave the last days out, or what happens now is known already
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only this account: in S3 its folders, and events that happened in it; may be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Only this region: in S3 its folders, and events that happened in it; may be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub region: Vec<String>,
    #[command(flatten)]
    pub way: WayArgs,
    /// Configuration file: limits, aws, the buckets' roles
    #[arg(long, value_name = "FILE", help_heading = "How it is run")]
    pub config: Option<PathBuf>,
}

/// Does what was said; answers the exit code.
pub fn baseline(command: &BaselineCommand) -> anyhow::Result<u8> {
    match command {
        BaselineCommand::Build(args) => build(args),
        BaselineCommand::Show { file, config } => {
            let made = read_baseline(file, &configured(config.as_deref())?)?;
            super::print(&format!("{}\n", told(file, &made)))?;
            Ok(code::OK)
        }
    }
}

fn build(args: &BuildArgs) -> anyhow::Result<u8> {
    let (from, to) = times::range(args.from.as_deref(), args.to.as_deref(), Timestamp::now())?;
    let asked =
        FilterConfig { from, to, accounts: args.account.clone(), regions: args.region.clone() };
    let config = configured(args.config.as_deref())?;
    // Before hours of reading.
    address_of(&args.output)?;
    let limits = DecodeLimits {
        max_object_bytes: config.limits.max_object.0,
        max_ratio: config.limits.max_ratio,
    };
    let (seen, unread) = match address(args)? {
        None => files(args, &asked, limits),
        Some(address) => match past(args, &config, address, (asked, limits))? {
            None => return Ok(code::INTERRUPTED),
            Some(Taken { seen, unread, unlisted, faults, .. }) => {
                faults.iter().for_each(|fault| tell(fault));
                if unlisted > 0 {
                    tell(&format!("{} could not be listed", plural(unlisted, "folder")));
                }
                (seen, unread + unlisted)
            }
        },
    };
    let made = seen.finish();
    if made.made_of().0 == 0 {
        bail!("there is no event to make a baseline of; are the paths and times right?");
    }
    write_baseline(&args.output, made.bytes(), &config)?;
    super::print(&format!("{}\n", told(&args.output, &made)))?;
    if unread == 0 {
        return Ok(code::OK);
    }
    let files = plural(unread, "file");
    tell(&format!("{files} could not be read whole; the rest is in the baseline"));
    Ok(code::UNREADABLE)
}

fn configured(path: Option<&Path>) -> anyhow::Result<Config> {
    Ok(path.map(config::read).transpose()?.map_or_else(Config::default, |loaded| loaded.config))
}

/// Reads files and folders; answers how many could not be read whole, too.
fn files(args: &BuildArgs, asked: &FilterConfig, limits: DecodeLimits) -> (BaselineBuilder, u64) {
    let mut seen = BaselineBuilder::default();
    let mut opener = Opener::default();
    let mut unreadable = 0_u64;
    for entry in Files::new(args.paths.clone()) {
        let path = match &entry {
            Entry::File(path) | Entry::Unreadable(path, _) => path.display().to_string(),
            Entry::Stdin => "-".to_owned(),
            Entry::Skipped => continue,
        };
        let mut faults = Vec::new();
        let read = opener.open(&entry, &|| false, &mut |_| {}, |input| {
            let mut look = |_: u64, record: &Record<'_>| take(&mut seen, asked, record);
            each_record(input, limits, &mut look, &mut |reject| {
                faults.push(reject.reason.words());
            });
        });
        let fault = read.err().or_else(|| faults.first().map(|&fault| fault.to_owned()));
        if let Some(fault) = fault {
            unreadable += 1;
            tell(&format!("{path}: {fault}"));
        }
    }
    (seen, unreadable)
}

/// The bucket, if the input is one.
fn address(args: &BuildArgs) -> anyhow::Result<Option<Address>> {
    let written =
        |path: &PathBuf| path.to_str().filter(|text| text.starts_with("s3://")).map(str::to_owned);
    match args.paths.as_slice() {
        [one] => {
            let Some(text) = written(one) else { return Ok(None) };
            text.parse().map(Some).map_err(|why| anyhow!("cannot read {text}: {why}"))
        }
        several if several.iter().any(|one| written(one).is_some()) => {
            bail!("one address in S3 can be read, and nothing beside it")
        }
        _ => Ok(None),
    }
}

/// Reads a bucket; `None` if it was told to stop.
fn past(
    args: &BuildArgs,
    config: &Config,
    address: Address,
    (asked, limits): (FilterConfig, DecodeLimits),
) -> anyhow::Result<Option<Taken>> {
    if asked.from.is_none() {
        bail!("--from is missing: how far back in the bucket is read, such as 30d or 2026-03-01");
    }
    start_quiet_logs(LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let to = asked.to.unwrap_or_else(Timestamp::now);
    runtime.block_on(async {
        let stops = Stops::default();
        let _reloads = listen_for_signals(&stops)?;
        let aws = Aws::new(&config.aws, &Families::new());
        let named = bucket(config, &address.bucket, &way(&args.way));
        let past = Past {
            bucket: Arc::new(Bucket::named(named, &aws, aws.region().await).await),
            prefix: address.prefix,
            asked: FilterConfig { to: Some(to), ..asked },
            limits,
            concurrency: CONCURRENCY,
            stop: stops.stop.clone(),
        };
        match past.read().await {
            Ok(taken) => Ok(Some(taken)),
            Err(_) if stops.stop.is_cancelled() => Ok(None),
            Err(PastError::Fatal(why)) => bail!(why),
            Err(error) => bail!(error),
        }
    })
}

fn tell(what: &str) {
    eprintln_line(&clean(&format!("askance: {what}")));
}

fn told(path: &Path, made: &Baseline) -> String {
    let (records, span) = made.made_of();
    let span = span.map_or(String::new(), |(first, last)| format!(" from {first} to {last}"));
    clean(&format!(
        "{}: version {}, {} things that {} show{span}",
        path.display(),
        made.version(),
        number(made.len() as u64),
        plural(records, "event"),
    ))
}
