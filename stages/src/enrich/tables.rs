//! What is known besides the record: one's own accounts and organisations, networks, addresses, and what
//! was seen before.
//!
//! It is made of plain values once and never changes; where they are read from is not its concern.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::baseline::{Baseline, Seen};
use super::geo::Geo;
use super::networks::Networks;
use super::user_agents::UserAgents;
use crate::model::{DerivedValues, Record};

/// One account of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its 12 digits.
    pub id: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// Who owns it: a team, a person, an address.
    pub owner: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// Path of its organisational unit, or the unit's id.
    pub ou: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What [`Tables`] are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TablesConfig {
    /// One's own accounts.
    pub accounts: Vec<Account>,
    /// Ids of one's own organisations: `o-...`.
    pub organizations: Vec<String>,
    /// Lists of networks by name.
    pub networks: BTreeMap<String, Vec<String>>,
    /// Lists of user agents, or patterns of them, by name.
    pub user_agents: BTreeMap<String, Vec<String>>,
}

/// What is wrong with a [`TablesConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// It has not 12 digits.
    #[error("{id:?} is no account: an account has 12 digits (in YAML it needs quotes)")]
    NotAnAccount {
        /// As it was given.
        id: String,
    },
    /// It is there twice, so that it is not clear what holds of it.
    #[error("account {id} is listed twice")]
    Twice {
        /// The account.
        id: String,
    },
    /// It is neither an address nor a network.
    #[error("{text:?} in the list {list:?} is no network: write 203.0.113.0/24 or an address")]
    NotANetwork {
        /// The list.
        list: String,
        /// As it was given.
        text: String,
    },
    /// It fits every user agent, or none.
    #[error(
        "{text:?} in the list {list:?} is no user agent: write all of it, or a part with * around it"
    )]
    NotAUserAgent {
        /// The list.
        list: String,
        /// As it was given.
        text: String,
    },
    /// It does not begin with `o-`.
    #[error("{id:?} is no organisation: an organisation's id begins with \"o-\"")]
    NotAnOrganization {
        /// As it was given.
        id: String,
    },
}

/// What is known besides the record; empty by default.
#[derive(Debug, Default)]
pub struct Tables {
    accounts: BTreeMap<String, Account>,
    organizations: BTreeSet<String>,
    pub(super) networks: Networks,
    pub(super) user_agents: UserAgents,
    pub(super) baseline: Option<Arc<Baseline>>,
    pub(super) geo: Geo,
}

impl Tables {
    /// Takes the values over.
    ///
    /// # Errors
    /// Everything that is wrong with them; the caller should not start with such tables.
    pub fn from_config(config: TablesConfig) -> Result<Self, Vec<TableError>> {
        let (mut tables, mut errors) = (Self::default(), Vec::new());
        for account in config.accounts {
            let id = account.id.clone();
            if !is_account(&id) {
                errors.push(TableError::NotAnAccount { id });
            } else if tables.accounts.insert(id.clone(), account).is_some() {
                errors.push(TableError::Twice { id });
            }
        }
        for id in config.organizations {
            if is_organization(&id) {
                tables.organizations.insert(id);
            } else {
                errors.push(TableError::NotAnOrganization { id });
            }
        }
        match Networks::new(config.networks) {
            Ok(networks) => tables.networks = networks,
            Err(wrong) => errors.extend(
                wrong.into_iter().map(|(list, text)| TableError::NotANetwork { list, text }),
            ),
        }
        match UserAgents::new(config.user_agents) {
            Ok(agents) => tables.user_agents = agents,
            Err(wrong) => errors.extend(
                wrong.into_iter().map(|(list, text)| TableError::NotAUserAgent { list, text }),
            ),
        }
        if errors.is_empty() { Ok(tables) } else { Err(errors) }
    }

    /// The same, with what was seen before.
    #[must_use]
    pub fn with_baseline(self, baseline: impl Into<Arc<Baseline>>) -> Self {
        Self { baseline: Some(baseline.into()), ..self }
    }

