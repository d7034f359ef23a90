//! Calls of one table: within DynamoDB's limits, counted, and tried again where it asks for a pause.
//!
//! A call that is throttled, or meets a row in somebody's transaction, is tried again a few times here;
//! after that, and after any other failure, whoever called decides.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, KeysAndAttributes, PutRequest, ReturnConsumedCapacity,
    TransactWriteItem, WriteRequest,
};
use tokio_util::sync::CancellationToken;

use super::keys::Key;
use super::row::Row;
use super::trouble::{Explains as _, Fault, explain};
use crate::runtime::retry::Backoff;
use crate::store::StoreError;
use crate::telemetry::Families;

/// Rows of one BatchGetItem.
const READ_TOGETHER: usize = 100;

/// Rows of one BatchWriteItem.
const WRITE_TOGETHER: usize = 25;

/// Rows of one transaction.
pub(super) const TRANSACTION: usize = 100;

/// Attempts of a call that is asked to pause; the waits between them grow from 50 ms to 2 s.
const MOST_ATTEMPTS: u32 = 6;

/// A table, and how it is called.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The client.
    pub(super) client: Client,
    /// The table's name.
    pub(super) name: String,
    /// Counters.
    pub(super) families: Families,
}

/// Rows of one partition.
#[derive(Debug, Clone)]
pub(super) struct Range {
    /// The partition.
    pub(super) pk: String,
    /// Sort keys from here...
    pub(super) from: String,
    /// ...to here, both included.
    pub(super) to: String,
    /// At most so many rows in a page.
    pub(super) page: Option<i32>,
}

impl Range {
    /// Rows whose sort keys begin so.
    pub(super) fn begins(pk: String, prefix: &str) -> Self {
        // Sort keys are letters, digits and #, and never nothing.
        let from = if prefix.is_empty() { "0".to_owned() } else { prefix.to_owned() };
        Self { pk, from, to: format!("{prefix}~"), page: None }
    }
}

/// A page of rows, and where the next one begins.
pub(super) type Page = (Vec<Row>, Option<HashMap<String, AttributeValue>>);

impl Table {
    /// Calls; again while DynamoDB asks for a pause.
    pub(super) async fn call<T, E, R, F>(
        &self,
        action: &'static str,
        send: impl Fn() -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        self.patient(action, || async {
            send().await.map_err(|error| explain(&error, &self.name, action))
        })
        .await
    }

