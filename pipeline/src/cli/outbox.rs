//! `askance outbox` and `askance rejects`: what waits to be sent, and what could not be read.

use anyhow::bail;
use clap::{Args, Subcommand};

use super::code;
use super::open_store::{RowFormat, StoreArgs, wait};
use super::summary::plural;
use crate::output::TableStyle;
use crate::output::clean::{clean, fit, pad, width};
use crate::store::{OutboxChoice, OutboxRow};

/// What can be said to `askance outbox`.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List messages that wait, and dead letters
    #[command(after_help = "Exit codes: 0 listed, 2 wrong use or no store that can be read.")]
    List(ListArgs),
    /// Have messages sent now, dead letters too
    #[command(after_help = RETRY)]
    Retry(RetryArgs),
    /// Take messages out: they will not be sent
    #[command(after_help = DROP)]
    Drop(DropArgs),
}

const RETRY: &str = "A running service sees them within ten seconds.\n\n\
    Exit codes: 0 done, 2 wrong use or no store that can be written.\n\n\
    Examples:\n  \
    askance outbox retry --sink people --dead\n  \
    askance outbox retry 4711 4712";

const DROP: &str = "The alerts stay in the store. Without --yes nothing is dropped, and the number \
    of messages that would be is told.\n\n\
    Exit codes: 0 dropped, 2 wrong use, or --yes is missing.\n\n\
    Example:\n  \
    askance outbox drop --sink people --dead --yes";

/// What can be said to `askance rejects`.
#[derive(Debug, Subcommand)]
pub enum RejectsCommand {
    /// List what could not be read, with the reason and its first bytes
    #[command(after_help = "Exit codes: 0 listed, 2 wrong use or no store that can be read.")]
    List(RejectsArgs),
}

/// Which messages.
#[derive(Debug, Args)]
pub struct Choice {
    /// Numbers of messages [default: all]
    #[arg(value_name = "NUMBER")]
    numbers: Vec<i64>,
    /// Only messages for this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Only dead letters
    #[arg(long)]
    dead: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    choice: Choice,
    /// How they are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,
}

/// Options of `retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    choice: Choice,
}

/// Options of `drop`.
#[derive(Debug, Args)]
pub struct DropArgs {
    #[command(flatten)]
    choice: Choice,
    /// They are really to be dropped
    #[arg(long)]
    yes: bool,
}

/// Options of `rejects list`.
#[derive(Debug, Args)]
pub struct RejectsArgs {
    /// Only those behind this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: i64,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// How they are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,
    #[command(flatten)]
    store: StoreArgs,
}

impl Choice {
    fn choice(&self) -> OutboxChoice {
        OutboxChoice { sink: self.sink.clone(), is_dead: self.dead, numbers: self.numbers.clone() }
    }
}

/// Does what was said; answers the exit code.
pub fn outbox(command: &OutboxCommand) -> anyhow::Result<u8> {
    let text = match command {
        OutboxCommand::List(args) => {
            let rows = wait(args.choice.store.open()?.outbox(&args.choice.choice()))?;
            list(&rows, args.format)?
        }
        OutboxCommand::Retry(args) => {
            let count = wait(args.choice.store.open()?.retry(&args.choice.choice()))?;
            format!("{} will be sent now\n", plural(count, "message"))
        }
        OutboxCommand::Drop(args) => {
            let store = args.choice.store.open()?;
            let choice = args.choice.choice();
            if !args.yes {
                let count = wait(store.outbox(&choice))?.len() as u64;
                bail!(
                    "{} would be dropped and never sent: say --yes if that is meant",
                    plural(count, "message")
                );
            }
            format!("dropped {}\n", plural(wait(store.discard(&choice))?, "message"))
        }
    };
    super::print(&text)?;
    Ok(code::OK)
}

/// Does what was said; answers the exit code.
pub fn rejects(command: &RejectsCommand) -> anyhow::Result<u8> {
    let RejectsCommand::List(args) = command;
    let rows = wait(args.store.open()?.rejects(args.after, args.limit))?;
    let mut text = String::new();
    match args.format {
        RowFormat::Jsonl => {
            for (number, row) in &rows {
                let mut line = serde_json::to_value(row)?;
                line["number"] = (*number).into();
                text.push_str(&format!("{line}\n"));
            }
        }
        RowFormat::Table if rows.is_empty() => text.push_str("nothing was rejected\n"),
        RowFormat::Table => {
            let rows = rows.iter().map(|(number, row)| {
                let origin = format!("{} at byte {}", row.origin, row.offset);
                // Some reasons say everything by their name.
                let said = [row.detail.as_str(), row.evidence.as_str()];
                let what = said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
                [
                    number.to_string(),
                    second(&row.at),
                    row.source.clone(),
                    row.reason.clone(),
                    origin,
                    what.join(": "),
                ]
            });
            let headings = ["NUMBER", "FOUND (UTC)", "SOURCE", "REASON", "WHERE", "WHAT"];
            text = table(headings, rows.collect());
        }
    }
    super::print(&text)?;
    Ok(code::OK)
}

fn list(rows: &[OutboxRow], format: RowFormat) -> anyhow::Result<String> {
    match format {
        RowFormat::Jsonl => {
            let mut text = String::new();
            for row in rows {
                text.push_str(&serde_json::to_string(row)?);
                text.push('\n');
            }
            Ok(text)
        }
        RowFormat::Table if rows.is_empty() => Ok("nothing waits\n".to_owned()),
        RowFormat::Table => {
            let headings = [
                "NUMBER",
                "SINK",
                "STATE",
                "KIND",
                "TRIES",
                "QUEUED (UTC)",
                "NEXT (UTC)",
                "ALERT",
                "ERROR",
            ];
            let rows = rows.iter().map(|row| {
                let short: String = row.alert.chars().take(10).collect();
                [
                    row.number.to_string(),
                    row.sink.clone(),
                    row.state.clone(),
                    row.kind.clone(),
                    row.attempts.to_string(),
                    second(&row.queued),
                    if row.state == "dead" { "-".to_owned() } else { second(&row.due) },
                    format!("{short} {}", row.title),
                    row.error.clone().unwrap_or_else(|| "-".to_owned()),
                ]
            });
            Ok(table(headings, rows.collect()))
        }
    }
}

/// A time to the second, with a space.
fn second(time: &str) -> String {
    time.chars().take(19).collect::<String>().replace('T', " ")
}

/// Lines of cells as wide as the widest of their column; cut to the terminal's width, if there is
/// one. Hostile text is harmless in it.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    /// On a terminal nothing in the middle of a line needs more.
    const WIDEST: usize = 60;
    let columns = TableStyle::of_stdout().columns;
    let widest = if columns.is_some() { WIDEST } else { usize::MAX };
    let rows: Vec<[String; N]> = [headings.map(str::to_owned)]
        .into_iter()
        .chain(rows)
        .map(|row| row.map(|cell| clean(&cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (columns, cell) in widths.iter_mut().zip(row) {
            *columns = (*columns).max(width(cell)).min(widest);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (index, (cell, columns)) in row.iter().zip(widths).enumerate() {
            let is_last = index + 1 == N;
            line.push_str(&if is_last { cell.clone() } else { pad(cell, columns) + "  " });
        }
        let line = columns.map_or(line.clone(), |columns| fit(&line, columns));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
