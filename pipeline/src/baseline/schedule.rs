//! Makes the service's baseline anew on a schedule, from the buckets of its sources.
//!
//! What is written is noticed as any changed file is, and taken over by the reloader between two
//! objects. Until then, and whenever something fails, the old one holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use askance_stages::decode::DecodeLimits;
use askance_stages::enrich::{Baseline, BaselineBuilder};
use askance_stages::filter::FilterConfig;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::file::{keep_version, modified, write};
use super::past::{Past, PastError, Taken};
use crate::aws::Aws;
use crate::config::{BucketConfig, Config, SourceConfig};
use crate::runtime::clock::Clock;
use crate::runtime::retry::{Backoff, pause};
use crate::sources::region_of_queue;
use crate::sources::s3::Bucket;
use crate::sources::s3_replay::ListError;
use crate::telemetry::{Families, Health, Part};

/// Downloads at once: what the service reads to find things goes first.
const CONCURRENCY: usize = 4;

/// One object in so many may be unreadable. With more of them missing, what is seen every day would
/// be told as new.
const ONE_IN: u64 = 100;

/// Between two attempts of which the first failed.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// Makes baselines.
pub struct Rebuilder {
    path: PathBuf,
    every: Duration,
    keep: Duration,
    versions: usize,
    trails: Vec<Trail>,
    limits: DecodeLimits,
    aws: Aws,
    clock: Clock,
    families: Families,
    health: Health,
}

/// A bucket of a source, and where it is if it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trail {
    bucket: BucketConfig,
    region: Option<String>,
}

/// Why none could be made.
#[derive(Debug, thiserror::Error)]
enum RebuildError {
    #[error("bucket {bucket}: {cause}")]
    Past { bucket: String, cause: PastError },
    #[error(
        "{unlisted} folders could not be listed, and {unread} of {objects} objects not read; the first: {first}"
    )]
    Gaps { unlisted: u64, unread: u64, objects: u64, first: String },
    #[error("there is no event in the buckets of the last days to make a baseline of")]
    Nothing,
    #[error("cannot write {}: {cause}", path.display())]
    Write { path: PathBuf, cause: std::io::Error },
    #[error("a defect of askance")]
    Defect,
}

impl Rebuilder {
    /// Of a configuration; `None` if it asks for none.
    pub fn of(
        config: &Config,
        aws: &Aws,
        clock: &Clock,
        (families, health): (&Families, &Health),
    ) -> Option<Self> {
        let baseline = config.enrich.baseline.as_ref()?;
        let every = baseline.rebuild?;
        for outcome in ["ok", "failed"] {
            families.baseline_rebuilds.with_label_values(&[outcome]);
        }
        Some(Self {
            path: baseline.path.clone(),
            every: every.0,
            keep: baseline.keep.0,
            versions: baseline.versions,
            trails: trails(config),
            limits: DecodeLimits {
                max_object_bytes: config.limits.max_object.0,
                max_ratio: config.limits.max_ratio,
            },
            aws: aws.clone(),
            clock: clock.clone(),
            families: families.clone(),
            health: health.clone(),
        })
    }

