//! What is asked for, as a job knows it, and the configuration that it runs with.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use askance_stages::filter::FilterConfig;
use askance_stages::model::hex;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::args::{ReplayArgs, WayArgs};
use crate::cli::fetch_baseline::fetch_baseline;
use crate::cli::times;
use crate::config::{self, BucketConfig, Config, SourceConfig};
use crate::replay::{Job, JobError, Mode, Spec, State, Way};
use crate::runtime::plan::Plan;

/// The job's name and what it is to do. A job that was begun keeps its times: `30d` is counted from
/// when it was made.
pub fn job(args: &ReplayArgs, folder: &Path) -> anyhow::Result<(String, Spec)> {
    let Some(address) = &args.url else {
        // clap has seen to it that there is a name.
        let name = args.job.clone().unwrap_or_default();
        let is_more_asked = args.from.is_some()
            || args.to.is_some()
            || args.to_sinks
            || args.enqueue.is_some()
            || ![&args.account, &args.region].iter().all(|list| list.is_empty())
            || !args.rules.rule_paths.is_empty();
        if is_more_asked && Job::look(folder, &name).is_ok() {
            bail!(
                "job {name} goes on with what it was made for: leave the other options out, or write \
                 the whole command with the address of the bucket"
            );
        }
        let state = Job::look(folder, &name)?;
        return Ok((name, state.spec));
    };
    let Some(written_from) = args.from.clone() else {
        bail!("--from is missing: how far back is read, such as 30d or 2026-03-01");
    };
    let written = (written_from, args.to.clone());
    let now = Timestamp::now();
    let (from, to) = times::range(Some(&written.0), written.1.as_deref(), now)?;
    let (from, to) = (from.unwrap_or(now), to.unwrap_or(now));
    if from >= to {
        bail!("--from {from} is not in the past: there is nothing to read yet");
    }
    let mode = match &args.enqueue {
        Some(url) => Mode::Queue { url: url.clone() },
        None if args.to_sinks => Mode::Sinks,
        None => Mode::Report,
    };
    let mut spec = Spec {
        address: address.clone(),
        from: from.to_string(),
        to: to.to_string(),
        written,
        accounts: args.account.clone(),
        regions: args.region.clone(),
        rules: absolute(&args.rules.rule_paths)?,
        builtin: args.rules.builtin,
        placeholders: absolute(&args.rules.placeholders)?,
        keep_going: args.rules.keep_going,
        config: args.config.as_ref().map(std::path::absolute).transpose()?,
        way: way(&args.way),
        mode,
    };
    let name = args.job.clone().unwrap_or_else(|| name_of(&spec));
    match Job::look(folder, &name) {
        // The same command again goes on with a job that is not done, and begins one anew that is.
        Ok(State { done: Some(_), .. }) if args.job.is_none() => {
            if !args.dry_run {
                Job::forget(folder, &name)?;
            }
        }
        Ok(state) if !args.restart && state.spec.written == spec.written => {
            (spec.from, spec.to) = (state.spec.from, state.spec.to);
        }
        Ok(_) | Err(JobError::Missing { .. }) => {}
        Err(error) => bail!(error),
    }
    Ok((name, spec))
}

/// How a bucket is reached, as the command line says.
pub fn way(args: &WayArgs) -> Way {
    Way {
        region: args.bucket_region.clone(),
        role_arn: args.role_arn.clone(),
        requester_pays: args.requester_pays,
    }
}

/// A name that the same command gives again.
fn name_of(spec: &Spec) -> String {
    let same = format!(
        "{} {:?} {:?} {:?} {:?} {:?} {} {:?}",
        spec.address,
        spec.written,
        spec.accounts,
        spec.regions,
        spec.mode,
        spec.rules,
        spec.builtin,
        spec.config,
    );
    let hash = Sha256::digest(same.as_bytes());
    let digits = hex(&hash[..4]);
    let bucket: String = spec.address.bucket.chars().take(40).collect();
    format!("{}-{digits}", bucket.replace([':'], "-").trim_start_matches('.'))
}

fn absolute(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    paths
        .iter()
        .map(|path| {
            std::path::absolute(path)
                .with_context(|| format!("cannot tell where {} is", path.display()))
        })
        .collect()
}

/// The configuration with what the command line puts in its place.
pub fn config(spec: &Spec) -> anyhow::Result<Config> {
    let mut config = match &spec.config {
        Some(path) => config::read(path)?.config,
        None => Config::default(),
    };
    if !spec.rules.is_empty() {
        config.rules.paths.clone_from(&spec.rules);
        config.rules.builtin = Some(spec.builtin);
    } else if spec.builtin {
        config.rules.builtin = Some(true);
    }
    config.rules.placeholders.extend(spec.placeholders.iter().cloned());
    match spec.mode {
        Mode::Sinks if config.sinks.is_empty() => bail!(
            "the configuration names no sinks, so nobody would be told: leave --to-sinks out for a \
             report, or name sinks in it"
        ),
        Mode::Sinks => {}
        // Nothing of a report goes to people, is held back, or counts as told.
        Mode::Report | Mode::Queue { .. } => {
            config.sinks.clear();
            config.routes.clear();
            config.rejects = None;
            config.alerts.suppress.clear();
            config.alerts.rate_cap = None;
        }
    }
    Ok(config)
}

/// Rules and routes. Which events count is asked of alerts, not of all records ([`crate::sources::Asked`]): looking at
/// the time of each would cost a quarter of the reading.
pub fn plan(spec: &Spec, config: &Config) -> anyhow::Result<Plan> {
    let held = fetch_baseline(config)?;
    let mut plan = Plan::build_with(config, &held, spec.keep_going, Timestamp::now())
        .context("cannot use the rules of the replay")?;
    // What the command line says is instead of what is written.
    let (asked, written) = (filter(spec)?, &mut plan.detect.config.filter);
    if !asked.accounts.is_empty() {
        written.accounts.clear();
    }
    if !asked.regions.is_empty() {
        written.regions.clear();
    }
    Ok(plan)
}

/// Which events are asked for.
pub fn filter(spec: &Spec) -> anyhow::Result<FilterConfig> {
    spec.filter().map_err(anyhow::Error::msg)
}

/// The bucket as the configuration's sources name it, if one does, and as the command line says.
pub fn bucket(config: &Config, name: &str, way: &Way) -> BucketConfig {
    let named = config.sources.values().find_map(|source| match source {
        SourceConfig::S3Queue(queue) => {
            queue.buckets.iter().find(|bucket| bucket.name == name).cloned()
        }
        SourceConfig::Kinesis(_) | SourceConfig::Directory(_) | SourceConfig::Stdin(_) => None,
    });
    let mut bucket = named.unwrap_or_else(|| BucketConfig::of_name(name));
    bucket.region = way.region.clone().or(bucket.region);
    if way.role_arn.is_some() {
        bucket.role_arn.clone_from(&way.role_arn);
        bucket.external_id = None;
    }
    bucket.requester_pays |= way.requester_pays;
    bucket
}
