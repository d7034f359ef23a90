//! A batch that is in the committer's hands when its lease is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::simulation::World;
use crate::config::{self, KinesisMode};
use crate::runtime::clock::Clock;
use crate::runtime::commit::Committer;
use crate::runtime::plan::Plan;
use crate::runtime::simulation::faults::{Fault, Faults};
use crate::runtime::simulation::store::FailingStore;
use crate::runtime::workers;
use crate::store::sqlite::SqliteStore;
use crate::store::{AlertChoice, Store};

const EVENT: &[u8] = br#"{"eventVersion":"1.11","eventID":"e1","eventTime":"2026-03-02T12:01:00Z",
    "eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1",
    "recipientAccountId":"111122223333","requestParameters":{"name":"trail"},
    "userIdentity":{"type":"IAMUser","userName":"u"}}"#;

/// The store hangs for minutes, the table cannot be reached meanwhile, and the lease runs out: when the
/// store is well again nothing is committed, and the batch is read again under a new lease.
#[tokio::test(start_paused = true)]
async fn nothing_is_committed_under_a_lost_lease() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&folder.path().join("askance.db")).await.unwrap());
    let config = config::parse("sinks: {log: {type: stdout}}", Path::new("")).unwrap();
    let plan = Arc::new(Plan::build(&config, false, jiff::Timestamp::now()).unwrap());
    let faults = Arc::new(Faults::new(vec![(0, Fault::Hang)]));
    let failing = FailingStore { inner: Arc::clone(&store), faults: Arc::clone(&faults) };

    let world = World::new(KinesisMode::Polling);
    let process = world.start_with(|families, taken| {
        let (plans, current) = watch::channel(plan);
        let (deliveries, delivered) = mpsc::channel(8);
        let clock = Clock::system();
        let committer = Committer::for_test(Arc::new(failing), current.clone(), clock, families);
        tokio::spawn(async move {
            tokio::join!(workers::run_inline(current, taken, deliveries), committer.run(delivered));
            drop(plans);
        })
    });
    world.stream.put(0, EVENT);
    let seconds = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
    while faults.count() == 0 {
        seconds(1).await;
    }
    process.is_cut.store(true, Ordering::SeqCst);
    seconds(600).await;
    assert_eq!(process.changes("lost"), 1);
    assert_eq!(process.families.store_errors.get(), 1, "the store has failed and is well again");
    let told = async || store.alerts(&AlertChoice::default()).await.unwrap().len();
    assert_eq!(told().await, 0, "something was committed under a lost lease");
    process.is_cut.store(false, Ordering::SeqCst);
    while told().await == 0 {
        seconds(1).await;
    }
    assert_eq!(told().await, 1);
    process.stopped().await;
}
