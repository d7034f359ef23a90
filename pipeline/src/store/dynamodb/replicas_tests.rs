//! Two replicas on one table: who tells, who sends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use askance_stages::model::Alert;
use askance_stages::raise::{MessageKind, Outcome, Raise};
use jiff::Timestamp;

use super::tests::Server;
use super::{DynamoConfig, DynamoStore};
use crate::store::contract::values::{NOW, after, alert, at, commit, raise, sent};
use crate::store::{AlertChoice, Commit, Knowledge, OutboxChoice, Settled, Store, StoreError};

/// Longest wait for something that takes a moment.
const PATIENCE: Duration = Duration::from_secs(60);

async fn two(server: &Server, claim: Duration) -> (DynamoStore, DynamoStore) {
    let open = |name| server.open(DynamoConfig { claim, ..server.config(name) });
    (open("one").await.unwrap(), open("two").await.unwrap())
}

async fn decide(
    store: &DynamoStore,
    raise: &Raise,
    alerts: &[Alert],
) -> Result<(Outcome, Commit), StoreError> {
    let Knowledge { known, basis } = store.known(&raise.asks(alerts, &[])).await?;
    let outcome = raise.run(alerts.to_vec(), known, at(NOW));
    Ok((outcome.clone(), Commit { basis, ..commit(outcome, at(NOW)) }))
}

/// As the committer does it; answers how often it was decided anew.
async fn tell(store: &DynamoStore, raise: &Raise, alerts: &[Alert]) -> usize {
    for conflicts in 0.. {
        let (_, commit) = decide(store, raise, alerts).await.unwrap();
        match store.commit(commit).await {
            Ok(()) => return conflicts,
            Err(error) => assert!(error.is_conflict(), "{error}"),
        }
    }
    unreachable!("there is always a next number")
}

/// New messages by alert, of one sink.
async fn told(store: &DynamoStore) -> BTreeMap<String, usize> {
    let choice = OutboxChoice { sink: Some("log".to_owned()), ..OutboxChoice::default() };
    let mut told = BTreeMap::new();
    for row in store.outbox(&choice).await.unwrap() {
        if row.kind == MessageKind::New.name() {
            *told.entry(row.alert).or_default() += 1;
        }
    }
    told
}

#[tokio::test]
async fn what_was_decided_on_what_is_not_so_any_more_is_a_conflict() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    // Both find nothing of the thing, and both would tell.
    let (_, of_one) = decide(&one, &raise(), &[alert("a", "x")]).await.unwrap();
    let (_, of_two) = decide(&two, &raise(), &[alert("b", "x")]).await.unwrap();
    one.commit(of_one).await.unwrap();
    let error = two.commit(of_two).await.unwrap_err();
    assert!(error.is_conflict() && error.is_transient(), "{error}");
    let (outcome, anew) = decide(&two, &raise(), &[alert("b", "x")]).await.unwrap();
    assert_eq!((outcome.raised[0].fate.name(), outcome.raised[0].leader.as_str()), ("merged", "a"));
    // The group changed since: a member more would be counted away.
    tell(&one, &raise(), &[alert("c", "x")]).await;
    assert!(two.commit(anew).await.unwrap_err().is_conflict());
    tell(&two, &raise(), &[alert("b", "x")]).await;
    assert_eq!(told(&one).await, BTreeMap::from([("a".to_owned(), 1)]));
    let group = one.alerts(&AlertChoice::default()).await.unwrap().pop().unwrap().group.unwrap();
    assert_eq!(group.count, 3);
}

#[tokio::test]
async fn a_rate_is_shared() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    let cap = askance_stages::raise::RateCap { count: 1, per: jiff::SignedDuration::from_hours(1) };
    let raise = Raise { rate_cap: Some(cap), ..raise() };
    let (_, of_one) = decide(&one, &raise, &[alert("a", "x")]).await.unwrap();
    let (_, of_two) = decide(&two, &raise, &[alert("b", "y")]).await.unwrap();
    two.commit(of_two).await.unwrap();
    assert!(one.commit(of_one).await.unwrap_err().is_conflict());
    tell(&one, &raise, &[alert("a", "x")]).await;
    assert_eq!(told(&one).await, BTreeMap::from([("b".to_owned(), 1)]));
}

