//! A backtest on the past of a bucket: the objects of a replay, through the workers of the service,
//! and counted instead of kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use askance_stages::flow::Detect;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::{BacktestArgs, Ended, threads};
use crate::aws::Aws;
use crate::backtest::Comparison;
use crate::cli::eprintln_line;
use crate::cli::replay::{bucket, find, tell_plan, way};
use crate::cli::run::listen_for_signals;
use crate::config::Config;
use crate::replay::{Mode, Spec};
use crate::runtime::budget::Budget;
use crate::runtime::commit;
use crate::runtime::intake::Intake;
use crate::runtime::plan::Plan;
use crate::runtime::service::Stops;
use crate::runtime::workers::{self, Delivery};
use crate::sources::s3::{Bucket, Pace};
use crate::sources::s3_replay::{Address, Progress, Replay};
use crate::sources::{Source as _, SourceContext};
use crate::store::sqlite::SqliteStore;
use crate::telemetry::{Families, Health, LogFormat, SourceMetrics, start_quiet_logs};

/// Downloads at once, at most.
const CONCURRENCY: usize = 128;

/// Reads the bucket into the comparison.
pub fn read(
    args: &BacktestArgs,
    config: &Config,
    address: Address,
    detect: Detect,
    comparison: &mut Comparison<'_>,
) -> anyhow::Result<Ended> {
    start_quiet_logs(LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(read_bucket(args, config, address, detect, comparison))
}

async fn read_bucket(
    args: &BacktestArgs,
    config: &Config,
    address: Address,
    detect: Detect,
    comparison: &mut Comparison<'_>,
) -> anyhow::Result<Ended> {
    let spec = spec(args, address, &detect)?;
    let stops = Stops::default();
    let _reloads = listen_for_signals(&stops)?;
    let families = Families::new();
    let aws = Aws::new(&config.aws, &families);
    let named = bucket(config, &spec.address.bucket, &spec.way);
    let bucket = Arc::new(Bucket::named(named, &aws, aws.region().await).await);
    let folder = tempfile::tempdir().context("cannot make a folder for the listing")?;
    let listing = folder.path().join("listing.gz");
    let plan = find(&bucket, &spec, &listing, &stops.stop, args.quiet).await?;
    if !args.quiet {
        tell_plan(&plan, &spec, threads(args));
    }
    let progress = Arc::new(Progress::default());
    let replay = Replay {
        listing,
        bucket,
        max_object: config.limits.max_object.0,
        asked: None,
        pace: Arc::new(Pace::new(CONCURRENCY)),
        progress: Arc::clone(&progress),
    };
    let (intake, taken) = Intake::new(families.queue_objects.clone());
    let (deliveries, mut delivered) = mpsc::channel(commit::WAITING);
    let rules = Plan::of_rules(detect);
    let (_plan, current) = watch::channel(Arc::new(rules));
    let workers = workers::start(threads(args), &current, taken, &deliveries)
        .context("cannot start worker threads")?;
    drop(deliveries);
    let context = SourceContext {
        name: Arc::from("backtest"),
        intake,
        budget: Budget::new(config.limits.queue.0, families.queue_bytes.clone()),
        // Nothing is kept in it: a backtest is not gone on with.
        store: Arc::new(SqliteStore::open(&folder.path().join("ledger.db")).await?),
        stop: stops.stop.clone(),
        metrics: SourceMetrics::new(&families, "backtest"),
        health: Health::default(),
    };
    let reading = tokio::spawn(async move { replay.run(context).await });
    while let Some(delivery) = delivered.recv().await {
        take(delivery, comparison);
    }
    drop(workers);
    reading.await.context("the bucket could not be read")??;
    if let Some(why) = progress.fatal() {
        bail!(why);
    }
    let mut unread = plan.unlisted_count;
    for (reason, one) in progress.refused() {
        unread += one.count;
        if !args.quiet {
            let count = one.count;
            let line = format!("could not be fetched: {count} {reason}; the first: {}", one.first);
            eprintln_line(&line);
        }
    }
    let is_whole = progress.objects.load(Ordering::Relaxed) >= plan.objects;
    if !is_whole && !stops.stop.is_cancelled() {
        bail!("ended before everything was read: start it again");
    }
    Ok(Ended { was_interrupted: !is_whole, unread })
}

fn spec(args: &BacktestArgs, address: Address, detect: &Detect) -> anyhow::Result<Spec> {
    let filter = &detect.config.filter;
    let Some(from) = filter.from else {
        bail!("--from is missing: how far back in the bucket is read, such as 30d or 2026-03-01");
    };
    let to = filter.to.unwrap_or_else(Timestamp::now);
    Ok(Spec {
        address,
        from: from.to_string(),
        to: to.to_string(),
        written: (from.to_string(), None),
        accounts: filter.accounts.clone(),
        regions: filter.regions.clone(),
        rules: Vec::new(),
        builtin: false,
        placeholders: Vec::new(),
        keep_going: false,
        config: None,
        way: way(&args.way),
        mode: Mode::Report,
    })
}

fn take(delivery: Delivery, comparison: &mut Comparison<'_>) {
    let Delivery { key, alerts, entries, end, .. } = delivery;
    for alert in alerts {
        comparison.alert(alert);
    }
    for entry in entries {
        comparison.entry(entry);
    }
    let Some(end) = end else { return };
    if let Some(tally) = &end.tally {
        // The key is the address and the ETag, which has no `#`.
        let address = key.as_deref().and_then(|key| key.rsplit_once('#')).map(|(path, _)| path);
        comparison.end(address.unwrap_or_default(), tally);
    }
    end.ack.done();
}
