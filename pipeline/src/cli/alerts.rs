//! `askance alerts`: alerts in the store, to look at, to hand on, to take note of.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use askance_stages::model::{Alert, parse_time};
use askance_stages::raise::Fate;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::open_store::{StoreArgs, wait};
use super::scan_args::LevelArg;
use super::show_alert::{Language, card};
use super::summary::plural;
use super::{code, eprintln_line, times};
use crate::alert_formats::ocsf;
use crate::output::{Out, TableStyle, TableWriter};
use crate::store::{Ack, AlertChoice, Store, StoredAlert};

/// Alerts that are read at once, so that memory is bounded whatever the store holds.
const PAGE: usize = 1000;

/// Digits of an id in the table.
const ID_COLUMNS: usize = 10;

/// What can be said to `askance alerts`.
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// List alerts with what became of them, the latest first
    #[command(after_help = LIST)]
    List(ListArgs),
    /// Show everything that is known of an alert
    #[command(after_help = "Exit codes: 0 shown, 2 wrong use, or no such alert.")]
    Show(ShowArgs),
    /// Write alerts for other programs, as `askance scan` writes them or as OCSF
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Note that somebody took note of alerts
    #[command(after_help = ACK)]
    Ack(AckArgs),
}

const LIST: &str = "A time without a zone is UTC. An event without a time counts as of when its \
    alert was raised.\n\n\
    Exit codes: 0 listed, 2 wrong use or no store that can be read.\n\n\
    Examples:\n  \
    askance alerts list --open --level high\n  \
    askance alerts list --from 24h --account 111122223333 --format jsonl";

const EXPORT: &str = "JSON lines are those of `askance scan --format jsonl`; OCSF is a Detection \
    Finding a line.\n\n\
    Exit codes: 0 written, 2 wrong use or no store that can be read.\n\n\
    Example:\n  \
    askance alerts export --from 2026-11-01 --format ocsf --output november.jsonl";

const ACK: &str = "An alert is named by its id or the beginning of it, as far as no other begins \
    so. If a name is wrong, none is acknowledged.\n\n\
    Exit codes: 0 acknowledged, 2 wrong use, or no such alert.\n\n\
    Example:\n  \
    askance alerts ack 3fa4b2c1 90d17e --by mika --note 'planned, change 4711'";

/// Which alerts.
#[derive(Debug, Args)]
pub struct Filters {
    /// Only events at this time or later: 24h, 2026-11-24, 2026-11-24T09:30:00Z
    #[arg(long, value_name = "TIME", help_heading = "Which alerts")]
    from: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", help_heading = "Which alerts")]
    to: Option<String>,
    /// Only alerts of this level and above
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Which alerts")]
    level: Option<LevelArg>,
    /// Only alerts of this rule, by its id
    #[arg(long, value_name = "ID", help_heading = "Which alerts")]
    rule: Option<String>,
    /// Only alerts of this account (the one it happened in)
    #[arg(long, value_name = "ID", help_heading = "Which alerts")]
    account: Option<String>,
    /// Only alerts of which this became
    #[arg(long, value_enum, value_name = "FATE", help_heading = "Which alerts")]
    fate: Option<FateArg>,
    /// Only alerts that nobody took note of
    #[arg(long, help_heading = "Which alerts")]
    open: bool,
}

/// A fate as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FateArg {
    /// Sent to people
    Told,
    /// Joined with an earlier one
    Merged,
    /// Told to nobody, by a suppression of the configuration
    Suppressed,
    /// Held back, since too many of its rule came
    Capped,
}

/// How alerts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people
    Table,
    /// One JSON object a line: the alert, and what became of it
    Jsonl,
    /// One OCSF Detection Finding a line
    Ocsf,
}

/// How alerts are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One alert a line, as `askance scan` writes it
    Jsonl,
    /// One OCSF Detection Finding a line
    Ocsf,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    filters: Filters,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Which alerts")]
    limit: usize,
    /// How they are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The alert's id, or the beginning of it
    id: String,
    /// Language of the question
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value = "en")]
    language: Language,
    /// Write it as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// At most so many [default: all]
    #[arg(long, value_name = "N", help_heading = "Which alerts")]
    limit: Option<usize>,
    /// How they are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "jsonl")]
    format: ExportFormat,
    /// Write them to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `ack`.
