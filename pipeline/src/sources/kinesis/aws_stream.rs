//! A stream of Kinesis itself: calls, and what their answers mean.

use std::time::Duration;

use askance_stages::decode::HashRange;
use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    ChildShard, HashKeyRange, Record, ShardFilter, ShardFilterType, ShardIteratorType,
    StartingPosition,
};
use bytes::Bytes;

use super::leases::sync::Shard;
use super::position::{Position, Sequence};
use super::stream::{Answer, Child, Failure, Pushed, Start, Stream, StreamError, StreamRecord};
use crate::aws::{is_throttling, words};
use crate::sources::shown::shown;

/// Most shards of a stream that are believed.
const MAX_SHARDS: usize = 100_000;

/// A stream that was found.
#[derive(Debug, Clone)]
pub struct AwsStream {
    client: Client,
    name: String,
    arn: String,
    /// ARN of the registered consumer, for fan-out.
    consumer: Option<String>,
}

/// What a stream is told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its ARN.
    pub arn: String,
    /// When it was made, in seconds since 1970: one made anew is another stream.
    pub epoch: i64,
}

impl Identity {
    /// As leases of an application with several streams have it: `account:name:epoch`.
    pub fn id(&self) -> String {
        let account = self.arn.split(':').nth(4).unwrap_or_default();
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        format!("{account}:{name}:{}", self.epoch)
    }
}

/// Finds a stream.
///
/// # Errors
/// When it is not there, or may not be looked at.
pub async fn identify(
    client: &Client,
    name: &str,
    arn: Option<&str>,
) -> Result<Identity, StreamError> {
    let request = client.describe_stream_summary();
    let request = match arn {
        Some(arn) => request.stream_arn(arn),
        None => request.stream_name(name),
    };
    let answer = request.send().await;
    let answer =
        answer.map_err(|error| failure("find", name, "kinesis:DescribeStreamSummary", &error))?;
    let summary = answer.stream_description_summary.ok_or_else(|| StreamError {
        kind: Failure::Failed,
        words: format!("cannot find stream {name}: the answer says nothing"),
    })?;
    Ok(Identity { epoch: summary.stream_creation_timestamp.secs(), arn: summary.stream_arn })
}

impl AwsStream {
    /// A stream that was found; `consumer` is the ARN of a registered consumer.
    pub fn new(client: Client, name: &str, identity: &Identity, consumer: Option<String>) -> Self {
        Self { client, name: name.to_owned(), arn: identity.arn.clone(), consumer }
    }

    fn failed<E, R>(&self, attempt: &str, permission: &str, error: &SdkError<E, R>) -> StreamError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        failure(attempt, &self.name, permission, error)
    }
}

/// What a call ended with: its kind, and words.
pub fn failure<E, R>(
    attempt: &str,
    stream: &str,
    permission: &str,
    error: &SdkError<E, R>,
) -> StreamError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let said = shown(&words(error));
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let kind = match code {
        code if is_throttling(code) || code.starts_with("KMSThrottling") => Failure::Throttled,
        "ExpiredIteratorException" => Failure::Expired,
        "ResourceNotFoundException" => Failure::NotFound,
        "InvalidArgumentException" | "ValidationException" => Failure::BadPosition,
        "ResourceInUseException" => Failure::InUse,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "KMSAccessDeniedException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException"
        | "KMSOptInRequired" => Failure::Denied,
        _ if matches!(error, SdkError::ResponseError(_)) => Failure::Damaged,
        _ => Failure::Failed,
    };
    let advice = match kind {
        Failure::Denied if code.starts_with("KMS") => {
            ": allow kms:Decrypt with the key of the stream, in the key's policy too".to_owned()
        }
        Failure::Denied => format!(": grant {permission} on it (deploy/iam/askance-kinesis.json)"),
        Failure::NotFound => {
            ": check its name and region; if it was renamed, name the new one and choose another \
             `application`; one that is made anew under its name is found and begun anew"
                .to_owned()
        }
        Failure::BadPosition => {
            ": the lease is of another stream; one that was deleted and made anew is found and begun \
             anew; if it stays so, choose another `application`, or delete the row of the lease"
                .to_owned()
        }
        Failure::Throttled | Failure::Expired | Failure::InUse | Failure::Damaged | Failure::Failed => {
            String::new()
        }
    };
    StreamError {
        kind,
        words: format!("cannot {attempt} stream {}: {said}{advice}", shown(stream)),
    }
}

#[async_trait]
impl Stream for AwsStream {
    fn name(&self) -> &str {
        &self.name
    }

    async fn epoch(&self) -> Result<i64, StreamError> {
        Ok(identify(&self.client, &self.name, Some(&self.arn)).await?.epoch)
    }

