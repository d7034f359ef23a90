//! The source of its configuration: finds its streams and its table, then works.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kinesis::types::ConsumerStatus;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::aws_stream::{AwsStream, Identity, failure, identify};
use super::env::{Env, FETCHES, Times, Unit};
use super::leases::{DynamoTable, LeaseTable, TableError};
use super::name::StreamName;
use super::position::Position;
use super::stream::{Failure, Stream, StreamError};
use super::worker::{Over, Worker};
use crate::aws::{Aws, Place};
use crate::config::{InitialPosition, KinesisConfig, KinesisMode};
use crate::runtime::clock::Clock;
use crate::runtime::retry::Backoff;
use crate::sources::troubles::Troubles;
use crate::sources::{Source, SourceContext, SourceError};
use crate::telemetry::KinesisMetrics;

/// Reads streams of Kinesis.
pub struct Kinesis {
    config: KinesisConfig,
    streams: Vec<StreamName>,
    aws: Aws,
}

impl Kinesis {
    /// A source of that configuration; nothing is called yet.
    ///
    /// # Errors
    /// When a stream's name is none.
    pub fn open(config: &KinesisConfig, aws: &Aws) -> Result<Self, SourceError> {
        let streams: Result<Vec<StreamName>, SourceError> =
            config.stream.iter().map(|stream| StreamName::read(config, stream)).collect();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !config.application.bytes().all(is_name) {
            return Err(SourceError {
                attempt: "use `application`".to_owned(),
                cause: "it names a table: letters, digits, `_`, `.` and `-`".to_owned(),
            });
        }
        Ok(Self { config: config.clone(), streams: streams?, aws: aws.clone() })
    }

    /// The table of leases.
    pub async fn table(&self) -> DynamoTable {
        let place = Place { region: self.config.region.clone(), role: None };
        let client = self.aws.dynamodb(&place).await;
        DynamoTable::new(client, &self.config.application, self.config.create_table)
    }

    /// Finds the streams.
    ///
    /// # Errors
    /// When one is not there or may not be read.
    pub async fn streams(&self, register: bool) -> Result<Vec<Unit>, StreamError> {
        let mut units = Vec::new();
        for stream in &self.streams {
            let place = Place { region: stream.region.clone(), role: stream.role.clone() };
            let client = self.aws.kinesis(&place).await;
            let identity = identify(&client, &stream.name, stream.arn.as_deref()).await?;
            let consumer = match (register, self.config.mode) {
                (true, KinesisMode::FanOut) => Some(
                    consumer(&client, &stream.name, &identity, &self.config.application).await?,
                ),
                (_, KinesisMode::Polling) | (false, KinesisMode::FanOut) => None,
            };
            let id = (self.streams.len() > 1).then(|| identity.id());
            let stream = AwsStream::new(client, &stream.name, &identity, consumer);
            units.push(Unit::new(id, Arc::new(stream) as Arc<dyn Stream>, identity.epoch));
        }
        Ok(units)
    }
}

/// The ARN of the registered consumer, once it is ready.
async fn consumer(
    client: &aws_sdk_kinesis::Client,
    stream: &str,
    identity: &Identity,
    name: &str,
) -> Result<String, StreamError> {
    let register = client.register_stream_consumer().stream_arn(&identity.arn).consumer_name(name);
    if let Err(error) = register.send().await {
        let permission = "kinesis:RegisterStreamConsumer";
        let error = failure("register a consumer of", stream, permission, &error);
        // It was registered before, by an earlier start or another process.
        if error.kind != Failure::InUse {
            return Err(error);
        }
    }
    let describe = client.describe_stream_consumer().stream_arn(&identity.arn).consumer_name(name);
    let answer = describe.send().await.map_err(|error| {
        failure("look at the consumer of", stream, "kinesis:DescribeStreamConsumer", &error)
    })?;
    let found = answer.consumer_description;
    match found {
        Some(found) if found.consumer_status == ConsumerStatus::Active => Ok(found.consumer_arn),
        _ => Err(StreamError {
            kind: Failure::InUse,
            words: format!("cannot read stream {stream} as consumer {name}: it is not ready yet"),
        }),
    }
}

#[async_trait]
impl Source for Kinesis {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let metrics = KinesisMetrics::new(context.metrics.families(), &context.name);
        let troubles = Arc::new(Troubles::new(context.health.clone(), &context.name));
        let table: Arc<dyn LeaseTable> = Arc::new(self.table().await);
        let initial = match self.config.initial_position {
            InitialPosition::TrimHorizon => Position::TrimHorizon,
            InitialPosition::Latest => Position::Latest,
            InitialPosition::At(time) => Position::AtTimestamp(time.as_millisecond()),
        };
        let mut backoff = Backoff::usual();
        loop {
            let ways = Ways { context: &context, metrics: &metrics, troubles: &troubles };
            let Some(units) = self.until_begun(&*table, ways).await else { return Ok(()) };
            // Ended for itself where a stream turns out to be another one by now.
            let stop = context.stop.child_token();
            let env = Env {
                table: Arc::clone(&table),
                me: Arc::from(format!("askance-{:016x}", fastrand::u64(..))),
                mode: self.config.mode,
                max_records: self.config.max_records,
                initial: initial.clone(),
                times: Times::new(self.config.failover.0, self.config.poll.0),
                metrics: metrics.clone(),
                troubles: Arc::clone(&troubles),
                fetches: Semaphore::new(FETCHES),
                clock: Clock::system(),
                context: SourceContext { stop, ..context.clone() },
            };
            let worker = Worker::new(Arc::new(env), units.into_iter().map(Arc::new).collect());
            if worker.run().await == Over::Stopped || !backoff.wait(&context.stop).await {
                return Ok(());
            }
        }
    }
}

/// What troubles at the start are known by; no stream is named so.
const START: &str = "the start";

enum Begin {
    Stream(StreamError),
    Table(TableError),
}

/// How the start is told of.
#[derive(Clone, Copy)]
struct Ways<'w> {
    context: &'w SourceContext,
    metrics: &'w KinesisMetrics,
    troubles: &'w Troubles,
}

impl Kinesis {
    /// Tries until the streams and the table are found; `None` when told to stop before.
    async fn until_begun(&self, table: &dyn LeaseTable, ways: Ways<'_>) -> Option<Vec<Unit>> {
        let Ways { context, metrics, troubles } = ways;
        let mut backoff = Backoff::usual();
        loop {
            let begun = tokio::select! {
                () = context.stop.cancelled() => return None,
                begun = self.begin(table) => begun,
            };
            let words = match begun {
                Ok(units) => {
                    if troubles.are_over(START) {
                        info!(source = %context.name, "the streams and the table can be reached again");
                    }
                    context.metrics.up();
                    return Some(units);
                }
                Err(Begin::Stream(error)) => {
                    metrics.failed(error.kind.name());
                    error.words
                }
                Err(Begin::Table(error)) => {
                    metrics.failed(error.reason());
                    error.to_string()
                }
            };
            context.metrics.down();
            warn!(source = %context.name, attempts = backoff.attempts(), "{words}: will try again");
            troubles.are(START, &words);
            if !backoff.wait(&context.stop).await {
                return None;
            }
        }
    }

    async fn begin(&self, table: &dyn LeaseTable) -> Result<Vec<Unit>, Begin> {
        let units = self.streams(true).await.map_err(Begin::Stream)?;
        table.ensure().await.map_err(Begin::Table)?;
        Ok(units)
    }
}
