//! Doubles of what a source is given: a ledger, and a runtime whose verdicts a test gives.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use askance_stages::raise::Asks;
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::runtime::budget::Budget;
use crate::runtime::intake::{Intake, Taken};
use crate::sources::{
    Ack as Acknowledgement, Body, Envelope, Item, Object, Refused, Source, SourceContext,
    SourceError,
};
use crate::store::{
    Ack, AlertChoice, Basis, Commit, Depth, Knowledge, OutboxChoice, OutboxRow, Queued, RejectRow,
    Retention, Settled, Store, StoreError, StoreStats, StoredAlert, Turn, Window,
};
use crate::telemetry::{Families, Health, SourceMetrics};

/// Longest that a test waits for something, on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

/// A store that has a ledger and nothing else.
#[derive(Debug, Default)]
pub struct Ledger {
    done: Mutex<HashSet<String>>,
    /// How many questions still fail.
    pub failing: AtomicUsize,
    /// How many questions were asked.
    pub asked: AtomicUsize,
}

impl Ledger {
    /// Notes an object as read.
    pub fn note(&self, key: &str) {
        self.done.lock().unwrap().insert(key.to_owned());
    }

    /// Everything that is noted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.done.lock().unwrap().iter().cloned().collect();
        keys.sort();
        keys
    }
}

const NO_STORE: StoreError = StoreError::Broken { attempt: "do it", cause: String::new() };

#[async_trait]
impl Store for Ledger {
    async fn are_done(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fails = self
            .failing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_ok() {
            return Err(StoreError::Transient { attempt: "ask", cause: "locked".into() });
        }
        let done = self.done.lock().unwrap();
        Ok(keys.iter().map(|key| done.contains(key)).collect())
    }

    async fn known(&self, _: &Asks) -> Result<Knowledge, StoreError> {
        Err(NO_STORE)
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        commit.objects.iter().for_each(|object| self.note(&object.key));
        Ok(())
    }

    async fn windows(
        &self,
        _: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError> {
        Err(NO_STORE)
    }

    async fn windows_due(
        &self,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Err(NO_STORE)
    }

    async fn windows_next(&self, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Err(NO_STORE)
    }

    async fn due(&self, _: &str, _: Timestamp, _: usize) -> Result<Vec<Queued>, StoreError> {
        Err(NO_STORE)
    }

    async fn next_due(&self, _: &str) -> Result<Option<Timestamp>, StoreError> {
        Err(NO_STORE)
    }

    async fn settle(&self, _: &str, _: Vec<Settled>, _: Option<String>) -> Result<(), StoreError> {
        Err(NO_STORE)
    }

    async fn position(&self, _: &str) -> Result<Option<String>, StoreError> {
        Err(NO_STORE)
    }

    async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        Err(NO_STORE)
    }

    async fn outbox(&self, _: &OutboxChoice) -> Result<Vec<OutboxRow>, StoreError> {
        Err(NO_STORE)
    }

    async fn retry(&self, _: &OutboxChoice) -> Result<u64, StoreError> {
        Err(NO_STORE)
    }

    async fn discard(&self, _: &OutboxChoice) -> Result<u64, StoreError> {
        Err(NO_STORE)
    }

    async fn alerts(&self, _: &AlertChoice) -> Result<Vec<StoredAlert>, StoreError> {
        Err(NO_STORE)
    }

    async fn acknowledge(&self, _: &AlertChoice, _: &Ack) -> Result<u64, StoreError> {
        Err(NO_STORE)
    }

    async fn rejects(&self, _: i64, _: usize) -> Result<Vec<(i64, RejectRow)>, StoreError> {
        Err(NO_STORE)
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        Err(NO_STORE)
    }

    async fn turn(&self, _: &str) -> Result<Turn, StoreError> {
        Err(NO_STORE)
    }

    async fn change_turn(&self, _: &str, _: u64, _: &Turn) -> Result<bool, StoreError> {
        Err(NO_STORE)
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        Err(NO_STORE)
    }

    async fn compact(&self, _: Retention, _: Timestamp) -> Result<u64, StoreError> {
        Err(NO_STORE)
    }
}

/// What stands where the workers and the store would be.
pub struct Runtime {
    /// The ledger; a restart keeps it.
    pub ledger: Arc<Ledger>,
    /// Every metric.
    pub families: Families,
    /// What the source told of itself.
    pub health: Health,
    budget: Budget,
    intake: Intake,
    taken: Taken,
}