#[derive(Debug, Args)]
pub struct AckArgs {
    /// Ids of alerts, or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Who takes note
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What they say about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was said; answers the exit code.
pub fn alerts(command: &AlertsCommand) -> anyhow::Result<u8> {
    match command {
        AlertsCommand::List(args) => list(args)?,
        AlertsCommand::Show(args) => show(args)?,
        AlertsCommand::Export(args) => export(args)?,
        AlertsCommand::Ack(args) => ack(args)?,
    }
    Ok(code::OK)
}

impl Filters {
    fn choice(&self) -> anyhow::Result<AlertChoice> {
        let (from, to) = times::range(self.from.as_deref(), self.to.as_deref(), Timestamp::now())?;
        Ok(AlertChoice {
            from,
            to,
            level: self.level.map(Into::into),
            rule: self.rule.clone(),
            account: self.account.clone(),
            fate: self.fate.map(|fate| Fate::from(fate).name().to_owned()),
            is_open: self.open,
            ..AlertChoice::default()
        })
    }
}

impl From<FateArg> for Fate {
    fn from(fate: FateArg) -> Self {
        match fate {
            FateArg::Told => Self::Told,
            FateArg::Merged => Self::Merged,
            FateArg::Suppressed => Self::Suppressed,
            FateArg::Capped => Self::Capped,
        }
    }
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let choice = args.filters.choice()?;
    let store = args.store.open()?;
    let out: Out = Box::new(BufWriter::new(io::stdout()));
    let mut writer = match args.format {
        ListFormat::Table => {
            let headings = [("ID", ID_COLUMNS), ("FATE", 10)];
            ListWriter::Table(TableWriter::with_marks(out, TableStyle::of_stdout(), &headings))
        }
        ListFormat::Jsonl => ListWriter::Stored(out),
        ListFormat::Ocsf => ListWriter::Ocsf(out),
    };
    // One more than is shown tells whether there are more.
    let wanted = args.limit.saturating_add(1);
    let mut count = 0;
    pages(store.as_ref(), choice, Some(wanted), |stored| {
        count += 1;
        if count <= args.limit { writer.write(stored) } else { Ok(true) }
    })?;
    writer.finish()?;
    if count > args.limit && args.format == ListFormat::Table {
        eprintln_line(&format!(
            "askance: these are the latest {}; --limit, --from and --to show others",
            plural(args.limit as u64, "alert")
        ));
    } else if count == 0 && args.format == ListFormat::Table {
        eprintln_line("askance: no alert in the store is such");
    }
    Ok(())
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let choice = args.filters.choice()?;
    let store = args.store.open()?;
    let out: Out = match &args.output {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("cannot write alerts to {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let mut writer = match args.format {
        ExportFormat::Jsonl => ListWriter::Alert(out),
        ExportFormat::Ocsf => ListWriter::Ocsf(out),
    };
    pages(store.as_ref(), choice, args.limit, |stored| writer.write(stored))?;
    writer.finish()
}

/// Writes alerts in one of the forms.
enum ListWriter {
    Table(TableWriter),
    Stored(Out),
    Alert(Out),
    Ocsf(Out),
}

impl ListWriter {
    /// False if nobody reads any more.
    fn write(&mut self, stored: &StoredAlert) -> anyhow::Result<bool> {
        let written = match self {
            Self::Table(table) => {
                let mut alert = parse(stored)?;
                let count = stored.group.as_ref().map_or(1, |group| group.count);
                if count > 1 {
                    alert.rule.title = format!("{} ({count} times)", alert.rule.title);
                }
                let fate = if stored.ack.is_some() { "acked" } else { &stored.fate };
                // As much as names it among many, to be copied: nothing that says it was cut.
                let id: String = stored.id.chars().take(ID_COLUMNS).collect();
                table.marked(&[&id, fate], &alert)
            }
            Self::Stored(out) => line(out, &serde_json::to_string(stored)?),
            Self::Alert(out) => line(out, stored.alert.get()),
            Self::Ocsf(out) => {
                let finding = ocsf(&parse(stored)?, stored.group.as_ref(), &stored.words, None);
                line(out, &finding.to_string())
            }
        };
        is_read(written)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        let flushed = match self {
            Self::Table(table) => crate::output::AlertWriter::finish(table),
            Self::Stored(out) | Self::Alert(out) | Self::Ocsf(out) => out.flush(),
        };
        is_read(flushed).map(drop)
    }
}

/// A closed pipe is no error: whoever read has seen enough.
fn is_read(written: io::Result<()>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write alerts"),
    }
}

fn line(out: &mut Out, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

pub(super) fn parse(stored: &StoredAlert) -> anyhow::Result<Alert> {
    serde_json::from_str(stored.alert.get())
        .with_context(|| format!("cannot read alert {} of the store", stored.id))
}

/// Hands on alerts of a choice, the latest first, read in pages; until there are `limit` or nobody
/// wants more.
///
/// A page ends between two times: alerts that come meanwhile shift nothing.
pub(super) fn pages(
    store: &dyn Store,
    mut choice: AlertChoice,
    limit: Option<usize>,
    mut each: impl FnMut(&StoredAlert) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut left = limit.unwrap_or(usize::MAX);
    let mut page = PAGE;
    while left > 0 {
        choice.limit = Some(page.min(left));
        let found = wait(store.alerts(&choice))?;
        let is_last = found.len() < page.min(left) || left <= page;
        let oldest = found.last().and_then(time);
        // Of the oldest time in a full page there may be more than it holds.
        let is_whole = |stored: &StoredAlert| is_last || time(stored) > oldest;
        let mut handed = 0;
        for stored in found.iter().filter(|stored| is_whole(stored)) {
            handed += 1;
            if !each(stored)? {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
        left -= handed;
        page = if handed == 0 { page * 2 } else { PAGE };
        choice.to = oldest.map(behind).or(choice.to);
    }
    Ok(())
}

/// The time that the store puts it under.
fn time(stored: &StoredAlert) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Time {
        time: Option<String>,
    }
    let of_event = serde_json::from_str::<Time>(stored.alert.get()).ok().and_then(|one| one.time);
    let time = of_event.as_deref().and_then(parse_time).or_else(|| parse_time(&stored.raised))?;
    // Stores keep microseconds.
    Timestamp::from_microsecond(time.as_microsecond()).ok()
}

fn behind(time: Timestamp) -> Timestamp {
    time.checked_add(SignedDuration::from_micros(1)).unwrap_or(Timestamp::MAX)
}

/// The alert that an id or its beginning names.
fn named(store: &dyn Store, id: &str) -> anyhow::Result<StoredAlert> {
    if id.is_empty() {
        bail!("an alert is named by its id or the beginning of it, not by nothing");
    }
    let choice = AlertChoice { id: Some(id.to_owned()), limit: Some(6), ..AlertChoice::default() };
    let mut found = wait(store.alerts(&choice))?;
    if let Some(place) = found.iter().position(|stored| stored.id == id) {
        return Ok(found.swap_remove(place));
    }
    match found.len() {
        0 => bail!("no alert in the store has an id that begins with {id}"),
        1 => Ok(found.remove(0)),
        _ => {
            let mut ids: Vec<&str> = found.iter().map(|stored| stored.id.as_str()).collect();
            let more = if ids.len() > 5 { ", ..." } else { "" };
            ids.truncate(5);
            bail!("several alerts begin with {id}: {}{more}; write more of it", ids.join(", "))
        }
    }
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let store = args.store.open()?;
    let stored = named(store.as_ref(), &args.id)?;
    if args.json {
        return super::print(&format!("{}\n", serde_json::to_string(&stored)?));
    }
    let alert = parse(&stored)?;
    super::print(&card(&stored, &alert, args.language))
}

fn ack(args: &AckArgs) -> anyhow::Result<()> {
    let store = args.store.open()?;
    let found: Vec<StoredAlert> =
        args.ids.iter().map(|id| named(store.as_ref(), id)).collect::<anyhow::Result<_>>()?;
    let ack =
        Ack { by: args.by.clone(), at: Timestamp::now().to_string(), note: args.note.clone() };
    let mut text = String::new();
    for stored in &found {
        let choice = AlertChoice { id: Some(stored.id.clone()), ..AlertChoice::default() };
        wait(store.acknowledge(&choice, &ack))?;
        let before = stored.ack.as_ref().map_or(String::new(), |before| {
            format!("; before that by {} at {}", before.by, before.at)
        });
        let line = format!("{}  {}{before}", stored.id, parse(stored)?.rule.title);
        text.push_str(&format!("{}\n", crate::output::clean::clean(&line)));
    }
    super::print(&format!("acknowledged {}\n{text}", plural(found.len() as u64, "alert")))
}
