//! Several workers on a clock that stands still between steps: killed, cut off, resharded under.
//!
//! What must hold at the end: every record was committed, records of a shard and of a key were first
//! committed in order, and no lease's position went back (the double of the table sees to that).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::env::{Env, FETCHES, Times, Unit};
use super::super::leases::LeaseTable;
use super::super::position::Position;
use super::super::stream::Stream;
use super::super::worker::{Over, Worker};
use super::double::{NOW, Rows, StreamDouble, TableDouble};
use crate::config::KinesisMode;
use crate::runtime::budget::Budget;
use crate::runtime::clock::Clock;
use crate::runtime::intake::{Intake, Taken};
use crate::sources::tests::double::Ledger;
use crate::sources::troubles::Troubles;
use crate::sources::{Body, Envelope, Item, SourceContext};
use crate::telemetry::{Families, Health, KinesisMetrics, SourceMetrics};

const KEYS: u64 = 16;

/// Everything that was committed, in order: the record's address and its data.
type Log = Arc<Mutex<Vec<(String, String)>>>;

/// A world of one stream and one table.
#[derive(Clone)]
pub struct World {
    /// The stream.
    pub stream: StreamDouble,
    /// The table.
    pub rows: Rows,
    log: Log,
    mode: KinesisMode,
    /// Where a shard begins that hangs from no lease.
    pub initial: Position,
    table_fails: u32,
    /// Seconds that clocks of workers are ahead; any few minutes if it is not said.
    skew: Option<i64>,
    /// Some batches are not committed at once.
    gives_back: bool,
    /// Nothing is committed.
    is_stalled: Arc<AtomicBool>,
    put: Arc<Mutex<BTreeMap<u64, u64>>>,
}

/// One process.
pub struct Process {
    worker: JoinHandle<()>,
    committer: JoinHandle<()>,
    stop: CancellationToken,
    /// The table cannot be reached.
    pub is_cut: Arc<AtomicBool>,
    /// Its counters.
    pub families: Families,
    /// What it told of itself.
    pub health: Health,
}

impl World {
    /// With a stream of one shard.
    pub fn new(mode: KinesisMode) -> Self {
        Self {
            stream: StreamDouble::new(),
            rows: Rows::default(),
            log: Log::default(),
            mode,
            initial: Position::TrimHorizon,
            table_fails: 0,
            skew: None,
            gives_back: true,
            is_stalled: Arc::default(),
            put: Arc::default(),
        }
    }

    /// Puts so many records.
    pub fn put_some(&self, count: u64) {
        let mut put = self.put.lock().unwrap();
        for _ in 0..count {
            let key = fastrand::u64(..KEYS);
            let number = put.entry(key).or_default();
            *number += 1;
            let hash = u128::MAX / u128::from(KEYS) * u128::from(key);
            self.stream.put(hash, format!("{key}:{number}").as_bytes());
        }
    }

    /// Starts a process.
    pub fn start(&self) -> Process {
        let world = self.clone();
        self.start_with(|_, taken| tokio::spawn(world.commit(taken)))
    }

    /// Starts a process whose batches somebody else commits.
    pub fn start_with(&self, commit: impl FnOnce(&Families, Taken) -> JoinHandle<()>) -> Process {
        let families = Families::new();
        let (intake, taken) = Intake::new(families.queue_objects.clone());
        let (stop, health) = (CancellationToken::new(), Health::default());
        let name: Arc<str> = Arc::from("trail");
        let context = SourceContext {
            name: Arc::clone(&name),
            intake,
            budget: Budget::new(1 << 20, families.queue_bytes.clone()),
            store: Arc::new(Ledger::default()),
            stop: stop.clone(),
            metrics: SourceMetrics::new(&families, "trail"),
            health: health.clone(),
        };
        let is_cut = Arc::new(AtomicBool::new(false));
        let (rows, fails) = (self.rows.clone(), self.table_fails);
        let table = Arc::new(TableDouble { rows, is_cut: Arc::clone(&is_cut), fails });
        let metrics = KinesisMetrics::new(&families, &name);
        let troubles = Arc::new(Troubles::new(health.clone(), "trail"));
        let committer = commit(&families, taken);
        let worker = tokio::spawn(self.clone().work(context, table, metrics, troubles));
        Process { worker, committer, stop, is_cut, families, health }
    }

