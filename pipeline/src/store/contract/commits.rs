//! Commits, and what is known after them.

use askance_stages::model::Alert;
use askance_stages::raise::{Asks, Known, RateCap, group_keys};
use futures::future::join_all;
use jiff::SignedDuration;

use super::Done;
use super::values::{
    NOW, after, alert, at, commit, due, ids, object, raise, reject, send_all, tell,
};
use crate::store::{AlertChoice, Commit, MAX_GROUPS, OutboxChoice, Store};

pub(crate) async fn objects_are_remembered(store: &dyn Store) -> Done {
    let keys = ["s3://a/b#1", "s3://a/b#2", ""].map(str::to_owned);
    assert_eq!(store.are_done(&keys).await?, [false, false, false]);
    assert_eq!(store.are_done(&[]).await?, Vec::<bool>::new());
    let objects = vec![object(&keys[0]), object(&keys[0])];
    store.commit(Commit { objects, now: Some(at(NOW)), ..Commit::default() }).await?;
    assert_eq!(store.are_done(&keys).await?, [true, false, false]);
    assert_eq!(store.stats().await?.objects, 1);
    Ok(())
}

pub(crate) async fn a_commit_twice_is_once(store: &dyn Store) -> Done {
    let outcome = raise().run(
        vec![alert("a", "x"), alert("b", "x"), alert("c", "y")],
        Known::default(),
        at(NOW),
    );
    let both = Commit {
        objects: vec![object("one")],
        rejects: vec![reject("one")],
        ..commit(outcome, at(NOW))
    };
    store.commit(both.clone()).await?;
    let before = (store.stats().await?, store.outbox(&OutboxChoice::default()).await?);
    store.commit(both.clone()).await?;
    let after_it = (store.stats().await?, store.outbox(&OutboxChoice::default()).await?);
    assert_eq!((before.0.alerts, before.0.rejects), (after_it.0.alerts, after_it.0.rejects));
    assert_eq!(before.1, after_it.1);
    // What was sent meanwhile is not sent again.
    assert_eq!(send_all(store, "log", after(60)).await?, 3);
    store.commit(both).await?;
    assert_eq!(due(store, "log", after(600)).await?, Vec::<String>::new());
    Ok(())
}

pub(crate) async fn an_alert_is_kept_once_by_commits_that_know_nothing_of_each_other(
    store: &dyn Store,
) -> Done {
    let decide = |alerts: Vec<Alert>| raise().run(alerts, Known::default(), at(NOW));
    store.commit(commit(decide(vec![alert("a", "x"), alert("b", "x")]), at(NOW))).await?;
    let group = store.alerts(&AlertChoice::default()).await?.pop().and_then(|one| one.group);
    assert_eq!(group.map(|group| group.count), Some(2));
    // To the second one it looks new, with a group of one; only what is new in it is taken.
    store.commit(commit(decide(vec![alert("a", "x"), alert("c", "z")]), at(NOW))).await?;
    let alerts = store.alerts(&AlertChoice::default()).await?;
    assert_eq!(alerts.len(), 3);
    let first = alerts.iter().find(|one| one.id == "a").and_then(|one| one.group.clone());
    assert_eq!(first.map(|group| group.count), Some(2));
    assert_eq!(due(store, "log", after(0)).await?, ["new/a", "new/c"]);
    Ok(())
}

pub(crate) async fn a_group_is_found_by_the_keys_of_all_its_members(store: &dyn Store) -> Done {
    let in_account = |id: &str, account: &str, shared: Option<&str>| Alert {
        account: Some(account.to_owned()),
        is_historic: false,
        shared_event: shared.map(str::to_owned),
        behind: None,
        access_key: None,
        address: None,
        ..alert(id, "x")
    };
    let (here, there) = ("111122223333", "444455556666");
    tell(store, &raise(), vec![in_account("a", here, Some("s"))], at(NOW)).await?;
    tell(store, &raise(), vec![in_account("b", there, Some("s"))], at(NOW)).await?;
    // Without the shared id, only the key of the second one leads to the group.
    let outcome = tell(store, &raise(), vec![in_account("c", there, None)], at(NOW)).await?;
    assert_eq!(outcome.raised[0].leader, "a");
    assert_eq!((outcome.groups["a"].count, outcome.groups["a"].accounts.len()), (3, 2));
    let alerts = store.alerts(&AlertChoice::default()).await?;
    let fates: Vec<_> = alerts.iter().map(|one| (one.id.as_str(), one.fate.as_str())).collect();
    assert_eq!(fates, [("c", "merged"), ("b", "merged"), ("a", "told")]);
    let groups: Vec<_> = alerts.iter().map(|one| one.group.as_ref().map(|g| g.count)).collect();
    assert_eq!(groups, [None, None, Some(3)]);
    Ok(())
}

pub(crate) async fn groups_come_latest_first_and_bounded(store: &dyn Store) -> Done {
    let hourly = |hour: usize| {
        let time = after(3600 * hour as i64).to_string();
        Alert { time: Some(time), ..alert(&format!("{hour:04}"), "x") }
    };
    let all: Vec<Alert> = (0..MAX_GROUPS + 5).map(hourly).collect();
    // Some in one commit, some each by itself.
    tell(store, &raise(), all[..MAX_GROUPS].to_vec(), at(NOW)).await?;
    for one in &all[MAX_GROUPS..] {
        tell(store, &raise(), vec![one.clone()], at(NOW)).await?;
    }
    let key = group_keys(&all[0]).remove(0);
    let asks = Asks { keys: [key.clone()].into(), ..Asks::default() };
    let known = store.known(&asks).await?.known;
    let leaders: Vec<&str> = known.groups[&key].iter().map(|one| one.leader.as_str()).collect();
    let latest: Vec<&str> = all.iter().rev().take(MAX_GROUPS).map(|one| one.id.as_str()).collect();
    assert_eq!(leaders, latest);
    Ok(())
}

