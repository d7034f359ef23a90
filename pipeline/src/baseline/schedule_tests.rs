//! Who makes the baseline of a fleet, when, and what is thrown away.

use std::time::SystemTime;

use askance_stages::enrich::BaselineBuilder;
use futures::future::join_all;
use jiff::Timestamp;

use super::super::fleet_tests::{Fleet, Replica};
use super::super::follow::Look;
use super::super::making::tests::config;
use super::*;
use crate::sources::tests::double::until;
use crate::store::sqlite::SqliteStore;
use crate::support::gateway::Verdict;

/// Longest wait for a replica that takes over.
const PATIENCE: Duration = Duration::from_secs(60);

async fn step(replica: &mut Replica) -> Result<Step, RebuildError> {
    replica.rebuilder.step(None, &CancellationToken::new()).await
}

async fn make(replica: &mut Replica) -> Result<Baseline, RebuildError> {
    replica.rebuilder.make(&CancellationToken::new()).await
}

/// Versions that were made when all look at the same time.
async fn all_look(replicas: &mut [Replica]) -> Vec<String> {
    let steps = join_all(replicas.iter_mut().map(step)).await;
    let mut made = Vec::new();
    for step in steps {
        match step.unwrap() {
            Step::Made(baseline) => made.push(baseline.version().to_owned()),
            Step::Others | Step::Wait(_) => {}
        }
    }
    made
}

#[tokio::test]
async fn one_of_three_makes_it_in_each_period_and_all_end_with_the_same_version() {
    let fleet = Fleet::new().await;
    let mut replicas = fleet.replicas(["one", "two", "three"]).await;
    let mut versions = Vec::new();
    for user in ["two", "three", "four"] {
        let made = all_look(&mut replicas).await;
        assert_eq!(made.len(), 1, "one of them: {made:?}");
        assert_eq!(all_look(&mut replicas).await, Vec::<String>::new(), "it is new");
        for replica in &mut replicas {
            assert_eq!(replica.follower.look().await, Look::New);
            assert_eq!(replica.version().as_ref(), made.first());
            assert_eq!(replica.follower.look().await, Look::Same);
            assert_eq!(replica.health.warnings(), Vec::<String>::new());
        }
        versions.extend(made);
        fleet.happens(user).await;
        fleet.time_passes();
    }
    // Of the old ones as many are kept as asked for, by their names.
    let kept = format!("askance/first.bin.{}", versions[1]);
    assert_eq!(fleet.keys().await, ["askance/first.bin".to_owned(), kept]);
}

#[tokio::test]
async fn the_loops_of_three_replicas_make_one() {
    let fleet = Fleet::new().await;
    let stop = CancellationToken::new();
    let (mut tasks, mut counted) = (Vec::new(), Vec::new());
    for replica in fleet.replicas(["one", "two", "three"]).await {
        counted.push(replica.families);
        tasks.push(tokio::spawn(replica.rebuilder.run(stop.clone())));
    }
    let count = |outcome: &str| -> u64 {
        let of_one = |it: &Families| it.baseline_rebuilds.with_label_values(&[outcome]).get();
        counted.iter().map(of_one).sum()
    };
    until("one is made", || count("ok") > 0).await;
    stop.cancel();
    join_all(tasks).await;
    assert_eq!((count("ok"), count("failed"), count("lost")), (1, 0, 0));
    assert_eq!(fleet.keys().await, ["askance/first.bin"]);
    let turn = fleet.store("four").await.turn(TURN).await.unwrap();
    assert_eq!(turn.holder, None, "it was given back");
}