    /// Works as the source does: begins again when the stream is another one.
    async fn work(
        self,
        context: SourceContext,
        table: Arc<dyn LeaseTable>,
        metrics: KinesisMetrics,
        troubles: Arc<Troubles>,
    ) {
        // Clocks of replicas differ by minutes; nothing may depend on them.
        let skew = self.skew.unwrap_or_else(|| fastrand::i64(-300..300));
        loop {
            let Ok(epoch) = self.stream.epoch().await else {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let env = Env {
                table: Arc::clone(&table),
                me: Arc::from(format!("worker-{:08x}", fastrand::u32(..))),
                mode: self.mode,
                max_records: 20,
                initial: self.initial.clone(),
                times: Times::new(Duration::from_secs(10), Duration::from_secs(1)),
                metrics: metrics.clone(),
                troubles: Arc::clone(&troubles),
                fetches: Semaphore::new(FETCHES),
                clock: Clock::of(move || {
                    jiff::Timestamp::from_millisecond(NOW + skew * 1000).unwrap()
                }),
                context: SourceContext { stop: context.stop.child_token(), ..context.clone() },
            };
            let unit = Unit::new(None, Arc::new(self.stream.clone()) as Arc<dyn Stream>, epoch);
            if Worker::new(Arc::new(env), vec![Arc::new(unit)]).run().await == Over::Stopped {
                return;
            }
        }
    }

    /// Commits what comes, some of it not at once.
    async fn commit(self, mut taken: Taken) {
        while let Some(Envelope { item, ack }) = taken.recv().await {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..200))).await;
            while self.is_stalled.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // Some batches are not committed, and come again.
            if self.gives_back && fastrand::u8(..20) == 0 {
                continue;
            }
            let Item::Object(object) = item else { panic!("a batch was to come") };
            let Body::Batch(batch) = object.body else { panic!("a batch was to come") };
            for part in batch.parts {
                let data = String::from_utf8(part.data.to_vec()).unwrap();
                self.log.lock().unwrap().push((part.path, data));
            }
            ack.done();
        }
    }

    fn expected(&self) -> BTreeSet<String> {
        let put = self.put.lock().unwrap();
        put.iter().flat_map(|(key, last)| (1..=*last).map(move |n| format!("{key}:{n}"))).collect()
    }

    /// Waits on the test's clock until everything that was put is committed.
    pub async fn all_is_committed(&self) {
        for _ in 0..3000 {
            let log: BTreeSet<String> =
                self.log.lock().unwrap().iter().map(|(_, data)| data.clone()).collect();
            if self.expected().is_subset(&log) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let log: BTreeSet<String> =
            self.log.lock().unwrap().iter().map(|(_, d)| d.clone()).collect();
        let missing: Vec<String> = self.expected().difference(&log).take(5).cloned().collect();
        panic!("not committed: {missing:?} ...; {:#?}", self.rows.all());
    }

    /// Records of a shard and of a key were first committed in order.
    pub fn is_in_order(&self) {
        let (mut by_shard, mut by_key) = (BTreeMap::new(), BTreeMap::new());
        let mut seen = BTreeSet::new();
        for (path, data) in self.log.lock().unwrap().iter() {
            if !seen.insert(data.clone()) {
                continue;
            }
            let (shard, sequence) = path.rsplit_once('/').unwrap();
            let sequence: u64 = sequence.parse().unwrap();
            let before = by_shard.insert(shard.to_owned(), sequence).unwrap_or(0);
            assert!(before < sequence, "{path} came behind {before}");
            let (key, number) = data.split_once(':').unwrap();
            let number: u64 = number.parse().unwrap();
            let before = by_key.insert(key.to_owned(), number).unwrap_or(0);
            assert_eq!(before + 1, number, "of key {key}");
        }
    }
}

impl Process {
    /// Ends it as kill -9 does.
    fn kill(self) {
        self.worker.abort();
        self.committer.abort();
    }

    /// Tells it to stop and waits for its end.
    pub async fn stopped(self) {
        self.stop.cancel();
        self.worker.await.unwrap();
    }

    /// How many leases have changed so.
    pub fn changes(&self, change: &str) -> u64 {
        self.families.kinesis_lease_changes.with_label_values(&["trail", change]).get()
    }

    /// How many attempts failed for this reason.
    pub fn failures(&self, reason: &str) -> u64 {
        self.families.kinesis_failures.with_label_values(&["trail", reason]).get()
    }
}

