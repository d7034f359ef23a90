//! When AWS Organizations is asked: at the start, and then as often as the configuration says; again sooner
//! after it could not be reached.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::ask::Ask;
use super::kept;
use crate::aws::{Aws, Place, Role};
use crate::config::{AccountsConfig, Config};
use crate::runtime::retry::{Backoff, pause};
use crate::telemetry::{Families, Health, Part};

/// Longest that the start waits for a first answer. What takes longer, as in an organisation of
/// thousands, is taken over when it is there.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// Waits after a failure: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Keeps the file of accounts fresh.
#[derive(Debug, Clone)]
pub struct Refresher {
    /// What is asked, how often, and where the answer is kept.
    pub config: AccountsConfig,
    /// Calls AWS.
    pub aws: Aws,
    /// Told while the accounts are those of an older answer.
    pub health: Health,
    /// Counters.
    pub families: Families,
}

impl Refresher {
    /// Of a configuration, if it asks for one.
    pub fn of(config: &Config, aws: &Aws, health: &Health, families: &Families) -> Option<Self> {
        let config = config.enrich.accounts.clone()?;
        for outcome in ["ok", "failed"] {
            families.accounts_refreshes.with_label_values(&[outcome]);
        }
        let (aws, health, families) = (aws.clone(), health.clone(), families.clone());
        Some(Self { config, aws, health, families })
    }

    /// Where there is no file yet, or a damaged one, waits for an answer, but not for long: without it
    /// rules could not tell one's own accounts from strangers at first. Answers how long to wait
    /// before it is asked again.
    pub async fn first(&self, stop: &CancellationToken) -> Duration {
        if matches!(kept::read(&self.config.file), Ok(Some(_))) {
            return Duration::ZERO;
        }
        match tokio::time::timeout(FIRST_ANSWER, self.refresh(stop)).await {
            Ok(true) => self.config.every.0,
            Ok(false) => FIRST_WAIT,
            Err(_) => {
                warn!(
                    "the accounts are not known yet: AWS Organizations has not listed all of them"
                );
                Duration::ZERO
            }
        }
    }

    /// Asks after `wait`, and then until told to stop.
    pub async fn run(self, wait: Duration, stop: CancellationToken) {
        if !pause(wait, &stop).await {
            return;
        }
        let every = self.config.every.0;
        let mut backoff = Backoff::new(FIRST_WAIT, every.min(LONGEST_WAIT));
        loop {
            let is_on = if self.refresh(&stop).await {
                backoff.reset();
                pause(every, &stop).await
            } else {
                backoff.wait(&stop).await
            };
            if !is_on {
                return;
            }
        }
    }

    /// Asks once; true if there is a new answer.
    async fn refresh(&self, stop: &CancellationToken) -> bool {
        let config = &self.config;
        match self.ask(stop).await {
            Ok(accounts) => {
                self.health.well(&Part::Accounts);
                self.families.accounts_refreshes.with_label_values(&["ok"]).inc();
                self.families.accounts_listed.set(i64::try_from(accounts).unwrap_or(i64::MAX));
                // The file does not tell it: one that says the same is not written again.
                self.families.accounts_listed_at.set(Timestamp::now().as_second());
                info!(accounts, "AWS Organizations has listed the accounts");
                true
            }
            // What is cut short by the end is no failure.
            Err(_) if stop.is_cancelled() => false,
            Err(why) => {
                let held = match kept::read(&config.file) {
                    Ok(Some(accounts)) => {
                        format!("the {} accounts of the last answer still hold", accounts.len())
                    }
                    Ok(None) | Err(_) => "there is no earlier answer".to_owned(),
                };
                warn!(error = %why, %held, "cannot refresh the accounts, will try again");
                self.health.trouble(Part::Accounts, format!("{why}; {held}"));
                self.families.accounts_refreshes.with_label_values(&["failed"]).inc();
                false
            }
        }
    }

    async fn ask(&self, stop: &CancellationToken) -> Result<usize, String> {
        let config = &self.config;
        let external_id = config.external_id.clone();
        let role = config.role_arn.clone().map(|arn| Role { arn, external_id });
        let client = self.aws.organizations(&Place { region: None, role }).await;
        let ask = Ask { client: &client, config, stop };
        let accounts = ask.accounts().await.map_err(|error| error.to_string())?;
        // An organisation has at least the account that manages it.
        if accounts.is_empty() {
            return Err("AWS Organizations has listed no account".to_owned());
        }
        kept::write(&config.file, &accounts)
            .map_err(|error| format!("cannot write {}: {error}", config.file.display()))?;
        Ok(accounts.len())
    }
}
