//! `askance replay`: the past of a bucket, through the same rules as what comes.

mod args;
mod find;
mod jobs;
mod prepare;
mod progress;
mod read;
mod report;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use askance_stages::model::Reason;
use jiff::Timestamp;

pub use args::{ReplayArgs, WayArgs};
pub use find::{find, tell as tell_plan};
pub use prepare::{bucket, way};

use args::ReplayCommand;
use progress::Bar;
use read::Reading;
use report::Outcome;

use super::run::listen_for_signals;
use super::{code, eprintln_line};
use crate::aws::{Aws, Place};
use crate::config::Config;
use crate::replay::{Done, EnqueueError, Enqueuer, Job, Mode, Plan, Spec, fingerprint};
use crate::runtime::plan::Plan as RulePlan;
use crate::runtime::service::Stops;
use crate::sources::s3::{Bucket, Pace};
use crate::sources::s3_replay::{ListError, Progress, Replay};
use crate::sources::{Asked, region_of_queue};
use crate::store::Store;
use crate::telemetry::{Families, start_quiet_logs};

/// Does what was said; answers the exit code.
pub fn replay(args: &ReplayArgs) -> anyhow::Result<u8> {
    if let Some(ReplayCommand::Jobs { name, json, jobs }) = &args.command {
        return jobs::jobs(&jobs.folder()?, name.as_deref(), *json);
    }
    start_quiet_logs(args.log_format);
    let folder = args.jobs.folder()?;
    let (name, spec) = prepare::job(args, &folder)?;
    let config = prepare::config(&spec)?;
    let rules = match spec.mode {
        Mode::Queue { .. } => None,
        Mode::Report | Mode::Sinks => Some(prepare::plan(&spec, &config)?),
    };
    for warning in rules.iter().flat_map(|plan| &plan.warnings) {
        eprintln_line(&format!("askance: warning: {warning}"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let run = Run { args, config, threads: threads(args), families: Families::new() };
    let code = if args.dry_run {
        runtime.block_on(run.dry(&spec))?
    } else {
        if args.restart {
            Job::forget(&folder, &name)?;
        }
        let print = rules.as_ref().map(|plan| fingerprint(&plan.detect.rules));
        let mut job = Job::open(&folder, &name, spec, print.unwrap_or_default())?;
        let ended = runtime.block_on(run.job(&mut job, rules))?;
        run.tell(&mut job, ended)?
    };
    // What still runs has had its time.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

fn threads(args: &ReplayArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    args.threads.map_or_else(cores, usize::from)
}

/// What a command runs with.
struct Run<'r> {
    args: &'r ReplayArgs,
    config: Config,
    threads: usize,
    families: Families,
}

/// How reading ended.
struct Ended {
    store: Arc<dyn Store>,
    progress: Arc<Progress>,
    slowed: u64,
    took: Duration,
    was_stopped: bool,
}

impl Run<'_> {
    async fn bucket(&self, spec: &Spec, aws: &Aws) -> Bucket {
        let config = prepare::bucket(&self.config, &spec.address.bucket, &spec.way);
        Bucket::named(config, aws, aws.region().await).await
    }

    /// Lists, says what was found, and reads nothing.
    async fn dry(&self, spec: &Spec) -> anyhow::Result<u8> {
        let aws = Aws::new(&self.config.aws, &self.families);
        let bucket = self.bucket(spec, &aws).await;
        let stops = Stops::default();
        let _reloads = listen_for_signals(&stops)?;
        let folder = tempfile::tempdir().context("cannot make a folder for the listing")?;
        let listing = folder.path().join("listing.gz");
        let found = find::find(&bucket, spec, &listing, &stops.stop, self.args.quiet).await;
        let Some(plan) = not_stopped(found)? else { return Ok(code::INTERRUPTED) };
        find::tell(&plan, spec, self.threads);
        Ok(self.code(plan.unlisted_count > 0))
    }

    /// Lists, if that was not done before, and reads; `None` if it was stopped while listing.
    async fn job(&self, job: &mut Job, rules: Option<RulePlan>) -> anyhow::Result<Option<Ended>> {
        let stops = Stops::default();
        // Kept: a SIGHUP has no meaning here, and must not be the end.
        let _reloads = listen_for_signals(&stops)?;
        let aws = Aws::new(&self.config.aws, &self.families);
        let bucket = self.bucket(&job.state.spec, &aws).await;
        let (spec, quiet) = (job.state.spec.clone(), self.args.quiet);
        let plan = match &job.state.plan {
            Some(plan) => plan.clone(),
            None => {
                let found = find::find(&bucket, &spec, &job.listing(), &stops.stop, quiet).await;
                let Some(plan) = not_stopped(found)? else { return Ok(None) };
                job.state.plan = Some(plan.clone());
                job.save()?;
                plan
            }
        };
        if !quiet {
            find::tell(&plan, &spec, self.threads);
        }
        let store = read::store(job, &self.config, &aws, &self.families).await?;
        let progress = Arc::new(Progress::default());
        let pace = Arc::new(Pace::new(usize::from(self.args.concurrency)));
        let began = Instant::now();
        let bar = Bar::follow(&plan, &progress, !quiet);
        let (job_name, filter) = (job.name.clone(), prepare::filter(&spec)?);
        let asked = Asked { job: job_name, is_historic: spec.mode != Mode::Report, filter };
        match (&spec.mode, rules) {
            (Mode::Queue { url }, _) => {
                let region =
                    region_of_queue(url).map_err(|why| anyhow!("--enqueue {url} {why}"))?;
                let place = Place { region, role: None };
                let enqueuer = Enqueuer {
                    client: aws.sqs(&place).await,
                    queue_url: url.clone(),
                    bucket: spec.address.bucket.clone(),
                    asked,
                    listing: job.listing(),
                    store: store.clone(),
                    progress: Arc::clone(&progress),
                    stop: stops.stop.clone(),
                };
                match enqueuer.run().await {
                    Ok(()) | Err(EnqueueError::Stopped) => {}
                    Err(error) => bail!(error),
                }
            }
            (mode, Some(rules)) => {
                let replay = Replay {
                    listing: job.listing(),
                    bucket: Arc::new(bucket),
                    max_object: self.config.limits.max_object.0,
                    asked: Some(Arc::new(asked)),
                    pace: Arc::clone(&pace),
                    progress: Arc::clone(&progress),
                };
                let reading = Reading {
                    config: &self.config,
                    aws: &aws,
                    families: &self.families,
                    threads: Some(self.threads),
                    stops: &stops,
                };
                reading.run(replay, rules, store.clone(), mode).await?;
            }
            (Mode::Report | Mode::Sinks, None) => bail!("there are no rules to read with"),
        }
        drop(bar);
        store.close().await;
        let was_stopped = stops.stop.is_cancelled();
        let (slowed, took) = (pace.slowed(), began.elapsed());
        Ok(Some(Ended { store, progress, slowed, took, was_stopped }))
    }

    /// Says what was done, and notes the end of a job that is done.
    fn tell(&self, job: &mut Job, ended: Option<Ended>) -> anyhow::Result<u8> {
        let go_on = format!("job {}: start it again to go on where it was", job.name);
        let Some(ended) = ended else {
            eprintln_line(&format!("interrupted while listing; {go_on}"));
            return Ok(code::INTERRUPTED);
        };
        let plan = job.state.plan.clone().unwrap_or_default();
        let objects = ended.progress.objects.load(Ordering::Relaxed);
        if let Some(why) = ended.progress.fatal() {
            bail!("{why}\n{go_on}");
        }
        let how_far = format!("{objects} of {} objects are done", plan.objects);
        // Also where all were read: what they hold together may not be told yet.
        if ended.was_stopped {
            eprintln_line(&format!("interrupted: {how_far}; {go_on}"));
            return Ok(code::INTERRUPTED);
        }
        if objects < plan.objects {
            bail!("ended before everything was read: {how_far}; {go_on}");
        }
        let mut outcome = Outcome {
            objects,
            bytes: ended.progress.bytes.load(Ordering::Relaxed),
            known: ended.progress.known_count(),
            refused: ended.progress.refused(),
            waiting: ended.progress.waiting.load(Ordering::Relaxed),
            slowed: ended.slowed,
            ..Outcome::default()
        };
        if job.state.spec.mode == Mode::Report {
            outcome.alerts = Some(report::alerts(self.args, ended.store.as_ref())?);
            let is_damage = |reason: &str| Reason::ALL.iter().any(|one| one.name() == reason);
            outcome.damaged = report::damaged(ended.store.as_ref(), is_damage)?;
        }
        let refused = outcome.refused.iter();
        job.end(Done {
            at: Timestamp::now().to_string(),
            objects,
            alerts: outcome.alert_count(),
            refused: refused.map(|(reason, one)| ((*reason).to_owned(), one.count)).collect(),
        })?;
        if !self.args.quiet {
            eprintln_line(&outcome.write(&job.name, &plan, ended.took));
        }
        Ok(self.code(outcome.has_gaps() || plan.unlisted_count > 0))
    }

    fn code(&self, has_gaps: bool) -> u8 {
        if has_gaps && !self.args.allow_unreadable { code::UNREADABLE } else { code::OK }
    }
}

/// `None` if it was told to stop.
fn not_stopped(found: anyhow::Result<Plan>) -> anyhow::Result<Option<Plan>> {
    match found {
        Ok(plan) => Ok(Some(plan)),
        Err(error) => match error.downcast_ref::<ListError>() {
            Some(ListError::Stopped) => Ok(None),
            Some(_) | None => Err(error),
        },
    }
}
