//! The table of leases in DynamoDB: made if allowed, read whole, written on condition.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, TableDescription, TableStatus,
};
use tracing::info;

use super::row::{self, n, s};
use super::{Change, Lease, LeaseTable, Listing, TableError};
use crate::aws::{is_throttling, words};
use crate::runtime::retry::Backoff;
use crate::sources::shown::shown;

/// The key of the table.
const KEY: &str = "leaseKey";

/// Longest wait for an answer: a lease must be renewed within seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest wait for a new table.
const LONGEST_MAKING: Duration = Duration::from_secs(120);

/// Most rows that are read: far more than the shards of any fleet.
const MAX_ROWS: usize = 100_000;

/// A table in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    name: String,
    /// It is made if it is not there.
    may_create: bool,
}

impl DynamoTable {
    /// A table of that name; nothing is called yet.
    pub fn new(client: Client, name: &str, may_create: bool) -> Self {
        Self { client, name: name.to_owned(), may_create }
    }

    async fn describe(&self) -> Result<Option<TableDescription>, TableError> {
        let request = self.client.describe_table().table_name(&self.name);
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(answer)) => Ok(answer.table),
            Ok(Err(error)) if code(&error) == "ResourceNotFoundException" => Ok(None),
            answer => Err(self.failed("look at", "dynamodb:DescribeTable", answer)),
        }
    }

    async fn create(&self) -> Result<(), TableError> {
        let attribute = AttributeDefinition::builder()
            .attribute_name(KEY)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash);
        let (Ok(attribute), Ok(key)) = (attribute.build(), key.build()) else {
            return Err(TableError::Failed("the table's key cannot be described".to_owned()));
        };
        let request = self
            .client
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(attribute)
            .key_schema(key)
            .billing_mode(BillingMode::PayPerRequest);
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(_)) => {
                info!(table = %self.name, "the table of leases is made");
                Ok(())
            }
            // Another replica was faster.
            Ok(Err(error)) if code(&error) == "ResourceInUseException" => Ok(()),
            answer => Err(self.failed("make", "dynamodb:CreateTable", answer)),
        }
    }

    /// What a call ended with, in words.
    fn failed<T, E, R>(
        &self,
        attempt: &str,
        permission: &str,
        answer: Result<Result<T, SdkError<E, R>>, tokio::time::error::Elapsed>,
    ) -> TableError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let what = format!("cannot {attempt} table {}", shown(&self.name));
        let error = match answer {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => return TableError::Failed(format!("{what}: the answer says nothing")),
            Err(_) => {
                return TableError::Failed(format!(
                    "{what}: no answer within {} s",
                    PATIENCE.as_secs()
                ));
            }
        };
        let said = shown(&words(&error));
        match code(&error) {
            code if is_throttling(code) => TableError::Throttled(format!("{what}: {said}")),
            "AccessDeniedException" | "UnrecognizedClientException" => {
                TableError::Unusable(format!(
                    "{what}: {said}: grant {permission} on it (deploy/iam/askance-kinesis.json)"
                ))
            }
            "ResourceNotFoundException" => TableError::Unusable(format!(
                "{what}: {said}: it was deleted; it is made anew at the next start of the source"
            )),
            _ => TableError::Failed(format!("{what}: {said}")),
        }
    }

    /// Puts a row where there is none, or in place of one whose counter is as seen.
    async fn put(&self, lease: &Lease, seen: Option<u64>) -> Result<bool, TableError> {
        let request =
            self.client.put_item().table_name(&self.name).set_item(Some(row::write(lease)));
        let request = match seen {
            None => request.condition_expression("attribute_not_exists(leaseKey)"),
            Some(seen) => {
                request.condition_expression(AS_SEEN).expression_attribute_values(":seen", n(seen))
            }
        };
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if code(&error) == CONDITION => Ok(false),
            answer => Err(self.failed("write", "dynamodb:PutItem", answer)),
        }
    }

    /// Deletes a row that is at its shard's end, or whose counter is as seen.
    async fn delete(&self, key: &str, seen: Option<u64>) -> Result<bool, TableError> {
        let request = self.client.delete_item().table_name(&self.name).key(KEY, s(key));
        let request = match seen {
            None => request
                .condition_expression("checkpoint = :end")
                .expression_attribute_values(":end", s("SHARD_END")),
            Some(seen) => {
                request.condition_expression(AS_SEEN).expression_attribute_values(":seen", n(seen))
            }
        };
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if code(&error) == CONDITION => Ok(false),
            answer => Err(self.failed("delete from", "dynamodb:DeleteItem", answer)),
        }
    }

    async fn update(&self, key: &str, update: Update) -> Result<bool, TableError> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(KEY, s(key))
            .condition_expression(update.condition)
            .update_expression(update.expression);
        for (name, value) in update.values {
            request = request.expression_attribute_values(name, value);
        }
        match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if code(&error) == CONDITION => Ok(false),
            answer => Err(self.failed("write", "dynamodb:UpdateItem", answer)),
        }
    }
}

const CONDITION: &str = "ConditionalCheckFailedException";

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default()
}

/// An update in DynamoDB's words.
struct Update {
    condition: &'static str,
    expression: String,
    values: Vec<(String, AttributeValue)>,
}

const AS_SEEN: &str = "leaseCounter = :seen";

impl Update {
    /// With the counter as seen as the condition, and raised by one.
    fn counted(condition: &'static str, seen: u64, more: &str) -> Self {
        let expression = format!("SET leaseCounter = :next{more}");
        let values =
            vec![(":seen".to_owned(), n(seen)), (":next".to_owned(), n(seen.saturating_add(1)))];
        Self { condition, expression, values }
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.push((name.to_owned(), value));
        self
    }
}

