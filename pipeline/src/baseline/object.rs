//! A baseline as an object in S3: looked at, read, and replaced only if it is still the one that was
//! looked at.
//!
//! When this is done is left to the follower and to the rebuilder.

use std::sync::Arc;
use std::time::Duration;

use askance_stages::enrich::Baseline;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;

use super::file::is_version;
use crate::aws::{Aws, Place, Role, words};
use crate::config::{BaselineConfig, ObjectAddress};

/// Largest object that is taken for a baseline: 33 million things that were seen. What is larger, by a
/// mistake or by malice, would take the memory of every replica.
pub const MOST_BYTES: u64 = if cfg!(test) { 1 << 20 } else { 256 << 20 };

/// Longest that an upload may take: 256 MiB over 4 Mbit/s.
const UPLOAD: Duration = Duration::from_secs(600);

/// Why an object cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bucket, or the way to it.
    #[error("cannot {attempt} {address}: {cause}{hint}")]
    Call {
        /// What was attempted.
        attempt: &'static str,
        /// On which object.
        address: String,
        /// What was answered.
        cause: String,
        /// What may help.
        hint: &'static str,
    },
    /// It is no baseline that can be used. Another version may be.
    #[error("{address} is refused: {cause}")]
    Refused {
        /// Which object.
        address: String,
        /// Which version of it.
        etag: Option<String>,
        /// Why.
        cause: String,
    },
    /// Somebody else has written it since it was looked at.
    #[error("{address} was replaced by somebody else meanwhile")]
    Superseded {
        /// Which object.
        address: String,
    },
}

/// An object as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// When it was written.
    pub at: Timestamp,
    /// Which version of it.
    pub etag: String,
}

/// A baseline that was read, and of which version of the object.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub baseline: Arc<Baseline>,
    /// Its version in the bucket.
    pub etag: String,
}

/// What there is.
#[derive(Debug)]
pub enum Answer {
    /// No object.
    Missing,
    /// The version that is known already.
    Same,
    /// Another one.
    New(Found),
}

/// An object, and the way to it.
#[derive(Debug, Clone)]
pub struct BaselineObject {
    client: Client,
    address: ObjectAddress,
}

impl BaselineObject {
    /// The object of a configuration; `None` if the baseline is a file. Nothing is called yet.
    pub async fn of(config: &BaselineConfig, aws: &Aws) -> Option<Self> {
        let address = config.object()?;
        let external_id = config.external_id.clone();
        let role = config.role_arn.clone().map(|arn| Role { arn, external_id });
        let client = aws.s3(&Place { region: config.region.clone(), role }).await;
        Some(Self { client, address })
    }

