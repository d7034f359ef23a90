//! What `askance.yaml` says: its types, its reading, its schema.
//!
//! The types are plain; [`read()`] checks a file against the schema made from them, so that every
//! error of it is told at once with its place. Nothing here opens a socket or starts anything.

mod check;
mod enrich;
mod kinesis;
#[cfg(test)]
mod page;
mod read;
mod s3_object;
mod schema;
mod secret;
mod sections;
mod sinks;
mod sources;
mod units;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use enrich::{AccountsConfig, BaselineConfig, EnrichConfig, GeoConfig};
pub use kinesis::{InitialPosition, KinesisConfig, KinesisMode, StreamConfig};
#[cfg(test)]
pub use read::parse;
pub use read::{ConfigError, Loaded, read};
pub use s3_object::{ObjectAddress, bucket_and_key};
pub use schema::schema;
pub use secret::{Secret, SecretRef};
pub use sections::{
    AlertsConfig, AwsConfig, CorrelateConfig, DropCondition, DynamoStoreConfig, FilterSection,
    Language, LevelName, LimitsConfig, MetricsConfig, RejectsConfig, Route, RulesConfig,
    StoreConfig, Suppression,
};
pub use sinks::{
    EmailConfig, EventBridgeConfig, FileConfig, MailTls, MailTransport, PagerDutyConfig, S3Format,
    S3SinkConfig, SecurityHubConfig, SinkConfig, SlackConfig, SnsConfig, SnsFormat, TeamsConfig,
    WebhookConfig,
};
pub use sources::{BucketConfig, DirectoryConfig, S3QueueConfig, SourceConfig};
pub use units::{ByteSize, Span};

/// The whole file. Paths in it are relative to the file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where CloudTrail comes from, by a name of yours.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Which rules run.
    pub rules: RulesConfig,
    /// Which records are looked at.
    pub filter: FilterSection,
    /// What is known besides the records: for the `askance.*` fields of rules, and for people.
    pub enrich: EnrichConfig,
    /// How events are put together in correlations.
    pub correlate: CorrelateConfig,
    /// How alerts are merged, kept back and worded.
    pub alerts: AlertsConfig,
    /// Where alerts go, by a name of yours.
    pub sinks: BTreeMap<String, SinkConfig>,
    /// Which alerts go where: every route that fits applies. Without routes all alerts go to all
    /// sinks.
    pub routes: Vec<Route>,
    /// Where what could not be read is written to, besides the store.
    pub rejects: Option<RejectsConfig>,
    /// Where the state is kept.
    pub store: StoreConfig,
    /// Metrics and health over HTTP.
    pub metrics: MetricsConfig,
    /// Bounds.
    pub limits: LimitsConfig,
    /// How AWS is reached; credentials and regions come from AWS's own environment and profiles.
    pub aws: AwsConfig,
}