/// How many histories are played: six, or as many as `ASKANCE_SEEDS` says.
pub fn seeds() -> u64 {
    std::env::var("ASKANCE_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(6)
}

/// 1 shard to 8 to 3, with load, ten kills and cuts.
async fn reshards_and_kills(mode: KinesisMode, seed: u64) {
    fastrand::seed(seed);
    let mut world = World::new(mode);
    world.table_fails = 50;
    world.stream.fails.store(50, Ordering::SeqCst);
    let mut processes: Vec<Process> = (0..3).map(|_| world.start()).collect();
    let mut kills = 0;
    for step in 0..30u64 {
        world.put_some(fastrand::u64(1..60));
        let open = world.stream.open();
        if step % 2 == 0 && step < 14 && open.len() < 8 {
            world.stream.split(&open[fastrand::usize(..open.len())].0);
        }
        if step >= 14 && step % 3 == 0 && open.len() > 3 {
            let low = fastrand::usize(..open.len() - 1);
            world.stream.merge(&open[low].0, &open[low + 1].0);
        }
        if step % 3 == 1 && kills < 10 {
            kills += 1;
            processes.swap_remove(fastrand::usize(..processes.len())).kill();
            processes.push(world.start());
        }
        if step == 9 {
            processes[0].is_cut.store(true, Ordering::SeqCst);
        }
        if step == 12 {
            processes.iter().for_each(|process| process.is_cut.store(false, Ordering::SeqCst));
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(100..15_000))).await;
    }
    assert_eq!((kills, world.stream.open().len()), (10, 3));
    world.all_is_committed().await;
    world.is_in_order();
    for process in processes {
        process.stopped().await;
    }
}

