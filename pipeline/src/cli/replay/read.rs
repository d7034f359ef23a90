//! Reads what a listing names: through the same service as `askance run`, with the bucket's past as
//! its only source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::watch;

use crate::aws::Aws;
use crate::cli::open_store::{self, Access, Place};
use crate::cli::run::{bounds, open_sinks, sink_context};
use crate::config::Config;
use crate::replay::{Job, Mode};
use crate::runtime::clock::Clock;
use crate::runtime::plan::Plan;
use crate::runtime::rejects;
use crate::runtime::service::{Bounds, Service, Stops};
use crate::sinks::RejectWriter;
use crate::sources::Source;
use crate::sources::s3_replay::Replay;
use crate::store::sqlite::SqliteStore;
use crate::store::{Retention, Store};
use crate::telemetry::{Families, Health};

/// A job's store is kept until the job is taken away.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The name of the source, in counters and rejects.
pub const SOURCE: &str = "replay";

/// Where what is read is noted: the job's own store, or the configuration's.
pub async fn store(
    job: &Job,
    config: &Config,
    aws: &Aws,
    families: &Families,
) -> anyhow::Result<Arc<dyn Store>> {
    if job.state.spec.mode != Mode::Sinks {
        return Ok(Arc::new(SqliteStore::open_for_job(&job.store()).await?));
    }
    open_store::open(&Place::of(config), Access::Service, aws, families).await.context(
        "cannot tell people by the configuration's store (while `askance run` uses it, hand the \
         replay to it with --enqueue)",
    )
}

/// What a replay reads with.
pub struct Reading<'r> {
    /// The configuration.
    pub config: &'r Config,
    /// Where AWS is.
    pub aws: &'r Aws,
    /// Counters.
    pub families: &'r Families,
    /// Worker threads; `None`: as configured.
    pub threads: Option<usize>,
    /// How it is told to end.
    pub stops: &'r Stops,
}

impl Reading<'_> {
    /// Reads everything, or until told to stop.
    pub async fn run(
        &self,
        replay: Replay,
        plan: Plan,
        store: Arc<dyn Store>,
        mode: &Mode,
    ) -> anyhow::Result<()> {
        let (sinks, rejects) = match mode {
            Mode::Sinks => {
                let rejects = match &self.config.rejects {
                    Some(rejects) => {
                        let context = sink_context(rejects::NAME, self.config, self.aws);
                        Some(RejectWriter::open(rejects, &context).await)
                    }
                    None => None,
                };
                (open_sinks(self.config, self.aws).await?, rejects)
            }
            Mode::Report => (BTreeMap::new(), None),
            Mode::Queue { .. } => bail!("a replay by a fleet is read by the fleet"),
        };
        let mut bounds = bounds(self.config);
        bounds.workers = self.threads.or(bounds.workers);
        if *mode == Mode::Report {
            let retention = Retention { ledger: FOR_EVER, alerts: FOR_EVER, max_bytes: u64::MAX };
            bounds = Bounds { retention, settles_at_end: true, ..bounds };
        }
        let source: Arc<dyn Source> = Arc::new(replay);
        // Kept until the end: a plan that nobody can replace any more is no news.
        let (_plan, current) = watch::channel(Arc::new(plan));
        let service = Service {
            sources: BTreeMap::from([(SOURCE.to_owned(), source)]),
            sinks,
            rejects,
            store,
            current,
            clock: Clock::system(),
            families: self.families.clone(),
            health: Health::default(),
            bounds,
        };
        service.run(self.stops.clone()).await.context("cannot go on")
    }
}