    /// `s3://bucket/key`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// When it was written; `None` if it is not there.
    ///
    /// # Errors
    /// When the bucket cannot be asked.
    pub async fn look(&self) -> Result<Option<Looked>, ObjectError> {
        let attempt = "look at";
        let call = self.client.head_object().bucket(&self.address.bucket).key(&self.address.key);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(self.failed(attempt, &error)),
        };
        let at = answer.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
        let looked = at.zip(answer.e_tag().map(str::to_owned));
        let (at, etag) =
            looked.ok_or_else(|| self.odd(attempt, "the answer has no time or ETag"))?;
        Ok(Some(Looked { at, etag }))
    }

    /// Reads it, unless it is the version `known`.
    ///
    /// # Errors
    /// When the bucket cannot be asked, or what stands there is no baseline.
    pub async fn read(&self, known: Option<&str>) -> Result<Answer, ObjectError> {
        let call = self.client.get_object().bucket(&self.address.bucket).key(&self.address.key);
        let answer = match call.set_if_none_match(known.map(str::to_owned)).send().await {
            Ok(answer) => answer,
            Err(error) if status(&error) == Some(304) => return Ok(Answer::Same),
            Err(error) if is_missing(&error) => return Ok(Answer::Missing),
            Err(error) => return Err(self.failed("read", &error)),
        };
        let etag = answer.e_tag().map(str::to_owned);
        let bytes = self.gather(answer).await?;
        let read = tokio::task::spawn_blocking(move || Baseline::read(&bytes)).await;
        match (read, etag) {
            (Ok(Ok(baseline)), Some(etag)) => {
                Ok(Answer::New(Found { baseline: Arc::new(baseline), etag }))
            }
            (Ok(Err(why)), etag) => Err(self.refused(etag, why.to_string())),
            (Ok(Ok(_)), None) => Err(self.odd("read", "the answer has no ETag")),
            (Err(_), _) => Err(self.odd("read", "a defect of askance")),
        }
    }

    /// The bytes of an answer, as far as there may be.
    async fn gather(&self, mut answer: GetObjectOutput) -> Result<Vec<u8>, ObjectError> {
        let etag = answer.e_tag().map(str::to_owned);
        let large = || self.refused(etag.clone(), format!("it has more than {MOST_BYTES} bytes"));
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        if length.is_some_and(|length| length > MOST_BYTES) {
            return Err(large());
        }
        let mut bytes = Vec::new();
        loop {
            match answer.body.try_next().await {
                Ok(None) => return Ok(bytes),
                Ok(Some(more)) => bytes.extend_from_slice(&more),
                Err(error) => return Err(self.odd("read", &error.to_string())),
            }
            if bytes.len() as u64 > MOST_BYTES {
                return Err(large());
            }
        }
    }

    /// Keeps the one that stands there as `KEY.VERSION`, if it is another than the one that comes, and
    /// only the newest `most` of those.
    ///
    /// # Errors
    /// When the bucket cannot be read or written.
    pub async fn keep_version(&self, comes: &str, most: usize) -> Result<(), ObjectError> {
        let old = match self.read(None).await {
            Ok(Answer::New(found)) => Some(found.baseline),
            // One that is damaged is not worth keeping.
            Ok(Answer::Missing | Answer::Same) | Err(ObjectError::Refused { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut newest = None;
        if let Some(old) = old.filter(|old| old.version() != comes && most > 0) {
            let key = format!("{}.{}", self.address.key, old.version());
            self.send(&key, old.bytes(), &Condition::None).await?;
            newest = Some(key);
        }
        self.let_go(most, newest.as_deref()).await
    }

    /// Puts a new one in its place, on the condition that what stands there is what was looked at.
    ///
    /// # Errors
    /// `Superseded` if it is another; else when the bucket cannot be written.
    pub async fn replace(
        &self,
        bytes: Vec<u8>,
        looked: Option<&Looked>,
    ) -> Result<(), ObjectError> {
        let condition = match looked {
            Some(looked) => Condition::Is(looked.etag.clone()),
            None => Condition::Missing,
        };
        match self.send(&self.address.key, bytes.clone(), &condition).await {
            // A store that plays S3 and knows no conditions; the turn alone keeps two from writing.
            Err(ObjectError::Call { cause, .. }) if cause.starts_with("NotImplemented") => {
                self.put(bytes).await
            }
            done => done,
        }
    }

    /// Puts one in its place, whatever stands there.
    ///
    /// # Errors
    /// When the bucket cannot be written.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.send(&self.address.key, bytes, &Condition::None).await
    }

    async fn send(
        &self,
        key: &str,
        bytes: Vec<u8>,
        condition: &Condition,
    ) -> Result<(), ObjectError> {
        let call = self.client.put_object().bucket(&self.address.bucket).key(key);
        let call = call.content_type("application/octet-stream").body(bytes.into());
        let call = match condition {
            Condition::None => call,
            Condition::Missing => call.if_none_match("*"),
            Condition::Is(etag) => call.if_match(etag),
        };
        let patience = TimeoutConfig::builder().operation_attempt_timeout(UPLOAD).build();
        let call = call.customize().config_override(Builder::new().timeout_config(patience));
        match call.send().await {
            Ok(_) => Ok(()),
            // 404: it was there, and is gone. 409: somebody writes it at this moment.
            Err(error)
                if matches!(status(&error), Some(412 | 409))
                    || (matches!(condition, Condition::Is(_)) && is_missing(&error)) =>
            {
                Err(ObjectError::Superseded { address: self.address() })
            }
            Err(error) => Err(self.failed("write", &error)),
        }
    }

    /// Removes old versions past the newest `most`. `newest` was written just now: buckets tell times to
    /// the second, so that others may have the same one.
    async fn let_go(&self, most: usize, newest: Option<&str>) -> Result<(), ObjectError> {
        let attempt = "list the old versions of";
        let prefix = format!("{}.", self.address.key);
        let mut kept = Vec::new();
        let mut next = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.address.bucket).prefix(&prefix);
            let page = call.set_continuation_token(next).send().await;
            let page = page.map_err(|error| self.failed(attempt, &error))?;
            for object in page.contents.unwrap_or_default() {
                let written = object.last_modified().map(|at| (at.secs(), at.subsec_nanos()));
                let version = object.key().and_then(|key| key.strip_prefix(&prefix));
                if version.is_some_and(is_version)
                    && let Some(key) = object.key
                {
                    kept.push((Some(key.as_str()) == newest, written, key));
                }
            }
            next = page.next_continuation_token;
            if next.is_none() {
                break;
            }
        }
        kept.sort();
        let gone = kept.len().saturating_sub(most);
        for (_, _, key) in kept.into_iter().take(gone) {
            let call = self.client.delete_object().bucket(&self.address.bucket).key(key);
            let done = call.send().await;
            done.map_err(|error| self.failed("remove an old version of", &error))?;
        }
        Ok(())
    }

    fn failed<E>(&self, attempt: &'static str, error: &SdkError<E, HttpResponse>) -> ObjectError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let hint = match status(error) {
            Some(403) => {
                " (deploy/iam/askance-baseline.json has all that is needed; without s3:ListBucket an \
                 object that is not there is denied, too)"
            }
            _ => "",
        };
        // An answer to HEAD has no body that would tell more.
        let cause =
            match (error.as_service_error().and_then(ProvideErrorMetadata::code), status(error)) {
                (None, Some(status)) => format!("the bucket answers {status}"),
                _ => words(error),
            };
        ObjectError::Call { attempt, address: self.address(), cause, hint }
    }

    fn odd(&self, attempt: &'static str, cause: &str) -> ObjectError {
        ObjectError::Call { attempt, address: self.address(), cause: cause.to_owned(), hint: "" }
    }

    fn refused(&self, etag: Option<String>, cause: String) -> ObjectError {
        ObjectError::Refused { address: self.address(), etag, cause }
    }
}

/// When an object may be written.
enum Condition {
    /// Always.
    None,
    /// It is not there.
    Missing,
    /// It has this ETag.
    Is(String),
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Is there no object? A bucket that is not there is something else.
fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code == Some("NoSuchKey")
}
