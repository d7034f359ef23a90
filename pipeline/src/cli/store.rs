//! `askance store`: what is in it, compaction, backup, restore.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::code;
use super::open_store::{RowFormat, StoreArgs, wait};
use super::summary::{bytes, number, plural};
use crate::output::clean::{clean, pad, width};
use crate::store::{StoreStats, sqlite};

/// What can be said to `askance store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Tell what is in the store
    #[command(after_help = STATS)]
    Stats(StatsArgs),
    /// Let go of what is older or more than it is kept, and give the room back
    #[command(after_help = COMPACT)]
    Compact(CompactArgs),
    /// Copy the store as it is at this moment, while the service runs
    #[command(after_help = BACKUP)]
    Backup(BackupArgs),
    /// Put a backup in the store's place, while no service runs
    #[command(after_help = RESTORE)]
    Restore(RestoreArgs),
}

const STATS: &str = "A table in DynamoDB keeps no counts: all of its rows are read, which costs a read \
    unit for each 8 KiB, 131,072 for a GiB, and takes some seconds for each GiB. What should be known \
    every minute is among the metrics: askance_store_bytes, askance_outbox_waiting.\n\n\
    Exit codes: 0 told, 2 wrong use or no store that can be read.";

const COMPACT: &str = "How long things are kept stands in the configuration: alerts.keep, \
    store.keep_ledger, store.max_size. The service does the same once an hour; alerts that wait to \
    be sent are never let go of.\n\n\
    Exit codes: 0 done, 2 wrong use or no store that can be written.";

const BACKUP: &str = "The copy is one file. It is checked before it gets its name, and a backup of \
    that name from before is replaced.\n\n\
    Exit codes: 0 copied, 2 wrong use, no store, or no room for the copy.\n\n\
    Examples:\n  \
    askance store backup /backup/askance.db\n  \
    askance store backup --store /var/lib/askance/askance.db /backup/askance.db";

const RESTORE: &str = "The backup is checked first. What was in its place is kept beside it, under a \
    name that ends in .before-TIME.\n\n\
    Exit codes: 0 restored, 2 wrong use, a service runs, or the backup is damaged.\n\n\
    Example:\n  \
    systemctl stop askance && askance store restore /backup/askance.db && systemctl start askance";

/// Options of `stats`.
#[derive(Debug, Args)]
pub struct StatsArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// How it is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,
}

/// Options of `compact`.
#[derive(Debug, Args)]
pub struct CompactArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was said; answers the exit code.
pub fn store(command: &StoreCommand) -> anyhow::Result<u8> {
    let text = match command {
        StoreCommand::Stats(args) => stats(args)?,
        StoreCommand::Compact(args) => compact(args)?,
        StoreCommand::Backup(args) => {
            let place = args.store.place()?;
            let path = place.file("backup")?;
            let size = sqlite::backup(path, &args.to)?;
            format!("copied {} to {}, {}\n", show(path), show(&args.to), bytes(size))
        }
        StoreCommand::Restore(args) => {
            let place = args.store.place()?;
            let path = place.file("restore")?;
            let restored = sqlite::restore(path, &args.from)?;
            let kept = restored.kept.map_or(String::new(), |kept| {
                format!("what was there is kept as {}\n", show(&kept))
            });
            format!("restored {} from {}\n{kept}", show(path), show(&args.from))
        }
    };
    super::print(&text)?;
    Ok(code::OK)
}

fn show(path: &Path) -> String {
    clean(&path.display().to_string())
}

fn compact(args: &CompactArgs) -> anyhow::Result<String> {
    let place = args.store.place()?;
    let store = place.open()?;
    let (before, gone, after) = wait(async {
        let before = store.stats().await?;
        let gone = store.compact(place.retention, Timestamp::now()).await?;
        Ok((before, gone, store.stats().await?))
    })?;
    let mut text = format!(
        "{} let go of, {} before, {} now\n",
        plural(gone, "row"),
        bytes(before.bytes),
        bytes(after.bytes)
    );
    let early = after.gone_early.saturating_sub(before.gone_early);
    if early > 0 {
        text.push_str(&format!(
            "{} of them before their time, since the store was larger than store.max_size\n",
            number(early)
        ));
    }
    Ok(text)
}

fn stats(args: &StatsArgs) -> anyhow::Result<String> {
    let place = args.store.place()?;
    let store = place.open()?;
    let stats = wait(store.stats())?;
    Ok(match args.format {
        RowFormat::Jsonl => format!("{}\n", serde_json::to_string(&stats)?),
        RowFormat::Table => table(&place.name(), &stats),
    })
}

/// A line for each thing that is counted.
fn table(name: &str, stats: &StoreStats) -> String {
    let total: u64 = stats.alerts.values().sum();
    let fates: Vec<String> =
        stats.alerts.iter().map(|(fate, count)| format!("{} {fate}", number(*count))).collect();
    let fates = if fates.is_empty() { String::new() } else { format!(": {}", fates.join(", ")) };
    let mut lines = vec![
        ("store".to_owned(), format!("{}, {}", clean(name), bytes(stats.bytes))),
        ("tables".to_owned(), format!("version {}", stats.version)),
        ("objects".to_owned(), number(stats.objects)),
        ("alerts".to_owned(), format!("{}{fates}", number(total))),
    ];
    for (name, count) in &stats.suppressed {
        lines.push((format!("  suppressed by {}", clean(name)), number(*count)));
    }
    lines.push(("rejects".to_owned(), number(stats.rejects)));
    if stats.gone_early > 0 {
        lines.push(("gone early".to_owned(), plural(stats.gone_early, "row")));
    }
    lines.push((
        "outbox".to_owned(),
        if stats.outbox.is_empty() { "nothing waits".to_owned() } else { String::new() },
    ));
    for depth in &stats.outbox {
        let oldest =
            depth.oldest.as_ref().map_or(String::new(), |oldest| format!(", since {oldest}"));
        let dead = if depth.dead > 0 {
            format!(", {}", plural(depth.dead, "dead letter"))
        } else {
            String::new()
        };
        let waiting = number(depth.waiting);
        lines.push((
            format!("  {}", clean(&depth.sink)),
            format!("{waiting} waiting{oldest}{dead}"),
        ));
    }
    let columns = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(48);
    let line = |(name, text): &(String, String)| {
        format!("{}\n", format!("{}  {text}", pad(name, columns)).trim_end())
    };
    lines.iter().map(line).collect()
}
