//! Takes what a bucket holds of some days into a baseline: the objects of a replay, read by one thread,
//! and nothing kept of them but what was seen.
//!
//! When this is done, and what is made of what could not be read, is left to the caller.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use askance_stages::decode::{DecodeLimits, Input, WHOLE_INPUT};
use askance_stages::enrich::BaselineBuilder;
use askance_stages::filter::FilterConfig;
use askance_stages::flow::each_record;
use askance_stages::model::Record;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::take;
use crate::runtime::budget::Budget;
use crate::runtime::intake::{Intake, Taken as Envelopes};
use crate::sources::files::plain_words;
use crate::sources::s3::{Bucket, Pace};
use crate::sources::s3_replay::{
    ListError, Listed, Lister, ListingError, ListingWriter, Progress, Replay, Row, Wanted,
};
use crate::sources::{Body, Item, Object, Source as _, SourceContext, SourceError};
use crate::store::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::telemetry::{Families, Health, SourceMetrics};

/// The name of the source, in its counters.
const SOURCE: &str = "baseline";

/// Bytes of objects that are in memory at once.
const IN_MEMORY: u64 = 32 << 20;

/// Pages of the listing that wait to be written.
const WAITING: usize = 16;

/// Objects that could not be read and are named; the rest is counted.
const NAMED: usize = 5;

/// What is read of a bucket.
pub struct Past {
    /// The bucket.
    pub bucket: Arc<Bucket>,
    /// What keys begin with.
    pub prefix: String,
    /// Which events: both times must be there.
    pub asked: FilterConfig,
    /// How large objects may be.
    pub limits: DecodeLimits,
    /// Downloads at once, at most.
    pub concurrency: usize,
    /// Set to give up.
    pub stop: CancellationToken,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Taken {
    /// What was seen.
    pub seen: BaselineBuilder,
    /// Objects that there are.
    pub objects: u64,
    /// Objects that could not be read, or not whole.
    pub unread: u64,
    /// Folders that could not be listed.
    pub unlisted: u64,
    /// Why not, the first of both.
    pub faults: Vec<String>,
}

/// Why a bucket cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PastError {
    /// A span of time is missing.
    #[error("it is not said from when to when events are asked for")]
    NoSpan,
    /// It cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// The listing cannot be kept while it is gone through.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// Nothing can be kept in the folder for temporary files.
    #[error("cannot use the folder for temporary files: {0}")]
    Folder(std::io::Error),
    /// The same.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It makes no sense to go on.
    #[error("{0}")]
    Fatal(String),
    /// It was told to stop.
    #[error("stopped before everything was read")]
    Stopped,
    /// A defect of askance.
    #[error("a part of it ended by a defect of askance")]
    Defect,
}

impl Taken {
    fn fault(&mut self, why: String) {
        if self.faults.len() < NAMED {
            self.faults.push(why);
        }
    }
}

impl Past {
    /// Reads everything that is asked for.
    ///
    /// # Errors
    /// When it cannot be read, or was told to stop. What single objects and folders are at fault with
    /// is in what it answers.
    pub async fn read(self) -> Result<Taken, PastError> {
        let folder = tempfile::tempdir().map_err(PastError::Folder)?;
        let listing = folder.path().join("listing.gz");
        let listed = self.list(&listing).await?;
        // Of its own: the service's counters tell of what it reads to find things.
        let families = Families::new();
        let (intake, envelopes) = Intake::new(families.queue_objects.clone());
        let progress = Arc::new(Progress::default());
        let replay = Replay {
            listing,
            bucket: Arc::clone(&self.bucket),
            max_object: self.limits.max_object_bytes,
            asked: None,
            pace: Arc::new(Pace::new(self.concurrency)),
            progress: Arc::clone(&progress),
        };
        // It ends with the thread that reads, too: nobody would take the rest.
        let stop = self.stop.child_token();
        let context = SourceContext {
            name: Arc::from(SOURCE),
            intake,
            budget: Budget::new(IN_MEMORY, families.queue_bytes.clone()),
            // Nothing is in it, so that everything is read.
            store: Arc::new(SqliteStore::open(&folder.path().join("ledger.db")).await?),
            stop: stop.clone(),
            metrics: SourceMetrics::new(&families, SOURCE),
            health: Health::default(),
        };
        let (asked, limits, over) = (self.asked, self.limits, stop.drop_guard());
        let reader = tokio::task::spawn_blocking(move || {
            let taken = take_all(envelopes, &asked, limits);
            drop(over);
            taken
        });
        replay.run(context).await?;
        let mut taken = reader.await.map_err(|_| PastError::Defect)?;
        if let Some(why) = progress.fatal() {
            return Err(PastError::Fatal(why));
        }
        if self.stop.is_cancelled() {
            return Err(PastError::Stopped);
        }
        for one in progress.refused().into_values() {
            taken.unread += one.count;
            taken.fault(one.first);
        }
        if progress.objects.load(Ordering::Relaxed) < listed.objects {
            return Err(PastError::Defect);
        }
        taken.objects = listed.objects;
        taken.unlisted = listed.unlisted_count;
        for folder in listed.unlisted {
            taken.fault(format!("{}: {}", folder.address, folder.why));
        }
        Ok(taken)
    }

