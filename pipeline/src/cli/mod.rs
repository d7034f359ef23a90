//! The command line: what can be said, and who does it.

mod alerts;
mod backtest;
mod baseline;
mod config;
mod coverage;
mod explain;
mod fetch_baseline;
mod generate;
mod kinesis;
mod open_store;
mod outbox;
mod progress;
mod replay;
mod rule_cases;
mod rules;
mod run;
mod scan;
mod scan_args;
mod scan_config;
mod show_alert;
mod store;
mod summary;
mod times;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Exit codes, as the manual page names them.
mod code {
    /// All went well.
    pub(super) const OK: u8 = 0;
    /// Something at or above the level of `--fail-on` was found, or cases of rules failed.
    pub(super) const FOUND: u8 = 1;
    /// Wrong use, or rules that cannot be used.
    pub(super) const USE: u8 = 2;
    /// Some input could not be read or was damaged.
    pub(super) const UNREADABLE: u8 = 3;
    /// Ended by Ctrl-C.
    pub(super) const INTERRUPTED: u8 = 130;
}

/// Reads AWS CloudTrail, finds dangerous settings as they are made, and asks whether they were
/// meant.
#[derive(Debug, Parser)]
#[command(name = "askance", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read CloudTrail files and tell what is dangerous in them
    Scan(Box<scan_args::ScanArgs>),
    /// Run as a service: read what comes, keep alerts, tell people
    Run(run::RunArgs),
    /// Read the past from S3: into a report, to people, or by a fleet
    Replay(Box<replay::ReplayArgs>),
    /// Tell what a change of rules would have done, on files or on the past in S3
    Backtest(Box<backtest::BacktestArgs>),
    /// Check a configuration, show its schema, write an example
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Tell why a rule did or did not match an event
    Explain(explain::ExplainArgs),
    /// Check, test or list rules, and tell what they cover
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Make or show a baseline: who did what from where until now
    #[command(subcommand)]
    Baseline(baseline::BaselineCommand),
    /// List, show, export or acknowledge alerts in the store
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// List, retry or drop messages that wait to be sent
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// List what could not be read
    #[command(subcommand)]
    Rejects(outbox::RejectsCommand),
    /// Look into the store, compact it, back it up or restore it
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Show leases and shards of the Kinesis sources
    #[command(subcommand)]
    Kinesis(kinesis::KinesisCommand),
    /// Write a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man,
}

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe while printing help is nobody's business.
            let _ = error.print();
            let code = if error.use_stderr() { code::USE } else { code::OK };
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        Command::Scan(args) => scan::scan(&args),
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Backtest(args) => backtest::backtest(&args),
        Command::Config(command) => config::config(command),
        Command::Explain(args) => explain::explain(&args),
        Command::Baseline(command) => baseline::baseline(&command),
        Command::Rules(command) => rules::rules(&command),
        Command::Alerts(command) => alerts::alerts(&command),
        Command::Outbox(command) => outbox::outbox(&command),
        Command::Rejects(command) => outbox::rejects(&command),
        Command::Store(command) => store::store(&command),
        Command::Kinesis(command) => kinesis::kinesis(&command),
        Command::Completions { shell } => generate::completions(shell, &mut Cli::command()),
        Command::Man => generate::man(&Cli::command()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln_line(&format!("askance: {error:#}"));
            ExitCode::from(code::USE)
        }
    }
}

/// Writes lines on standard error, harmless on a terminal whatever is quoted in them; if even that
/// is closed there is nobody to tell.
fn eprintln_line(text: &str) {
    use std::io::Write as _;
    let mut stderr = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "{}", crate::output::clean::clean(line));
    }
}

/// Writes text on standard output; a closed pipe is no error.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
