//! Which store a command looks into, and how it waits for the answer.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::aws::{self, Aws, Role};
use crate::config::{self, AwsConfig, Config, DynamoStoreConfig, StoreConfig};
use crate::host;
use crate::store::dynamodb::{DynamoConfig, DynamoStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{Retention, Store, StoreError};
use crate::telemetry::Families;

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

/// Where a store is and how long things are kept in it.
#[derive(Debug)]
pub struct Place {
    /// Which store.
    pub store: StoreConfig,
    /// As the configuration says, or as it is by default.
    pub retention: Retention,
    aws: AwsConfig,
}

/// Who opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The service: it makes what is not there.
    Service,
    /// A command, beside services that may run: the store must be there.
    Command,
}

impl StoreArgs {
    /// The store's place.
    ///
    /// # Errors
    /// When there is no configuration, or everything that is wrong with it.
    pub fn place(&self) -> anyhow::Result<Place> {
        if let Some(path) = &self.store {
            let mut place = Place::of(&Config::default());
            if let StoreConfig::Sqlite { path: of_place, .. } = &mut place.store {
                of_place.clone_from(path);
            }
            return Ok(place);
        }
        let Some(path) = find_config(self.config.as_ref()) else {
            bail!(
                "there is no {DEFAULT_CONFIG} here: name the configuration with --config FILE, or \
                 the store's file with --store FILE"
            );
        };
        Ok(Place::of(&config::read(&path)?.config))
    }

    /// Opens it as a command does, beside a service that may run.
    ///
    /// # Errors
    /// As [`StoreArgs::place`]; and when it is not there or not to be used.
    pub fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        self.place()?.open()
    }
}

/// The configuration that is meant: the one named, that of `ASKANCE_CONFIG`, or `askance.yaml` here.
pub fn find_config(named: Option<&PathBuf>) -> Option<PathBuf> {
    // Not by clap: what is in the environment must not stand against other options.
    let named = named.cloned().or_else(|| env::var_os("ASKANCE_CONFIG").map(Into::into));
    named.or_else(|| Path::new(DEFAULT_CONFIG).exists().then(|| PathBuf::from(DEFAULT_CONFIG)))
}

impl Place {
    /// The place that a configuration names.
    pub fn of(config: &Config) -> Self {
        let (ledger, max_bytes) = match &config.store {
            StoreConfig::Sqlite { keep_ledger, max_size, .. } => (keep_ledger.0, max_size.0),
            StoreConfig::Dynamodb(store) => (store.keep_ledger.0, u64::MAX),
        };
        Self {
            store: config.store.clone(),
            retention: Retention { ledger, alerts: config.alerts.keep.0, max_bytes },
            aws: config.aws.clone(),
        }
    }

    /// Opens it as a command does.
    ///
    /// # Errors
    /// When it is not there or not to be used.
    pub fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        let families = Families::new();
        let aws = Aws::new(&self.aws, &families);
        runtime()?.block_on(open(self, Access::Command, &aws, &families))
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        match &self.store {
            StoreConfig::Sqlite { path, .. } => path.display().to_string(),
            StoreConfig::Dynamodb(store) => format!("DynamoDB table {}", store.table),
        }
    }

    /// True if it is reached over the network, so that it may be away for a while.
    pub fn is_elsewhere(&self) -> bool {
        match self.store {
            StoreConfig::Sqlite { .. } => false,
            StoreConfig::Dynamodb(_) => true,
        }
    }

    /// Its file.
    ///
    /// # Errors
    /// When it is no file, with what to do instead.
    pub fn file(&self, command: &str) -> anyhow::Result<&Path> {
        match &self.store {
            StoreConfig::Sqlite { path, .. } => Ok(path),
            StoreConfig::Dynamodb(store) => {
                let table = &store.table;
                bail!(
                    "`askance store {command}` copies a store that is a file, and this one is \
                     DynamoDB table {table}. AWS keeps copies of tables: aws dynamodb \
                     update-continuous-backups --table-name {table} \
                     --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true, then aws \
                     dynamodb restore-table-to-point-in-time; or aws dynamodb create-backup \
                     --table-name {table} --backup-name NAME"
                )
            }
        }
    }
}

/// Opens a store of any kind.
///
/// # Errors
/// When it is not there or not to be used.
pub async fn open(
    place: &Place,
    access: Access,
    aws: &Aws,
    families: &Families,
) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match (&place.store, access) {
        (StoreConfig::Sqlite { path, .. }, Access::Service) => {
            Arc::new(SqliteStore::open(path).await?)
        }
        (StoreConfig::Sqlite { path, .. }, Access::Command) => {
            Arc::new(SqliteStore::open_beside(path).await?)
        }
        (StoreConfig::Dynamodb(config), _) => {
            let role = config.role.clone().map(|arn| Role { arn, external_id: None });
            let at = aws::Place { region: config.region.clone(), role };
            let client = aws.dynamodb(&at).await;
            let config = dynamo(config, place.retention)?;
            Arc::new(match access {
                Access::Service => DynamoStore::open(client, config, families).await?,
                Access::Command => DynamoStore::open_beside(client, config, families).await?,
            })
        }
    })
}

fn dynamo(config: &DynamoStoreConfig, retention: Retention) -> anyhow::Result<DynamoConfig> {
    let replica = match config.replica.clone().or_else(host::name) {
        Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => bail!(
            "this replica has no name: the host's name cannot be read, so write one that no other \
             replica has as store.replica"
        ),
    };
    Ok(DynamoConfig {
        table: config.table.clone(),
        replica,
        create: config.create,
        claim: config.claim.0,
        retention,
    })
}

/// One runtime for all questions of a command: connections of the first serve the next.
pub(super) fn runtime() -> anyhow::Result<&'static tokio::runtime::Runtime> {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// Waits for what a store answers.
///
/// # Errors
/// What the store could not do.
pub fn wait<T>(answer: impl Future<Output = Result<T, StoreError>>) -> anyhow::Result<T> {
    Ok(runtime()?.block_on(answer)?)
}
