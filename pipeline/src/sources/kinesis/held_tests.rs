//! One holding of a lease: its own writes whose answers were lost, thieves, and its own clock.

use super::super::position::{Sequence, Within};
use super::super::tests::double::{Rows, TableDouble};
use super::*;

const FAILOVER: Duration = Duration::from_secs(10);
const KEY: &str = "shardId-000000000000";

fn at(number: u64) -> Position {
    Position::Record(Sequence::parse(&number.to_string()).unwrap(), Within::Place(0))
}

/// A lease that `me` holds, and its table.
async fn held() -> (Held, Arc<dyn LeaseTable>, Rows) {
    let rows = Rows::default();
    let table = TableDouble { rows: rows.clone(), is_cut: Arc::default(), fails: 0 };
    let table: Arc<dyn LeaseTable> = Arc::new(table);
    let lease = Lease {
        key: KEY.to_owned(),
        stream: None,
        shard: KEY.to_owned(),
        owner: Some("me".to_owned()),
        counter: 5,
        position: Position::TrimHorizon,
        switches: 0,
        parents: Vec::new(),
        children: Vec::new(),
        range: None,
        epoch: None,
    };
    assert!(table.write(KEY, &Change::Create(lease.clone())).await.unwrap());
    let held = Held::new(lease, &Arc::from("me"), &table, (FAILOVER, Instant::now()));
    (held, table, rows)
}

#[tokio::test(start_paused = true)]
async fn a_write_of_its_own_whose_answer_was_lost_is_recognised() {
    let (held, table, rows) = held().await;
    assert!(table.write(KEY, &Change::Renew { counter: 5 }).await.unwrap());
    held.checkpoint(&at(7)).await.unwrap();
    assert_eq!((rows.all()[0].counter, &rows.all()[0].position), (7, &at(7)));
    // What was to be written was written: nothing more is.
    assert!(table.write(KEY, &Change::Checkpoint { counter: 7, position: at(9) }).await.unwrap());
    held.checkpoint(&at(9)).await.unwrap();
    assert_eq!(rows.all()[0].counter, 8);
    assert!(!held.is_lost());
}

#[tokio::test(start_paused = true)]
async fn who_was_stolen_from_writes_nothing_more() {
    let (held, table, rows) = held().await;
    let steal =
        |counter| Change::Take { counter, before: Some("me".to_owned()), owner: "you".to_owned() };
    assert!(table.write(KEY, &steal(5)).await.unwrap());
    assert_eq!(held.checkpoint(&at(7)).await, Err(HeldError::Lost));
    assert!(held.lost().is_cancelled());
    let before = rows.all();
    assert_eq!(held.renew().await, Err(HeldError::Lost));
    assert_eq!(held.release().await, Err(HeldError::Lost));
    assert_eq!(rows.all(), before, "the thief's row is as it was");
    // Taken again by the same worker it is another holding: the old one stays lost.
    let back = Change::Take { counter: 6, before: None, owner: "me".to_owned() };
    assert!(table.write(KEY, &back).await.unwrap());
    assert_eq!(held.checkpoint(&at(7)).await, Err(HeldError::Lost));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_renewed_in_time_is_lost_without_asking() {
    let (held, _, rows) = held().await;
    tokio::time::sleep(FAILOVER - Duration::from_secs(1)).await;
    held.renew().await.unwrap();
    tokio::time::sleep(FAILOVER - Duration::from_secs(1)).await;
    assert!(!held.is_lost());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = rows.all();
    assert_eq!(held.checkpoint(&at(7)).await, Err(HeldError::Lost));
    assert_eq!(rows.all(), before);
}
