//! `askance-gen`: writes CloudTrail corpora, the example trail and Sigma rules. Only arguments and files are here.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail};
use askance_benches::generate::{
    CorpusConfig, ExampleFile, Format, Summary, example_trail, generate_rules, write_corpus,
};
use clap::{Parser, Subcommand, ValueEnum};
use flate2::{Compression, GzBuilder};

/// Makes seeded inputs: the same seed gives the same bytes.
#[derive(Parser)]
#[command(name = "askance-gen")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write CloudTrail files, foldered and named as CloudTrail does.
    Corpus(Corpus),
    /// Write the small made-up trail of examples/.
    Trail {
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write Sigma rules in the shapes of the public sets.
    Rules {
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
        /// Number of rules.
        #[arg(long, default_value_t = 3000)]
        count: usize,
        /// Seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(clap::Args)]
struct Corpus {
    /// Folder to write to.
    #[arg(long)]
    out: PathBuf,
    /// Number of files.
    #[arg(long, default_value_t = 120)]
    files: usize,
    /// Size of all files together before compression, such as 463MB, 2GB or 64MiB.
    #[arg(long, default_value = "463MB", value_parser = parse_bytes)]
    bytes: u64,
    /// Seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of accounts.
    #[arg(long, default_value_t = 40)]
    accounts: usize,
    /// Days that the files are spread over.
    #[arg(long, default_value_t = 3)]
    days: u64,
    /// How files are written.
    #[arg(long, value_enum, default_value_t = FormatName::Gz)]
    format: FormatName,
    /// Planted incidents in a million events.
    #[arg(long, default_value_t = 0)]
    incidents: u64,
    /// Percent of events whose name rules look for; left out: the half percent of everyday work.
    #[arg(long)]
    candidate_share: Option<f64>,
    /// Threads; the bytes stay the same.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// File for the list of planted incidents, one JSON object a line.
    #[arg(long)]
    truth: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Gz,
    Plain,
    Jsonl,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Corpus(corpus) => corpus.run(),
        Command::Trail { out } => write_trail(&out),
        Command::Rules { out, count, seed } => write_rules(&out, count, seed),
    }
}

fn write_trail(out: &Path) -> anyhow::Result<()> {
    for ExampleFile { path, content, incidents } in example_trail() {
        let name = path.display();
        let is_packed = path.extension().is_some_and(|extension| extension == "gz");
        let stored = if is_packed { pack(&content)? } else { content };
        write_file(&out.join(&path), &stored)?;
        writeln!(io::stdout(), "{name}")?;
        for (incident, id) in incidents {
            writeln!(io::stdout(), "    {incident} {id}")?;
        }
    }
    Ok(())
}

fn pack(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(content)?;
    packer.finish()
}

fn write_rules(out: &Path, count: usize, seed: u64) -> anyhow::Result<()> {
    for rule in generate_rules(seed, count) {
        write_file(&out.join(format!("{}.yml", rule.name)), rule.text.as_bytes())?;
    }
    writeln!(io::stdout(), "{count} rules in {}", out.display()).context("cannot write the report")
}

fn write_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

impl Corpus {
    fn run(&self) -> anyhow::Result<()> {
        let candidates_per_million = match self.candidate_share {
            Some(share) if !(0.0..=100.0).contains(&share) => bail!("a share is 0 to 100 percent"),
            Some(share) => Some((share * 10_000.0) as u64),
            None => None,
        };
        let config = CorpusConfig {
            seed: self.seed,
            files: self.files,
            bytes: self.bytes,
            accounts: self.accounts,
            days: self.days,
            format: match self.format {
                FormatName::Gz => Format::Gz,
                FormatName::Plain => Format::Plain,
                FormatName::Jsonl => Format::Jsonl,
            },
            incidents_per_million: self.incidents,
            candidates_per_million,
            jobs: self.jobs,
        };
        let begun = Instant::now();
        let summary = write_corpus(&config, &self.out)
            .with_context(|| format!("cannot write a corpus to {}", self.out.display()))?;
        if let Some(path) = &self.truth {
            fs::write(path, truth(&summary))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        report(&summary, begun.elapsed().as_secs_f64())
    }
}

fn truth(summary: &Summary) -> String {
    let line = |(file, name, id): &(PathBuf, &str, String)| {
        let file = file.display().to_string();
        format!("{}\n", serde_json::json!({"incident": name, "eventID": id, "file": file}))
    };
    summary.incidents.iter().map(line).collect()
}

fn report(summary: &Summary, seconds: f64) -> anyhow::Result<()> {
    let (bytes, events) = (summary.bytes as f64, summary.events.max(1) as f64);
    let report = serde_json::json!({
        "files": summary.files,
        "events": summary.events,
        "bytes": summary.bytes,
        "stored": summary.stored,
        "ratio": (bytes / summary.stored.max(1) as f64 * 100.0).round() / 100.0,
        "mean_event": (bytes / events).round(),
        "duplicates": summary.duplicates,
        "candidates": summary.candidates,
        "incidents": summary.incident_counts(),
        "seconds": (seconds * 100.0).round() / 100.0,
        "megabytes_per_second": (bytes / seconds / 1e6).round(),
    });
    writeln!(io::stdout(), "{report:#}").context("cannot write the report")
}

fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| format!("no number in \"{text}\""))?;
    let unit = match &text[digits..] {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => return Err(format!("unknown unit \"{other}\", use KB, MB, GB, KiB, MiB or GiB")),
    };
    number.checked_mul(unit).ok_or_else(|| format!("{text} is too large"))
}
