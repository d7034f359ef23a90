//! Which store a command looks into, and how it waits for the answer.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::config::{self, Config, StoreConfig};
use crate::store::sqlite::SqliteStore;
use crate::store::{Retention, StoreError};

/// Where the configuration is looked for.
const DEFAULT_CONFIG: &str = "askance.yaml";

/// Which store; shared by several commands.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Configuration that names the store [default: $ASKANCE_CONFIG or askance.yaml]
    #[arg(long, value_name = "FILE", help_heading = "Which store")]
    pub config: Option<PathBuf>,
    /// The store's file, instead of the one that a configuration names
    #[arg(long, value_name = "FILE", conflicts_with = "config", help_heading = "Which store")]
    pub store: Option<PathBuf>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// For people
    Table,
    /// One JSON object a line
    Jsonl,
}

/// A store's file and how long things are kept in it.
#[derive(Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// As the configuration says, or as it is by default.
    pub retention: Retention,
}

impl StoreArgs {
    /// The store's place.
    ///
    /// # Errors
    /// When there is no configuration, or everything that is wrong with it.
    pub fn place(&self) -> anyhow::Result<Place> {
        if let Some(path) = &self.store {
            let Place { retention, .. } = place(&Config::default());
            return Ok(Place { path: path.clone(), retention });
        }
        let Some(path) = find_config(self.config.as_ref()) else {
            bail!(
                "there is no {DEFAULT_CONFIG} here: name the configuration with --config FILE, or \
                 the store's file with --store FILE"
            );
        };
        Ok(place(&config::read(&path)?.config))
    }

    /// Opens it as a command does, beside a service that may run.
    ///
    /// # Errors
    /// As [`StoreArgs::place`]; and when it is not there or not to be used.
    pub fn open(&self) -> anyhow::Result<SqliteStore> {
        wait(SqliteStore::open_beside(&self.place()?.path))
    }
}

/// The configuration that is meant: the one named, that of `ASKANCE_CONFIG`, or `askance.yaml` here.
pub fn find_config(named: Option<&PathBuf>) -> Option<PathBuf> {
    // Not by clap: what is in the environment must not stand against other options.
    let named = named.cloned().or_else(|| env::var_os("ASKANCE_CONFIG").map(Into::into));
    named.or_else(|| Path::new(DEFAULT_CONFIG).exists().then(|| PathBuf::from(DEFAULT_CONFIG)))
}

fn place(config: &Config) -> Place {
    let StoreConfig::Sqlite { path, keep_ledger, max_size } = &config.store;
    Place {
        path: path.clone(),
        retention: Retention {
            ledger: keep_ledger.0,
            alerts: config.alerts.keep.0,
            max_bytes: max_size.0,
        },
    }
}

/// Waits for what a store answers.
///
/// # Errors
/// What the store could not do.
pub fn wait<T>(answer: impl Future<Output = Result<T, StoreError>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("cannot start the threads that look into the store")?;
    Ok(runtime.block_on(answer)?)
}
