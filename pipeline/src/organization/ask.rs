//! Asks AWS Organizations for its accounts: units from the root down, the accounts of each, their tags.
//!
//! Going down the units takes a call for each of them, where asking each account for its parents would take
//! several for every account. When it is asked, and what becomes of the answer, is decided elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use askance_stages::enrich::Account;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use tokio_util::sync::CancellationToken;

use crate::aws;
use crate::config::AccountsConfig;
use crate::runtime::retry::Backoff;

/// So often a call is made that is told to slow down; the waits between come to some minutes.
const MOST_ATTEMPTS: u32 = 12;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot list {what}: {why}")]
pub struct AskError {
    /// What was asked for.
    pub what: String,
    /// What was said.
    pub why: String,
}

/// Asks one organisation.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Calls it.
    pub client: &'a Client,
    /// Which tags say what.
    pub config: &'a AccountsConfig,
    /// Ends the waits.
    pub stop: &'a CancellationToken,
}

/// A part of the tree: its id and its path, which is empty for the root.
struct Unit {
    id: String,
    path: String,
}

impl Ask<'_> {
    /// All accounts, in the order of their ids.
    ///
    /// # Errors
    /// When a part of the answer cannot be had: half an answer would make strangers of one's own.
    pub async fn accounts(&self) -> Result<Vec<Account>, AskError> {
        let mut found = BTreeMap::new();
        let mut units = self.roots().await?;
        while let Some(unit) = units.pop() {
            units.extend(self.units(&unit).await?);
            for (id, name) in self.accounts_of(&unit).await? {
                let tags = self.tags(&id).await?;
                let tag = |wanted: &str| {
                    let tag = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
                    tag.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
                };
                let account = Account {
                    name,
                    owner: tag(&self.config.owner_tag),
                    environment: tag(&self.config.environment_tag),
                    ou: Some(unit.path.clone()).filter(|path| !path.is_empty()),
                    tags,
                    id: id.clone(),
                };
                found.insert(id, account);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn roots(&self) -> Result<Vec<Unit>, AskError> {
        let pages = self.patiently("the root".to_owned(), || {
            self.client.list_roots().into_paginator().send().collect::<Result<Vec<_>, _>>()
        });
        let roots = pages.await?.into_iter().flat_map(|page| page.roots.unwrap_or_default());
        Ok(roots.filter_map(|root| Some(Unit { id: root.id?, path: String::new() })).collect())
    }

    async fn units(&self, of: &Unit) -> Result<Vec<Unit>, AskError> {
        let pages = self.patiently(format!("units of {}", of.id), || {
            let call = self.client.list_organizational_units_for_parent().parent_id(&of.id);
            call.into_paginator().send().collect::<Result<Vec<_>, _>>()
        });
        let pages = pages.await?.into_iter();
        let units = pages.flat_map(|page| page.organizational_units.unwrap_or_default());
        let unit = |id: String, name: Option<String>| {
            let name = name.unwrap_or_else(|| id.clone());
            let path = if of.path.is_empty() { name } else { format!("{}/{name}", of.path) };
            Unit { id, path }
        };
        Ok(units.filter_map(|found| Some(unit(found.id?, found.name))).collect())
    }

    async fn accounts_of(&self, unit: &Unit) -> Result<Vec<(String, Option<String>)>, AskError> {
        let pages = self.patiently(format!("accounts of {}", unit.id), || {
            let call = self.client.list_accounts_for_parent().parent_id(&unit.id);
            call.into_paginator().send().collect::<Result<Vec<_>, _>>()
        });
        let accounts = pages.await?.into_iter().flat_map(|page| page.accounts.unwrap_or_default());
        Ok(accounts.filter_map(|account| Some((account.id?, account.name))).collect())
    }

    async fn tags(&self, account: &str) -> Result<BTreeMap<String, String>, AskError> {
        let pages = self.patiently(format!("tags of {account}"), || {
            let call = self.client.list_tags_for_resource().resource_id(account);
            call.into_paginator().send().collect::<Result<Vec<_>, _>>()
        });
        let tags = pages.await?.into_iter().flat_map(|page| page.tags.unwrap_or_default());
        Ok(tags.map(|tag| (tag.key, tag.value)).collect())
    }

    /// Calls again, after a while, when told to slow down: Organizations lets few calls through, and
    /// a large one takes thousands.
    async fn patiently<T, E, R, F>(&self, what: String, call: impl Fn() -> F) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let is_asked_to_wait = error.code().is_some_and(aws::is_throttling);
            let can_wait = is_asked_to_wait && backoff.attempts() < MOST_ATTEMPTS;
            if !can_wait || !backoff.wait(self.stop).await {
                return Err(AskError { what, why: aws::words(&error) });
            }
        }
    }
}
