//! What a fence forbids is given back: nothing of it is written, and everything beside it is.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config;
use crate::runtime::simulation::faults::{Fault, Faults};
use crate::runtime::simulation::store::FailingStore;
use crate::sources::envelope::Acked;
use crate::sources::{Ack, Verdict};
use crate::store::AlertChoice;
use crate::store::contract::values::{NOW, alert, at, reject};
use crate::store::sqlite::SqliteStore;

/// A fence that holds the first few times that it is asked.
fn holds(times: usize) -> Fence {
    let asked = AtomicUsize::new(0);
    Fence::new(move || asked.fetch_add(1, Ordering::SeqCst) < times)
}

/// An object in two parts, each with an alert and a reject.
fn object(name: &str, fence: Option<&Fence>) -> ([Delivery; 2], Acked) {
    let (ack, acked) = match fence {
        Some(fence) => Ack::fenced(fence.clone()),
        None => Ack::new(),
    };
    let part = |number: u32, end: Option<End>| Delivery {
        source: Arc::from("trail"),
        key: Some(name.to_owned()),
        alerts: vec![alert(&format!("{name}-{number}"), name)],
        entries: Vec::new(),
        given: Vec::new(),
        is_historic: false,
        rejects: vec![reject(&format!("{name}-{number}"))],
        fence: fence.cloned(),
        end,
    };
    let end = End { tally: None, alerts: 2, took: Duration::ZERO, ack };
    ([part(1, None), part(2, Some(end))], acked)
}

/// Commits an object without a fence and one with, together, while steps of the store fail: the first one
/// is there in the end, and the second one is or is not.
async fn check(fence: Fence, faults: Vec<(u64, Fault)>, is_committed: bool) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&folder.path().join("askance.db")).await.unwrap());
    let text = "sinks: {log: {type: stdout}}";
    let config = config::parse(text, Path::new("")).unwrap();
    let plan = Arc::new(Plan::build(&config, false, at(NOW)).unwrap());
    let families = Families::new();
    let count = faults.len() as u64;
    let failing = FailingStore { inner: Arc::clone(&store), faults: Arc::new(Faults::new(faults)) };
    let current = watch::channel(plan).1;
    let clock = Clock::of(|| at(NOW));
    let committer = Committer::for_test(Arc::new(failing), current, clock, &families);
    let (free, free_acked) = object("free", None);
    let (fenced, fenced_acked) = object("fenced", Some(&fence));
    let (sender, receiver) = mpsc::channel(8);
    for delivery in free.into_iter().chain(fenced) {
        sender.send(delivery).await.unwrap();
    }
    drop(sender);
    committer.run(receiver).await;
    assert_eq!(families.store_errors.get(), count, "each fault was met");

    let mut expected = vec!["free-1", "free-2"];
    if is_committed {
        expected.extend(["fenced-1", "fenced-2"]);
    }
    expected.sort_unstable();
    let alerts = store.alerts(&AlertChoice::default()).await.unwrap();
    let mut ids: Vec<&str> = alerts.iter().map(|alert| &*alert.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, expected, "alerts");
    let rejects = store.rejects(0, 100).await.unwrap();
    let mut origins: Vec<&str> = rejects.iter().map(|(_, row)| &*row.origin).collect();
    origins.sort_unstable();
    assert_eq!(origins, expected, "rejects");
    let done = store.are_done(&["free".to_owned(), "fenced".to_owned()]).await.unwrap();
    assert_eq!(done, [true, is_committed], "the ledger");
    assert_eq!(free_acked.verdict().await, Verdict::Done);
    let verdict = if is_committed { Verdict::Done } else { Verdict::GiveBack };
    assert_eq!(fenced_acked.verdict().await, verdict);
}

#[tokio::test]
async fn what_a_fence_forbids_is_given_back() {
    check(holds(0), Vec::new(), false).await;
}

#[tokio::test]
async fn what_a_fence_forbids_while_the_store_fails_is_given_back() {
    // The first attempt comes as far as the commit, and fails there.
    check(holds(1), vec![(1, Fault::Error)], false).await;
}

#[tokio::test]
async fn what_a_fence_lets_through_is_committed() {
    check(holds(usize::MAX), vec![(1, Fault::Error)], true).await;
}