    /// Makes one whenever it is due, until `stop` is set.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new(AGAIN.0, AGAIN.1);
        let mut last = None;
        loop {
            let wait = self.due_in(last.map(|at: Instant| at.elapsed()));
            if !pause(wait, &stop).await {
                return;
            }
            let made = self.rebuild(&stop).await;
            if stop.is_cancelled() {
                return;
            }
            match made {
                Ok(made) => {
                    last = Some(Instant::now());
                    backoff.reset();
                    self.tell(&made);
                }
                Err(why) => {
                    self.families.baseline_rebuilds.with_label_values(&["failed"]).inc();
                    self.health.trouble(
                        Part::Baseline,
                        format!("cannot be made anew, the old one still holds: {why}"),
                    );
                    error!(error = %why, attempts = backoff.attempts(), "the baseline cannot be made anew, the old one still holds; will try again");
                    if !backoff.wait(&stop).await {
                        return;
                    }
                }
            }
        }
    }

    /// How long until the next one: by the file's time, so that a restart changes nothing, and never
    /// sooner after the last one than asked, whatever clock the file's disk has.
    fn due_in(&self, since_last: Option<Duration>) -> Duration {
        let age = modified(&self.path).map(|at| self.clock.now().duration_since(at));
        // A file of the future is as good as new.
        let age = age.map(|age| Duration::try_from(age).unwrap_or_default());
        let left = |age: Duration| self.every.saturating_sub(age);
        left(age.unwrap_or(self.every)).max(since_last.map_or(Duration::ZERO, left))
    }

    async fn rebuild(&self, stop: &CancellationToken) -> Result<Baseline, RebuildError> {
        let now = self.clock.now();
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
            return Err(RebuildError::Gaps { unlisted, unread, objects, first });
        }
        if unread > 0 {
            warn!(unread, objects, %first, "some objects could not be read for the baseline; it is made without them");
        }
        let (path, versions) = (self.path.clone(), self.versions);
        let written = tokio::task::spawn_blocking(move || put(seen, path, versions));
        written.await.map_err(|_| RebuildError::Defect)?
    }

    /// Reads what stands in a bucket.
    async fn read(
        &self,
        trail: &Trail,
        asked: &FilterConfig,
        stop: &CancellationToken,
    ) -> Result<Taken, RebuildError> {
        let name = &trail.bucket.name;
        let failed = |cause| RebuildError::Past { bucket: name.clone(), cause };
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

    fn tell(&self, made: &Baseline) {
        self.families.baseline_rebuilds.with_label_values(&["ok"]).inc();
        self.families.baseline_made.set(self.clock.now().as_second());
        self.health.well(&Part::Baseline);
        let (records, things, version) = (made.made_of().0, made.len(), made.version());
        info!(%version, records, things, "made the baseline anew");
    }
}

/// Puts a new one in the place of the old one, which is kept by its version.
fn put(seen: BaselineBuilder, path: PathBuf, versions: usize) -> Result<Baseline, RebuildError> {
    let made = seen.finish();
    if made.made_of().0 == 0 {
        return Err(RebuildError::Nothing);
    }
    let written =
        keep_version(&path, made.version(), versions).and_then(|()| write(&path, &made.bytes()));
    match written {
        Ok(()) => Ok(made),
        Err(cause) => Err(RebuildError::Write { path, cause }),
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
mod tests {
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;
    use crate::config::parse;

    fn config(buckets: &str) -> Config {
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

    #[tokio::test]
    async fn it_is_due_by_the_files_time_and_never_sooner_after_the_last_one() {
        let home = tempfile::tempdir().unwrap();
        let began = SystemTime::now();
        let now = Timestamp::try_from(began).unwrap();
        let mut config = config("trail");
        config.enrich.baseline.as_mut().unwrap().path = home.path().join("seen.bin");
        let aws = Aws::new(&config.aws, &Families::new());
        let clock = Clock::of(move || now);
        let told = (&Families::new(), &Health::default());
        let rebuilder = Rebuilder::of(&config, &aws, &clock, told).unwrap();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        assert_eq!(rebuilder.due_in(None), Duration::ZERO, "there is none");
        let file = std::fs::File::create(&rebuilder.path).unwrap();
        let check = |written: SystemTime, since_last: Option<Duration>, expected: Duration| {
            file.set_modified(written).unwrap();
            assert_eq!(rebuilder.due_in(since_last), expected, "{written:?} {since_last:?}");
        };
        check(began - minutes(20), None, minutes(40));
        check(began - minutes(90), None, Duration::ZERO);
        check(began - minutes(90), Some(minutes(10)), minutes(50));
        check(began + minutes(90), None, minutes(60));
        config.enrich.baseline.as_mut().unwrap().rebuild = None;
        assert!(Rebuilder::of(&config, &aws, &clock, told).is_none());
    }
}
