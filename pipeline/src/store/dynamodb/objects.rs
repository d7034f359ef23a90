//! The ledger, and rejects: rows that nothing was decided on.
//!
//! Ledger rows come last of a commit and each stands for itself. Rejects are numbered without holes,
//! since whoever reads them goes on behind the last number that it saw: so their numbers are given out
//! in the transaction that writes them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::DynamoStore;
use super::calls::{Range, defect};
use super::keys::{EXPIRES, Key, NEXT, NUMBER, WRITTEN, hash};
use super::row::{Row, number, pack};
use super::trouble::Fault;
use crate::runtime::retry::Backoff;
use crate::store::{LEDGER_AT_LEAST, ObjectDone, RejectRow, StoreError};

const ATTEMPT: &str = "keep what could not be read";

/// Rejects of one transaction: each is two rows, and there is the counter.
const REJECTS_TOGETHER: usize = 45;

/// Attempts against other replicas that number rejects at the same moment.
const MOST_ATTEMPTS: u32 = 12;

impl DynamoStore {
    /// Notes objects as done.
    pub(super) async fn put_objects(
        &self,
        objects: &[ObjectDone],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires = self.expires(now, self.retention.ledger.max(LEDGER_AT_LEAST));
        let mut rows: HashMap<Key, Row> = HashMap::new();
        for object in objects {
            let key = Key::object(&object.key);
            let mut row = Row::at(&key);
            row.number(WRITTEN, now.as_microsecond());
            row.number(EXPIRES, expires);
            row.number("records", object.records);
            row.number("alerts", object.alerts);
            rows.insert(key, row);
        }
        let put = self.table.put_all(rows.into_values().collect()).await;
        put.map_err(|fault| fault.told("note objects as done"))
    }

    /// Keeps rejects, each once.
    pub(super) async fn put_rejects(
        &self,
        rejects: &[RejectRow],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for rejects in rejects.chunks(REJECTS_TOGETHER) {
            let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
            loop {
                match self.put_some_rejects(rejects, now).await {
                    // Another replica took the same numbers; its rows may be the same rejects.
                    Err(error) if error.is_conflict() && backoff.attempts() < MOST_ATTEMPTS => {
                        backoff.wait(&CancellationToken::new()).await;
                    }
                    Err(error) => return Err(error),
                    Ok(()) => break,
                }
            }
        }
        Ok(())
    }

    async fn put_some_rejects(
        &self,
        rejects: &[RejectRow],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told = |fault: Fault| fault.told(ATTEMPT);
        let keys = rejects.iter().map(|row| Key::reject_seen(&reject_hash(row)));
        let counter = Key::reject_numbers();
        let there = self.table.get(keys.chain([counter.clone()])).await.map_err(told)?;
        let last = there.get(&counter).and_then(|row| row.get_number(NEXT));
        let mut next = last.unwrap_or(0);
        let mut rows = Vec::new();
        let mut parts = Vec::new();
        let mut met = HashSet::new();
        for reject in rejects {
            let hash = reject_hash(reject);
            let seen = Key::reject_seen(&hash);
            if there.contains_key(&seen) || !met.insert(hash) {
                continue;
            }
            next += 1;
            let expires = self.expires(now, self.retention.ledger);
            let mut mark = Row::at(&seen);
            let mut row = Row::at(&Key::reject(next));
            for row in [&mut mark, &mut row] {
                row.number(WRITTEN, now.as_microsecond());
                row.number(EXPIRES, expires);
                row.number(NUMBER, next);
            }
            parts.extend(row.body(pack(reject)?));
            rows.extend([mark, row]);
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.table.put_all(parts).await.map_err(told)?;
        let mut items = vec![self.counted(&counter, last, next).map_err(told)?];
        for row in rows {
            let put = Put::builder().table_name(&self.table.name).set_item(Some(row.0));
            let put = put.condition_expression("attribute_not_exists(pk)").build();
            let put = put.map_err(defect).map_err(told)?;
            items.push(TransactWriteItem::builder().put(put).build());
        }
        self.table.transact(items).await.map_err(told)
    }

    /// Moves the counter on from what it was.
    fn counted(&self, key: &Key, last: Option<i64>, next: i64) -> Result<TransactWriteItem, Fault> {
        let mut row = Row::at(key);
        row.number(NEXT, next);
        let put = Put::builder().table_name(&self.table.name).set_item(Some(row.0));
        let put = match last {
            Some(last) => put
                .condition_expression("next_number = :last")
                .expression_attribute_values(":last", number(last)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(defect)?).build())
    }

    /// Rejects behind a number, in order.
    pub(super) async fn list_rejects(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, RejectRow)>, StoreError> {
        let told = |fault: Fault| fault.told("list rejects");
        let Some(first) = after.checked_add(1).filter(|_| limit > 0) else { return Ok(Vec::new()) };
        let range = Range {
            pk: Key::reject(0).pk,
            from: Key::reject(first.max(0)).sk,
            to: Key::reject(i64::MAX).sk,
            page: i32::try_from(limit).ok(),
        };
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let (more, next) = self.table.page(&range, start).await.map_err(told)?;
            rows.extend(more);
            start = next;
            if start.is_none() || rows.len() >= limit {
                break;
            }
        }
        rows.truncate(limit);
        let parts = self.table.parts(&rows).await.map_err(told)?;
        let read = |row: &Row| Ok((row.get_number(NUMBER).unwrap_or(0), row.read(&parts)?));
        rows.iter().map(read).collect()
    }
}

/// Of everything but the times: an object that is read twice gives the same.
fn reject_hash(row: &RejectRow) -> String {
    let offset = row.offset.to_string();
    hash(&[&row.source, &row.origin, &row.reason, &offset, &row.detail, &row.evidence])
}