    /// Writes what there is into a file, so that a million objects need no memory.
    async fn list(&self, listing: &Path) -> Result<Listed, PastError> {
        let (Some(from), Some(to)) = (self.asked.from, self.asked.to) else {
            return Err(PastError::NoSpan);
        };
        let (accounts, regions) = (self.asked.accounts.clone(), self.asked.regions.clone());
        let wanted = Wanted::between(from, to, accounts, regions);
        let mut writer = ListingWriter::create(listing)?;
        let (rows, mut found) = mpsc::channel::<Vec<Row>>(WAITING);
        let prefix = self.prefix.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut left_out = 0;
            while let Some(mut rows) = found.blocking_recv() {
                let before = rows.len();
                rows.retain(|(_, _, key)| key.starts_with(&prefix));
                left_out += (before - rows.len()) as u64;
                writer.add(&rows)?;
            }
            writer.finish()?;
            Ok::<u64, ListingError>(left_out)
        });
        let lister = Lister { bucket: &self.bucket, wanted: &wanted, stop: &self.stop };
        let folder = self.prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let listed = lister.list(&folder, &rows).await;
        drop(rows);
        let left_out = written.await.map_err(|_| PastError::Defect)?;
        let mut listed = listed?;
        listed.objects -= left_out?;
        Ok(listed)
    }
}

/// Takes objects until no more come.
fn take_all(mut envelopes: Envelopes, asked: &FilterConfig, limits: DecodeLimits) -> Taken {
    let mut taken = Taken::default();
    while let Some(envelope) = envelopes.blocking_recv() {
        match envelope.item {
            Item::Object(Object { path, mut body, hold, .. }) => {
                let seen = &mut taken.seen;
                let read =
                    catch_unwind(AssertUnwindSafe(|| read_object(&mut body, limits, seen, asked)));
                drop((body, hold));
                let fault = read.unwrap_or_else(|_| Some("a defect of askance".to_owned()));
                if let Some(fault) = fault {
                    taken.unread += 1;
                    taken.fault(format!("{path}: {fault}"));
                }
            }
            // It is counted by the progress.
            Item::Refused(_) => {}
        }
        envelope.ack.done();
    }
    taken
}

/// Takes an object; answers what was wrong with it first.
fn read_object(
    body: &mut Body,
    limits: DecodeLimits,
    seen: &mut BaselineBuilder,
    asked: &FilterConfig,
) -> Option<String> {
    let mut fault = None;
    let mut each = |input: Input<'_>| {
        let mut look = |_: u64, record: &Record<'_>| take(seen, asked, record);
        each_record(input, limits, &mut look, &mut |reject| {
            fault.get_or_insert_with(|| reject.reason.words().to_owned());
        });
    };
    match body {
        Body::Bytes(bytes) => each(Input::Whole(bytes)),
        Body::File(file) => {
            let mut head = Vec::new();
            if let Err(error) = file.by_ref().take(WHOLE_INPUT as u64).read_to_end(&mut head) {
                return Some(plain_words(&error));
            }
            if head.len() < WHOLE_INPUT {
                each(Input::Whole(&head));
            } else {
                each(Input::Parts(&head, file));
            }
        }
        // Of streams, which no bucket gives.
        Body::Batch(batch) => batch.parts.iter().for_each(|part| each(Input::Whole(&part.data))),
    }
    fault
}