#[tokio::test]
async fn a_replica_that_died_in_its_turn_is_replaced_by_one_other() {
    let fleet = Fleet::new().await;
    let mut replicas = fleet.replicas(["one", "two", "three"]).await;
    let dead = &mut replicas[0].rebuilder;
    assert!(dead.turn.take(dead.store.as_ref(), Instant::now()).await.unwrap());
    drop(replicas.remove(0));
    for replica in &mut replicas {
        replica.rebuilder.turn = TurnKeeper::new(TURN, "alive", Duration::from_secs(2));
    }
    assert_eq!(all_look(&mut replicas).await, Vec::<String>::new(), "it may be slow");
    let (mut made, began) = (Vec::new(), Instant::now());
    while made.is_empty() {
        assert!(began.elapsed() < PATIENCE, "nobody takes its turn over");
        for step in join_all(replicas.iter_mut().map(step)).await {
            match step {
                Ok(Step::Made(baseline)) => made.push(baseline),
                Ok(Step::Others | Step::Wait(_)) => {}
                Err(why) => assert!(why.is_lost(), "{why}"),
            }
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(all_look(&mut replicas).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_made_in_a_turn_that_was_lost_is_not_put() {
    let fleet = Fleet::new().await;
    let mut replicas = fleet.replicas(["one", "two"]).await;
    let (first, others) = replicas.split_at_mut(1);
    let (one, two) = (&mut first[0], &mut others[0]);
    let (store, now) = (Arc::clone(&one.rebuilder.store), Instant::now());
    assert!(one.rebuilder.turn.take(store.as_ref(), now).await.unwrap());
    let made = make(one).await.unwrap();
    // It stood still for longer than its turn lasts.
    assert!(!two.rebuilder.turn.take(store.as_ref(), now).await.unwrap());
    assert!(two.rebuilder.turn.take(store.as_ref(), now + TURN_LASTS).await.unwrap());
    let lost = one.rebuilder.publish(&made, None).await.unwrap_err();
    assert!(lost.is_lost() && matches!(lost, RebuildError::Lost), "{lost}");
    assert_eq!(fleet.keys().await, Vec::<String>::new());
    // Even if the other one has given its turn back since.
    two.rebuilder.turn.give_back(store.as_ref()).await.unwrap();
    assert!(one.rebuilder.publish(&made, None).await.unwrap_err().is_lost());
    assert!(matches!(step(two).await.unwrap(), Step::Made(_)));
    assert_eq!(fleet.keys().await, ["askance/first.bin"]);
}

#[tokio::test]
async fn one_that_loses_its_turn_while_it_reads_gives_up() {
    let fleet = Fleet::new().await;
    let mut one = fleet.replica("one").await;
    let rebuilder = &mut one.rebuilder;
    let store = Arc::clone(&rebuilder.store);
    rebuilder.turn = TurnKeeper::new(TURN, "one", Duration::from_millis(300));
    let now = Instant::now();
    assert!(rebuilder.turn.take(store.as_ref(), now).await.unwrap());
    let mut two = TurnKeeper::new(TURN, "two", TURN_LASTS);
    assert!(!two.take(store.as_ref(), now).await.unwrap());
    assert!(two.take(store.as_ref(), now + TURN_LASTS).await.unwrap());
    // The bucket does not answer, so that reading would go on for longer than anybody waits.
    fleet.gateway.judge(|action| if action.is_empty() { Verdict::Cut } else { Verdict::Pass });
    let ended = make(&mut one).await.unwrap_err();
    // Whichever comes first: in no case is there a baseline to put.
    assert!(ended.is_lost() || matches!(ended, RebuildError::Make(_)), "{ended}");
}

#[tokio::test]
async fn one_that_somebody_else_has_put_meanwhile_is_not_replaced() {
    let fleet = Fleet::new().await;
    let mut one = fleet.replica("one").await;
    let store = Arc::clone(&one.rebuilder.store);
    assert!(one.rebuilder.turn.take(store.as_ref(), Instant::now()).await.unwrap());
    let made = make(&mut one).await.unwrap();
    let by_hand = BaselineBuilder::default().finish().bytes();
    fleet.puts(&by_hand).await;
    assert!(one.rebuilder.publish(&made, None).await.unwrap_err().is_lost());
    let looked = one.rebuilder.place.look().await.unwrap();
    fleet.puts(b"another").await;
    let error = one.rebuilder.publish(&made, looked.as_ref()).await.unwrap_err();
    assert!(error.is_lost(), "{error}");
    let looked = one.rebuilder.place.look().await.unwrap();
    one.rebuilder.publish(&made, looked.as_ref()).await.unwrap();
    assert_eq!(one.follower.look().await, Look::New);
    assert_eq!(one.version().as_deref(), Some(made.version()));
}

#[tokio::test]
async fn a_failure_leaves_the_turn_to_others() {
    let fleet = Fleet::new().await;
    let mut replicas = fleet.replicas(["one", "two"]).await;
    fleet.gateway.judge(|action| if action == "PutItem" { Verdict::Cut } else { Verdict::Pass });
    let error = step(&mut replicas[0]).await.unwrap_err();
    assert!(matches!(error, RebuildError::Store(_)) && !error.is_lost(), "{error}");
    // The table does what it is told, and what it says of it is lost.
    fleet.gateway.judge(|action| if action == "PutItem" { Verdict::Lose } else { Verdict::Pass });
    step(&mut replicas[0]).await.unwrap_err();
    fleet.gateway.pass();
    assert!(matches!(step(&mut replicas[1]).await.unwrap(), Step::Others), "it is the first one's");
    assert!(matches!(step(&mut replicas[0]).await.unwrap(), Step::Made(_)));
}

#[tokio::test]
async fn it_is_due_by_the_files_time_and_never_sooner_after_the_last_one() {
    let home = tempfile::tempdir().unwrap();
    let began = SystemTime::now();
    let now = Timestamp::try_from(began).unwrap();
    let mut config = config("trail");
    let path = home.path().join("seen.bin");
    config.enrich.baseline.as_mut().unwrap().path.clone_from(&path);
    let aws = Aws::new(&config.aws, &Families::new());
    let store = SqliteStore::open(&home.path().join("store.db")).await.unwrap();
    let (store, clock): (Arc<dyn Store>, _) = (Arc::new(store), Clock::of(move || now));
    let (families, health) = (Families::new(), Health::default());
    let on_put: OnPut = Arc::new(|| ());
    let (world, told) = ((&store, &clock), (&families, &health));
    let rebuilder = Rebuilder::of(&config, &aws, world, on_put.clone(), told).await.unwrap();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let none = rebuilder.place.look().await.unwrap();
    assert_eq!(rebuilder.due_in(none.as_ref(), None), Duration::ZERO, "there is none");
    let file = std::fs::File::create(&path).unwrap();
    for (written, since_last, expected) in [
        (began - minutes(20), None, minutes(40)),
        (began - minutes(90), None, Duration::ZERO),
        (began - minutes(90), Some(minutes(10)), minutes(50)),
        (began + minutes(90), None, minutes(60)),
    ] {
        file.set_modified(written).unwrap();
        let looked = rebuilder.place.look().await.unwrap();
        let due = rebuilder.due_in(looked.as_ref(), since_last);
        assert_eq!(due, expected, "{written:?} {since_last:?}");
    }
    config.enrich.baseline.as_mut().unwrap().rebuild = None;
    assert!(Rebuilder::of(&config, &aws, world, on_put.clone(), told).await.is_none());
}
