//! Takes a baseline over from an object in S3, now and then, into memory.
//!
//! All replicas look at the same object, so that within two looks they have the same version. One that
//! cannot be used, or a bucket that cannot be asked, leaves the old one in place. What the rules make of
//! it is left to the plan, which is made anew when another one is here.

use std::sync::Arc;
use std::time::Duration;

use askance_stages::enrich::Baseline;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::object::{Answer, BaselineObject, Found, ObjectError};
use crate::aws::Aws;
use crate::config::Config;
use crate::runtime::retry::{delay, pause};
use crate::telemetry::{Families, Health, Part};

/// Longest between two looks; each wait is shortened by up to half at random. A look that finds nothing
/// new is one small request, so an hour of them costs less than reading one object of a trail.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Longest that the start waits for the first one. Rules that do not need it should not wait for it.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// The baseline that an object held when it was read last.
pub type Held = Option<Arc<Baseline>>;

/// Follows an object.
pub struct Follower {
    object: BaselineObject,
    /// The service makes it: until it has, there may be none.
    is_made: bool,
    held: watch::Sender<Held>,
    /// The version that was read last, or refused.
    known: Option<String>,
    /// Why what stands there cannot be used.
    refused: Option<String>,
    families: Families,
    health: Health,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Another one was taken over.
    New,
    /// Nothing has changed.
    Same,
    /// There is none.
    Missing,
    /// It is none that can be used.
    Refused,
    /// The bucket could not be asked.
    Failed,
}

impl Look {
    const ALL: [Self; 5] = [Self::New, Self::Same, Self::Missing, Self::Refused, Self::Failed];

    /// As in counters.
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Follower {
    /// Of a configuration; `None` if its baseline is a file, or there is none.
    pub async fn of(
        config: &Config,
        aws: &Aws,
        (families, health): (&Families, &Health),
    ) -> Option<Self> {
        let baseline = config.enrich.baseline.as_ref()?;
        let object = BaselineObject::of(baseline, aws).await?;
        for look in Look::ALL {
            families.baseline_looks.with_label_values(&[look.name()]);
        }
        Some(Self {
            object,
            is_made: baseline.rebuild.is_some(),
            held: watch::Sender::default(),
            known: None,
            refused: None,
            families: families.clone(),
            health: health.clone(),
        })
    }

    /// The baseline as it is held, for those who use it.
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Looks for the first time, before there are rules.
    pub async fn first(&mut self) {
        if tokio::time::timeout(FIRST_LOOK, self.look()).await.is_err() {
            warn!(object = %self.object.address(), "the baseline is not here yet; rules that ask for it wait for it");
        }
    }

    /// Looks until `stop` is set, and sooner when `put` tells that one was put.
    pub async fn run(mut self, put: Arc<Notify>, stop: CancellationToken) {
        loop {
            tokio::select! {
                is_on = pause(delay(LOOK_EVERY, LOOK_EVERY, 0), &stop) => if !is_on {
                    return;
                },
                () = put.notified() => {}
            }
            tokio::select! {
                _ = self.look() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Looks once.
    pub(super) async fn look(&mut self) -> Look {
        let look = match self.object.read(self.known.as_deref()).await {
            Ok(answer) => self.take(answer),
            Err(ObjectError::Refused { address, etag, cause }) => {
                let why = format!("{address} is refused: {cause}");
                error!(error = %why, holds = self.what_holds(), "the baseline cannot be used");
                // It is not fetched again and again.
                self.known = etag;
                self.refused = Some(why);
                Look::Refused
            }
            Err(why) => {
                warn!(error = %why, holds = self.what_holds(), "cannot look for another baseline, will try again");
                self.trouble(&why.to_string());
                Look::Failed
            }
        };
        match &self.refused {
            Some(why) if look != Look::Failed => self.trouble(why),
            _ => {}
        }
        debug!(look = look.name(), "looked for another baseline");
        self.families.baseline_looks.with_label_values(&[look.name()]).inc();
        look
    }

    fn take(&mut self, answer: Answer) -> Look {
        let address = self.object.address();
        match answer {
            Answer::New(Found { baseline, etag }) => {
                self.known = Some(etag);
                self.refused = None;
                self.health.well(&Part::BaselineObject);
                let version = baseline.version();
                if self.held.borrow().as_ref().is_some_and(|held| held.version() == version) {
                    return Look::Same;
                }
                info!(%version, object = %address, "read another baseline");
                self.held.send_replace(Some(baseline));
                Look::New
            }
            Answer::Same if self.refused.is_some() => Look::Refused,
            Answer::Same => {
                self.health.well(&Part::BaselineObject);
                Look::Same
            }
            Answer::Missing => {
                self.known = None;
                self.refused = None;
                if self.is_made && self.held.borrow().is_none() {
                    self.health.well(&Part::BaselineObject);
                } else {
                    warn!(object = %address, holds = self.what_holds(), "the baseline is not there");
                    self.trouble(&format!("{address} is not there"));
                }
                Look::Missing
            }
        }
    }

    fn trouble(&self, why: &str) {
        self.health.trouble(Part::BaselineObject, format!("{why}; {}", self.what_holds()));
    }

    fn what_holds(&self) -> &'static str {
        match *self.held.borrow() {
            Some(_) => "the old one still holds",
            None => "there is none yet, so rules that ask for it do not run",
        }
    }
}

/// Reads the baseline of a configuration once, for a command; `None` if it names no object, or the
/// service makes it and has not yet.
///
/// # Errors
/// In words, when it cannot be read.
pub async fn fetch(config: &Config, aws: &Aws) -> Result<Held, String> {
    let Some(baseline) = &config.enrich.baseline else { return Ok(None) };
    let Some(object) = BaselineObject::of(baseline, aws).await else { return Ok(None) };
    let told = |why: ObjectError| format!("baseline: {why}");
    match object.read(None).await.map_err(told)? {
        Answer::New(found) => Ok(Some(found.baseline)),
        Answer::Missing | Answer::Same if baseline.rebuild.is_some() => Ok(None),
        Answer::Missing | Answer::Same => {
            Err(format!("baseline: {} is not there", object.address()))
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
