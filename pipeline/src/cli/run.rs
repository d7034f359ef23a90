//! `askance run`: sets the service up from its configuration, and ends it on a signal.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::open_store::{self, Access, Place};
use super::{code, eprintln_line};
use crate::aws::Aws;
use crate::baseline::{Follower, Rebuilder};
use crate::config::{self, Config, ConfigError, Loaded};
use crate::organization::Refresher;
use crate::runtime::clock::Clock;
use crate::runtime::plan::Plan;
use crate::runtime::rejects;
use crate::runtime::reload::Reloader;
use crate::runtime::retry::{Backoff, pause};
use crate::runtime::service::{Bounds, OpenSink, Service, Stops};
use crate::secrets::Secrets;
use crate::sinks::{self, RejectWriter, SinkContext};
use crate::sources::{self, Source};
use crate::store::{Store, StoreError};
use crate::telemetry::http::{listen, serve};
use crate::telemetry::{Families, Health, LogFormat, Part, start_logs};

/// What is told where there is no configuration yet.
const NO_CONFIGURATION: &str = "\
There is no configuration yet. In five steps:
  1. askance config example > askance.yaml     an example to begin with
  2. edit it: which queue or folder to read, which sinks to tell
  3. askance config check                      everything that is wrong with it, at once
  4. askance run                               reads, alerts, until Ctrl-C or SIGTERM
  5. curl 127.0.0.1:9464/readyz                is it well? and if not, why not";

/// Options of `askance run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "askance.yaml", env = "ASKANCE_CONFIG")]
    config: PathBuf,
    /// Leave rules with errors out, by name, instead of refusing to start
    #[arg(long)]
    keep_going: bool,
    /// How lines of the log look; ASKANCE_LOG chooses what is told (askance=debug,warn)
    #[arg(long, value_enum, default_value_t, env = "ASKANCE_LOG_FORMAT")]
    log_format: LogFormat,
}

/// Runs the service; answers the exit code.
pub fn run(args: &RunArgs) -> anyhow::Result<u8> {
    let loaded = match config::read(&args.config) {
        Ok(loaded) => loaded,
        Err(ConfigError::Read { path, source })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            eprintln_line(&format!(
                "askance: cannot read configuration {}: {source}",
                path.display()
            ));
            eprintln_line(NO_CONFIGURATION);
            return Ok(code::USE);
        }
        Err(error) => bail!(error),
    };
    if loaded.config.sources.is_empty() {
        bail!(
            "configuration {} names no sources, so there is nothing to read \
             (askance config example shows some)",
            loaded.path.display()
        );
    }
    if loaded.config.sinks.is_empty() {
        bail!(
            "configuration {} names no sinks, so nobody would be told \
             (at the least: sinks: {{log: {{type: stdout}}}})",
            loaded.path.display()
        );
    }
    start_logs(args.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(serve_until_stopped(loaded, args));
    // What still runs has had its time.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done.map(|()| code::OK)
}

