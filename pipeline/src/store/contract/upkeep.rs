//! What is in a store, and what it lets go of.

use std::time::Duration;

use askance_stages::raise::{Condition, Suppression};
use jiff::Timestamp;
use serde_json::json;

use super::Done;
use super::values::{NOW, after, alert, at, ids, object, raise, reject, send_all, tell};
use crate::store::{AlertChoice, Commit, Retention, Settled, Store};

const DAY: i64 = 86_400;

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

fn keep(ledger: u64, alerts: u64) -> Retention {
    Retention { ledger: days(ledger), alerts: days(alerts), max_bytes: u64::MAX }
}

async fn put(store: &dyn Store, key: &str, now: Timestamp) -> Done {
    let (objects, rejects) = (vec![object(key)], vec![reject(key)]);
    store.commit(Commit { objects, rejects, now: Some(now), ..Commit::default() }).await
}

pub(crate) async fn what_is_in_it_is_counted(store: &dyn Store) -> Done {
    let empty = store.stats().await?;
    assert_eq!((empty.objects, empty.rejects, empty.alerts.len()), (0, 0, 0));
    let mut raise = raise();
    raise.suppressions.push(Suppression {
        name: "migration".to_owned(),
        condition: Condition::compile(&json!({"resource.id": "known"})).expect("it is one"),
        until: after(DAY),
    });
    let alerts = vec![alert("a", "x"), alert("b", "x"), alert("c", "known"), alert("d", "known")];
    tell(store, &raise, alerts, at(NOW)).await?;
    put(store, "one", at(NOW)).await?;
    let stats = store.stats().await?;
    assert_eq!((stats.objects, stats.rejects, stats.gone_early), (1, 1, 0));
    let counted: Vec<_> = stats.alerts.iter().map(|(fate, n)| (fate.as_str(), *n)).collect();
    assert_eq!(counted, [("merged", 1), ("suppressed", 2), ("told", 1)]);
    assert_eq!(stats.suppressed.get("migration"), Some(&2));
    assert_eq!(stats.outbox, store.depths().await?);
    assert!(stats.version > 0);
    Ok(())
}

pub(crate) async fn what_is_old_goes_and_what_waits_stays(store: &dyn Store) -> Done {
    let raise = raise();
    // One that was sent, one that waits, one that is a dead letter, all of one day.
    tell(store, &raise, vec![alert("sent", "x"), alert("waits", "y"), alert("dead", "z")], at(NOW))
        .await?;
    send_all(store, "people", at(NOW)).await?;
    let queued = store.due("log", at(NOW), 3).await?;
    let settled = vec![
        Settled::Sent { number: queued[0].number, reference: Some("1".to_owned()) },
        Settled::Dead { number: queued[2].number, error: "no".to_owned() },
    ];
    store.settle("log", settled, None).await?;
    put(store, "old", at(NOW)).await?;
    tell(store, &raise, vec![alert("young", "w")], after(50 * DAY)).await?;
    put(store, "young", after(50 * DAY)).await?;
    // Nothing is old enough yet.
    assert_eq!(store.compact(keep(90, 90), after(60 * DAY)).await?, 0);
    let gone = store.compact(keep(40, 40), after(60 * DAY)).await?;
    assert_eq!(gone, 3, "an alert, a reject, an object");
    assert_eq!(ids(store, &AlertChoice::default()).await?.len(), 3);
    let done = store.are_done(&["old".to_owned(), "young".to_owned()]).await?;
    assert_eq!(done, [false, true]);
    let stats = store.stats().await?;
    assert_eq!((stats.objects, stats.rejects), (1, 1));
    assert_eq!(stats.alerts.get("told"), Some(&3));
    assert_eq!(store.rejects(0, 10).await?.len(), 1);
    // What has gone is new when it comes again; its group went with it.
    let outcome = tell(store, &raise, vec![alert("sent", "x")], after(60 * DAY)).await?;
    assert_eq!(outcome.raised[0].fate.name(), "told");
    // When the messages are gone the alerts may go.
    send_all(store, "log", after(60 * DAY)).await?;
    store.discard(&crate::store::OutboxChoice::default()).await?;
    store.compact(keep(40, 40), after(60 * DAY)).await?;
    let mut left = ids(store, &AlertChoice::default()).await?;
    left.sort();
    assert_eq!(left, ["sent", "young"]);
    Ok(())
}

pub(crate) async fn the_ledger_remembers_a_month_whatever_is_asked(store: &dyn Store) -> Done {
    put(store, "one", at(NOW)).await?;
    store.compact(keep(0, 0), after(29 * DAY)).await?;
    assert_eq!(store.are_done(&["one".to_owned()]).await?, [true]);
    store.compact(keep(0, 0), after(31 * DAY)).await?;
    assert_eq!(store.are_done(&["one".to_owned()]).await?, [false]);
    Ok(())
}
