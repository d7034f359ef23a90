//! `askance baseline`: makes a table of who did what from where, for the `askance.first_seen.*` fields.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use askance_stages::decode::DecodeLimits;
use askance_stages::enrich::{Baseline, BaselineBuilder};
use askance_stages::filter::{self, FilterConfig};
use askance_stages::flow::each_record;
use askance_stages::model::{Drop, Record};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::summary::{number, plural};
use super::{code, eprintln_line, times};
use crate::context;
use crate::output::clean::clean;
use crate::sources::files::{Entry, Files, Opener};

/// What can be said to `askance baseline`.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Make one of CloudTrail files
    #[command(
        after_help = "Exit codes: 0 made, 2 wrong use, 3 some input could not be read (and is left out)."
    )]
    Build(BuildArgs),
    /// Tell what one is made of
    #[command(after_help = "Exit codes: 0 told, 2 it cannot be read.")]
    Show {
        /// The baseline
        file: PathBuf,
    },
}

/// What `askance baseline build` is told.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Files, folders (with everything below them) or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write it to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Only events at this time or later: 90d, 2026-09-01
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only events before this time: leave the last days out, or what happens now is known already
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// Does what was said; answers the exit code.
pub fn baseline(command: &BaselineCommand) -> anyhow::Result<u8> {
    match command {
        BaselineCommand::Build(args) => build(args),
        BaselineCommand::Show { file } => {
            let made = context::baseline(file).map_err(anyhow::Error::msg)?;
            super::print(&format!("{}\n", told(file, &made)))?;
            Ok(code::OK)
        }
    }
}

fn build(args: &BuildArgs) -> anyhow::Result<u8> {
    let (from, to) = times::range(args.from.as_deref(), args.to.as_deref(), Timestamp::now())?;
    let span = FilterConfig { from, to, ..FilterConfig::default() };
    let mut builder = BaselineBuilder::default();
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
            let mut look = |_: u64, record: &Record<'_>| {
                let time = filter::event_time(record);
                // One without a time is within any.
                if span.reason_to_drop(time, None, None) != Some(Drop::Time) {
                    builder.take(record, time);
                }
            };
            each_record(input, DecodeLimits::default(), &mut look, &mut |reject| {
                faults.push(reject.reason.words());
            });
        });
        let fault = read.err().or_else(|| faults.first().map(|&fault| fault.to_owned()));
        if let Some(fault) = fault {
            unreadable += 1;
            eprintln_line(&clean(&format!("askance: {path}: {fault}")));
        }
    }
    let made = builder.finish();
    if made.made_of().0 == 0 {
        bail!("there is no event to make a baseline of; are the paths and times right?");
    }
    write(&args.output, &made.bytes())
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    super::print(&format!("{}\n", told(&args.output, &made)))?;
    if unreadable == 0 {
        return Ok(code::OK);
    }
    let files = plural(unreadable, "file");
    eprintln_line(&format!(
        "askance: {files} could not be read whole; the rest is in the baseline"
    ));
    Ok(code::UNREADABLE)
}

/// Puts the whole file in its place at once, so that a service never sees half of it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&beside, path)?;
    Ok(())
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
