//! Alerts and commits for the contract, made the way the service makes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use askance_stages::model::{Actor, Alert, Level, Origin, Resource, RuleRef};
use askance_stages::raise::{Outcome, Raise, Route};
use jiff::{SignedDuration, Timestamp};

use crate::store::{
    AlertChoice, Commit, InLanguages, Knowledge, ObjectDone, Queued, RejectRow, Settled, Store,
    StoreError, Words,
};

/// When everything happens unless a check says otherwise.
pub(crate) const NOW: &str = "2026-03-02T12:00:00Z";

/// A time.
#[track_caller]
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("it is a time")
}

/// A time so many seconds after [`NOW`].
pub(crate) fn after(seconds: i64) -> Timestamp {
    at(NOW).checked_add(SignedDuration::from_secs(seconds)).expect("it is within time")
}

/// An alert; those of one `thing` belong together.
pub(crate) fn alert(id: &str, thing: &str) -> Alert {
    Alert {
        id: id.to_owned(),
        time: Some(NOW.to_owned()),
        level: Level::High,
        rule: RuleRef {
            id: "trail-stopped".to_owned(),
            title: "Trail stopped".to_owned(),
            tags: vec!["attack.t1562.008".to_owned()],
        },
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        actor: Actor { name: Some("deploy".to_owned()), ..Actor::default() },
        source: None,
        resource: vec![Resource { id: thing.to_owned(), ..Resource::default() }],
        origin: Origin { path: "s3://trail/a.json.gz".to_owned(), index: 0 },
        matched: Vec::new(),
        correlation: None,
        event: None,
        is_historic: false,
        shared_event: None,
        behind: None,
        access_key: None,
        address: None,
    }
}

/// Everything goes to two sinks and is merged within half an hour; told anew each minute.
pub(crate) fn raise() -> Raise {
    Raise {
        merge_window: SignedDuration::from_mins(30),
        update_interval: SignedDuration::from_secs(60),
        routes: vec![Route { to: vec!["log".to_owned(), "people".to_owned()], ..Route::default() }],
        ..Raise::default()
    }
}

/// What the rule says.
pub(crate) fn words() -> Words {
    Words {
        description: Some("Nobody sees what is done.".to_owned()),
        ask: InLanguages {
            en: Some("Was this meant?".to_owned()),
            ja: Some("意図した操作ですか。".to_owned()),
        },
        controls: vec!["CIS 3.1".to_owned()],
        ..Words::default()
    }
}

/// An object of that key.
pub(crate) fn object(key: &str) -> ObjectDone {
    ObjectDone { key: key.to_owned(), source: "trail".to_owned(), records: 3, alerts: 1 }
}

/// A reject of that origin.
pub(crate) fn reject(origin: &str) -> RejectRow {
    RejectRow {
        at: NOW.to_owned(),
        source: "trail".to_owned(),
        origin: origin.to_owned(),
        reason: "not_json".to_owned(),
        offset: 17,
        detail: "is not JSON".to_owned(),
        evidence: "<html>".to_owned(),
    }
}

/// A commit of what was decided.
pub(crate) fn commit(outcome: Outcome, now: Timestamp) -> Commit {
    let rules: BTreeSet<String> =
        outcome.raised.iter().map(|raised| raised.alert.rule.id.clone()).collect();
    Commit {
        words: rules.into_iter().map(|rule| (rule, words())).collect(),
        outcome: Arc::new(outcome),
        now: Some(now),
        ..Commit::default()
    }
}

/// Asks, decides and commits, as the service does.
pub(crate) async fn tell(
    store: &dyn Store,
    raise: &Raise,
    alerts: Vec<Alert>,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let mut told = Outcome::default();
    for alerts in alerts.chunks(store.alerts_at_once()) {
        let Knowledge { known, basis } = store.known(&raise.asks(alerts, &[])).await?;
        let outcome = raise.run(alerts.to_vec(), known, now);
        store.commit(Commit { basis, ..commit(outcome.clone(), now) }).await?;
        told.raised.extend(outcome.raised);
        told.groups.extend(outcome.groups);
        told.repeats += outcome.repeats;
    }
    Ok(told)
}

/// Messages of a sink that are due, as `kind/alert`.
pub(crate) async fn due(
    store: &dyn Store,
    sink: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let queued = store.due(sink, now, 100).await?;
    Ok(queued.iter().map(|one| format!("{}/{}", one.kind.name(), one.alert_id)).collect())
}

/// The only message that is due.
pub(crate) async fn only(
    store: &dyn Store,
    sink: &str,
    now: Timestamp,
) -> Result<Queued, StoreError> {
    let mut queued = store.due(sink, now, 100).await?;
    assert_eq!(queued.len(), 1, "one message is due: {queued:?}");
    Ok(queued.remove(0))
}

/// Settles every message that is due as sent; answers how many.
pub(crate) async fn send_all(
    store: &dyn Store,
    sink: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut sent = 0;
    loop {
        let queued = store.due(sink, now, 100).await?;
        if queued.is_empty() {
            return Ok(sent);
        }
        sent += queued.len();
        let settled = queued.iter().map(|one| self::sent(one.number)).collect();
        store.settle(sink, settled, None).await?;
    }
}

/// It was sent, and the sink said nothing.
pub(crate) fn sent(number: i64) -> Settled {
    Settled::Sent { number, reference: None }
}

/// Ids of the alerts of a choice, in order.
pub(crate) async fn ids(
    store: &dyn Store,
    choice: &AlertChoice,
) -> Result<Vec<String>, StoreError> {
    Ok(store.alerts(choice).await?.into_iter().map(|alert| alert.id).collect())
}