/// The update of a change; `None` for those that are none.
fn update_of(change: &Change) -> Option<Update> {
    Some(match change {
        Change::Create(_) | Change::Delete | Change::Replace { .. } | Change::Forget { .. } => {
            return None;
        }
        Change::Renew { counter } => Update::counted(
            "leaseCounter = :seen AND attribute_not_exists(checkpointOwner)",
            *counter,
            "",
        ),
        Change::Take { counter, before, owner } => {
            let is_switch = before.as_ref().is_some_and(|before| before != owner);
            let more = ", leaseOwner = :owner, ownerSwitchesSinceCheckpoint = \
                        if_not_exists(ownerSwitchesSinceCheckpoint, :none) + :switch \
                        REMOVE checkpointOwner";
            Update::counted(AS_SEEN, *counter, more)
                .with(":owner", s(owner))
                .with(":none", n(0))
                .with(":switch", n(u8::from(is_switch)))
        }
        Change::Checkpoint { counter, position } => {
            let values = row::checkpoint(position);
            let mut more = String::from(", ownerSwitchesSinceCheckpoint = :none");
            for (name, _) in &values {
                more.push_str(&format!(", {name} = :{name}"));
            }
            more.push_str(
                " REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState",
            );
            for name in ["startAt", "checkpointSubSequenceNumber"] {
                if values.iter().all(|(set, _)| *set != name) {
                    more.push_str(&format!(", {name}"));
                }
            }
            let mut update = Update::counted(AS_SEEN, *counter, &more).with(":none", n(0));
            for (name, value) in values {
                update = update.with(&format!(":{name}"), value);
            }
            update
        }
        Change::Release { counter, owner } => Update::counted(
            "leaseCounter = :seen AND leaseOwner = :owner",
            *counter,
            " REMOVE leaseOwner",
        )
        .with(":owner", s(owner)),
        Change::Children(children) if children.is_empty() => return None,
        Change::Children(children) => Update {
            condition: "attribute_exists(leaseKey)",
            expression: "SET childShardIds = :children".to_owned(),
            values: vec![(":children".to_owned(), AttributeValue::Ss(children.clone()))],
        },
    })
}

#[async_trait]
impl LeaseTable for DynamoTable {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ensure(&self) -> Result<(), TableError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let began = tokio::time::Instant::now();
        while began.elapsed() < LONGEST_MAKING {
            match self.describe().await? {
                Some(table) if !is_ours(&table) => {
                    return Err(TableError::Unusable(format!(
                        "table {} is no table of leases: its key is not the string `leaseKey` alone; \
                         choose another `application`",
                        shown(&self.name)
                    )));
                }
                Some(table)
                    if matches!(
                        table.table_status,
                        Some(TableStatus::Active | TableStatus::Updating)
                    ) =>
                {
                    return Ok(());
                }
                Some(_) => {}
                None if self.may_create => self.create().await?,
                None => {
                    return Err(TableError::Unusable(format!(
                        "there is no table {}: make it, with the string `leaseKey` as its key, or allow it \
                         with `create_table: true`",
                        shown(&self.name)
                    )));
                }
            }
            tokio::time::sleep(backoff.next(None)).await;
        }
        let seconds = LONGEST_MAKING.as_secs();
        Err(TableError::Failed(format!(
            "table {} is not ready after {seconds} s",
            shown(&self.name)
        )))
    }

    async fn all(&self) -> Result<Listing, TableError> {
        let mut listing = Listing::default();
        let mut from = None;
        loop {
            let request = self.client.scan().table_name(&self.name).consistent_read(true);
            let request = request.set_exclusive_start_key(from.take());
            let answer = match tokio::time::timeout(PATIENCE, request.send()).await {
                Ok(Ok(answer)) => answer,
                answer => return Err(self.failed("read", "dynamodb:Scan", answer)),
            };
            for row in answer.items.unwrap_or_default() {
                match row::read(&row) {
                    Ok(lease) => listing.leases.push(lease),
                    Err(unreadable) => listing.unreadable.push(unreadable),
                }
            }
            from = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if listing.leases.len() + listing.unreadable.len() > MAX_ROWS {
                return Err(TableError::Unusable(format!(
                    "table {} has more than {MAX_ROWS} rows: it is no table of leases",
                    shown(&self.name)
                )));
            }
            if from.is_none() {
                listing.leases.sort_by(|a, b| a.key.cmp(&b.key));
                return Ok(listing);
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Lease>, TableError> {
        let request = self.client.get_item().table_name(&self.name).key(KEY, s(key));
        match tokio::time::timeout(PATIENCE, request.consistent_read(true).send()).await {
            Ok(Ok(answer)) => answer.item.map(|row| row::read(&row)).transpose().map_err(|bad| {
                TableError::Unusable(format!("row {} cannot be read: {}", bad.key, bad.why))
            }),
            answer => Err(self.failed("read", "dynamodb:GetItem", answer)),
        }
    }

    async fn write(&self, key: &str, change: &Change) -> Result<bool, TableError> {
        match change {
            Change::Create(lease) => self.put(lease, None).await,
            Change::Replace { counter, lease } => {
                let lease = Lease { counter: counter.saturating_add(1), ..lease.clone() };
                self.put(&lease, Some(*counter)).await
            }
            Change::Delete => self.delete(key, None).await,
            Change::Forget { counter } => self.delete(key, Some(*counter)).await,
            change => match update_of(change) {
                Some(update) => self.update(key, update).await,
                // A set that is empty cannot be written, and says nothing.
                None => Ok(true),
            },
        }
    }
}

fn is_ours(table: &TableDescription) -> bool {
    let keys = table.key_schema.as_deref().unwrap_or_default();
    matches!(keys, [key] if key.attribute_name == KEY && key.key_type == KeyType::Hash)
}
