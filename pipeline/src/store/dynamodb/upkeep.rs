//! What is in the table, and letting go of what is old.
//!
//! Rows go by themselves: each says when, and DynamoDB drops it within days after that, for nothing. A
//! service therefore never walks over the table. `askance store stats` and `askance store compact` do,
//! and cost as much as reading all of it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::{SignedDuration, Timestamp};

use super::DynamoStore;
use super::calls::{Page, Range};
use super::due::alert_of;
use super::keys::{FATE, Key, SUPPRESSED, State, WRITTEN, messages};
use super::row::Row;
use super::table::VERSION;
use super::trouble::Fault;
use crate::store::{LEDGER_AT_LEAST, Retention, StoreError, StoreStats};

const COUNT: &str = "count what is in the store";
const COMPACT: &str = "compact the store";

/// What walks over the table read of each row.
const LOOKED_AT: &str = "pk, sk, written_at, alert_fate, alert_suppression";

impl DynamoStore {
    /// Walks over the table and counts.
    pub(super) async fn count_all(&self) -> Result<StoreStats, StoreError> {
        let mut stats = StoreStats {
            bytes: self.table_bytes().await?,
            outbox: self.count_messages().await?,
            version: VERSION,
            ..StoreStats::default()
        };
        let mut start = None;
        loop {
            let (rows, next) = self.scan(start).await.map_err(|fault| fault.told(COUNT))?;
            for row in rows {
                match kind(&row.key()) {
                    Kind::Object => stats.objects += 1,
                    Kind::Reject => stats.rejects += 1,
                    Kind::Alert => {
                        let fate = row.get_text(FATE).unwrap_or("unknown").to_owned();
                        *stats.alerts.entry(fate).or_default() += 1;
                        if let Some(name) = row.get_text(SUPPRESSED) {
                            *stats.suppressed.entry(name.to_owned()).or_default() += 1;
                        }
                    }
                    Kind::Window => stats.windows += 1,
                    Kind::Other => {}
                }
            }
            start = next;
            if start.is_none() {
                return Ok(stats);
            }
        }
    }

    /// Takes out what is older than it is kept, before DynamoDB does.
    pub(super) async fn let_go(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let told = |fault: Fault| fault.told(COMPACT);
        let before = |keep: Duration| {
            let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
            now.checked_sub(keep).unwrap_or(Timestamp::MIN).as_microsecond()
        };
        let alerts = before(retention.alerts);
        let rejects = before(retention.ledger);
        let objects = before(retention.ledger.max(LEDGER_AT_LEAST));
        let waiting = self.waiting().await?;
        let (mut gone, mut start) = (0, None);
        loop {
            let (rows, next) = self.scan(start).await.map_err(told)?;
            let mut keys = Vec::new();
            for row in rows {
                let key = row.key();
                let written = row.get_number(WRITTEN).unwrap_or(i64::MAX);
                let is_old = match kind(&key) {
                    Kind::Object => written < objects,
                    Kind::Reject => written < rejects,
                    Kind::Alert => {
                        written < alerts && !waiting.contains(key.pk.trim_start_matches("a#"))
                    }
                    // It goes by itself when nothing comes for it any more.
                    Kind::Window => false,
                    Kind::Other => {
                        // The mark of a reject is no row of its own, and goes with it.
                        if key.pk.starts_with("r#") && written < rejects {
                            keys.push(key);
                        }
                        false
                    }
                };
                if !is_old {
                    continue;
                }
                gone += 1;
                let key = row.key();
                if kind(&key) == Kind::Alert {
                    // Its group, what sinks answered, parts.
                    let all = self.table.all(&Range::begins(key.pk, "")).await.map_err(told)?;
                    keys.extend(all.iter().map(Row::key));
                } else {
                    keys.push(key);
                }
            }
            self.table.delete_all(keys).await.map_err(told)?;
            start = next;
            if start.is_none() {
                return Ok(gone);
            }
        }
    }

    /// Alerts about which a message waits, dead letters too.
    async fn waiting(&self) -> Result<HashSet<String>, StoreError> {
        let mut alerts = HashSet::new();
        for sink in self.sinks().await? {
            for state in [State::Waiting, State::Dead] {
                let range = Range::begins(messages(&sink), state.prefix());
                let mut start = None;
                loop {
                    let page = self.table.page(&range, start).await;
                    let (rows, next) = page.map_err(|fault| fault.told(COMPACT))?;
                    alerts.extend(rows.iter().map(alert_of));
                    start = next;
                    if start.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(alerts)
    }

    async fn scan(&self, start: Option<HashMap<String, AttributeValue>>) -> Result<Page, Fault> {
        let answer = self
            .table
            .call("Scan", || {
                let call = self.table.client.scan().table_name(&self.table.name);
                call.projection_expression(LOOKED_AT)
                    .set_exclusive_start_key(start.clone())
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
            })
            .await?;
        self.table.cost("read", answer.consumed_capacity());
        let rows = answer.items.unwrap_or_default().into_iter().map(Row).collect();
        Ok((rows, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}

/// What a row is to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Alert,
    Reject,
    Window,
    Other,
}

fn kind(key: &Key) -> Kind {
    if key.pk.starts_with("o#") {
        Kind::Object
    } else if key.pk.starts_with("a#") && key.sk == "alert" {
        Kind::Alert
    } else if key.pk == "rejects" && !key.sk.starts_with("part#") {
        Kind::Reject
    } else if key.pk.starts_with("c#") {
        Kind::Window
    } else {
        Kind::Other
    }
}
