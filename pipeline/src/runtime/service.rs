//! The service: joins sources, workers, store and sinks, and ends them in order.
//!
//! What ends first is what brings in; what was taken is finished within a limit, and what is not is
//! given back. Sinks are the last to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use askance_stages::enrich::Sessions;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::budget::Budget;
use super::clock::Clock;
use super::commit::{self, Committer};
use super::deliver::{Deliverer, watch_depths};
use super::intake::Intake;
use super::plan::Current;
use super::rejects::{self, RejectDeliverer};
use super::retry::{Backoff, pause};
use super::workers;
use crate::sinks::{RejectWriter, Sink, SinkError};
use crate::sources::{Source, SourceContext};
use crate::store::{Retention, Store};
use crate::telemetry::{Counter, Families, Health, Part, SinkMetrics, SourceMetrics};

/// How often the store is looked through for what is older than it is kept.
const COMPACT_EVERY: Duration = Duration::from_secs(3600);

/// Opens a sink; asked again for as long as it fails.
pub type OpenSink = Arc<
    dyn Fn() -> futures::future::BoxFuture<'static, Result<Box<dyn Sink>, SinkError>> + Send + Sync,
>;

/// Everything that the service is made of.
pub struct Service {
    /// By name in the configuration.
    pub sources: BTreeMap<String, Arc<dyn Source>>,
    /// By name in the configuration.
    pub sinks: BTreeMap<String, OpenSink>,
    /// Where what could not be read is written to, besides the store.
    pub rejects: Option<RejectWriter>,
    /// Where the state is.
    pub store: Arc<dyn Store>,
    /// Rules and routes.
    pub current: Current,
    /// The time of day.
    pub clock: Clock,
    /// Counters.
    pub families: Families,
    /// What is well and what is not.
    pub health: Health,
    /// Bounds and times.
    pub bounds: Bounds,
}

/// Bounds and times of a service.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of objects in memory.
    pub queue: u64,
    /// Threads that match; none: on the tasks themselves, for tests.
    pub workers: Option<usize>,
    /// How long is waited at the end for what is in hand.
    pub shutdown: Duration,
    /// After this age a message is put with the dead letters.
    pub give_up_after: Duration,
    /// How long things are kept.
    pub retention: Retention,
    /// All correlations are told of at the end of the input: it is a replay of its own.
    pub settles_at_end: bool,
}

/// How the service is told to end.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// Finish what is in hand, then end.
    pub stop: CancellationToken,
    /// End at once.
    pub end_now: CancellationToken,
}

