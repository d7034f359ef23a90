//! Alerts for people to look at, and their taking note of them.
//!
//! The index names alerts by time in a few partitions, which are read side by side from the latest on;
//! the alerts themselves are read from the table, so that what was just written is seen.

use std::collections::{HashMap, VecDeque};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::DynamoStore;
use super::commit::{KeptAlert, level_number};
use super::due::Facts;
use super::keys::{ACK, INDEX, Key, LISTED_AT, SHARDS, hash, listed_under, shard, sortable};
use super::row::{INLINE, Row, pack, unpack};
use super::trouble::Fault;
use crate::store::{Ack, AlertChoice, StoreError, StoredAlert};

const ATTEMPT: &str = "list alerts";

/// Alerts that are read together.
const TOGETHER: usize = 50;

/// One partition of the index, read from its end.
struct Shelf {
    under: String,
    /// Time and place of alerts, the latest first.
    rows: VecDeque<(String, String)>,
    start: Option<HashMap<String, AttributeValue>>,
    is_over: bool,
}

impl DynamoStore {
    /// Alerts of a choice, the latest first.
    pub(super) async fn list_alerts(
        &self,
        choice: &AlertChoice,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let limit = choice.limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut shelves = shelves(choice);
        while found.len() < limit {
            let alerts = self.next(&mut shelves, choice).await?;
            if alerts.is_empty() {
                break;
            }
            let facts = self.facts(&alerts, None).await?;
            for alert in &alerts {
                // It is in the index for a moment longer than in the table.
                let Some(kept) = facts.alert(alert) else { continue };
                let Some(row) = facts.row(alert) else { continue };
                let ack: Option<Ack> = row.get_bytes(ACK).map(unpack).transpose()?;
                if is_chosen(choice, &kept, ack.as_ref()) && found.len() < limit {
                    found.push(stored(&facts, alert, kept, ack)?);
                }
            }
        }
        Ok(found)
    }

    /// The latest alerts that were not handed on yet.
    async fn next(
        &self,
        shelves: &mut [Shelf],
        choice: &AlertChoice,
    ) -> Result<Vec<String>, StoreError> {
        let mut alerts = Vec::new();
        while alerts.len() < TOGETHER {
            for shelf in shelves.iter_mut() {
                while shelf.rows.is_empty() && !shelf.is_over {
                    self.fill(shelf, choice).await?;
                }
            }
            let latest = shelves
                .iter_mut()
                .filter(|shelf| !shelf.rows.is_empty())
                .max_by(|a, b| a.rows.front().cmp(&b.rows.front()));
            let Some((_, alert)) = latest.and_then(|shelf| shelf.rows.pop_front()) else { break };
            alerts.push(alert);
        }
        Ok(alerts)
    }

    async fn fill(&self, shelf: &mut Shelf, choice: &AlertChoice) -> Result<(), StoreError> {
        let from = choice.from.map_or(String::new(), sortable);
        // An alert's place begins with its time, so the time alone stands before it.
        let to = choice.to.map_or("~".to_owned(), sortable);
        if from > to {
            shelf.is_over = true;
            return Ok(());
        }
        let answer = self
            .table
            .call("Query", || {
                let text = |text: &str| AttributeValue::S(text.to_owned());
                let from = if from.is_empty() { "0" } else { from.as_str() };
                let call = self.table.client.query().table_name(&self.table.name);
                let call = call.index_name(INDEX).scan_index_forward(false);
                call.key_condition_expression(
                    "listed_under = :under AND listed_at BETWEEN :from AND :to",
                )
                .expression_attribute_values(":under", text(&shelf.under))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(&to))
                .set_exclusive_start_key(shelf.start.clone())
                .limit(TOGETHER as i32)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
            })
            .await
            .map_err(|fault| fault.told(ATTEMPT))?;
        self.table.cost("read", answer.consumed_capacity());
        for row in answer.items.unwrap_or_default().into_iter().map(Row) {
            let alert = row.key().pk.trim_start_matches("a#").to_owned();
            let at = row.get_text(LISTED_AT).unwrap_or_default().to_owned();
            shelf.rows.push_back((at, alert));
        }
        shelf.start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        shelf.is_over = shelf.start.is_none();
        Ok(())
    }

    /// Notes that somebody took note; who did it last is kept.
    pub(super) async fn note_ack(
        &self,
        choice: &AlertChoice,
        ack: &Ack,
    ) -> Result<u64, StoreError> {
        let attempt = "acknowledge alerts";
        let packed = pack(ack)?;
        if packed.len() > INLINE {
            let cause = format!("the note is {} bytes long, which is too much", packed.len());
            return Err(StoreError::Broken { attempt, cause });
        }
        let mut noted = 0;
        for alert in self.list_alerts(choice).await? {
            let key = Key::alert(&hash(&[&alert.id]));
            let answer = self
                .table
                .call("UpdateItem", || {
                    let call = self.table.client.update_item().table_name(&self.table.name);
                    let body = AttributeValue::B(Blob::new(packed.clone()));
                    call.set_key(Some(Row::at(&key).0))
                        .update_expression("SET ack_body = :ack")
                        .condition_expression("attribute_exists(pk)")
                        .expression_attribute_values(":ack", body)
                        .return_consumed_capacity(ReturnConsumedCapacity::Total)
                        .send()
                })
                .await;
            match answer {
                Ok(answer) => {
                    self.table.cost("write", answer.consumed_capacity());
                    noted += 1;
                }
                // Its time was over at this moment.
                Err(Fault::Condition(_)) => {}
                Err(fault) => return Err(fault.told(attempt)),
            }
        }
        Ok(noted)
    }
}

/// The partitions in which alerts of a choice may stand.
fn shelves(choice: &AlertChoice) -> Vec<Shelf> {
    let one = |under| Shelf { under, rows: VecDeque::new(), start: None, is_over: false };
    match choice.id.as_deref() {
        Some(id) if !id.is_empty() => vec![one(shard(id))],
        _ => (0..SHARDS).map(|shard| one(listed_under(shard))).collect(),
    }
}

fn is_chosen(choice: &AlertChoice, kept: &KeptAlert, ack: Option<&Ack>) -> bool {
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == value)
    };
    choice.id.as_ref().is_none_or(|id| kept.id.starts_with(id))
        && choice.level.is_none_or(|level| kept.level >= level_number(level))
        && is(&choice.rule, Some(&kept.rule))
        && is(&choice.account, kept.account.as_deref())
        && is(&choice.fate, Some(&kept.fate))
        && (!choice.is_open || ack.is_none())
}

fn stored(
    facts: &Facts,
    alert: &str,
    kept: KeptAlert,
    ack: Option<Ack>,
) -> Result<StoredAlert, StoreError> {
    let json = RawValue::from_string(kept.json).map_err(|error| StoreError::Broken {
        attempt: ATTEMPT,
        cause: format!("alert {} is no JSON: {error}", kept.id),
    })?;
    let raised = Timestamp::from_microsecond(kept.raised).unwrap_or(Timestamp::MIN);
    Ok(StoredAlert {
        alert: json,
        fate: kept.fate,
        raised: raised.to_string(),
        leader: kept.leader,
        suppressed_by: kept.suppressed_by,
        group: facts.group(alert),
        words: facts.words(&kept.rule),
        ack,
        id: kept.id,
    })
}
