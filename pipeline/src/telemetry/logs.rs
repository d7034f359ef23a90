//! Logs on standard error: for people, or a JSON object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Starts logging; `ASKANCE_LOG` chooses what is told, in the form of `RUST_LOG`
/// (`askance=debug,warn`). Without it: this program from info on, others from warn on.
///
/// Values of fields are escaped by the subscriber, so that a log's own text cannot forge a line.
pub fn start_logs(format: LogFormat) {
    start(format, "askance=info,warn");
}

/// As [`start_logs`], of a command that somebody waits for: without `ASKANCE_LOG` everything from
/// warn on.
pub fn start_quiet_logs(format: LogFormat) {
    start(format, "warn");
}

fn start(format: LogFormat, usual: &str) {
    let filter = EnvFilter::try_from_env("ASKANCE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let has_colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours)
        .with_target(false);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        // Only tests start twice.
        tracing::debug!(%error, "logs were started before");
    }
}
