//! A source that fetches what stands in a listing, as many objects at once as S3 bears and memory
//! allows, and comes to its end.
//!
//! What the ledger knows is passed by, so a replay that was interrupted goes on where it was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::listing::{ListingError, ListingReader, Row};
use crate::runtime::retry::{Backoff, pause};
use crate::sources::s3::{Announced, Bucket, Fault, Fetch, Fetched, Outcome, Pace};
use crate::sources::{
    Asked, Object, Refused, Source, SourceContext, SourceError, Verdict, are_known,
};
use crate::telemetry::point;

/// Objects that the ledger is asked about at once.
const TOGETHER: usize = 256;

/// Objects in hand: being fetched, waiting for a worker, or for the commit. Their bytes are bounded
/// by the budget.
const IN_HAND: usize = 1024;

/// How often an object is tried again after its fetching was given up for something that may pass.
const ATTEMPTS: u32 = 4;

/// How long sinks may take for a message before they are not waited for any longer.
const SINK_PATIENCE: Duration = Duration::from_secs(120);

/// Objects that could not be fetched for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// What was said of the first.
    pub first: String,
}

/// How far a replay is; shared with whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Objects that are done or known, or cannot be read.
    pub objects: AtomicU64,
    /// Their bytes, packed.
    pub bytes: AtomicU64,
    /// Messages that wait for their sinks once everything is read.
    pub waiting: AtomicU64,
    /// Objects that were read before.
    known: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, Unread>>,
    fatal: Mutex<Option<String>>,
}

impl Progress {
    /// Objects that could not be fetched, by reason.
    pub fn refused(&self) -> BTreeMap<&'static str, Unread> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it makes no sense to go on, if it does not.
    pub fn fatal(&self) -> Option<String> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Objects that were done by earlier runs.
    pub fn known_count(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }

    /// One more was done by an earlier run.
    pub fn known(&self, bytes: u64) {
        self.known.fetch_add(1, Ordering::Relaxed);
        self.done(bytes);
    }

