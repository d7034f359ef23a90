//! What is told at the end of an input that has one: events for correlations were kept until then, and their groups
//! are evaluated part by part.

use std::sync::Arc;

use askance_stages::correlate::{Bundle, Keeper, KeeperLimits, Tell, unbundle};
use tracing::{error, warn};

use super::commit::Committer;
use super::retry::Backoff;
use super::work::Work;
use crate::store::EventPlace;

/// Bundles of events that are read together.
const BUNDLES_TOGETHER: usize = 64;

impl Committer {
    /// Tells of all groups, now that nothing comes any more. Done again, by a job that is gone on with,
    /// it tells the same under the same ids.
    pub(super) async fn tell_all(&mut self) {
        let plan = Arc::clone(&self.current.borrow());
        let mut keeper = Keeper::new(&plan.detect.correlations, KeeperLimits::default());
        let (mut place, mut part, mut unread) = (None, 0, 0_u64);
        loop {
            let Some((bundles, behind)) = self.kept(place).await else { return };
            if bundles.is_empty() {
                break;
            }
            for bundle in bundles {
                // A group is in one part, so those of the parts before are whole.
                if bundle.part != part {
                    keeper.evaluate_whole();
                }
                part = bundle.part;
                match unbundle(&bundle.bytes) {
                    Some(entries) => entries.into_iter().for_each(|entry| keeper.take(entry)),
                    None => unread += 1,
                }
            }
            place = behind;
            if !self.tell(keeper.tells()).await {
                return;
            }
        }
        let (tells, counts) = keeper.finish();
        self.counter.steps(&counts.steps);
        let (given_up, let_go) = (counts.steps.given_up, counts.let_go);
        if given_up > 0 || let_go > 0 {
            warn!(
                given_up,
                let_go, "groups of correlations were too large or too many to be held whole"
            );
        }
        if unread > 0 {
            error!(
                unread,
                "events for correlations cannot be read again, which is a defect: replay with --restart"
            );
        }
        self.tell(tells).await;
    }

    /// Events that were kept, behind a place, however often it takes; `None` if the program ended before.
    async fn kept(&self, place: Option<EventPlace>) -> Option<(Vec<Bundle>, Option<EventPlace>)> {
        let mut backoff = Backoff::usual();
        loop {
            match self.store.events(place, BUNDLES_TOGETHER).await {
                Ok(found) => return Some(found),
                Err(error) => self.failed(&error, backoff.attempts()),
            }
            if !backoff.wait(&self.end_now).await {
                return None;
            }
        }
    }

    async fn tell(&mut self, tells: Vec<Tell>) -> bool {
        let plan = Arc::clone(&self.current.borrow());
        let whole = |Tell { mut alert, .. }: Tell| {
            plan.detect.enrich.place(&mut alert);
            self.sessions.complete(&mut alert);
            (Arc::new(alert), None)
        };
        let alerts = tells.into_iter().map(whole).collect();
        let mut work = Work { alerts, ..Work::default() };
        work.alerts.is_empty() || self.finished(&mut work).await.is_some()
    }
}
