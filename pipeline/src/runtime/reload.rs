//! Takes over changed rules, routes and words while the service runs.
//!
//! A new plan replaces the old one as a whole; one that cannot be used leaves the old one where it is
//! and says so. Sources, sinks, store, metrics and limits stay as they were at the start.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use askance_stages::model::utc;
use jiff::civil::Date;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::clock::Clock;
use super::plan::Plan;
use super::retry::pause;
use crate::baseline::Held;
use crate::config::{self, BaselineConfig, Config, Loaded, ObjectAddress};
use crate::telemetry::{Families, Health, Part};

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Most files whose change is looked for.
const MAX_FILES: usize = 50_000;

/// Watches the configuration and what it names.
pub struct Reloader {
    /// The configuration as it was at the start.
    pub started: Loaded,
    /// Rules with errors are left out.
    pub keep_going: bool,
    /// Where the plan is put.
    pub plan: watch::Sender<Arc<Plan>>,
    /// The time of day.
    pub clock: Clock,
    /// Counters.
    pub families: Families,
    /// Told while the file on disk cannot be used.
    pub health: Health,
    /// The baseline, where it is an object: another one makes another plan.
    pub baseline: Option<watch::Receiver<Held>>,
}

impl Reloader {
    /// Looks for changes, and takes them over when asked through `asked`, until `stop` is set.
    pub async fn run(mut self, mut asked: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut inputs = inputs(&self.started.path, &self.started.config);
        let mut taken = fingerprint(&inputs);
        let mut seen = taken;
        let mut day = self.day();
        loop {
            let is_asked = tokio::select! {
                is_on = pause(LOOK_EVERY, &stop) => {
                    if !is_on {
                        return;
                    }
                    false
                }
                asked = asked.recv() => {
                    if asked.is_none() {
                        return;
                    }
                    true
                }
                () = another(&mut self.baseline) => true,
            };
            let now = fingerprint(&inputs);
            // A file that is being written is left until it has been the same twice.
            let is_settled = now == seen;
            seen = now;
            let is_over = self.day() != day && self.plan.borrow().has_ends;
            if !is_asked && !is_over && (now == taken || !is_settled) {
                continue;
            }
            day = self.day();
            taken = now;
            if let Some(config) = self.reload() {
                inputs = self::inputs(&self.started.path, &config);
                taken = fingerprint(&inputs);
                seen = taken;
            }
        }
    }

    /// The day in UTC: with the next one what has ended holds no more.
    fn day(&self) -> Date {
        utc(self.clock.now()).date()
    }

    /// Reads everything anew; answers the configuration that now holds.
    fn reload(&self) -> Option<Config> {
        let path = &self.started.path;
        let read = config::read(path).map_err(|error| error.to_string());
        let planned = read.and_then(|loaded| {
            self.fits(&loaded.config)?;
            let held = self.baseline.as_ref().and_then(|held| held.borrow().clone());
            let now = self.clock.now();
            let plan = Plan::build_with(&loaded.config, &held, self.keep_going, now);
            plan.map(|plan| (loaded.config, plan)).map_err(|error| error.to_string())
        });
        match planned {
            Ok((config, plan)) => {
                let (rules, routes) = (plan.detect.rules.rules.len(), plan.raise.routes.len());
                for warning in &plan.warnings {
                    warn!(%warning, "configuration");
                }
                plan.tell(&self.families);
                self.plan.send_replace(Arc::new(plan));
                self.families.config_reloads.with_label_values(&["ok"]).inc();
                let fixed = changed_for_good(&self.started.config, &config);
                if fixed.is_empty() {
                    self.families.config_is_current.set(1);
                    self.health.well(&Part::Config);
                    info!(rules, routes, "took over the changed configuration");
                } else {
                    let sections = fixed.join(", ");
                    self.families.config_is_current.set(0);
                    self.health.trouble(
                        Part::Config,
                        format!("changes of {sections} need a restart to take effect"),
                    );
                    warn!(rules, routes, %sections, "took over rules and routes; the sections named need a restart to take effect");
                }
                Some(config)
            }
            Err(why) => {
                self.families.config_reloads.with_label_values(&["failed"]).inc();
                self.families.config_is_current.set(0);
                self.health.trouble(
                    Part::Config,
                    format!("{} cannot be used, the old one still holds", path.display()),
                );
                for line in why.lines() {
                    error!(error = %line, "the changed configuration cannot be used, the old one still holds");
                }
                None
            }
        }
    }

