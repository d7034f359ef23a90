//! The contract, on a table of moto's.

use std::sync::Arc;
use std::time::Duration;

use super::{DynamoConfig, DynamoStore};
use crate::aws::{Aws, Place};
use crate::store::contract;
use crate::store::{Retention, StoreError};
use crate::support::gateway::{Gateway, Turn};
use crate::support::moto::{Moto, unique};
use crate::telemetry::Families;

/// A table, and what stands before it.
pub(super) struct Server {
    moto: Arc<Moto>,
    pub(super) gateway: Gateway,
    pub(super) table: String,
    pub(super) families: Families,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::of(Arc::new(Moto::start()))
    }

    /// Another table of the same server.
    pub(super) fn another(&self) -> Self {
        Self::of(Arc::clone(&self.moto))
    }

    fn of(moto: Arc<Moto>) -> Self {
        let gateway = Gateway::to(moto.url(), &Turn::default());
        Self { gateway, moto, table: unique("store"), families: Families::new() }
    }

    /// Its address, past the gateway.
    pub(super) fn url(&self) -> String {
        self.moto.url().to_owned()
    }

    pub(super) async fn client(&self) -> aws_sdk_dynamodb::Client {
        Aws::on_loopback(self.gateway.url()).dynamodb(&Place::default()).await
    }

    pub(super) fn config(&self, replica: &str) -> DynamoConfig {
        let days = |count: u64| Duration::from_secs(count * 86_400);
        DynamoConfig {
            table: self.table.clone(),
            replica: replica.to_owned(),
            create: true,
            claim: Duration::from_secs(60),
            retention: Retention { ledger: days(30), alerts: days(400), max_bytes: u64::MAX },
        }
    }

    pub(super) async fn open(&self, config: DynamoConfig) -> Result<DynamoStore, StoreError> {
        DynamoStore::open(self.client().await, config, &self.families).await
    }
}

async fn make() -> (Arc<DynamoStore>, Server) {
    let server = Server::start();
    let store = server.open(server.config("one")).await.unwrap();
    (Arc::new(store), server)
}

contract::suite!(make);
