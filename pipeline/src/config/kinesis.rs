//! A Kinesis source as it is configured.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::units::Span;

/// `type: kinesis`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KinesisConfig {
    /// The stream, by name or ARN, or a list of several that share the table of leases; each may be a
    /// mapping with a role.
    #[schemars(length(min = 1, max = 100))]
    pub stream: Vec<StreamConfig>,
    /// Name of the application: of its table of leases in DynamoDB, and of the consumer that is
    /// registered for `mode: fan_out`. Processes with the same one share the shards.
    #[schemars(length(min = 3, max = 128))]
    pub application: String,
    /// Where a shard is begun that was never read: `trim_horizon` (the oldest record), `latest` (about a
    /// minute before the first start), or a time such as `2026-03-02T12:00:00Z`.
    #[serde(default)]
    pub initial_position: InitialPosition,
    /// `polling` shares the stream's throughput with all who poll it; `fan_out` has its own, at a price.
    #[serde(default)]
    pub mode: KinesisMode,
    /// Region of the streams named without an ARN, and of the table, if it is not the one of the
    /// environment.
    #[serde(default)]
    pub region: Option<String>,
    /// A role to read the streams with; the table is used without it.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Makes the table of leases if it is not there.
    #[serde(default = "yes")]
    pub create_table: bool,
    /// How often a shard is asked that has nothing new; all who poll it share five calls a second.
    #[serde(default = "poll")]
    pub poll: Span,
    /// Most records of one call.
    #[serde(default = "max_records")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_records: u32,
    /// A lease that is not renewed for so long is taken by others; at least `1s`.
    #[serde(default = "failover")]
    pub failover: Span,
}

/// How records come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KinesisMode {
    /// They are asked for.
    #[default]
    Polling,
    /// They are pushed: enhanced fan-out.
    FanOut,
}

/// A stream: its name or ARN, or a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "StreamForm")]
#[schemars(with = "StreamForm")]
pub struct StreamConfig {
    /// Its name or ARN.
    pub name: String,
    /// A role to read it with, instead of the source's.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// How a stream may be written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StreamForm {
    /// The stream's name or ARN.
    Name(String),
    /// The stream and a role.
    Full(FullStream),
}

/// A stream with a role of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FullStream {
    /// The stream's name or ARN.
    name: String,
    /// A role to read it with, instead of the source's.
    #[serde(default)]
    role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    external_id: Option<String>,
}

impl From<StreamForm> for StreamConfig {
    fn from(form: StreamForm) -> Self {
        match form {
            StreamForm::Name(name) => Self { name, role_arn: None, external_id: None },
            StreamForm::Full(FullStream { name, role_arn, external_id }) => {
                Self { name, role_arn, external_id }
            }
        }
    }
}

/// Where a shard is begun that was never read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InitialPosition {
    /// With the oldest record.
    TrimHorizon,
    /// With what comes from now on.
    #[default]
    Latest,
    /// With what arrived at that time.
    At(Timestamp),
}

impl<'de> Deserialize<'de> for InitialPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match &*text {
            "trim_horizon" => Ok(Self::TrimHorizon),
            "latest" => Ok(Self::Latest),
            time => time.parse().map(Self::At).map_err(|_| {
                serde::de::Error::custom(format!(
                    "{time:?} is neither trim_horizon nor latest nor a time such as 2026-03-02T12:00:00Z"
                ))
            }),
        }
    }
}

impl JsonSchema for InitialPosition {
    fn schema_name() -> Cow<'static, str> {
        "InitialPosition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "trim_horizon, latest, or a time with its zone: 2026-03-02T12:00:00Z.",
            "pattern": "^(trim_horizon|latest|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+)$"
        })
    }
}

fn yes() -> bool {
    true
}

fn poll() -> Span {
    Span::seconds(1)
}

fn max_records() -> u32 {
    10_000
}

fn failover() -> Span {
    Span::seconds(10)
}
