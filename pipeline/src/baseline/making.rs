//! Makes a baseline of what stands in the buckets of the sources: the last days of all of them, or nothing.
//!
//! When it is made, who makes it and where it is put is left to the schedule.

use std::sync::Arc;
use std::time::Duration;

use askance_stages::decode::DecodeLimits;
use askance_stages::enrich::Baseline;
use askance_stages::filter::FilterConfig;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::past::{Past, PastError, Taken};
use crate::aws::Aws;
use crate::config::{BucketConfig, Config, SourceConfig};
use crate::sources::region_of_queue;
use crate::sources::s3::Bucket;
use crate::sources::s3_replay::ListError;

/// Downloads at once: what the service reads to find things goes first.
const CONCURRENCY: usize = 4;

/// One object in so many may be unreadable. With more of them missing, what is seen every day would
/// be told as new.
const ONE_IN: u64 = 100;

/// Makes baselines of the past.
#[derive(Debug)]
pub(super) struct Maker {
    keep: Duration,
    trails: Vec<Trail>,
    limits: DecodeLimits,
    aws: Aws,
}

/// A bucket of a source, and where it is if it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trail {
    bucket: BucketConfig,
    region: Option<String>,
}

/// Why none could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum MakeError {
    #[error("bucket {bucket}: {cause}")]
    Past { bucket: String, cause: PastError },
    #[error(
        "{unlisted} folders could not be listed, and {unread} of {objects} objects not read; the first: {first}"
    )]
    Gaps { unlisted: u64, unread: u64, objects: u64, first: String },
    #[error("there is no event in the buckets of the last days to make a baseline of")]
    Nothing,
    #[error("a defect of askance")]
    Defect,
}

impl Maker {
    /// Of the last `keep` of all buckets of a configuration.
    pub(super) fn of(config: &Config, keep: Duration, aws: &Aws) -> Self {
        let limits = DecodeLimits {
            max_object_bytes: config.limits.max_object.0,
            max_ratio: config.limits.max_ratio,
        };
        Self { keep, trails: trails(config), limits, aws: aws.clone() }
    }

    /// Reads all of it.
    pub(super) async fn make(
        &self,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Result<Baseline, MakeError> {
        let from = now
            .checked_sub(SignedDuration::try_from(self.keep).unwrap_or(SignedDuration::MAX))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        info!(buckets = self.trails.len(), %from, "making the baseline anew");
        let asked = FilterConfig { from: Some(from), to: Some(now), ..FilterConfig::default() };
        let mut taken = Taken::default();
        for trail in &self.trails {
            taken.add(self.read(trail, &asked, stop).await?);
        }
        let Taken { seen, objects, unread, unlisted, faults } = taken;
        let first = faults.into_iter().next().unwrap_or_default();
        if unlisted > 0 || unread * ONE_IN > objects {
            return Err(MakeError::Gaps { unlisted, unread, objects, first });
        }
        if unread > 0 {
            warn!(unread, objects, %first, "some objects could not be read for the baseline; it is made without them");
        }
        let made = tokio::task::spawn_blocking(move || seen.finish()).await;
        let made = made.map_err(|_| MakeError::Defect)?;
        if made.made_of().0 == 0 { Err(MakeError::Nothing) } else { Ok(made) }
    }

    /// Reads what stands in a bucket.
    async fn read(
        &self,
        trail: &Trail,
        asked: &FilterConfig,
        stop: &CancellationToken,
    ) -> Result<Taken, MakeError> {
        let name = &trail.bucket.name;
        let failed = |cause| MakeError::Past { bucket: name.clone(), cause };
        let region = self.aws.region().await.or_else(|| trail.region.clone());
        let bucket = Arc::new(Bucket::named(trail.bucket.clone(), &self.aws, region).await);
        let mut taken = Taken::default();
        for prefix in prefixes(&trail.bucket) {
            let past = Past {
                bucket: Arc::clone(&bucket),
                prefix,
                asked: asked.clone(),
                limits: self.limits,
                concurrency: CONCURRENCY,
                stop: stop.clone(),
            };
            match past.read().await {
                Ok(more) => taken.add(more),
                // One that is still empty says nothing of the others.
                Err(PastError::List(ListError::Nothing(why))) => {
                    warn!(bucket = %name, %why, "nothing for the baseline");
                }
                Err(cause) => return Err(failed(cause)),
            }
        }
        Ok(taken)
    }
}

/// The buckets of all sources that have some, each once.
fn trails(config: &Config) -> Vec<Trail> {
    let mut trails: Vec<Trail> = Vec::new();
    for source in config.sources.values() {
        let SourceConfig::S3Queue(queue) = source else { continue };
        // An address that is none keeps the source from starting, which says so.
        let named = || region_of_queue(&queue.queue_url).unwrap_or_default();
        let region = queue.region.clone().or_else(named);
        for bucket in &queue.buckets {
            let trail = Trail { bucket: bucket.clone(), region: region.clone() };
            if !trails.contains(&trail) {
                trails.push(trail);
            }
        }
    }
    trails
}

/// What keys of a bucket begin with, without what begins with another of them.
fn prefixes(bucket: &BucketConfig) -> Vec<String> {
    let all = &bucket.prefixes;
    if all.is_empty() {
        return vec![String::new()];
    }
    let mut kept: Vec<String> = Vec::new();
    let mut sorted = all.clone();
    sorted.sort();
    for prefix in sorted {
        if !kept.last().is_some_and(|last| prefix.starts_with(last.as_str())) {
            kept.push(prefix);
        }
    }
    kept
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    /// A configuration with two sources of these buckets, whose service makes its baseline anew.
    pub(crate) fn config(buckets: &str) -> Config {
        let queue = |name: &str| {
            format!(
                "{name}: {{type: s3_queue, queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/t\", \
                 buckets: [{buckets}]}}"
            )
        };
        let text = format!(
            "sources: {{{}, {}, in: {{type: directory, path: in}}}}\n\
             enrich: {{baseline: {{path: seen.bin, rebuild: 1h}}}}",
            queue("a"),
            queue("b")
        );
        parse(&text, Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn a_bucket_of_several_sources_is_read_once() {
        let names = |buckets: &str| -> Vec<(String, Option<String>)> {
            let of = |trail: Trail| (trail.bucket.name, trail.region);
            trails(&config(buckets)).into_iter().map(of).collect()
        };
        let region = Some("eu-west-1".to_owned());
        assert_eq!(
            names("one, two"),
            [("one".to_owned(), region.clone()), ("two".to_owned(), region)]
        );
    }

    #[test]
    fn no_key_is_read_under_two_prefixes() {
        let check = |written: &[&str], expected: &[&str]| {
            let mut bucket = BucketConfig::of_name("trail");
            bucket.prefixes = written.iter().map(ToString::to_string).collect();
            assert_eq!(prefixes(&bucket), expected, "{written:?}");
        };
        check(&[], &[""]);
        check(&["b/", "a/AWSLogs/", "a/"], &["a/", "b/"]);
        check(&["a/1", "a/12", "a/2"], &["a/1", "a/2"]);
    }
}