    /// One more is done.
    pub fn done(&self, bytes: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Reads the past of a bucket; clones share what is known of it.
#[derive(Clone)]
pub struct Replay {
    /// The file that says what there is.
    pub listing: PathBuf,
    /// The bucket.
    pub bucket: Arc<Bucket>,
    /// Largest object that is fetched, in bytes.
    pub max_object: u64,
    /// Which of the events count, and whether people are told; `None`: all, as the engine filters.
    pub asked: Option<Arc<Asked>>,
    /// How many requests are made at once.
    pub pace: Arc<Pace>,
    /// How far it is.
    pub progress: Arc<Progress>,
}

#[async_trait]
impl Source for Replay {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let mut rows = self.rows();
        let room = Arc::new(Semaphore::new(IN_HAND));
        let mut objects = JoinSet::new();
        while let Some(rows) = rows.recv().await {
            let rows = match rows {
                Ok(rows) => rows,
                Err(error) => {
                    self.end(&format!("{error}: begin it anew with --restart"));
                    break;
                }
            };
            let Some(unknown) = self.unknown(&context, rows).await else { break };
            for object in unknown {
                let Some(permit) = self.room(&room, &context).await else { break };
                while let Some(ended) = objects.try_join_next() {
                    self.noted(ended);
                }
                let (replay, context) = (self.clone(), context.clone());
                objects.spawn(async move {
                    replay.object(&context, &object).await;
                    drop(permit);
                });
            }
            if self.is_over(&context) {
                break;
            }
        }
        while let Some(ended) = objects.join_next().await {
            self.noted(ended);
        }
        if self.asked.as_ref().is_some_and(|asked| asked.is_historic) {
            self.until_told(&context).await;
        }
        Ok(())
    }
}

impl Replay {
    /// Reads the listing on a thread that may wait for the disk.
    fn rows(&self) -> mpsc::Receiver<Result<Vec<Row>, ListingError>> {
        let (sender, receiver) = mpsc::channel(4);
        let path = self.listing.clone();
        tokio::task::spawn_blocking(move || {
            let mut reader = match ListingReader::open(&path) {
                Ok(reader) => reader,
                Err(error) => return drop(sender.blocking_send(Err(error))),
            };
            loop {
                let rows = reader.next(TOGETHER);
                let is_last = rows.as_ref().map_or(true, Vec::is_empty);
                // Nobody listens any more when the program ends.
                if sender.blocking_send(rows).is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    /// Those that the ledger does not know; `None` at the end of the program.
    async fn unknown(&self, context: &SourceContext, rows: Vec<Row>) -> Option<Vec<Announced>> {
        let objects: Vec<Announced> = rows.into_iter().map(|row| self.announced(row)).collect();
        let key =
            |object: &Announced| object.ledger_key(object.etag.as_deref().unwrap_or_default());
        let keys: Vec<String> = objects.iter().map(key).collect();
        let known = are_known(context, &keys).await?;
        let mut unknown = Vec::with_capacity(objects.len());
        for (object, is_known) in objects.into_iter().zip(known) {
            if is_known {
                self.progress.known(object.size.unwrap_or(0));
                context.metrics.objects("known", 1);
            } else {
                unknown.push(object);
            }
        }
        Some(unknown)
    }

    fn announced(&self, (size, etag, key): Row) -> Announced {
        Announced {
            bucket: self.bucket.config.name.clone(),
            key,
            etag: Some(etag).filter(|etag| !etag.is_empty()),
            size: Some(size),
            asked: self.asked.clone(),
            ..Announced::default()
        }
    }

    /// Waits until what was found is told, for as long as the sinks get on with it. What is left then
    /// waits in the store.
    async fn until_told(&self, context: &SourceContext) {
        let (mut least, mut since) = (u64::MAX, Instant::now());
        while since.elapsed() < SINK_PATIENCE {
            match context.store.depths().await {
                Ok(depths) => {
                    let waiting = depths.iter().map(|depth| depth.waiting).sum();
                    self.progress.waiting.store(waiting, Ordering::Relaxed);
                    if waiting == 0 {
                        return;
                    }
                    if waiting < least {
                        (least, since) = (waiting, Instant::now());
                    }
                }
                Err(error) => warn!(%error, "cannot tell what still waits to be sent"),
            }
            if !pause(Duration::from_millis(200), &context.stop).await {
                return;
            }
        }
    }

    async fn room(
        &self,
        room: &Arc<Semaphore>,
        context: &SourceContext,
    ) -> Option<OwnedSemaphorePermit> {
        if self.is_over(context) {
            return None;
        }
        tokio::select! {
            biased;
            () = context.stop.cancelled() => None,
            // The semaphore is never closed.
            permit = Arc::clone(room).acquire_owned() => permit.ok(),
        }
    }

    fn is_over(&self, context: &SourceContext) -> bool {
        context.stop.is_cancelled() || self.progress.fatal().is_some()
    }

    /// One object to its end.
    async fn object(&self, context: &SourceContext, object: &Announced) {
        let size = object.size.unwrap_or(0);
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));
        loop {
            match self.attempt(context, object).await {
                Ok(Verdict::Done) => {
                    context.metrics.objects("done", 1);
                    return self.progress.done(size);
                }
                // Nothing of it was committed: the program is ending, or a worker had a defect.
                Ok(Verdict::GiveBack) => context.metrics.objects("given_back", 1),
                Err(fault) if fault.outcome == Outcome::Stopped => return,
                Err(fault) => {
                    let is_last = backoff.attempts() + 1 >= ATTEMPTS;
                    if !fault.outcome.is_transient() || is_last {
                        return self.refuse(context, object, &fault).await;
                    }
                }
            }
            if !backoff.wait(&context.stop).await || self.is_over(context) {
                return;
            }
        }
    }

    async fn attempt(&self, context: &SourceContext, object: &Announced) -> Result<Verdict, Fault> {
        let fetch = Fetch {
            bucket: &self.bucket,
            object,
            max_object: self.max_object,
            pace: Some(&self.pace),
        };
        let turn = self.pace.turn().await;
        if self.is_over(context) {
            return Err(Fault::new(Outcome::Stopped, "was stopped before it was read"));
        }
        context.metrics.in_flight(1);
        let fetched = fetch.run(context).await;
        context.metrics.in_flight(-1);
        drop(turn);
        let Some(Fetched { key, body, hold, .. }) = fetched? else { return Ok(Verdict::Done) };
        point("fetched", &key);
        let object = Object {
            key: Some(key),
            source: Arc::clone(&context.name),
            path: format!("s3://{}/{}", object.bucket, object.key),
            body,
            hold,
            asked: self.asked.clone(),
        };
        Ok(context.intake.object(object).await)
    }

    /// Notes what cannot be read, and that there is no sense in going on if everything is so.
    async fn refuse(&self, context: &SourceContext, object: &Announced, fault: &Fault) {
        let is_everywhere = matches!(
            fault.outcome,
            Outcome::NoBucket | Outcome::NoCredentials | Outcome::WrongRegion | Outcome::NoRoom
        );
        if is_everywhere {
            return self.end(&fault.detail);
        }
        debug!(source = %context.name, reason = fault.outcome.name(), %fault, "refused");
        let refused = Refused {
            // Not in the ledger: it is tried again when the job is.
            key: None,
            source: Arc::clone(&context.name),
            path: format!("s3://{}/{}", object.bucket, object.key),
            reason: fault.outcome.name(),
            detail: fault.detail.clone(),
            evidence: Vec::new(),
        };
        if context.intake.refused(refused).await == Verdict::GiveBack {
            return;
        }
        context.metrics.refused(fault.outcome.name());
        context.metrics.objects("refused", 1);
        let mut refused = self.progress.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let of = refused.entry(fault.outcome.name()).or_default();
        of.count += 1;
        if of.count == 1 {
            fault.detail.clone_into(&mut of.first);
        }
        drop(refused);
        self.progress.done(object.size.unwrap_or(0));
    }

    fn noted(&self, ended: Result<(), tokio::task::JoinError>) {
        let Err(defect) = ended else { return };
        if defect.is_panic() {
            error!(%defect, "a task of the replay ended by a defect");
            self.end("a defect of askance: see the log");
        }
    }

    /// Goes on no further, since it makes no sense.
    fn end(&self, why: &str) {
        let mut fatal = self.progress.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        fatal.get_or_insert_with(|| why.to_owned());
    }
}
