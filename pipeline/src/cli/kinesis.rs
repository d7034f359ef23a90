//! `askance kinesis`: the leases and the shards of the Kinesis sources, as they are now.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};

use super::code;
use super::open_store::{RowFormat, find_config};
use super::outbox::table as rows_table;
use crate::aws::Aws;
use crate::config::{self, SourceConfig};
use crate::sources::{Kinesis, LeaseLine, ShardLine};
use crate::telemetry::Families;

/// What can be said to `askance kinesis`.
#[derive(Debug, Subcommand)]
pub enum KinesisCommand {
    /// Show who reads which shard, and how far
    #[command(after_help = EXIT)]
    Leases(LookArgs),
    /// Show the shards of the streams, and how far each was read
    #[command(after_help = EXIT)]
    Shards(LookArgs),
}

const EXIT: &str = "Nothing is changed. AWS is reached as `askance run` reaches it.\n\n\
    Exit codes: 0 shown, 2 wrong use, no Kinesis source, or AWS did not answer.";

/// What is looked at.
#[derive(Debug, Args)]
pub struct LookArgs {
    /// Configuration that names the sources [default: $ASKANCE_CONFIG or askance.yaml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How rows are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,
}

/// Does what was said; answers the exit code.
pub fn kinesis(command: &KinesisCommand) -> anyhow::Result<u8> {
    let (KinesisCommand::Leases(args) | KinesisCommand::Shards(args)) = command;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the threads that ask AWS")?;
    let mut text = String::new();
    for (name, source) in sources(args)? {
        let shown = runtime.block_on(async {
            match command {
                KinesisCommand::Leases(_) => leases(&source.lease_lines().await?, args.format),
                KinesisCommand::Shards(_) => shards(&source.shard_lines().await?, args.format),
            }
        });
        text.push_str(&shown.map_err(|why: String| anyhow!("source {name}: {why}"))?);
    }
    super::print(&text)?;
    Ok(code::OK)
}

/// The Kinesis sources of the configuration.
fn sources(args: &LookArgs) -> anyhow::Result<Vec<(String, Kinesis)>> {
    let Some(path) = find_config(args.config.as_ref()) else {
        bail!("there is no askance.yaml here: name the configuration with --config FILE");
    };
    let config = config::read(&path)?.config;
    let aws = Aws::new(&config.aws, &Families::new());
    let mut sources = Vec::new();
    for (name, source) in &config.sources {
        let is_wanted = args.source.as_ref().is_none_or(|wanted| wanted == name);
        if let (true, SourceConfig::Kinesis(source)) = (is_wanted, source) {
            sources.push((name.clone(), Kinesis::open(source, &aws)?));
        }
    }
    if sources.is_empty() {
        let named = args.source.as_ref().map_or(String::new(), |name| format!(" named {name}"));
        bail!("{} has no source of type kinesis{named}", path.display());
    }
    Ok(sources)
}

fn json_lines<T: serde::Serialize>(lines: &[T]) -> Result<String, String> {
    let each = lines.iter().map(|line| serde_json::to_string(line).map_err(|why| why.to_string()));
    each.map(|line| line.map(|line| line + "\n")).collect()
}

fn leases(lines: &[LeaseLine], format: RowFormat) -> Result<String, String> {
    if format == RowFormat::Jsonl {
        return json_lines(lines);
    }
    let rows = lines.iter().map(|line| {
        [
            line.lease.clone(),
            line.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            line.checkpoint.clone(),
            line.counter.to_string(),
            line.parents.join(" "),
            line.trouble.clone().unwrap_or_else(|| line.children.join(" ")),
        ]
    });
    let headings = ["LEASE", "OWNER", "CHECKPOINT", "COUNTER", "PARENTS", "CHILDREN OR TROUBLE"];
    Ok(table(headings, rows.collect()))
}

fn shards(lines: &[ShardLine], format: RowFormat) -> Result<String, String> {
    if format == RowFormat::Jsonl {
        return json_lines(lines);
    }
    let rows = lines.iter().map(|line| {
        [
            line.stream.clone(),
            line.shard.clone(),
            if line.is_closed { "closed" } else { "open" }.to_owned(),
            format!("{} to {}", line.from, line.to),
            line.parents.join(" "),
            line.checkpoint.clone().unwrap_or_else(|| "no lease".to_owned()),
        ]
    });
    let headings = ["STREAM", "SHARD", "STATE", "HASH KEYS", "PARENTS", "READ UP TO"];
    Ok(table(headings, rows.collect()))
}

/// Rows for people.
fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() { "there are none\n".to_owned() } else { rows_table(headings, rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_and_shards_are_shown_as_tables_and_lines() {
        let lease = LeaseLine {
            lease: "shardId-000000000000".to_owned(),
            owner: Some("a\u{1b}[31m".to_owned()),
            checkpoint: "12".to_owned(),
            counter: 7,
            parents: Vec::new(),
            children: Vec::new(),
            trouble: None,
        };
        let text = leases(std::slice::from_ref(&lease), RowFormat::Table).unwrap();
        assert!(text.starts_with("LEASE                 OWNER"), "{text}");
        assert!(!text.contains('\u{1b}') && text.lines().count() == 2, "{text}");
        let text = leases(&[lease], RowFormat::Jsonl).unwrap();
        assert!(text.contains(r#""checkpoint":"12","counter":7"#), "{text}");
        let shard = ShardLine {
            stream: "trail".to_owned(),
            shard: "shardId-000000000000".to_owned(),
            is_closed: true,
            from: "0".to_owned(),
            to: "9".to_owned(),
            parents: Vec::new(),
            checkpoint: None,
        };
        let text = shards(&[shard], RowFormat::Table).unwrap();
        assert!(text.contains("closed") && text.contains("0 to 9") && text.contains("no lease"));
        assert_eq!(shards(&[], RowFormat::Table).unwrap(), "there are none\n");
    }
}
