//! Tests of what a sink notes of its own place, and of messages that are gathered.

use std::sync::{Arc, Mutex};

use askance_stages::model::Alert;
use askance_stages::raise::{Known, Raise, Route};
use async_trait::async_trait;

use super::*;
use crate::config::{Config, FileConfig, SinkConfig};
use crate::runtime::plan::Plan;
use crate::sinks::contract::{self, notices::usual};
use crate::store::Commit;
use crate::store::sqlite::SqliteStore;

const NOW: &str = "2026-11-24T06:00:00Z";

struct Bench {
    folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    now: Arc<Mutex<Timestamp>>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("askance.db")).await.unwrap();
        let now = Arc::new(Mutex::new(NOW.parse().unwrap()));
        Self { folder, store: Arc::new(store), now }
    }

    /// Puts alerts into the outbox of the sink `log`.
    async fn raise(&self, numbers: impl Iterator<Item = u8>) {
        let alerts: Vec<Alert> = numbers.map(|number| usual(number).alert).collect();
        let routes = vec![Route { to: vec!["log".to_owned()], ..Route::default() }];
        let raise = Raise { routes, ..Raise::default() };
        let now = *self.now.lock().unwrap();
        let outcome = raise.run(alerts, Known::default(), now);
        let commit = Commit { outcome: Arc::new(outcome), now: Some(now), ..Commit::default() };
        self.store.commit(commit).await.unwrap();
    }

    /// A deliverer and what stops it.
    fn deliverer(&self, sink: Box<dyn Sink>) -> (Deliverer, CancellationToken) {
        let families = Families::new();
        let plan = Plan::build(&Config::default(), false, NOW.parse().unwrap()).unwrap();
        let now = Arc::clone(&self.now);
        let stop = CancellationToken::new();
        let deliverer = Deliverer {
            name: "log".to_owned(),
            sink,
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            current: watch::channel(Arc::new(plan)).1,
            clock: Clock::of(move || *now.lock().unwrap()),
            metrics: SinkMetrics::new(&families, "log"),
            families,
            health: Health::default(),
            give_up_after: Duration::from_secs(3600),
            committed: watch::channel(0).1,
            stop: stop.clone(),
            end_now: CancellationToken::new(),
        };
        (deliverer, stop)
    }

    /// Runs a file sink until everything that is due is sent.
    async fn run_file(&self) -> Vec<String> {
        let path = self.folder.path().join("alerts.jsonl");
        let config = SinkConfig::File(FileConfig { path: path.clone(), rotate_at: None, keep: 1 });
        let sink = crate::sinks::open(&config, &contract::context("http://127.0.0.1:9")).await;
        let (deliverer, stop) = self.deliverer(sink.unwrap());
        stop.cancel();
        deliverer.run().await;
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn the_place_is_kept_before_the_first_message_and_with_each_one() {
    let bench = Bench::new().await;
    assert_eq!(bench.run_file().await, Vec::<String>::new());
    let begun = bench.store.position("log").await.unwrap();
    assert!(begun.is_some(), "else the first lines could stand twice");
    bench.raise(1..4).await;
    let expected: Vec<String> = (1..4).map(|number| usual(number).json).collect();
    assert_eq!(bench.run_file().await, expected);
    let sent = bench.store.position("log").await.unwrap();
    assert_ne!(sent, begun);
    assert_eq!(
        bench.store.depths().await.unwrap().iter().map(|depth| depth.waiting).sum::<u64>(),
        0
    );
    // A program that ended before it noted what became of a message leaves its line behind.
    let path = bench.folder.path().join("alerts.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str(&usual(4).json[..20]);
    std::fs::write(&path, text).unwrap();
    bench.raise(std::iter::once(4)).await;
    let expected: Vec<String> = (1..5).map(|number| usual(number).json).collect();
    assert_eq!(bench.run_file().await, expected);
}

/// Notes the sizes of what it is given.
struct Gatherer(Arc<Mutex<Vec<usize>>>);

#[async_trait]
impl Sink for Gatherer {
    fn max_batch(&self) -> usize {
        3
    }

    fn gather(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        self.0.lock().unwrap().push(notices.len());
        vec![Ok(Sent::default()); notices.len()]
    }
}

#[tokio::test]
async fn messages_are_gathered_until_there_are_enough_or_they_are_old() {
    let bench = Bench::new().await;
    let batches = Arc::new(Mutex::new(Vec::new()));
    let (mut deliverer, stop) = bench.deliverer(Box::new(Gatherer(Arc::clone(&batches))));
    bench.raise(1..3).await;
    let Attempt::Gathering(wait) = deliverer.attempt(false).await else { panic!("two are few") };
    assert_eq!(wait, Duration::from_secs(60));
    bench.raise(3..6).await;
    assert!(matches!(deliverer.attempt(false).await, Attempt::Went));
    assert!(matches!(deliverer.attempt(false).await, Attempt::Gathering(_)));
    *bench.now.lock().unwrap() += SignedDuration::from_secs(60);
    assert!(matches!(deliverer.attempt(false).await, Attempt::Went));
    bench.raise(6..7).await;
    assert!(matches!(deliverer.attempt(false).await, Attempt::Gathering(_)));
    // Whoever stops sends what there is.
    stop.cancel();
    assert!(matches!(deliverer.attempt(false).await, Attempt::Went));
    assert_eq!(*batches.lock().unwrap(), [3, 2, 1]);
}