    async fn patient<T, F>(&self, action: &'static str, attempt: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            let fault = match attempt().await {
                Err(fault @ Fault::Busy(_)) => fault,
                done => return done,
            };
            self.families.store_throttled.with_label_values(&[action]).inc();
            if backoff.attempts() + 1 >= MOST_ATTEMPTS {
                return Err(fault);
            }
            backoff.wait(&CancellationToken::new()).await;
        }
    }

    /// Counts what a call cost.
    pub(super) fn cost<'c>(
        &self,
        kind: &str,
        consumed: impl IntoIterator<Item = &'c ConsumedCapacity>,
    ) {
        let units: f64 = consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
        self.families.store_capacity.with_label_values(&[kind]).inc_by(units);
    }

    /// Rows that are there, as they are at this moment.
    pub(super) async fn get(
        &self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<HashMap<Key, Row>, Fault> {
        self.get_some(keys, None).await
    }

    /// Which rows are there; reads a moment old are good enough.
    pub(super) async fn are_there(
        &self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<HashSet<Key>, Fault> {
        Ok(self.get_some(keys, Some("pk, sk")).await?.into_keys().collect())
    }

    async fn get_some(
        &self,
        keys: impl IntoIterator<Item = Key>,
        attributes: Option<&str>,
    ) -> Result<HashMap<Key, Row>, Fault> {
        // A key that stands twice in a call is refused.
        let keys: HashSet<Key> = keys.into_iter().collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(READ_TOGETHER) {
            let mut left = Some(self.asked(keys, attributes)?);
            let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
            while let Some(asked) = left.take() {
                let answer = self
                    .call("BatchGetItem", || {
                        let call = self.client.batch_get_item();
                        let call = call.request_items(&self.name, asked.clone());
                        call.return_consumed_capacity(ReturnConsumedCapacity::Total).send()
                    })
                    .await?;
                self.cost("read", answer.consumed_capacity());
                let mut rows = answer.responses.unwrap_or_default();
                let rows = rows.remove(&self.name).unwrap_or_default();
                left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
                // An answer ends at 16 MB, too: whatever comes is progress.
                if left.is_some() && rows.is_empty() {
                    self.pause(&mut backoff, "BatchGetItem").await?;
                }
                found.extend(rows.into_iter().map(Row).map(|row| (row.key(), row)));
            }
        }
        Ok(found)
    }

    fn asked(&self, keys: &[Key], attributes: Option<&str>) -> Result<KeysAndAttributes, Fault> {
        let mut asked = KeysAndAttributes::builder()
            .consistent_read(attributes.is_none())
            .set_projection_expression(attributes.map(str::to_owned));
        for key in keys {
            asked = asked.keys(Row::at(key).0);
        }
        asked.build().map_err(|error| Fault::Broken(format!("a defect of askance: {error}")))
    }

    /// After an answer that leaves something undone.
    async fn pause(&self, backoff: &mut Backoff, action: &'static str) -> Result<(), Fault> {
        self.families.store_throttled.with_label_values(&[action]).inc();
        if backoff.attempts() + 1 >= MOST_ATTEMPTS {
            return Err(Fault::Busy(format!("table {} is throttled ({action})", self.name)));
        }
        backoff.wait(&CancellationToken::new()).await;
        Ok(())
    }

    /// Rows with the parts of their bodies.
    pub(super) async fn parts<'r>(
        &self,
        rows: impl IntoIterator<Item = &'r Row>,
    ) -> Result<HashMap<Key, Row>, Fault> {
        let keys: Vec<Key> = rows.into_iter().flat_map(Row::parts).collect();
        if keys.is_empty() { Ok(HashMap::new()) } else { self.get(keys).await }
    }

    /// A page of a partition, in the order of the sort keys.
    pub(super) async fn page(
        &self,
        range: &Range,
        start: Option<HashMap<String, AttributeValue>>,
    ) -> Result<Page, Fault> {
        let answer = self
            .call("Query", || {
                let call = self.client.query().table_name(&self.name).consistent_read(true);
                let call = call.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to");
                let text = |text: &str| AttributeValue::S(text.to_owned());
                let call = call.expression_attribute_values(":pk", text(&range.pk));
                let call = call.expression_attribute_values(":from", text(&range.from));
                let call = call.expression_attribute_values(":to", text(&range.to));
                let call = call.set_limit(range.page).set_exclusive_start_key(start.clone());
                call.return_consumed_capacity(ReturnConsumedCapacity::Total).send()
            })
            .await?;
        self.cost("read", answer.consumed_capacity());
        let rows = answer.items.unwrap_or_default().into_iter().map(Row).collect();
        Ok((rows, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }

    /// Every row of a partition.
    pub(super) async fn all(&self, range: &Range) -> Result<Vec<Row>, Fault> {
        let (mut rows, mut start) = self.page(range, None).await?;
        while start.is_some() {
            let (more, next) = self.page(range, start).await?;
            rows.extend(more);
            start = next;
        }
        Ok(rows)
    }

    /// Puts rows, whatever stands in their places; in any order, and all of them again after a
    /// failure.
    pub(super) async fn put_all(&self, rows: Vec<Row>) -> Result<(), Fault> {
        let put = |row: Row| {
            let put = PutRequest::builder().set_item(Some(row.0)).build();
            put.map(|put| WriteRequest::builder().put_request(put).build())
        };
        self.write_all(rows.into_iter().map(put).collect::<Result<_, _>>().map_err(defect)?).await
    }

    /// Takes rows out.
    pub(super) async fn delete_all(&self, keys: Vec<Key>) -> Result<(), Fault> {
        let delete = |key: Key| {
            let delete = aws_sdk_dynamodb::types::DeleteRequest::builder();
            let delete = delete.set_key(Some(Row::at(&key).0)).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        };
        self.write_all(keys.into_iter().map(delete).collect::<Result<_, _>>().map_err(defect)?)
            .await
    }

    async fn write_all(&self, requests: Vec<WriteRequest>) -> Result<(), Fault> {
        for requests in requests.chunks(WRITE_TOGETHER) {
            let mut left = requests.to_vec();
            let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
            while !left.is_empty() {
                let answer = self
                    .call("BatchWriteItem", || {
                        let call = self.client.batch_write_item();
                        let call = call.request_items(&self.name, left.clone());
                        call.return_consumed_capacity(ReturnConsumedCapacity::Total).send()
                    })
                    .await?;
                self.cost("write", answer.consumed_capacity());
                let mut undone = answer.unprocessed_items.unwrap_or_default();
                left = undone.remove(&self.name).unwrap_or_default();
                if !left.is_empty() {
                    self.pause(&mut backoff, "BatchWriteItem").await?;
                }
            }
        }
        Ok(())
    }

    /// Writes all of it or nothing.
    pub(super) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Fault> {
        if items.is_empty() {
            return Ok(());
        }
        let action = "TransactWriteItems";
        let answer = self
            .patient(action, || async {
                let call = self.client.transact_write_items();
                let call = call.set_transact_items(Some(items.clone()));
                let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total);
                call.send().await.map_err(|error| {
                    let reasons =
                        error.as_service_error().and_then(|one| one.fault(&self.name, action));
                    reasons.unwrap_or_else(|| explain(&error, &self.name, action))
                })
            })
            .await?;
        self.cost("write", answer.consumed_capacity());
        Ok(())
    }

    /// Gives out numbers that nobody had before; answers the first of them.
    pub(super) async fn numbers(&self, count: usize) -> Result<i64, StoreError> {
        let attempt = "number alerts and messages";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let answer = self
            .call("UpdateItem", || {
                let call = self.client.update_item().table_name(&self.name);
                let call = call.set_key(Some(Row::at(&Key::numbers()).0));
                let call = call.update_expression("ADD next_number :count");
                let call = call.expression_attribute_values(":count", super::row::number(count));
                call.return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
            })
            .await
            .map_err(|fault| fault.told(attempt))?;
        self.cost("write", answer.consumed_capacity());
        let next = Row(answer.attributes.unwrap_or_default()).get_number(super::keys::NEXT);
        let next = next.ok_or_else(|| StoreError::Broken {
            attempt,
            cause: format!("table {} has no number in row meta/numbers", self.name),
        })?;
        // Numbers begin at 1.
        Ok(next - count + 1)
    }
}

/// What would be a mistake in our own requests.
#[allow(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
pub(super) fn defect(error: aws_sdk_dynamodb::error::BuildError) -> Fault {
    Fault::Broken(format!("a defect of askance: {error}"))
}
