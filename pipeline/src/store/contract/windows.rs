//! Groups of correlations, and alerts that change.

use std::collections::BTreeSet;

use askance_stages::model::Alert;
use askance_stages::raise::Change;
use jiff::Timestamp;

use super::Done;
use super::values::{NOW, after, alert, at, commit, due, only, raise, send_all, tell};
use crate::store::{Ack, AlertChoice, Commit, Knowledge, Store, StoreError, Window};

fn window(key: &str, state: &[u8], due: Timestamp) -> Window {
    Window {
        key: key.to_owned(),
        correlation: "many".to_owned(),
        state: Some(state.to_vec()),
        due: Some(due),
    }
}

fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// Commits as the service does: on what is there.
async fn put(store: &dyn Store, windows: Vec<Window>) -> Result<(), StoreError> {
    let keys = windows.iter().map(|window| window.key.clone()).collect();
    let (_, basis) = store.windows(&keys).await?;
    store.commit(Commit { windows, basis, now: Some(at(NOW)), ..Commit::default() }).await
}

pub(crate) async fn groups_are_kept_as_they_were_put_last(store: &dyn Store) -> Done {
    assert!(store.windows(&keys(&["a", "b"])).await?.0.is_empty());
    assert!(store.windows(&keys(&[])).await?.0.is_empty());
    let long = vec![7_u8; askance_stages::correlate::MAX_STATE];
    put(store, vec![window("a", b"one", after(60)), window("b", &long, after(30))]).await?;
    let (found, _) = store.windows(&keys(&["a", "b", "c"])).await?;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(found["a"], window("a", b"one", after(60)));
    assert_eq!(found["b"], window("b", &long, after(30)));
    put(store, vec![window("a", b"two", after(90))]).await?;
    let (found, _) = store.windows(&keys(&["a"])).await?;
    assert_eq!(found["a"], window("a", b"two", after(90)));
    assert_eq!(store.stats().await?.windows, 2);
    put(store, vec![Window { state: None, due: None, ..window("a", b"", at(NOW)) }]).await?;
    // One that is not there cannot be taken out, and that is no failure.
    put(store, vec![Window { state: None, due: None, ..window("a", b"", at(NOW)) }]).await?;
    assert_eq!(store.windows(&keys(&["a", "b"])).await?.0.len(), 1);
    assert_eq!(store.stats().await?.windows, 1);
    Ok(())
}

pub(crate) async fn groups_that_are_due_come_the_earliest_first(store: &dyn Store) -> Done {
    let all = [("a", 60), ("b", 30), ("c", 90), ("d", 30)];
    put(store, all.map(|(key, due)| window(key, b"it", after(due))).into()).await?;
    let find = async |seconds, limit| -> Result<Vec<String>, StoreError> {
        let mut found = store.windows_due(after(seconds), limit).await?;
        assert!(found.iter().all(|(_, correlation)| correlation == "many"));
        // Those that are due at the same time come in any order.
        found[..].sort_by(|a, b| (a.0 == "a").cmp(&(b.0 == "a")).then(a.cmp(b)));
        Ok(found.into_iter().map(|(key, _)| key).collect())
    };
    assert_eq!(find(29, 10).await?, Vec::<String>::new());
    assert_eq!(find(30, 10).await?, ["b", "d"]);
    assert_eq!(find(60, 10).await?, ["b", "d", "a"]);
    assert_eq!(find(600, 2).await?, ["b", "d"]);
    assert_eq!(store.windows_due(Timestamp::MAX, 10).await?.len(), 4);
    put(store, vec![window("b", b"it", after(900))]).await?;
    assert_eq!(find(60, 10).await?, ["d", "a"]);
    // Where others write too it is looked for earlier.
    assert!(store.windows_next(after(0)).await?.is_some_and(|next| next <= after(30)));
    Ok(())
}

pub(crate) async fn a_group_and_what_it_tells_are_one_commit(store: &dyn Store) -> Done {
    let alert = alert("a", "x");
    let asks = raise().asks(std::slice::from_ref(&alert), &[]);
    let Knowledge { known, mut basis } = store.known(&asks).await?;
    let (_, more) = store.windows(&keys(&["w"])).await?;
    basis.add(more);
    let outcome = raise().run(vec![alert], known, at(NOW));
    let windows = vec![window("w", b"told", after(60))];
    store.commit(Commit { windows, basis, ..commit(outcome, at(NOW)) }).await?;
    assert_eq!(store.windows(&keys(&["w"])).await?.0["w"].state.as_deref(), Some(&b"told"[..]));
    assert_eq!(due(store, "log", after(0)).await?, ["new/a"]);
    Ok(())
}

/// Decides about a change on what is known, and commits.
async fn change(store: &dyn Store, alert: Alert, is_news: bool, now: Timestamp) -> Done {
    let changes = vec![Change { alert, is_news }];
    let Knowledge { known, basis } = store.known(&raise().asks(&[], &changes)).await?;
    let outcome = raise().run_with(Vec::new(), changes, known, now);
    store.commit(Commit { basis, ..commit(outcome, now) }).await
}

pub(crate) async fn an_alert_that_changes_is_told_anew_to_who_was_told(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x")], at(NOW)).await?;
    let ack = Ack { by: "mei".to_owned(), at: NOW.to_owned(), note: None };
    store
        .acknowledge(&AlertChoice { id: Some("a".to_owned()), ..AlertChoice::default() }, &ack)
        .await?;
    let larger = |region: &str| Alert { region: Some(region.to_owned()), ..alert("a", "x") };
    // Nobody was told yet: the message that waits tells the newest.
    change(store, larger("eu-west-2"), true, after(1)).await?;
    let queued = store.due("log", after(1), 10).await?;
    assert_eq!(queued.len(), 1);
    assert!(queued[0].alert.contains("eu-west-2"), "{}", queued[0].alert);
    assert_eq!(send_all(store, "log", after(2)).await?, 1);
    // The update waits its time, and a further one takes its place.
    change(store, larger("eu-west-3"), true, after(10)).await?;
    assert_eq!(due(store, "log", after(20)).await?, Vec::<String>::new());
    let update = only(store, "log", after(90)).await?;
    assert_eq!((update.kind.name(), update.alert_id.as_str()), ("update", "a"));
    assert!(update.alert.contains("eu-west-3"));
    assert_eq!(update.group.count, 1);
    assert_eq!(send_all(store, "log", after(90)).await?, 1);
    // The same again, and what is no news, is told to nobody.
    change(store, larger("eu-west-3"), true, after(200)).await?;
    change(store, larger("eu-west-4"), false, after(200)).await?;
    assert_eq!(due(store, "log", after(900)).await?, Vec::<String>::new());
    let kept = store.alerts(&AlertChoice::default()).await?;
    assert_eq!(kept.len(), 1);
    assert!(kept[0].alert.get().contains("eu-west-4"), "{}", kept[0].alert);
    assert_eq!(kept[0].ack.as_ref(), Some(&ack), "who took note of it stays");
    assert_eq!(kept[0].group.as_ref().map(|group| group.count), Some(1));
    // What was let go of, or never there, is nothing that could change.
    change(store, alert("nobody", "x"), true, after(300)).await?;
    assert_eq!(store.alerts(&AlertChoice::default()).await?.len(), 1);
    Ok(())
}
