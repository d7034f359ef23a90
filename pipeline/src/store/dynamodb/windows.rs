//! Groups of correlations: each is a row with a version, so that two replicas that step the same group
//! at the same moment cannot both write what came of it.
//!
//! They stand in the index by when they are due. A state is at most 256 KiB, so it stands in its row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::{SignedDuration, Timestamp};

use super::DynamoStore;
use super::keys::{
    CORRELATION, DUE, EXPIRES, INDEX, Key, LISTED_AT, LISTED_UNDER, SHARDS, STATE, VERSION, WINDOW,
    due_under, hash, sortable, window_shard,
};
use super::row::Row;
use crate::store::{Basis, StoreError, Window};

const ATTEMPT: &str = "look up groups of correlations";

/// Groups of one commit: states of 256 KiB, and with their alerts no more than a transaction holds.
pub(super) const AT_ONCE: usize = 8;

/// How often groups are looked for that are due, those of other replicas too.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// How long a row stays behind the time at which it was due, if nobody steps it.
const STAYS: SignedDuration = SignedDuration::from_hours(30 * 24);

impl DynamoStore {
    /// The groups of these keys that are there.
    pub(super) async fn find_windows(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError> {
        let rows = self.table.get(keys.iter().map(|key| Key::window(key))).await;
        let rows = rows.map_err(|fault| fault.told(ATTEMPT))?;
        let (mut found, mut basis) = (BTreeMap::new(), Basis::default());
        for key in keys {
            let place = Key::window(key);
            let Some(row) = rows.get(&place) else { continue };
            basis.rests_on(&place, row);
            let due = row.get_number(DUE).and_then(|due| Timestamp::from_microsecond(due).ok());
            found.insert(
                key.clone(),
                Window {
                    key: key.clone(),
                    correlation: row.get_text(CORRELATION).unwrap_or_default().to_owned(),
                    state: Some(row.get_bytes(STATE).unwrap_or_default().to_vec()),
                    due,
                },
            );
        }
        Ok((found, basis))
    }

    /// Keys and correlations of groups that are due.
    pub(super) async fn find_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut listed: Vec<(String, Key)> = Vec::new();
        for shard in 0..SHARDS {
            let answer = self
                .table
                .call("Query", || {
                    let text = |text: String| AttributeValue::S(text);
                    let call = self.table.client.query().table_name(&self.table.name);
                    // A place is a time and a hash behind it: `~` stands behind every hash.
                    call.index_name(INDEX)
                        .key_condition_expression("listed_under = :under AND listed_at <= :to")
                        .expression_attribute_values(":under", text(due_under(shard)))
                        .expression_attribute_values(":to", text(format!("{}~", sortable(now))))
                        .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                        .return_consumed_capacity(ReturnConsumedCapacity::Total)
                        .send()
                })
                .await
                .map_err(|fault| fault.told(ATTEMPT))?;
            self.table.cost("read", answer.consumed_capacity());
            for row in answer.items.unwrap_or_default().into_iter().map(Row) {
                let at = row.get_text(LISTED_AT).unwrap_or_default().to_owned();
                listed.push((at, row.key()));
            }
        }
        listed.sort();
        listed.truncate(limit);
        let rows = self.table.get(listed.iter().map(|(_, key)| key.clone())).await;
        let rows: HashMap<Key, Row> = rows.map_err(|fault| fault.told(ATTEMPT))?;
        let read = |row: &Row| {
            Some((row.get_text(WINDOW)?.to_owned(), row.get_text(CORRELATION)?.to_owned()))
        };
        // One that was let go of at this moment is in the index for a moment longer.
        Ok(listed.iter().filter_map(|(_, key)| rows.get(key).and_then(read)).collect())
    }
}

/// The row of a group.
pub(super) fn row(window: &Window, state: &[u8], basis: &Basis) -> Row {
    let key = Key::window(&window.key);
    // One without a time would stay for ever.
    let due = window.due.unwrap_or(Timestamp::MIN);
    let mut row = Row::at(&key);
    row.number(VERSION, basis.version(&key) + 1);
    row.text(WINDOW, &window.key);
    row.text(CORRELATION, &window.correlation);
    row.number(DUE, due.as_microsecond());
    row.text(LISTED_UNDER, window_shard(&window.key));
    row.text(LISTED_AT, format!("{}#{}", sortable(due), hash(&[&window.key])));
    row.number(EXPIRES, due.checked_add(STAYS).unwrap_or(Timestamp::MAX).as_second());
    row.bytes(STATE, state.to_vec());
    row
}
