//! Sources as they are configured.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinesis::KinesisConfig;
use super::units::{ByteSize, Span};

/// One source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SourceConfig {
    /// CloudTrail's objects in S3, as notifications of them arrive in an SQS queue.
    S3Queue(S3QueueConfig),
    /// CloudTrail's events in Kinesis streams, as CloudWatch Logs or EventBridge put them there.
    Kinesis(KinesisConfig),
    /// A folder: what is there, and what comes.
    Directory(DirectoryConfig),
    /// Standard input, until it ends.
    Stdin(StdinConfig),
}

/// `type: s3_queue`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3QueueConfig {
    /// The queue's URL.
    pub queue_url: String,
    /// A second queue, of `askance replay --enqueue`, in the same region: it is read only while
    /// nothing new comes in the first one. What its messages ask for is marked as historic.
    #[serde(default)]
    pub replay_queue_url: Option<String>,
    /// Buckets that may be read, by name or with more about them. A message that names another
    /// bucket is rejected: anybody who may write to the queue could ask for any object otherwise.
    #[schemars(length(min = 1))]
    pub buckets: Vec<BucketConfig>,
    /// Region of the queue, if it is not the one of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// How long a message is hidden from other readers at a time; renewed while it is worked on.
    #[serde(default = "visibility")]
    pub visibility: Span,
    /// After so many deliveries a message goes to the rejects, with evidence, and is left to the
    /// queue's own dead-letter queue.
    #[serde(default = "max_receives")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_receives: u32,
    /// Most objects that are fetched at once.
    #[serde(default = "concurrency")]
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: usize,
    /// Largest object that is fetched.
    #[serde(default = "max_object")]
    pub max_object: ByteSize,
}

/// A bucket that may be read: its name, or a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "BucketForm")]
#[schemars(with = "BucketForm")]
pub struct BucketConfig {
    /// Its name.
    pub name: String,
    /// Only keys that begin so; empty means all.
    pub prefixes: Vec<String>,
    /// Its region, if it is not the one of the environment.
    pub region: Option<String>,
    /// A role to read it with.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The reader pays.
    pub requester_pays: bool,
}

/// How a bucket may be written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum BucketForm {
    /// The bucket's name.
    Name(String),
    /// The bucket's name and more.
    Full(FullBucket),
}

/// A bucket with more than its name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FullBucket {
    /// The bucket's name.
    name: String,
    /// Only keys that begin with one of these may be read.
    #[serde(default)]
    prefixes: Vec<String>,
    /// The bucket's region, if it is not the one of the environment.
    #[serde(default)]
    region: Option<String>,
    /// A role to read it with.
    #[serde(default)]
    role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default)]
    external_id: Option<String>,
    /// The reader pays for requests.
    #[serde(default)]
    requester_pays: bool,
}

impl BucketConfig {
    /// A bucket of which only the name is known.
    pub fn of_name(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            prefixes: Vec::new(),
            region: None,
            role_arn: None,
            external_id: None,
            requester_pays: false,
        }
    }
}

impl From<BucketForm> for BucketConfig {
    fn from(form: BucketForm) -> Self {
        match form {
            BucketForm::Name(name) => Self::of_name(name),
            BucketForm::Full(full) => Self {
                name: full.name,
                prefixes: full.prefixes,
                region: full.region,
                role_arn: full.role_arn,
                external_id: full.external_id,
                requester_pays: full.requester_pays,
            },
        }
    }
}

/// `type: directory`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// The folder; those below it are read too.
    pub path: PathBuf,
    /// How often it is looked at.
    #[serde(default = "poll")]
    pub poll: Span,
    /// A file is read once its size and time have not changed for so long.
    #[serde(default = "settle")]
    pub settle: Span,
}

/// `type: stdin`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StdinConfig {}

fn visibility() -> Span {
    Span::seconds(120)
}

fn max_receives() -> u32 {
    5
}

fn concurrency() -> usize {
    32
}

fn max_object() -> ByteSize {
    ByteSize::mib(512)
}

fn poll() -> Span {
    Span::seconds(1)
}

fn settle() -> Span {
    Span::seconds(2)
}
