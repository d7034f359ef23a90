//! `askance config`: checks a configuration, shows its schema, writes an example.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;

use super::{code, eprintln_line, print};
use crate::config;
use crate::runtime::plan::Plan;

/// The example that `config example` writes; a test holds it against the schema.
const EXAMPLE: &str = include_str!("../../../examples/config/askance.yaml");

/// What can be done with configurations.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Tell everything that is wrong with a configuration and the rules it names
    Check {
        /// The configuration
        #[arg(long, value_name = "FILE", default_value = "askance.yaml", env = "ASKANCE_CONFIG")]
        config: PathBuf,
    },
    /// Write the JSON schema of a configuration, for editors
    Schema,
    /// Write an example to begin with
    Example,
}

/// Runs a command; answers the exit code.
pub fn config(command: ConfigCommand) -> anyhow::Result<u8> {
    match command {
        ConfigCommand::Check { config } => check(&config),
        ConfigCommand::Schema => {
            print(&format!("{}\n", serde_json::to_string_pretty(&config::schema())?))?;
            Ok(code::OK)
        }
        ConfigCommand::Example => {
            print(EXAMPLE)?;
            Ok(code::OK)
        }
    }
}

fn check(path: &std::path::Path) -> anyhow::Result<u8> {
    let loaded = config::read(path)?;
    let config = &loaded.config;
    let plan = match Plan::build(config, false, Timestamp::now()) {
        Ok(plan) => plan,
        Err(error) => {
            error.lines.iter().for_each(|line| eprintln_line(line));
            eprintln_line(&format!(
                "askance: {} cannot be used: the rules or what it names have errors",
                path.display()
            ));
            return Ok(code::USE);
        }
    };
    let mut warnings = plan.warnings.clone();
    if config.sources.is_empty() {
        warnings.push("no sources: `askance run` would have nothing to read".to_owned());
    }
    if config.sinks.is_empty() {
        warnings.push("no sinks: `askance run` would tell nobody".to_owned());
    }
    if config.metrics.listen.is_none() {
        warnings.push("metrics.listen is not set: nobody sees whether it is well".to_owned());
    }
    warnings.iter().for_each(|line| eprintln_line(&format!("warning: {line}")));
    print(&format!(
        "{}: good: {} rules, {} correlations, {} sources, {} sinks, {} routes\n",
        crate::output::clean::clean(&path.display().to_string()),
        plan.detect.rules.counts().0,
        plan.detect.correlations.told_ids().count(),
        config.sources.len(),
        config.sinks.len(),
        plan.raise.routes.len(),
    ))?;
    Ok(code::OK)
}
