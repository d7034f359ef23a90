//! What became of messages, and the sinks' own places.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::Timestamp;

use super::DynamoStore;
use super::calls::defect;
use super::due::alert_of;
use super::held::Holds;
use super::keys::{ATTEMPTS, DUE, ERROR, EXPIRES, Key, MARK, OWNER, State};
use super::row::{Row, pack};
use super::trouble::Fault;
use crate::store::{Settled, StoreError};

const ATTEMPT: &str = "note what was sent";

/// Messages of one transaction: two rows and their alert's each, and the sink's place.
pub(super) const TOGETHER: usize = 33;

/// Characters of an error that are kept.
const MOST_ERROR: usize = 2000;

/// Attempts when somebody changes a message at the same moment.
const MOST_ATTEMPTS: usize = 5;

impl DynamoStore {
    /// Notes what became of messages, and with the last of them the sink's place.
    pub(super) async fn note_settled(
        &self,
        sink: &str,
        settled: &[Settled],
        position: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut rest = settled;
        loop {
            let (now, later) = rest.split_at(rest.len().min(TOGETHER));
            rest = later;
            let position = if rest.is_empty() { position } else { None };
            self.note_some(sink, now, position).await?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    async fn note_some(
        &self,
        sink: &str,
        settled: &[Settled],
        position: Option<&str>,
    ) -> Result<(), StoreError> {
        let told = |fault: Fault| fault.told(ATTEMPT);
        // A message that is settled twice in one call counts once, by what was said last.
        let settled: HashMap<i64, &Settled> =
            settled.iter().map(|one| (one.number(), one)).collect();
        let mut attempts = 0;
        loop {
            let keys = settled.keys().flat_map(|number| {
                [State::Waiting, State::Dead].map(|state| Key::message(sink, state, *number))
            });
            let rows = self.table.get(keys).await.map_err(told)?;
            let mut items = Vec::new();
            let mut holds = Holds::default();
            for (key, row) in &rows {
                let number = row.get_number(super::keys::NUMBER).unwrap_or(0);
                let Some(one) = settled.get(&number) else { continue };
                items.extend(self.settled(sink, key, row, one)?);
                let is_dead = key.sk.starts_with(State::Dead.prefix());
                match one {
                    Settled::Dead { .. } => drop(holds.kept.insert(alert_of(row))),
                    Settled::Sent { .. } if is_dead => drop(holds.let_go.insert(alert_of(row))),
                    Settled::Sent { .. } | Settled::Later { .. } => {}
                }
            }
            items.extend(self.holds(&holds).await?);
            items.extend(self.place(sink, position)?);
            attempts += 1;
            match self.table.transact(items).await {
                Ok(()) => {
                    let mut claims = self.claims();
                    rows.keys().for_each(|key| claims.let_go(key));
                    return Ok(());
                }
                // Somebody dropped one, or an update took its place: it is looked at anew.
                Err(Fault::Condition(_)) if attempts < MOST_ATTEMPTS => {}
                Err(fault) => return Err(fault.told(ATTEMPT)),
            }
        }
    }

    /// What is written for a message.
    fn settled(
        &self,
        sink: &str,
        key: &Key,
        row: &Row,
        settled: &Settled,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (error, due, state) = match settled {
            // It was sent, whoever has claimed it meanwhile.
            Settled::Sent { reference, .. } => {
                let mut items = vec![self.taken(key)?];
                if let Some(reference) = reference {
                    items.push(self.reference(sink, row, reference)?);
                }
                return Ok(items);
            }
            Settled::Later { due, error, .. } => (error, Some(*due), State::Waiting),
            Settled::Dead { error, .. } => (error, None, State::Dead),
        };
        if row.get_text(OWNER).is_some_and(|owner| owner != self.owner) {
            // Another replica has it now, and says itself what becomes of it.
            return Ok(Vec::new());
        }
        let mut new = row.clone();
        new.0.remove(OWNER);
        new.0.remove(MARK);
        new.number(ATTEMPTS, row.get_number(ATTEMPTS).unwrap_or(0) + 1);
        new.text(ERROR, cut(error));
        if let Some(due) = due {
            new.number(DUE, due.as_microsecond());
        }
        self.moved(key, row, new, state)
    }

    /// Puts a changed message in the place of its state, if it is still as it was.
    pub(super) fn moved(
        &self,
        key: &Key,
        old: &Row,
        mut new: Row,
        state: State,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let told = |fault: Fault| fault.told(ATTEMPT);
        let number = old.get_number(super::keys::NUMBER).unwrap_or(0);
        let place = Key { pk: key.pk.clone(), sk: format!("{}{number:019}", state.prefix()) };
        if place == *key {
            let put = Put::builder().table_name(&self.table.name).set_item(Some(new.0));
            let put = match old.0.get(MARK) {
                Some(mark) => put
                    .condition_expression("claim_mark = :seen")
                    .expression_attribute_values(":seen", mark.clone()),
                None => put.condition_expression(
                    "attribute_exists(pk) AND attribute_not_exists(claim_mark)",
                ),
            };
            let put = put.build().map_err(defect).map_err(told)?;
            return Ok(vec![TransactWriteItem::builder().put(put).build()]);
        }
        new.text(super::keys::SK, &place.sk);
        let put = Put::builder().table_name(&self.table.name).set_item(Some(new.0));
        let put = put.build().map_err(defect).map_err(told)?;
        let put = TransactWriteItem::builder().put(put).build();
        let delete = Delete::builder().table_name(&self.table.name);
        let delete =
            delete.set_key(Some(Row::at(key).0)).condition_expression("attribute_exists(pk)");
        let delete = delete.build().map_err(defect).map_err(told)?;
        Ok(vec![put, TransactWriteItem::builder().delete(delete).build()])
    }

    /// A message is gone.
    fn taken(&self, key: &Key) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.table.name);
        let delete = delete.set_key(Some(Row::at(key).0)).build();
        let delete = delete.map_err(defect).map_err(|fault| fault.told(ATTEMPT))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn reference(
        &self,
        sink: &str,
        row: &Row,
        reference: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut told = Row::at(&Key::told(&alert_of(row), sink));
        told.number(EXPIRES, self.expires(Timestamp::now(), self.retention.alerts));
        self.put_short(told, reference, "what a sink answered")
    }

    fn place(
        &self,
        sink: &str,
        position: Option<&str>,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(position) = position else { return Ok(None) };
        let mut row = Row::at(&Key::position(sink, &self.replica));
        // A replica that is gone for so long has nothing to go on with.
        row.number(EXPIRES, self.expires(Timestamp::now(), self.retention.alerts));
        self.put_short(row, position, "a sink's place").map(Some)
    }

    fn put_short(
        &self,
        mut row: Row,
        text: &str,
        what: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        if !row.body(pack(&text)?).is_empty() {
            return Err(StoreError::Broken {
                attempt: ATTEMPT,
                cause: format!("{what} is {} bytes long, which is too much", text.len()),
            });
        }
        let put = Put::builder().table_name(&self.table.name).set_item(Some(row.0)).build();
        let put = put.map_err(defect).map_err(|fault| fault.told(ATTEMPT))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// What a sink of this replica noted last.
    pub(super) async fn find_position(&self, sink: &str) -> Result<Option<String>, StoreError> {
        let key = Key::position(sink, &self.replica);
        let rows = self.table.get([key.clone()]).await;
        let rows = rows.map_err(|fault| fault.told("look up a sink's place"))?;
        rows.get(&key).map(|row| row.read(&HashMap::new())).transpose()
    }
}

impl Settled {
    /// The message.
    fn number(&self) -> i64 {
        match self {
            Self::Sent { number, .. } | Self::Later { number, .. } | Self::Dead { number, .. } => {
                *number
            }
        }
    }
}

fn cut(error: &str) -> String {
    let mut characters = error.chars();
    let mut text: String = characters.by_ref().take(MOST_ERROR).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}