    async fn shards(&self, from: Option<&Position>) -> Result<Vec<Shard>, StreamError> {
        let filter = from.and_then(filter);
        let mut shards = Vec::new();
        let mut token = None;
        loop {
            let request = self.client.list_shards();
            let request = match token.take() {
                // The filter is part of what the token stands for.
                Some(token) => request.next_token(token),
                None => request.stream_arn(&self.arn).set_shard_filter(filter.clone()),
            };
            let answer = request.send().await;
            let answer = answer
                .map_err(|error| self.failed("list the shards of", "kinesis:ListShards", &error))?;
            for shard in answer.shards.unwrap_or_default() {
                shards.push(read_shard(shard).ok_or_else(|| StreamError {
                    kind: Failure::Damaged,
                    words: format!(
                        "cannot list the shards of stream {}: a shard has no numbers",
                        self.name
                    ),
                })?);
            }
            token = answer.next_token;
            if token.is_none() || shards.len() > MAX_SHARDS {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str, start: &Start) -> Result<String, StreamError> {
        let request = self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard);
        let request = match start {
            Start::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Start::At(at) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(*at)),
            Start::With(sequence) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(sequence.as_str()),
            Start::After(sequence) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(sequence.as_str()),
        };
        let attempt = format!("begin to read shard {} of", shown(shard));
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| self.failed(&attempt, "kinesis:GetShardIterator", &error))?;
        answer.shard_iterator.ok_or_else(|| StreamError {
            kind: Failure::Failed,
            words: format!("cannot {attempt} stream {}: there is no iterator", self.name),
        })
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Answer, StreamError> {
        let request = self.client.get_records().stream_arn(&self.arn).shard_iterator(iterator);
        let request = request.limit(i32::try_from(limit).unwrap_or(10_000));
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.failed("read", "kinesis:GetRecords", &error))?;
        Ok(Answer {
            records: read_records(answer.records, &self.name)?,
            next: answer.next_shard_iterator,
            behind: answer.millis_behind_latest.map(millis),
            children: answer.child_shards.unwrap_or_default().into_iter().map(read_child).collect(),
        })
    }

    async fn subscribe(&self, shard: &str, start: &Start) -> Result<Box<dyn Pushed>, StreamError> {
        let attempt = format!("subscribe to shard {} of", shown(shard));
        let Some(consumer) = &self.consumer else {
            let words = format!("cannot {attempt} stream {}: no consumer is registered", self.name);
            return Err(StreamError { kind: Failure::Failed, words });
        };
        let position = StartingPosition::builder();
        let position = match start {
            Start::TrimHorizon => position.r#type(ShardIteratorType::TrimHorizon),
            Start::At(at) => position
                .r#type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(*at)),
            Start::With(sequence) => position
                .r#type(ShardIteratorType::AtSequenceNumber)
                .sequence_number(sequence.as_str()),
            Start::After(sequence) => position
                .r#type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(sequence.as_str()),
        };
        let position = position.build().map_err(|error| StreamError {
            kind: Failure::BadPosition,
            words: format!("cannot {attempt} stream {}: {error}", self.name),
        })?;
        let request = self.client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard);
        let answer = request.starting_position(position).send().await;
        let answer =
            answer.map_err(|error| self.failed(&attempt, "kinesis:SubscribeToShard", &error))?;
        Ok(Box::new(Subscription {
            events: answer,
            attempt: format!("go on to read shard {} of", shown(shard)),
            stream: self.name.clone(),
        }))
    }
}

/// Events that are pushed.
struct Subscription {
    events: SubscribeToShardOutput,
    attempt: String,
    stream: String,
}

#[async_trait]
impl Pushed for Subscription {
    async fn next(&mut self) -> Result<Option<Answer>, StreamError> {
        use aws_sdk_kinesis::types::SubscribeToShardEventStream as Event;
        loop {
            let event = self.events.event_stream.recv().await;
            let event = event.map_err(|error| {
                failure(&self.attempt, &self.stream, "kinesis:SubscribeToShard", &error)
            })?;
            let event = match event {
                None => return Ok(None),
                Some(Event::SubscribeToShardEvent(event)) => event,
                // Of a later version.
                Some(_) => continue,
            };
            // Where it is missing the client gives an empty text.
            let next = Some(event.continuation_sequence_number).filter(|next| !next.is_empty());
            return Ok(Some(Answer {
                records: read_records(event.records, &self.stream)?,
                next,
                behind: Some(millis(event.millis_behind_latest)),
                children: event
                    .child_shards
                    .unwrap_or_default()
                    .into_iter()
                    .map(read_child)
                    .collect(),
            }));
        }
    }
}

fn filter(from: &Position) -> Option<ShardFilter> {
    let filter = ShardFilter::builder();
    let filter = match from {
        Position::Latest => filter.r#type(ShardFilterType::AtLatest),
        Position::TrimHorizon => filter.r#type(ShardFilterType::AtTrimHorizon),
        Position::AtTimestamp(at) => {
            filter.r#type(ShardFilterType::AtTimestamp).timestamp(DateTime::from_millis(*at))
        }
        Position::Record(..) | Position::ShardEnd => return None,
    };
    filter.build().ok()
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn read_records(records: Vec<Record>, stream: &str) -> Result<Vec<StreamRecord>, StreamError> {
    let record = |record: Record| {
        let sequence = Sequence::parse(&record.sequence_number).ok_or_else(|| StreamError {
            kind: Failure::Damaged,
            words: format!(
                "cannot read stream {stream}: {} is no sequence number",
                shown(&record.sequence_number)
            ),
        })?;
        let arrived = record.approximate_arrival_timestamp.and_then(|at| at.to_millis().ok());
        Ok(StreamRecord { sequence, data: Bytes::from(record.data.into_inner()), arrived })
    };
    records.into_iter().map(record).collect()
}

fn read_range(range: &HashKeyRange) -> Option<HashRange> {
    Some(HashRange {
        from: range.starting_hash_key.parse().ok()?,
        to: range.ending_hash_key.parse().ok()?,
    })
}

fn read_shard(shard: aws_sdk_kinesis::types::Shard) -> Option<Shard> {
    let numbers = shard.sequence_number_range?;
    Some(Shard {
        range: read_range(&shard.hash_key_range?)?,
        begins: Sequence::parse(&numbers.starting_sequence_number)?,
        is_closed: numbers.ending_sequence_number.is_some(),
        parents: [shard.parent_shard_id, shard.adjacent_parent_shard_id]
            .into_iter()
            .flatten()
            .collect(),
        id: shard.shard_id,
    })
}

fn read_child(child: ChildShard) -> Child {
    let range = child.hash_key_range.as_ref().and_then(read_range);
    Child { id: child.shard_id, parents: child.parent_shards, range }
}