#[tokio::test]
async fn the_same_alerts_in_two_replicas_at_once_are_told_once() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    for round in 0..6 {
        let name = |which: &str| format!("{which}{round}");
        let thing = format!("thing {round}");
        let both = alert(&name("both"), &thing);
        let of_one = [both.clone(), alert(&name("one"), &thing)];
        let of_two = [alert(&name("two"), &thing), both];
        let raise = raise();
        futures::join!(tell(&one, &raise, &of_one), tell(&two, &raise, &of_two));
    }
    let told = told(&one).await;
    assert_eq!(told.len(), 6, "one for each thing: {told:?}");
    assert!(told.values().all(|count| *count == 1), "{told:?}");
    let alerts = one.alerts(&AlertChoice::default()).await.unwrap();
    assert_eq!(alerts.len(), 18);
    let counts: Vec<u64> =
        alerts.iter().filter_map(|one| Some(one.group.as_ref()?.count)).collect();
    assert_eq!(counts, [3; 6]);
}

/// Ids of alerts whose messages a replica gets.
async fn due(store: &DynamoStore, now: Timestamp) -> Vec<String> {
    let queued = store.due("log", now, 100).await.unwrap();
    queued.into_iter().map(|one| format!("{}/{}", one.kind.name(), one.alert_id)).collect()
}

#[tokio::test]
async fn a_message_is_sent_by_one_replica_whatever_their_clocks_say() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    tell(&one, &raise(), &[alert("a", "x"), alert("b", "y"), alert("a2", "x")]).await;
    assert_eq!(one.due("log", at(NOW), 1).await.unwrap()[0].alert_id, "a");
    // The other one's clock is a day ahead, and it gets no update before the alert was sent.
    assert_eq!(due(&two, after(86_400)).await, ["new/b"]);
    for seconds in [-86_400, -1, 86_400] {
        assert_eq!(due(&one, after(seconds)).await, ["new/a"]);
    }
    assert_eq!(two.next_due("log").await.unwrap(), Some(at(NOW)), "its own");
    let number = one.due("log", at(NOW), 1).await.unwrap()[0].number;
    // Only the one that has it says that it failed; that it was sent is true whoever says it.
    let dead = Settled::Dead { number, error: "no".to_owned() };
    two.settle("log", vec![dead], None).await.unwrap();
    assert_eq!(due(&one, at(NOW)).await, ["new/a"]);
    two.settle("log", vec![sent(number)], None).await.unwrap();
    assert_eq!(due(&one, after(600)).await, ["update/a"]);
}

#[tokio::test]
async fn what_a_replica_had_that_is_not_heard_of_goes_to_another() {
    let server = Server::start();
    let (one, two) = two(&server, Duration::from_secs(6)).await;
    tell(&one, &raise(), &[alert("a", "x"), alert("b", "y")]).await;
    assert_eq!(due(&one, at(NOW)).await, ["new/a", "new/b"]);
    // As long as it asks, it keeps them.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        assert_eq!(due(&one, at(NOW)).await, ["new/a", "new/b"]);
        assert_eq!(due(&two, at(NOW)).await, Vec::<String>::new());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    while due(&two, at(NOW)).await.is_empty() {
        assert!(began.elapsed() < PATIENCE, "it never takes them over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(due(&two, at(NOW)).await, ["new/a", "new/b"]);
    assert_eq!(due(&one, at(NOW)).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_replica_had_that_stops_goes_to_another_at_once() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    tell(&one, &raise(), &[alert("a", "x")]).await;
    assert_eq!(due(&one, at(NOW)).await, ["new/a"]);
    assert_eq!(due(&two, at(NOW)).await, Vec::<String>::new());
    one.close().await;
    assert_eq!(due(&two, at(NOW)).await, ["new/a"]);
    // One that could not be sent is anybody's.
    let number = two.due("log", at(NOW), 1).await.unwrap()[0].number;
    let later = Settled::Later { number, due: at(NOW), error: "down".to_owned() };
    two.settle("log", vec![later], None).await.unwrap();
    assert_eq!(due(&one, at(NOW)).await, ["new/a"]);
}

#[tokio::test]
async fn each_replica_has_its_own_places() {
    let server = Server::start();
    let (one, two) = two(&server, PATIENCE).await;
    one.settle("log", Vec::new(), Some("10".to_owned())).await.unwrap();
    assert_eq!(two.position("log").await.unwrap(), None);
    drop(one);
    let again = server.open(server.config("one")).await.unwrap();
    assert_eq!(again.position("log").await.unwrap().as_deref(), Some("10"));
}
