//! The table: made where that is allowed, else told exactly; and refused where it is not ours.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::calls::{Table, defect};
use super::keys::{EXPIRES, INDEX, Key, LISTED_AT, LISTED_UNDER, NEXT, PK, SK};
use super::row::Row;
use super::trouble::Fault;
use crate::runtime::retry::Backoff;
use crate::store::StoreError;

/// The version of the table's rows that this program writes.
pub(super) const VERSION: u32 = 1;

const ATTEMPT: &str = "open the store";

/// Looks at a table that is being made; they are 0.1 s to 5 s apart, in all about two minutes.
const MOST_LOOKS: u32 = 30;

impl Table {
    /// Opens the table for a service, makes it if it is not there and `create` says so.
    pub(super) async fn prepare(&self, create: bool) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut is_made = false;
        let described = loop {
            match self.describe().await? {
                None if create && !is_made => {
                    self.make().await?;
                    is_made = true;
                }
                None if !create => return Err(self.missing("store.create is false")),
                Some(table) if is_usable(&table) => break table,
                None | Some(_) => {}
            }
            if backoff.attempts() >= MOST_LOOKS {
                return Err(StoreError::Transient {
                    attempt: ATTEMPT,
                    cause: format!("table {} is still being made", self.name),
                });
            }
            backoff.wait(&CancellationToken::new()).await;
        };
        self.check(&described)?;
        self.expire(create).await?;
        self.settle_version().await
    }

    /// Opens the table for a command: it must be there.
    pub(super) async fn require(&self) -> Result<(), StoreError> {
        let Some(described) = self.describe().await? else {
            return Err(StoreError::Broken {
                attempt: ATTEMPT,
                cause: format!(
                    "table {} is not there: `askance run` makes it; or is the region or the account \
                     another one?",
                    self.name
                ),
            });
        };
        self.check(&described)?;
        match self.version().await? {
            Some(version) => self.check_version(version),
            None => Err(self.foreign("it has no row meta/table, so it is not askance's")),
        }
    }

    /// Its description; `None` if there is no such table.
    pub(super) async fn describe(&self) -> Result<Option<TableDescription>, StoreError> {
        // Asked again after trouble, it may be told then that there is none: that is an answer too.
        let call = || async {
            let asked = self.client.describe_table().table_name(&self.name).send().await;
            let is_none = |error: &SdkError<DescribeTableError>| {
                let said = error.as_service_error();
                said.is_some_and(DescribeTableError::is_resource_not_found_exception)
            };
            match asked {
                Ok(answer) => Ok(answer.table),
                Err(error) if is_none(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.call("DescribeTable", call).await.map_err(|fault| fault.told(ATTEMPT))
    }

    async fn make(&self) -> Result<(), StoreError> {
        let attribute = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
        };
        let key = |name: &str, kind: KeyType| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
        };
        let built = || -> Result<_, aws_sdk_dynamodb::error::BuildError> {
            let index = GlobalSecondaryIndex::builder()
                .index_name(INDEX)
                .key_schema(key(LISTED_UNDER, KeyType::Hash)?)
                .key_schema(key(LISTED_AT, KeyType::Range)?)
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()?;
            let mut call = self.client.create_table().table_name(&self.name);
            for name in [PK, SK, LISTED_UNDER, LISTED_AT] {
                call = call.attribute_definitions(attribute(name)?);
            }
            Ok(call
                .key_schema(key(PK, KeyType::Hash)?)
                .key_schema(key(SK, KeyType::Range)?)
                .global_secondary_indexes(index)
                .billing_mode(BillingMode::PayPerRequest))
        };
        let call = built().map_err(|error| defect(error).told(ATTEMPT))?;
        match call.send().await {
            Ok(_) => {
                info!(table = %self.name, "made the table of the store");
                Ok(())
            }
            // Another replica makes it at this moment.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(CreateTableError::is_resource_in_use_exception) =>
            {
                Ok(())
            }
            Err(error) => match super::trouble::explain(&error, &self.name, "CreateTable") {
                Fault::Broken(why) => Err(self.missing(&why)),
                fault => Err(fault.told(ATTEMPT)),
            },
        }
    }

    /// There is no table, and it cannot be made: says how somebody who may makes it.
    fn missing(&self, why: &str) -> StoreError {
        let name = &self.name;
        StoreError::Broken {
            attempt: ATTEMPT,
            cause: format!(
                "table {name} is not there, and it is not made: {why}. Whoever may makes it with:\n  \
                 aws dynamodb create-table --table-name {name} --billing-mode PAY_PER_REQUEST \
                 --attribute-definitions AttributeName={PK},AttributeType=S \
                 AttributeName={SK},AttributeType=S AttributeName={LISTED_UNDER},AttributeType=S \
                 AttributeName={LISTED_AT},AttributeType=S \
                 --key-schema AttributeName={PK},KeyType=HASH AttributeName={SK},KeyType=RANGE \
                 --global-secondary-indexes 'IndexName={INDEX},KeySchema=[{{AttributeName={LISTED_UNDER},\
                 KeyType=HASH}},{{AttributeName={LISTED_AT},KeyType=RANGE}}],\
                 Projection={{ProjectionType=KEYS_ONLY}}'\n  {}",
                self.how_to_expire()
            ),
        }
    }

    fn how_to_expire(&self) -> String {
        format!(
            "aws dynamodb update-time-to-live --table-name {} \
             --time-to-live-specification Enabled=true,AttributeName={EXPIRES}",
            self.name
        )
    }

    fn foreign(&self, why: &str) -> StoreError {
        StoreError::Broken {
            attempt: ATTEMPT,
            cause: format!(
                "table {} is no store of askance: {why}. Nothing was changed in it; name another one \
                 in store.table",
                self.name
            ),
        }
    }

    /// Are its keys and its index those of a store?
    fn check(&self, table: &TableDescription) -> Result<(), StoreError> {
        let has = |keys: &[KeySchemaElement], names: [&str; 2]| {
            let kinds = [KeyType::Hash, KeyType::Range];
            keys.len() == 2
                && names.iter().zip(kinds).all(|(name, kind)| {
                    keys.iter().any(|key| key.attribute_name() == *name && *key.key_type() == kind)
                })
        };
        if !has(table.key_schema(), [PK, SK]) {
            let keys: Vec<String> = table
                .key_schema()
                .iter()
                .map(|key| format!("{} ({})", key.attribute_name(), key.key_type().as_str()))
                .collect();
            return Err(self.foreign(&format!(
                "its key is {} and not {PK} (HASH), {SK} (RANGE)",
                keys.join(", ")
            )));
        }
        let is_text = |name: &str| {
            table.attribute_definitions().iter().any(|one| {
                one.attribute_name() == name && *one.attribute_type() == ScalarAttributeType::S
            })
        };
        if !is_text(PK) || !is_text(SK) {
            return Err(self.foreign(&format!("{PK} and {SK} must be strings (S)")));
        }
        let index = table.global_secondary_indexes().iter().find(|index| {
            index.index_name() == Some(INDEX) && has(index.key_schema(), [LISTED_UNDER, LISTED_AT])
        });
        if index.is_none() {
            return Err(self.foreign(&format!(
                "it has no index {INDEX} over {LISTED_UNDER} (HASH), {LISTED_AT} (RANGE)"
            )));
        }
        Ok(())
    }

    /// Has DynamoDB drop what is too old.
    async fn expire(&self, may_change: bool) -> Result<(), StoreError> {
        let described = self
            .call("DescribeTimeToLive", || {
                self.client.describe_time_to_live().table_name(&self.name).send()
            })
            .await;
        let described = match described {
            Ok(answer) => answer.time_to_live_description,
            Err(Fault::Broken(why)) => {
                warn!(%why, "cannot see whether the table lets go of what is old");
                return Ok(());
            }
            Err(fault) => return Err(fault.told(ATTEMPT)),
        };
        let is_on = described.as_ref().is_some_and(|one| {
            one.attribute_name() == Some(EXPIRES)
                && matches!(
                    one.time_to_live_status(),
                    Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
                )
        });
        if is_on {
            return Ok(());
        }
        let mut why = "store.create is false".to_owned();
        if may_change {
            let specification = TimeToLiveSpecification::builder();
            let specification = specification.enabled(true).attribute_name(EXPIRES).build();
            let specification = specification.map_err(|error| defect(error).told(ATTEMPT))?;
            let changed = self.client.update_time_to_live().table_name(&self.name);
            match changed.time_to_live_specification(specification).send().await {
                Ok(_) => return Ok(()),
                Err(error) => why = crate::aws::words(&error),
            }
        }
        // It works without, and grows: no reason not to start.
        let how = self.how_to_expire();
        warn!(table = %self.name, %why, %how, "the table does not let go of what is old");
        Ok(())
    }

    async fn version(&self) -> Result<Option<i64>, StoreError> {
        let rows = self.get([Key::table()]).await.map_err(|fault| fault.told(ATTEMPT))?;
        Ok(rows.get(&Key::table()).and_then(|row| row.get_number(NEXT)))
    }

    fn check_version(&self, version: i64) -> Result<(), StoreError> {
        if version <= i64::from(VERSION) {
            return Ok(());
        }
        Err(StoreError::Broken {
            attempt: ATTEMPT,
            cause: format!(
                "table {} has rows of version {version}, and this askance knows them up to version \
                 {VERSION}: use a newer askance; nothing was changed",
                self.name
            ),
        })
    }

    /// Notes the version in a new table, or refuses a newer one.
    async fn settle_version(&self) -> Result<(), StoreError> {
        if let Some(version) = self.version().await? {
            return self.check_version(version);
        }
        let mut row = Row::at(&Key::table());
        row.number(NEXT, VERSION);
        let put = self
            .call("PutItem", || {
                let call = self.client.put_item().table_name(&self.name);
                call.set_item(Some(row.0.clone()))
                    .condition_expression("attribute_not_exists(pk)")
                    .send()
            })
            .await;
        match put {
            Ok(_) => Ok(()),
            // Another replica did at this moment.
            Err(Fault::Condition(_)) => match self.version().await? {
                Some(version) => self.check_version(version),
                None => Err(self.foreign("its row meta/table has no number next_number")),
            },
            Err(fault) => Err(fault.told(ATTEMPT)),
        }
    }
}

fn is_usable(table: &TableDescription) -> bool {
    matches!(table.table_status(), Some(TableStatus::Active | TableStatus::Updating))
        && table
            .global_secondary_indexes()
            .iter()
            .all(|index| index.index_status().is_none_or(|status| status.as_str() != "CREATING"))
}
