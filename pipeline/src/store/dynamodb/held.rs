//! Alerts that stay beyond their time, since a dead letter is about them.
//!
//! A dead letter waits for somebody to do something, however long that takes; every other message is
//! sent or dead long before its alert's time is over. So the alert's row loses its time with the dead
//! letter, and gets a new one when the letter is sent or dropped.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;

use super::DynamoStore;
use super::calls::defect;
use super::keys::{EXPIRES, Key};
use super::row::{Row, number};
use super::trouble::Fault;
use crate::store::StoreError;

const ATTEMPT: &str = "keep an alert";

/// What is to become of the times of alerts, each once however many of its messages are at hand.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Hashes of alerts that stay.
    pub(super) kept: BTreeSet<String>,
    /// Hashes of alerts that may go when their time is over.
    pub(super) let_go: BTreeSet<String>,
}

impl DynamoStore {
    /// Writes that give alerts their times or take them, for those that are still there.
    pub(super) async fn holds(&self, holds: &Holds) -> Result<Vec<TransactWriteItem>, StoreError> {
        let alerts: BTreeSet<&String> = holds.kept.union(&holds.let_go).collect();
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let told = |fault: Fault| fault.told(ATTEMPT);
        let keys = alerts.iter().map(|alert| Key::alert(alert));
        let rows = self.table.get(keys).await.map_err(told)?;
        let expires = self.expires(Timestamp::now(), self.retention.alerts);
        let mut items = Vec::new();
        for alert in alerts {
            let Some(row) = rows.get(&Key::alert(alert)) else { continue };
            let has_time = row.get_number(EXPIRES).is_some();
            // A letter that is dead outweighs one that was sent.
            let stays = holds.kept.contains(alert);
            if stays == has_time {
                items.push(self.hold(&row.key(), (!stays).then_some(expires)).map_err(told)?);
            }
        }
        Ok(items)
    }

    /// Takes an alert's time, or gives it one.
    fn hold(&self, key: &Key, expires: Option<i64>) -> Result<TransactWriteItem, Fault> {
        let update = Update::builder().table_name(&self.table.name).set_key(Some(Row::at(key).0));
        let update = update.condition_expression("attribute_exists(pk)");
        let update = match expires {
            Some(expires) => update
                .update_expression("SET expires_at = :expires")
                .expression_attribute_values(":expires", number(expires)),
            None => update.update_expression("REMOVE expires_at"),
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(defect)?).build())
    }

    /// Lets alerts go when their time is over, whose dead letters were dropped.
    pub(super) async fn release(&self, alerts: BTreeSet<String>) -> Result<(), StoreError> {
        let alerts: Vec<String> = alerts.into_iter().collect();
        for alerts in alerts.chunks(super::settle::TOGETHER) {
            let let_go = alerts.iter().cloned().collect();
            let items = self.holds(&Holds { let_go, ..Holds::default() }).await?;
            match self.table.transact(items).await {
                // One that went meanwhile needs no time.
                Ok(()) | Err(Fault::Condition(_)) => {}
                Err(fault) => return Err(fault.told(ATTEMPT)),
            }
        }
        Ok(())
    }
}
