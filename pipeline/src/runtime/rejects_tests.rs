//! Tests of rejects on their way: each line once, over a real store.

use std::path::Path;

use super::*;
use crate::config::RejectsConfig;
use crate::sinks::contract;
use crate::store::sqlite::SqliteStore;
use crate::store::{Commit, RejectRow};
use crate::telemetry::Families;

async fn commit(store: &SqliteStore, numbers: std::ops::Range<u64>) {
    let row = |number: u64| RejectRow {
        at: "2026-11-24T00:00:00Z".to_owned(),
        source: "trail".to_owned(),
        origin: format!("s3://trail/{number}"),
        reason: "not_json".to_owned(),
        offset: number,
        detail: String::new(),
        evidence: String::new(),
    };
    let rejects = numbers.map(row).collect();
    let now = Some(jiff::Timestamp::now());
    store.commit(Commit { rejects, now, ..Commit::default() }).await.unwrap();
}

/// Runs until everything is written.
async fn run(store: &Arc<SqliteStore>, path: &Path) {
    let config = RejectsConfig::File { path: path.to_owned(), rotate_at: None, keep: 1 };
    let context = contract::context("http://127.0.0.1:9");
    let (_committed, on_commit) = watch::channel(0);
    let stop = CancellationToken::new();
    stop.cancel();
    let deliverer = RejectDeliverer {
        writer: RejectWriter::open(&config, &context).await,
        store: Arc::clone(store) as Arc<dyn Store>,
        metrics: SinkMetrics::new(&Families::new(), NAME),
        health: Health::default(),
        committed: on_commit,
        stop,
    };
    deliverer.run().await;
}

#[tokio::test]
async fn every_reject_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("askance.db")).await.unwrap());
    let path = folder.path().join("rejects.jsonl");
    commit(&store, 0..1200).await;
    run(&store, &path).await;
    run(&store, &path).await;
    commit(&store, 1200..1201).await;
    // The program ended while a line was written.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"number\":99");
    std::fs::write(&path, text).unwrap();
    run(&store, &path).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let offset = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["number"].is_i64());
        line["offset"].as_u64().unwrap()
    };
    let offsets: Vec<u64> = text.lines().map(offset).collect();
    assert_eq!(offsets, (0..1201).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("askance.db")).await.unwrap());
    commit(&store, 0..2).await;
    let path = folder.path().join("missing/rejects.jsonl");
    run(&store, &path).await;
    assert_eq!(store.position(NAME).await.unwrap(), None, "nothing was written");
    std::fs::create_dir(folder.path().join("missing")).unwrap();
    run(&store, &path).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
}