    /// The same, with what is known of addresses.
    #[must_use]
    pub fn with_geo(self, geo: Geo) -> Self {
        Self { geo, ..self }
    }

    /// Names of the lists of networks.
    pub fn network_lists(&self) -> impl Iterator<Item = &str> {
        self.networks.names()
    }

    /// Names of the lists of user agents.
    pub fn user_agent_lists(&self) -> impl Iterator<Item = &str> {
        self.user_agents.names()
    }

    /// Is it known what was seen before?
    #[must_use]
    pub fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// Which table of that is known, by its version.
    #[must_use]
    pub fn baseline_version(&self) -> Option<&str> {
        self.baseline().map(Baseline::version)
    }

    /// The table itself.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_deref()
    }

    /// Whether something was not seen before; nothing without a table, or where a record does not tell.
    pub(super) fn first_seen_of(&self, seen: Seen, texts: &[&str], into: &mut DerivedValues) {
        let known = self.baseline.as_ref().and_then(|baseline| baseline.has_of(seen, texts));
        known.into_iter().for_each(|was_seen| into.bool(!was_seen));
    }

    pub(super) fn first_seen(&self, seen: Seen, record: &Record<'_>, into: &mut DerivedValues) {
        let known = self.baseline.as_ref().and_then(|baseline| baseline.has(seen, record));
        known.into_iter().for_each(|was_seen| into.bool(!was_seen));
    }

    /// What is known of an account.
    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The accounts and organisations that are not strangers to a record.
    pub(super) fn own<'t>(&'t self, record: &Record<'t>) -> Own<'t> {
        let recipient = record.text(&["recipientAccountId"]);
        let caller = record.text(&["userIdentity", "accountId"]);
        Own {
            tables: self,
            recipient: recipient.or(caller),
            // Once one's accounts are listed, a caller that is not among them is a stranger.
            caller: caller.filter(|_| self.accounts.is_empty()),
        }
    }
}

/// Tells one's own from strangers, for one record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'t> {
    tables: &'t Tables,
    recipient: Option<&'t str>,
    caller: Option<&'t str>,
}

impl Own<'_> {
    pub(super) fn has_account(&self, id: &str) -> bool {
        self.caller == Some(id) || self.has_listed(id)
    }

    /// As [`Self::has_account`], but that a caller is one's own must be known from elsewhere.
    pub(super) fn has_listed(&self, id: &str) -> bool {
        self.recipient == Some(id) || self.tables.accounts.contains_key(id)
    }

    pub(super) fn has_organization(&self, id: &str) -> bool {
        self.tables.organizations.contains(id)
    }
}

/// True for 12 digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for an organisation's id: `o-` and letters and digits.
pub(super) fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let account = |id: &str| Account { id: id.to_owned(), ..Account::default() };
        let config = TablesConfig {
            accounts: ["111122223333", "12345678901", "111122223333", "１１１１２２２２３３３３"]
                .map(account)
                .to_vec(),
            organizations: vec!["o-exampleorgid".to_owned(), "ou-1".to_owned(), "o-".to_owned()],
            networks: BTreeMap::from([("office".to_owned(), vec!["home".to_owned()])]),
            user_agents: BTreeMap::from([("tools".to_owned(), vec!["**".to_owned()])]),
        };
        let errors = Tables::from_config(config).unwrap_err();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "\"12345678901\" is no account: an account has 12 digits (in YAML it needs quotes)",
                "account 111122223333 is listed twice",
                "\"１１１１２２２２３３３３\" is no account: an account has 12 digits (in YAML it needs quotes)",
                "\"ou-1\" is no organisation: an organisation's id begins with \"o-\"",
                "\"o-\" is no organisation: an organisation's id begins with \"o-\"",
                "\"home\" in the list \"office\" is no network: write 203.0.113.0/24 or an address",
                "\"**\" in the list \"tools\" is no user agent: write all of it, or a part with * around it",
            ]
        );
    }
}