async fn serve_until_stopped(loaded: Loaded, args: &RunArgs) -> anyhow::Result<()> {
    let config = &loaded.config;
    // First of all: a signal that comes while things are set up must not be the end.
    let stops = Stops::default();
    let reloads = listen_for_signals(&stops)?;
    let clock = Clock::system();
    let families = Families::new();
    let health = Health::default();
    health.trouble(Part::Start, "not everything is set up yet");
    families.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    for outcome in ["ok", "failed"] {
        families.config_reloads.with_label_values(&[outcome]);
    }
    families.config_is_current.set(1);
    let aws = Aws::new(&config.aws, &families);
    // Before the plan, which reads what it has been told.
    let refresher = match Refresher::of(config, &aws, &health, &families) {
        Some(refresher) => Some((refresher.first(&stops.stop).await, refresher)),
        None => None,
    };
    let follower = match Follower::of(config, &aws, (&families, &health)).await {
        Some(mut follower) => {
            follower.first().await;
            Some(follower)
        }
        None => None,
    };
    let baseline = follower.as_ref().map(Follower::held);
    let held = baseline.as_ref().and_then(|held| held.borrow().clone());
    let plan = Plan::build_with(config, &held, args.keep_going, clock.now())
        .with_context(|| format!("cannot use the rules of {}", loaded.path.display()))?;
    for warning in &plan.warnings {
        warn!(%warning, "configuration");
    }
    let (rules, routes) = (plan.detect.rules.rules.len(), plan.raise.routes.len());
    plan.tell(&families);
    let (plan, current) = watch::channel(Arc::new(plan));
    let sinks = open_sinks(config, &aws).await?;
    let rejects = match &config.rejects {
        Some(rejects) => {
            let context = sink_context(rejects::NAME, config, &aws);
            Some(RejectWriter::open(rejects, &context).await)
        }
        None => None,
    };
    let sources = open_sources(config, &aws).await?;
    let pages_stop = CancellationToken::new();
    let pages = start_pages(config, &families, &health, &pages_stop).await?;
    let opening = Opening { place: Place::of(config), aws: &aws, families: &families };
    let Some(store) = opening.until_open(&health, &stops.stop).await? else { return Ok(()) };
    let reloader = Reloader {
        started: loaded.clone(),
        keep_going: args.keep_going,
        plan,
        clock: clock.clone(),
        families: families.clone(),
        health: health.clone(),
        baseline,
    };
    let reloader = tokio::spawn(reloader.run(reloads, stops.stop.clone()));
    let put = Arc::new(Notify::new());
    let on_put = Arc::clone(&put);
    let on_put = Arc::new(move || on_put.notify_one());
    let told = (&families, &health);
    let rebuilder = Rebuilder::of(config, &aws, (&store, &clock), on_put, told).await;
    let rebuilder = rebuilder.map(|rebuilder| tokio::spawn(rebuilder.run(stops.stop.clone())));
    let follower = follower.map(|follower| tokio::spawn(follower.run(put, stops.stop.clone())));
    let refresher =
        refresher.map(|(wait, refresher)| tokio::spawn(refresher.run(wait, stops.stop.clone())));
    let service = Service {
        sources,
        sinks,
        rejects,
        store: store.clone(),
        current,
        clock,
        families: families.clone(),
        health: health.clone(),
        bounds: bounds(config),
    };
    info!(
        version = env!("CARGO_PKG_VERSION"),
        rules,
        routes,
        sources = config.sources.len(),
        sinks = config.sinks.len(),
        "running"
    );
    health.well(&Part::Start);
    notify(&[sd_notify::NotifyState::Ready]);
    let watchdog = tokio::spawn(feed_watchdog(health.clone(), stops.end_now.clone()));
    service.run(stops.clone()).await.context("cannot go on")?;
    stops.stop.cancel();
    stops.end_now.cancel();
    watchdog.abort();
    reloader.abort();
    refresher.iter().for_each(tokio::task::JoinHandle::abort);
    follower.iter().for_each(tokio::task::JoinHandle::abort);
    if let Some(rebuilder) = rebuilder {
        // It gives its turn back; else another replica would have to wait until its time is over.
        let _ = tokio::time::timeout(Duration::from_secs(2), rebuilder).await;
    }
    store.close().await;
    pages_stop.cancel();
    if let Some(pages) = pages {
        // It ends with its last answer; a client that keeps a connection open is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), pages).await;
    }
    info!("ended");
    Ok(())
}

/// The store, being opened.
struct Opening<'o> {
    place: Place,
    aws: &'o Aws,
    families: &'o Families,
}

impl Opening<'_> {
    /// Opens it. One that is elsewhere and cannot be reached is waited for: many replicas that start
    /// while it is away would else start and end again and again. `None` if told to stop meanwhile.
    ///
    /// # Errors
    /// When waiting would not help: a wrong table, a missing permission, a file that is in use.
    async fn until_open(
        &self,
        health: &Health,
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<Arc<dyn Store>>> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        loop {
            let opened = tokio::select! {
                () = stop.cancelled() => return Ok(None),
                opened = open_store::open(&self.place, Access::Service, self.aws, self.families) => opened,
            };
            let error = match opened {
                Ok(store) => {
                    if backoff.attempts() > 0 {
                        info!(attempts = backoff.attempts(), "the store can be reached");
                    }
                    health.well(&Part::Store);
                    return Ok(Some(store));
                }
                Err(error) => error,
            };
            let is_away = error.downcast_ref::<StoreError>().is_some_and(StoreError::is_transient);
            if !is_away || !self.place.is_elsewhere() {
                return Err(error);
            }
            self.families.store_errors.inc();
            health.trouble(Part::Store, error.to_string());
            warn!(attempts = backoff.attempts(), %error, "cannot begin without the store, will try again");
            // Longer than the longest wait and an attempt.
            notify(&[sd_notify::NotifyState::ExtendTimeoutUsec(120_000_000)]);
            if !backoff.wait(stop).await {
                return Ok(None);
            }
        }
    }
}