pub(crate) async fn a_rate_comes_with_the_group_that_holds_what_is_past_it(
    store: &dyn Store,
) -> Done {
    let mut raise = raise();
    raise.merge_window = SignedDuration::ZERO;
    raise.rate_cap = Some(RateCap { count: 1, per: SignedDuration::from_hours(1) });
    tell(store, &raise, vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    let outcome = tell(store, &raise, vec![alert("c", "x")], after(60)).await?;
    assert_eq!((outcome.raised[0].leader.as_str(), outcome.groups["b"].count), ("b", 2));
    let known = store.known(&raise.asks(&[alert("c", "x")], &[])).await?.known;
    let rate = &known.rates["trail-stopped"];
    assert_eq!((rate.since, rate.told, rate.held_under.as_deref()), (at(NOW), 1, Some("b")));
    assert_eq!(known.groups[&Known::held_key("b")][0].count, 2);
    // "N more" comes at the end of the hour, with the count of that time.
    assert_eq!(due(store, "log", after(3599)).await?, ["new/a"]);
    assert_eq!(due(store, "log", after(3600)).await?, ["new/a", "more/b"]);
    // The next hour begins anew.
    let outcome = tell(store, &raise, vec![alert("d", "x")], after(3600)).await?;
    assert_eq!(outcome.raised[0].fate.name(), "told");
    Ok(())
}

pub(crate) async fn what_was_not_asked_is_not_answered(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await?;
    let known = store.known(&Asks::default()).await?.known;
    assert!(known.seen.is_empty() && known.groups.is_empty() && known.rates.is_empty());
    let asks = Asks {
        leaders: ["nobody".to_owned()].into(),
        ids: ["a", "nobody"].map(str::to_owned).into(),
        keys: ["same/none".to_owned()].into(),
        rules: ["trail-stopped".to_owned()].into(),
    };
    let known = store.known(&asks).await?.known;
    assert_eq!(known.seen, ["a".to_owned()].into());
    assert!(known.groups.is_empty() && known.rates.is_empty());
    Ok(())
}

pub(crate) async fn rejects_are_kept_once_and_come_in_pages(store: &dyn Store) -> Done {
    let put = |rejects| store.commit(Commit { rejects, now: Some(at(NOW)), ..Commit::default() });
    put(vec![reject("a"), reject("b"), reject("c")]).await?;
    // An object that was read again after a crash gives the same ones.
    let mut again = reject("b");
    again.at = "2026-03-02T13:00:00Z".to_owned();
    put(vec![again, reject("d")]).await?;
    let first = store.rejects(0, 2).await?;
    assert_eq!(
        first.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>(),
        [reject("a"), reject("b")]
    );
    let last = first.last().map_or(0, |(number, _)| *number);
    let rest = store.rejects(last, 100).await?;
    let origins: Vec<_> = rest.iter().map(|(_, row)| row.origin.as_str()).collect();
    assert_eq!(origins, ["c", "d"]);
    assert!(rest.iter().all(|(number, _)| *number > last));
    assert_eq!(store.rejects(i64::MAX, 1).await?, []);
    Ok(())
}

pub(crate) async fn everything_at_once_is_lost_and_doubled_nowhere(store: &dyn Store) -> Done {
    let mut raise = raise();
    raise.merge_window = SignedDuration::ZERO;
    let raise = &raise;
    let write = (0..20).map(|round| async move {
        let alerts = (0..5).map(|one| alert(&format!("{round:02}-{one}"), "x")).collect();
        tell(store, raise, alerts, at(NOW)).await?;
        let objects = vec![object(&format!("object {round}"))];
        store.commit(Commit { objects, now: Some(at(NOW)), ..Commit::default() }).await
    });
    let send = ["log", "people"].map(|sink| async move {
        let (mut sent, mut idle) = (Vec::new(), 0);
        // A bound, so that a message that is lost ends the check.
        while sent.len() < 100 && idle < 10_000 {
            let queued = store.due(sink, at(NOW), 7).await?;
            idle = if queued.is_empty() { idle + 1 } else { 0 };
            sent.extend(queued.iter().map(|one| one.alert_id.clone()));
            let settled = queued.iter().map(|one| super::values::sent(one.number)).collect();
            store.settle(sink, settled, Some(sent.len().to_string())).await?;
        }
        sent.sort();
        Ok::<_, crate::store::StoreError>(sent)
    });
    let (written, sent) = futures::join!(join_all(write), join_all(send));
    written.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut all = ids(store, &AlertChoice::default()).await?;
    all.sort();
    assert_eq!(all.len(), 100);
    for sent in sent {
        assert_eq!(sent?, all);
    }
    for sink in ["log", "people"] {
        assert_eq!(store.position(sink).await?.as_deref(), Some("100"));
    }
    assert_eq!(store.stats().await?.objects, 20);
    Ok(())
}
