//! What is known before a commit, and the versions of the rows that it rests on.
//!
//! A key's groups are named in one row, the key's head, which changes with every group that comes
//! under the key: so a decision also rests on there having been no group.

use std::collections::HashMap;

use askance_stages::raise::{Asks, Group, Known, Rate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DynamoStore;
use super::keys::{Key, VERSION, hash};
use super::row::Row;
use crate::store::{Basis, Knowledge, StoreError};

const ATTEMPT: &str = "look up alerts";

/// The groups of a key: number and hash of the leader's id, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head(pub(super) Vec<(i64, String)>);

/// A rate as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptRate {
    /// Microseconds since 1970.
    pub(super) since: i64,
    pub(super) told: u64,
    pub(super) held_under: Option<String>,
}

/// The version of a row; 0 if it is not there.
pub(super) fn version(row: Option<&Row>) -> u64 {
    row.and_then(|row| row.get_number(VERSION)).and_then(|one| u64::try_from(one).ok()).unwrap_or(0)
}

impl Basis {
    /// Notes that a decision rests on this row as it is.
    pub(super) fn rests_on(&mut self, key: &Key, row: &Row) {
        self.0.insert(key.name(), version(Some(row)));
    }

    /// The version that the row had; 0 if it was not there.
    pub(super) fn version(&self, key: &Key) -> u64 {
        self.0.get(&key.name()).copied().unwrap_or(0)
    }
}

impl DynamoStore {
    /// Which objects are in the ledger.
    pub(super) async fn find_objects(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        let rows: Vec<Key> = keys.iter().map(|key| Key::object(key)).collect();
        let there = self.table.are_there(rows.clone()).await;
        let there = there.map_err(|fault| fault.told("look into the ledger"))?;
        Ok(rows.iter().map(|key| there.contains(key)).collect())
    }

    /// What is asked, and nothing else.
    pub(super) async fn look_up(&self, asks: &Asks) -> Result<Knowledge, StoreError> {
        let mut known = Known::default();
        let mut basis = Basis::default();
        let alerts = asks.ids.iter().map(|id| Key::alert(&hash(&[id])));
        let heads = asks.keys.iter().map(|key| Key::head(key));
        let rates = asks.rules.iter().map(|rule| Key::rate(rule));
        let leading = asks.leaders.iter().map(|id| Key::group(&hash(&[id])));
        let rows = self.get(alerts.chain(heads).chain(rates).chain(leading)).await?;
        for id in &asks.ids {
            if rows.contains_key(&Key::alert(&hash(&[id]))) {
                known.seen.insert(id.clone());
            }
        }
        let mut held = Vec::new();
        for rule in &asks.rules {
            let key = Key::rate(rule);
            let Some(row) = rows.get(&key) else { continue };
            basis.rests_on(&key, row);
            let kept: KeptRate = row.read(&HashMap::new())?;
            let nearest = if kept.since < 0 { Timestamp::MIN } else { Timestamp::MAX };
            let since = Timestamp::from_microsecond(kept.since).unwrap_or(nearest);
            held.extend(kept.held_under.as_deref().map(Known::held_key));
            let rate = Rate { since, told: kept.told, held_under: kept.held_under };
            known.rates.insert(rule.clone(), rate);
        }
        let held_heads = self.get(held.iter().map(|key| Key::head(key))).await?;
        let mut wanted: Vec<(&String, Head)> = Vec::new();
        for text in asks.keys.iter().chain(&held) {
            let key = Key::head(text);
            let Some(row) = rows.get(&key).or_else(|| held_heads.get(&key)) else { continue };
            basis.rests_on(&key, row);
            wanted.push((text, row.read(&HashMap::new())?));
        }
        let leaders = wanted.iter().flat_map(|(_, head)| &head.0);
        let groups = self.get(leaders.map(|(_, leader)| Key::group(leader))).await?;
        let of_leaders = asks.leaders.iter().filter_map(|id| rows.get(&Key::group(&hash(&[id]))));
        let parts = self
            .table
            .parts(groups.values().chain(of_leaders))
            .await
            .map_err(|one| one.told(ATTEMPT))?;
        for id in &asks.leaders {
            let key = Key::group(&hash(&[id]));
            if let Some(row) = rows.get(&key) {
                basis.rests_on(&key, row);
                known.leading.insert(id.clone(), row.read(&parts)?);
            }
        }
        for (text, head) in wanted {
            let mut found: Vec<Group> = Vec::new();
            for (_, leader) in &head.0 {
                let key = Key::group(leader);
                // One that is not there any more went with its alert, which was too old.
                let Some(row) = groups.get(&key) else { continue };
                basis.rests_on(&key, row);
                found.push(row.read(&parts)?);
            }
            if !found.is_empty() {
                known.groups.insert(text.clone(), found);
            }
        }
        Ok(Knowledge { known, basis })
    }

    async fn get(&self, keys: impl Iterator<Item = Key>) -> Result<HashMap<Key, Row>, StoreError> {
        self.table.get(keys).await.map_err(|fault| fault.told(ATTEMPT))
    }
}