impl Service {
    /// Runs until told to stop, or until all sources have come to their end.
    ///
    /// # Errors
    /// When threads cannot be started, or the committer failed.
    pub async fn run(mut self, stops: Stops) -> std::io::Result<()> {
        let rejects = self.rejects.take();
        let families = &self.families;
        let (intake, taken) = Intake::new(families.queue_objects.clone());
        let budget = Budget::new(self.bounds.queue, families.queue_bytes.clone());
        families.queue_capacity.set(i64::try_from(budget.capacity()).unwrap_or(i64::MAX));
        let (deliveries, delivered) = mpsc::channel(commit::WAITING);
        let (committed, on_commit) = watch::channel(0u64);
        let mut inline = JoinSet::new();
        let mut threads = Vec::new();
        match self.bounds.workers {
            Some(count) => {
                threads = workers::start(count, &self.current, taken, &deliveries)?;
                families.workers.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
            None => {
                inline.spawn(workers::run_inline(self.current.clone(), taken, deliveries.clone()));
            }
        }
        // The committer ends when the last worker has dropped its end.
        drop(deliveries);
        let committer = Committer {
            store: Arc::clone(&self.store),
            current: self.current.clone(),
            clock: self.clock.clone(),
            families: families.clone(),
            counter: Counter::new(families),
            health: self.health.clone(),
            end_now: stops.end_now.clone(),
            committed,
            settles_at_end: self.bounds.settles_at_end,
            stop: stops.stop.clone(),
            look_at: Some(tokio::time::Instant::now()),
            sessions: Sessions::default(),
        };
        let mut committer = tokio::spawn(committer.run(delivered));
        let sinks_stop = CancellationToken::new();
        let helpers_stop = CancellationToken::new();
        let mut sinks = self.start_sinks(&on_commit, &sinks_stop, &stops.end_now);
        if let Some(writer) = rejects {
            sinks.spawn(self.rejecting(writer, on_commit, sinks_stop.clone()).run());
        }
        let mut helpers = self.start_helpers(&helpers_stop);
        let mut sources = self.start_sources(&intake, &budget, &stops.stop);

        // One intake is kept until it is seen that the sources have ended: without it the committer
        // could end a moment before that, which would look like a failure.
        self.wait_for_sources(&mut sources, &mut committer, &stops).await?;
        // With the last intake workers end, then the committer.
        drop(intake);
        let is_finished = self.finish(committer, &stops).await;
        sinks_stop.cancel();
        let limit = if is_finished { self.bounds.shutdown } else { Duration::from_secs(1) };
        let sent = tokio::time::timeout(limit, join_all(&mut sinks)).await;
        if sent.is_err() {
            warn!("a sink did not end in time; its messages are in the store and go out later");
        }
        stops.end_now.cancel();
        sinks.shutdown().await;
        helpers_stop.cancel();
        join_all(&mut helpers).await;
        inline.shutdown().await;
        // Threads that still work on an object hold nothing that is not given back.
        drop(threads);
        Ok(())
    }

    /// Waits until the sources have ended, by themselves or because they were told to.
    async fn wait_for_sources(
        &self,
        sources: &mut JoinSet<()>,
        committer: &mut tokio::task::JoinHandle<()>,
        stops: &Stops,
    ) -> std::io::Result<()> {
        tokio::select! {
            () = join_all(sources) => {
                if !stops.stop.is_cancelled() {
                    info!("all sources have come to their end");
                }
                return Ok(());
            }
            () = stops.stop.cancelled() => {}
            ended = committer => {
                // Without it nothing is acknowledged and nothing told: only a new start helps.
                let why = ended.err().map_or("it ended".to_owned(), |error| error.to_string());
                let why = format!("the committer failed, which is a defect: {why}");
                self.health.dead(why.clone());
                return Err(std::io::Error::other(why));
            }
        }
        tokio::select! {
            () = join_all(sources) => {}
            () = tokio::time::sleep(self.bounds.shutdown) => {
                warn!("not all that is in hand was finished in time: it is given back");
            }
            () = stops.end_now.cancelled() => {}
        }
        sources.shutdown().await;
        Ok(())
    }

    /// Waits for the committer; false if it had to be cut short.
    async fn finish(&self, committer: tokio::task::JoinHandle<()>, stops: &Stops) -> bool {
        let mut committer = committer;
        let is_done = tokio::select! {
            done = &mut committer => {
                if let Err(error) = done {
                    error!(%error, "the committer failed");
                }
                true
            }
            () = tokio::time::sleep(self.bounds.shutdown) => false,
            () = stops.end_now.cancelled() => false,
        };
        if !is_done {
            stops.end_now.cancel();
            committer.abort();
        }
        is_done
    }

    fn start_sources(
        &self,
        intake: &Intake,
        budget: &Budget,
        stop: &CancellationToken,
    ) -> JoinSet<()> {
        let mut set = JoinSet::new();
        for (name, source) in &self.sources {
            let context = SourceContext {
                name: Arc::from(name.as_str()),
                intake: intake.clone(),
                budget: budget.clone(),
                store: Arc::clone(&self.store),
                stop: stop.clone(),
                metrics: SourceMetrics::new(&self.families, name),
                health: self.health.clone(),
            };
            set.spawn(keep_running(Arc::clone(source), context));
        }
        set
    }

    fn start_sinks(
        &self,
        on_commit: &watch::Receiver<u64>,
        stop: &CancellationToken,
        end_now: &CancellationToken,
    ) -> JoinSet<()> {
        let mut set = JoinSet::new();
        for (name, open) in &self.sinks {
            let opening = Opening {
                name: name.clone(),
                open: Arc::clone(open),
                metrics: SinkMetrics::new(&self.families, name),
                health: self.health.clone(),
                stop: stop.clone(),
            };
            let deliverer = DelivererParts {
                store: Arc::clone(&self.store),
                current: self.current.clone(),
                clock: self.clock.clone(),
                families: self.families.clone(),
                give_up_after: self.bounds.give_up_after,
                committed: on_commit.clone(),
                end_now: end_now.clone(),
            };
            set.spawn(async move {
                if let Some(sink) = opening.until_open().await {
                    deliverer.with(opening, sink).run().await;
                }
            });
        }
        set
    }

    fn rejecting(
        &self,
        writer: RejectWriter,
        committed: watch::Receiver<u64>,
        stop: CancellationToken,
    ) -> RejectDeliverer {
        RejectDeliverer {
            writer,
            store: Arc::clone(&self.store),
            metrics: SinkMetrics::new(&self.families, rejects::NAME),
            health: self.health.clone(),
            committed,
            stop,
        }
    }

    /// What runs beside: the outbox's depth, and letting go of what is old.
    fn start_helpers(&self, stop: &CancellationToken) -> JoinSet<()> {
        let mut set = JoinSet::new();
        let metrics = self
            .sinks
            .keys()
            .map(|name| (name.clone(), SinkMetrics::new(&self.families, name)))
            .collect();
        set.spawn(watch_depths(
            Arc::clone(&self.store),
            metrics,
            self.families.clone(),
            self.clock.clone(),
            stop.clone(),
        ));
        let (store, clock, stop) = (Arc::clone(&self.store), self.clock.clone(), stop.clone());
        let retention = self.bounds.retention;
        set.spawn(async move {
            // Not at the start: a program that restarts often would do little else.
            while pause(COMPACT_EVERY, &stop).await {
                match store.upkeep(retention, clock.now()).await {
                    Ok(0) => {}
                    Ok(rows) => info!(rows, "let go of what is older than it is kept"),
                    Err(error) => warn!(%error, "cannot let go of what is old, will try again"),
                }
            }
        });
        set
    }
}

/// Waits for every task of a set; a task that failed is told.
async fn join_all(set: &mut JoinSet<()>) {
    while let Some(done) = set.join_next().await {
        if let Err(error) = done
            && error.is_panic()
        {
            error!(%error, "a task failed, which is a defect; the others go on");
        }
    }
}

/// Runs a source, and again after a pause when it fails.
async fn keep_running(source: Arc<dyn Source>, context: SourceContext) {
    let part = Part::Source(context.name.to_string());
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    loop {
        match source.run(context.clone()).await {
            Ok(()) => return,
            Err(failure) => {
                error!(source = %context.name, error = %failure, "the source ended, will begin again");
                context.metrics.down();
                context.health.trouble(part.clone(), failure.to_string());
            }
        }
        if !backoff.wait(&context.stop).await {
            return;
        }
    }
}

/// A sink being opened.
struct Opening {
    name: String,
    open: OpenSink,
    metrics: SinkMetrics,
    health: Health,
    stop: CancellationToken,
}

impl Opening {
    /// Tries until it goes well; `None` when the program ends before.
    async fn until_open(&self) -> Option<Box<dyn Sink>> {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        loop {
            match (self.open)().await {
                Ok(sink) => return Some(sink),
                Err(failure) => {
                    warn!(sink = %self.name, error = %failure, "cannot set up the sink, will try again; its messages wait in the store");
                    self.metrics.failed("down");
                    self.health.trouble(Part::Sink(self.name.clone()), failure.to_string());
                }
            }
            if !backoff.wait(&self.stop).await {
                return None;
            }
        }
    }
}

struct DelivererParts {
    store: Arc<dyn Store>,
    current: Current,
    clock: Clock,
    families: Families,
    give_up_after: Duration,
    committed: watch::Receiver<u64>,
    end_now: CancellationToken,
}

impl DelivererParts {
    fn with(self, opening: Opening, sink: Box<dyn Sink>) -> Deliverer {
        Deliverer {
            name: opening.name,
            sink,
            store: self.store,
            current: self.current,
            clock: self.clock,
            metrics: opening.metrics,
            families: self.families,
            health: opening.health,
            give_up_after: self.give_up_after,
            committed: self.committed,
            stop: opening.stop,
            end_now: self.end_now,
        }
    }
}