pub(super) fn bounds(config: &Config) -> Bounds {
    let limits = &config.limits;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Bounds {
        queue: limits.queue.0,
        workers: Some(limits.workers.unwrap_or(cores)),
        shutdown: limits.shutdown.0,
        give_up_after: limits.give_up_after.0,
        retention: Place::of(config).retention,
        settles_at_end: false,
    }
}

async fn open_sources(
    config: &Config,
    aws: &Aws,
) -> anyhow::Result<BTreeMap<String, Arc<dyn Source>>> {
    let mut opened = BTreeMap::new();
    for (name, source) in &config.sources {
        let source = sources::open(name, source, aws).await?;
        opened.insert(name.clone(), Arc::from(source));
    }
    Ok(opened)
}

/// Opens every sink, so that what is wrong with any of them is told before anything is read. What was
/// opened is the first that is handed out; later ones are opened anew.
pub(super) async fn open_sinks(
    config: &Config,
    aws: &Aws,
) -> anyhow::Result<BTreeMap<String, OpenSink>> {
    let mut openers = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, sink) in &config.sinks {
        let context = sink_context(name, config, aws);
        let first = match sinks::open(sink, &context).await {
            Ok(sink) => Some(sink),
            Err(error) if error.is_transient => {
                warn!(sink = %name, %error, "the sink cannot be set up yet");
                None
            }
            Err(error) => {
                faults.push(error.to_string());
                None
            }
        };
        let first = Mutex::new(first);
        let sink = Arc::new(sink.clone());
        let open: OpenSink = Arc::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (sink, context) = (Arc::clone(&sink), context.clone());
            Box::pin(async move {
                match first {
                    Some(opened) => Ok(opened),
                    None => sinks::open(&sink, &context).await,
                }
            })
        });
        openers.insert(name.clone(), open);
    }
    if faults.is_empty() { Ok(openers) } else { bail!(faults.join("\n")) }
}

pub(super) fn sink_context(name: &str, config: &Config, aws: &Aws) -> SinkContext {
    SinkContext {
        name: name.to_owned(),
        aws: aws.clone(),
        secrets: Secrets::new(aws.clone()),
        languages: config.alerts.languages.clone(),
    }
}

async fn start_pages(
    config: &Config,
    families: &Families,
    health: &Health,
    stop: &CancellationToken,
) -> anyhow::Result<Option<tokio::task::JoinHandle<std::io::Result<()>>>> {
    let Some(address) = config.metrics.listen else { return Ok(None) };
    let (listener, address) = listen(address)
        .await
        .with_context(|| format!("cannot listen on {address} (metrics.listen)"))?;
    info!(%address, "metrics and health");
    let serving = serve(listener, families.clone(), health.clone(), stop.clone());
    Ok(Some(tokio::spawn(serving)))
}

/// SIGTERM and Ctrl-C: the first finishes what is in hand, the second ends at once. SIGHUP reloads.
pub(super) fn listen_for_signals(stops: &Stops) -> anyhow::Result<mpsc::Receiver<()>> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let (ask, asked) = mpsc::channel(1);
    let stops = stops.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => {
                    // One that waits already is enough.
                    let _ = ask.try_send(());
                    continue;
                }
            }
            if stops.stop.is_cancelled() {
                warn!("told to stop again: ending at once, what is in hand is given back");
                stops.end_now.cancel();
                return;
            }
            info!("told to stop: finishing what is in hand (a second signal ends at once)");
            notify(&[sd_notify::NotifyState::Stopping]);
            stops.stop.cancel();
        }
    });
    Ok(asked)
}

/// Tells systemd, where it listens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell systemd");
    }
}

/// Tells systemd's watchdog that the program is alive, as long as it is.
async fn feed_watchdog(health: Health, stop: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    while pause(limit / 3, &stop).await {
        if health.why_dead().is_none() {
            notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}