    /// Routes may only lead to sinks that run, and a baseline only stand where one is read.
    fn fits(&self, config: &Config) -> Result<(), String> {
        if let (Some(object), None) = (object(config), &self.baseline) {
            return Err(format!("the baseline {object} is not read yet (restart the service)"));
        }
        let sinks = &self.started.config.sinks;
        let unknown: Vec<&str> = config
            .sinks
            .keys()
            .filter(|name| !sinks.contains_key(*name))
            .filter(|name| {
                config.routes.is_empty() || config.routes.iter().any(|r| r.to.contains(name))
            })
            .map(String::as_str)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let names = unknown.join(", ");
        Err(format!("routes lead to sinks that do not run yet: {names} (restart the service)"))
    }
}

/// Sections that differ and are only read at the start.
fn changed_for_good(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = |old: &dyn std::fmt::Debug, new: &dyn std::fmt::Debug| {
        format!("{old:?}") != format!("{new:?}")
    };
    [
        ("sources", differs(&old.sources, &new.sources)),
        ("sinks", differs(&old.sinks, &new.sinks)),
        ("rejects", differs(&old.rejects, &new.rejects)),
        ("store", differs(&old.store, &new.store)),
        ("metrics", differs(&old.metrics, &new.metrics)),
        ("limits", differs(&old.limits, &new.limits)),
        ("aws", differs(&old.aws, &new.aws)),
        ("enrich.accounts", differs(&old.enrich.accounts, &new.enrich.accounts)),
        ("alerts.languages", differs(&old.alerts.languages, &new.alerts.languages)),
        ("alerts.keep", differs(&old.alerts.keep, &new.alerts.keep)),
        ("enrich.baseline.rebuild", differs(&made(old), &made(new))),
        ("enrich.baseline.path", differs(&object(old), &object(new))),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// The baseline, where the service makes it.
fn made(config: &Config) -> Option<&BaselineConfig> {
    config.enrich.baseline.as_ref().filter(|baseline| baseline.rebuild.is_some())
}

/// Where the baseline stands in a bucket, if it does.
fn object(config: &Config) -> Option<ObjectAddress> {
    config.enrich.baseline.as_ref().and_then(BaselineConfig::object)
}

/// Waits for another baseline; for ever if none is read.
async fn another(held: &mut Option<watch::Receiver<Held>>) {
    let changed = match held {
        Some(held) => held.changed().await.is_ok(),
        None => false,
    };
    // Nobody reads it any more: the service is ending.
    if !changed {
        std::future::pending::<()>().await;
    }
}

fn inputs(path: &Path, config: &Config) -> Vec<PathBuf> {
    std::iter::once(path.to_owned()).chain(Plan::inputs(config)).collect()
}

/// Names, sizes and times of all files; what is gone changes it too.
fn fingerprint(inputs: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let files = inputs
        .iter()
        .flat_map(|input| walkdir::WalkDir::new(input).follow_links(true).sort_by_file_name());
    for entry in files.take(MAX_FILES) {
        match entry {
            Ok(entry) => {
                entry.path().hash(&mut hasher);
                if let Ok(metadata) = entry.metadata()
                    && metadata.is_file()
                {
                    metadata.len().hash(&mut hasher);
                    let time = metadata.modified().unwrap_or(UNIX_EPOCH);
                    time.duration_since(UNIX_EPOCH).unwrap_or_default().hash(&mut hasher);
                }
            }
            // What cannot be read is told when it is taken over.
            Err(error) => error.path().hash(&mut hasher),
        }
    }
    hasher.finish()
}
