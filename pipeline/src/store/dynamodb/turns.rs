//! Turns: a row each, changed only if it is as it was seen.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::DynamoStore;
use super::keys::{Key, OWNER, TERM, VERSION};
use super::row::{Row, number};
use super::trouble::Fault;
use crate::store::{StoreError, Turn};

impl DynamoStore {
    /// A turn as it is now.
    pub(super) async fn find_turn(&self, name: &str) -> Result<Turn, StoreError> {
        let key = Key::turn(name);
        let rows = self.table.get([key.clone()]).await;
        let rows = rows.map_err(|fault| fault.told("look at a turn"))?;
        let Some(row) = rows.get(&key) else { return Ok(Turn::default()) };
        let count = |name| row.get_number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        Ok(Turn {
            holder: row.get_text(OWNER).map(str::to_owned),
            term: count(TERM),
            count: count(VERSION),
        })
    }

    /// Writes it, if it still has this count.
    pub(super) async fn put_turn(
        &self,
        name: &str,
        seen: u64,
        next: &Turn,
    ) -> Result<bool, StoreError> {
        let mut row = Row::at(&Key::turn(name));
        row.number(TERM, next.term);
        row.number(VERSION, next.count);
        if let Some(holder) = &next.holder {
            row.text(OWNER, holder);
        }
        let answer = self
            .table
            .call("PutItem", || {
                let call = self.table.client.put_item().table_name(&self.table.name);
                let call = call.set_item(Some(row.0.clone()));
                let call = match seen {
                    0 => call.condition_expression("attribute_not_exists(pk)"),
                    seen => call
                        .condition_expression("row_version = :seen")
                        .expression_attribute_values(":seen", number(seen)),
                };
                call.return_consumed_capacity(ReturnConsumedCapacity::Total).send()
            })
            .await;
        match answer {
            Ok(answer) => {
                self.table.cost("write", answer.consumed_capacity());
                Ok(true)
            }
            Err(Fault::Condition(_)) => Ok(false),
            Err(fault) => Err(fault.told("change a turn")),
        }
    }
}