/// A source that runs.
pub struct Running {
    handle: JoinHandle<Result<(), SourceError>>,
    stop: CancellationToken,
}

impl Runtime {
    /// With room for so many bytes.
    pub fn with_budget(bytes: u64) -> Self {
        let families = Families::new();
        let (intake, taken) = Intake::new(families.queue_objects.clone());
        let budget = Budget::new(bytes, families.queue_bytes.clone());
        let (ledger, health) = (Arc::default(), Health::default());
        Self { ledger, families, health, budget, intake, taken }
    }

    /// With room for 64 MiB.
    pub fn new() -> Self {
        Self::with_budget(64 << 20)
    }

    /// Starts a source of the name `place`.
    pub fn run(&self, source: Box<dyn Source>) -> Running {
        let stop = CancellationToken::new();
        let context = SourceContext {
            name: Arc::from("place"),
            intake: self.intake.clone(),
            budget: self.budget.clone(),
            store: Arc::clone(&self.ledger) as Arc<dyn Store>,
            stop: stop.clone(),
            metrics: SourceMetrics::new(&self.families, "place"),
            health: self.health.clone(),
        };
        let handle = tokio::spawn(async move { source.run(context).await });
        Running { handle, stop }
    }

    /// The next envelope.
    pub async fn next(&mut self) -> Envelope {
        let next = tokio::time::timeout(LONGEST, self.taken.recv()).await;
        next.expect("an envelope comes").expect("the intake is open")
    }

    /// The next object, with its envelope's acknowledgement.
    pub async fn next_object(&mut self) -> (Object, Acknowledgement) {
        let Envelope { item, ack } = self.next().await;
        match item {
            Item::Object(object) => (object, ack),
            Item::Refused(refused) => panic!("an object was to come: {refused:?}"),
        }
    }

    /// The next refusal, kept as the store would.
    pub async fn next_refused(&mut self) -> Refused {
        let Envelope { item, ack } = self.next().await;
        match item {
            Item::Object(object) => panic!("a refusal was to come: {object:?}"),
            Item::Refused(refused) => {
                refused.key.iter().for_each(|key| self.ledger.note(key));
                ack.done();
                refused
            }
        }
    }

    /// The next object's path and bytes, committed.
    pub async fn commit_next(&mut self) -> (String, Vec<u8>) {
        let (object, ack) = self.next_object().await;
        let read = (object.path.clone(), bytes_of(&object));
        object.key.iter().for_each(|key| self.ledger.note(key));
        drop(object);
        ack.done();
        read
    }

    /// Nothing comes within a time.
    pub async fn nothing_comes(&mut self, time: Duration) {
        if let Ok(envelope) = tokio::time::timeout(time, self.taken.recv()).await {
            panic!("nothing was to come: {envelope:?}");
        }
    }

    /// A counter of this source with another label.
    pub fn count(&self, vector: &prometheus::IntCounterVec, label: &str) -> u64 {
        vector.with_label_values(&["place", label]).get()
    }

    /// How many objects ended so.
    pub fn objects(&self, outcome: &str) -> u64 {
        self.count(&self.families.source_objects, outcome)
    }

    /// Failed attempts to reach the place.
    pub fn errors(&self) -> u64 {
        self.families.source_errors.with_label_values(&["place"]).get()
    }
}

impl Running {
    /// Tells it to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for its end.
    pub async fn ended(self) -> Result<(), SourceError> {
        tokio::time::timeout(LONGEST, self.handle).await.expect("run ends").expect("no panic")
    }

    /// Stops it and waits for its end.
    pub async fn stopped(self) {
        self.stop();
        self.ended().await.unwrap();
    }

    /// Ends it as a crash would: nothing is finished.
    pub fn crash(self) {
        self.handle.abort();
    }

    /// Has it ended?
    pub fn is_over(&self) -> bool {
        self.handle.is_finished()
    }
}

/// All bytes of an object.
pub fn bytes_of(object: &Object) -> Vec<u8> {
    match &object.body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Batch(batch) => {
            batch.parts.iter().flat_map(|part| [&part.data[..], b"\n"].concat()).collect()
        }
        Body::File(file) => {
            let mut bytes = Vec::new();
            let mut file: &std::fs::File = file;
            file.read_to_end(&mut bytes).unwrap();
            bytes
        }
    }
}

/// Waits until something holds, or fails naming it.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONGEST, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