#[tokio::test(start_paused = true)]
async fn polling_loses_nothing_under_reshards_and_kills() {
    for seed in 0..seeds() {
        reshards_and_kills(KinesisMode::Polling, seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn fan_out_loses_nothing_under_reshards_and_kills() {
    for seed in 1000..1000 + seeds() {
        reshards_and_kills(KinesisMode::FanOut, seed).await;
    }
}

/// Loads even out among workers that come, and a worker that stops gives its leases back at once.
#[tokio::test(start_paused = true)]
async fn workers_share_the_shards() {
    let world = World::new(KinesisMode::Polling);
    for _ in 0..3 {
        world.stream.open().iter().for_each(|(id, _)| world.stream.split(id));
    }
    let first = world.start();
    let held = |process: &Process| {
        process.families.kinesis_leases.with_label_values(&["trail", "held"]).get()
    };
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(held(&first), 8);
    let second = world.start();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!((held(&first), held(&second)), (4, 4));
    assert_eq!((first.changes("lost"), second.changes("stolen")), (4, 4));
    second.stopped().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(held(&first), 8);
    first.stopped().await;
    assert!(world.rows.all().iter().all(|lease| lease.owner.is_none()), "all is given back");
}

/// A worker that cannot reach the table stops reading before others may begin.
#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_and_comes_back() {
    let world = World::new(KinesisMode::Polling);
    let process = world.start();
    world.put_some(10);
    world.all_is_committed().await;
    process.is_cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(process.changes("lost"), 1);
    world.put_some(10);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(!process.health.why_unready().is_empty(), "it is told");
    let committed = world.log.lock().unwrap().iter().filter(|(_, data)| !data.is_empty()).count();
    assert!(committed < world.expected().len(), "nothing is read without a lease");
    process.is_cut.store(false, Ordering::SeqCst);
    world.all_is_committed().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(process.health.why_unready(), Vec::<String>::new());
    process.stopped().await;
}

/// Subscriptions end every five minutes: the next one begins where the last one ended.
#[tokio::test(start_paused = true)]
async fn a_subscription_is_renewed_without_gap_or_double() {
    let mut world = World::new(KinesisMode::FanOut);
    world.gives_back = false;
    let process = world.start();
    for _ in 0..400 {
        world.put_some(2);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    world.all_is_committed().await;
    world.is_in_order();
    let renewals = world.stream.subscriptions.load(Ordering::SeqCst) - 1;
    assert_eq!(renewals, 2, "in 800 s, one every five minutes");
    assert_eq!(world.log.lock().unwrap().len(), world.expected().len(), "nothing came twice");
    process.stopped().await;
}

/// A subscription that hangs is given up, told, and begun anew.
#[tokio::test(start_paused = true)]
async fn silence_is_not_believed() {
    let world = World::new(KinesisMode::FanOut);
    world.stream.is_silent.store(true, Ordering::SeqCst);
    let process = world.start();
    world.put_some(10);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert!(process.failures("silent") >= 2);
    assert!(process.health.why_unready().concat().contains("nothing came for 60 s"));
    world.stream.is_silent.store(false, Ordering::SeqCst);
    world.all_is_committed().await;
    process.stopped().await;
}

/// An iterator that grows too old, since nothing can be reached for long, is made anew.
#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_made_anew() {
    let world = World::new(KinesisMode::Polling);
    let process = world.start();
    world.put_some(30);
    world.all_is_committed().await;
    world.stream.is_cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    world.put_some(30);
    world.stream.is_cut.store(false, Ordering::SeqCst);
    world.all_is_committed().await;
    world.is_in_order();
    assert!(process.failures("expired_iterator") >= 1);
    assert_eq!(process.changes("lost"), 0, "leases are renewed apart from reading");
    process.stopped().await;
}

/// A stream that is deleted while it is read is told; one shard that is gone is passed, and its children
/// are read.
#[tokio::test(start_paused = true)]
async fn what_is_gone_is_told() {
    let world = World::new(KinesisMode::Polling);
    let process = world.start();
    world.put_some(5);
    world.all_is_committed().await;
    world.stream.is_gone.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(process.failures("not_found") >= 1);
    assert!(process.health.why_unready().concat().contains("not_found"));
    world.stream.is_gone.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(process.health.why_unready(), Vec::<String>::new());
    process.stopped().await;
    let first = world.stream.open()[0].0.clone();
    world.stream.split(&first);
    world.stream.forget(&first);
    let process = world.start();
    world.put_some(20);
    world.all_is_committed().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(world.rows.all().iter().all(|lease| lease.shard != first), "its lease is removed");
    process.stopped().await;
}

/// `latest` is a time from the first look on: a crash before the first record leaves no gap.
#[tokio::test(start_paused = true)]
async fn latest_leaves_no_gap_after_a_crash() {
    let mut world = World::new(KinesisMode::Polling);
    world.initial = Position::Latest;
    let process = world.start();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(matches!(world.rows.all()[0].position, Position::AtTimestamp(_)));
    process.kill();
    world.put_some(20);
    let process = world.start();
    world.all_is_committed().await;
    process.stopped().await;
}

/// While nothing is committed, many shards take no more memory than the budget and a few answers that
/// are on their way; leases stay held.
#[tokio::test(start_paused = true)]
async fn many_shards_stay_within_the_budget() {
    const SIZE: usize = 64 << 10;
    let world = World::new(KinesisMode::Polling);
    while world.stream.open().len() < 200 {
        world.stream.open().iter().take(200).for_each(|(id, _)| world.stream.split(id));
    }
    let process = world.start();
    let held = || process.families.kinesis_leases.with_label_values(&["trail", "held"]).get();
    // All that came before the open shards is read to its end first.
    tokio::time::sleep(Duration::from_secs(300)).await;
    let leases = held();
    assert!(leases >= 200, "{leases} leases");
    world.is_stalled.store(true, Ordering::SeqCst);
    for (_, range) in &world.stream.open() {
        (0..4).for_each(|_| world.stream.put(range.from, &[b' '; SIZE]));
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    let given = world.stream.given.load(Ordering::SeqCst);
    // The budget is 1 MiB.
    let most = (1 << 20) + FETCHES as u64 * 4 * SIZE as u64;
    assert!((1 << 20..=most).contains(&given), "{given} bytes are in memory, not up to {most}");
    assert!(process.families.queue_bytes.get() <= 1 << 20);
    assert_eq!(process.changes("lost"), 0, "leases are renewed apart from reading");
    assert_eq!(held(), leases);
    process.kill();
}

/// A machine whose clock is behind is told; nothing else depends on it.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_behind_is_told() {
    let mut world = World::new(KinesisMode::Polling);
    world.skew = Some(-120);
    let behind = world.start();
    world.put_some(10);
    world.all_is_committed().await;
    assert!(behind.failures("clock_skew") >= 1);
    behind.stopped().await;
    world.skew = Some(3);
    let right = world.start();
    world.put_some(10);
    world.all_is_committed().await;
    assert_eq!(right.failures("clock_skew"), 0);
    right.stopped().await;
    world.is_in_order();
}
