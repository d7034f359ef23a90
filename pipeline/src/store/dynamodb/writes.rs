//! The puts, changes and deletes of one transaction.

use askance_stages::raise::Revised;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};

use super::calls::defect;
use super::commit::{ATTEMPT, KeptAlert};
use super::keys::{BODY, EXPIRES, HASH, Key, PARTS, hash};
use super::row::{Row, number, pack};
use super::trouble::Fault;
use crate::store::StoreError;

/// Puts and deletes of one transaction, and what each is about, for messages.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) items: Vec<TransactWriteItem>,
    pub(super) about: Vec<&'static str>,
    /// Parts of long bodies, written before.
    pub(super) parts: Vec<Row>,
}

/// When a row must be as it was for the transaction to go well.
#[derive(Clone, Copy)]
pub(super) enum If {
    /// It is not there.
    Absent,
    /// It has this version; 0: it is not there.
    Version(u64),
}

impl Writes {
    pub(super) fn put(
        &mut self,
        about: &'static str,
        row: Row,
        condition: If,
        table: &str,
    ) -> Result<(), Fault> {
        let put = Put::builder().table_name(table).set_item(Some(row.0));
        let put = match condition {
            If::Absent | If::Version(0) => put.condition_expression("attribute_not_exists(pk)"),
            If::Version(version) => put
                .condition_expression("row_version = :seen")
                .expression_attribute_values(":seen", number(version)),
        };
        let put = put.build().map_err(defect)?;
        self.items.push(TransactWriteItem::builder().put(put).build());
        self.about.push(about);
        Ok(())
    }

    /// Puts an alert as it is now in the place of what was there; who took note of it stays.
    pub(super) fn revise(
        &mut self,
        revised: &Revised,
        kept: &KeptAlert,
        expires: i64,
        table: &str,
    ) -> Result<(), StoreError> {
        let alert = &revised.alert;
        let key = Key::alert(&hash(&[&alert.id]));
        let kept = KeptAlert {
            json: revised.json.clone(),
            account: alert.account.clone(),
            id: kept.id.clone(),
            fate: kept.fate.clone(),
            leader: kept.leader.clone(),
            suppressed_by: kept.suppressed_by.clone(),
            title: kept.title.clone(),
            rule: kept.rule.clone(),
            level: kept.level,
            raised: kept.raised,
        };
        let mut row = Row::at(&key);
        row.number(EXPIRES, expires);
        self.parts.extend(row.body(pack(&kept)?));
        let (mut set, mut remove) = (vec!["expires_at = :expires"], Vec::new());
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(Row::at(&key).0))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":expires", number(expires));
        for (name, holder, is_set) in [
            (BODY, ":body", "row_body = :body"),
            (PARTS, ":parts", "body_parts = :parts"),
            (HASH, ":hash", "body_hash = :hash"),
        ] {
            match row.0.remove(name) {
                Some(value) => {
                    set.push(is_set);
                    update = update.expression_attribute_values(holder, value);
                }
                None => remove.push(name),
            }
        }
        let expression = format!("SET {} REMOVE {}", set.join(", "), remove.join(", "));
        let update = update.update_expression(expression).build().map_err(defect);
        let update = update.map_err(|fault| fault.told(ATTEMPT))?;
        self.items.push(TransactWriteItem::builder().update(update).build());
        self.about.push("an alert that has changed");
        Ok(())
    }

    /// Deletes a row: the version that was seen, or whatever is there.
    pub(super) fn delete(
        &mut self,
        about: &'static str,
        key: &Key,
        seen: Option<u64>,
        table: &str,
    ) -> Result<(), Fault> {
        let delete = Delete::builder().table_name(table).set_key(Some(Row::at(key).0));
        let delete = match seen {
            None => delete,
            Some(version) => delete
                .condition_expression("row_version = :seen")
                .expression_attribute_values(":seen", number(version)),
        };
        let delete = delete.build().map_err(defect)?;
        self.items.push(TransactWriteItem::builder().delete(delete).build());
        self.about.push(about);
        Ok(())
    }
}
