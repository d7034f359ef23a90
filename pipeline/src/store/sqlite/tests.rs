//! The contract on SQLite, and what only SQLite can do.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;

async fn make() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("askance.db")).await.unwrap();
    (Arc::new(store), folder)
}

crate::store::contract::suite!(make);
