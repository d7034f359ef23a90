//! What people look at and take note of, and text that somebody wrote to do harm.

use askance_stages::model::{Alert, Level};
use serde_json::value::RawValue;

use super::Done;
use super::values::{NOW, after, alert, at, commit, ids, object, only, raise, reject, tell};
use crate::store::{Ack, AlertChoice, Commit, Knowledge, Settled, Store, Words};

/// Three alerts of three hours, accounts, rules and levels; `c` has no time and joins none.
async fn three(store: &dyn Store) -> Done {
    let mut alerts = vec![alert("a1", "x"), alert("a2", "y"), alert("b1", "z")];
    alerts[0].time = Some("2026-03-02T10:00:00Z".to_owned());
    alerts[1].time = Some("2026-03-02T11:00:00Z".to_owned());
    alerts[2].time = None;
    alerts[0].level = Level::Low;
    alerts[2].level = Level::Critical;
    alerts[1].account = Some("444455556666".to_owned());
    alerts[2].account = None;
    alerts[2].rule.id = "other".to_owned();
    let twin = Alert { id: "a3".to_owned(), ..alerts[1].clone() };
    alerts.push(twin);
    tell(store, &raise(), alerts, at(NOW)).await?;
    Ok(())
}

pub(crate) async fn alerts_are_chosen_by_everything_that_is_named(store: &dyn Store) -> Done {
    three(store).await?;
    let none = AlertChoice::default;
    let text = |text: &str| Some(text.to_owned());
    for (choice, expected) in [
        // What has no time counts as of when it was raised.
        (none(), vec!["b1", "a3", "a2", "a1"]),
        (AlertChoice { limit: Some(2), ..none() }, vec!["b1", "a3"]),
        (AlertChoice { limit: Some(0), ..none() }, vec![]),
        (AlertChoice { from: Some(at("2026-03-02T11:00:00Z")), ..none() }, vec!["b1", "a3", "a2"]),
        (AlertChoice { to: Some(at("2026-03-02T11:00:00Z")), ..none() }, vec!["a1"]),
        (AlertChoice { level: Some(Level::High), ..none() }, vec!["b1", "a3", "a2"]),
        (AlertChoice { rule: text("other"), ..none() }, vec!["b1"]),
        (AlertChoice { account: text("444455556666"), ..none() }, vec!["a3", "a2"]),
        (AlertChoice { fate: text("merged"), ..none() }, vec!["a3"]),
        (AlertChoice { fate: text("told"), account: text("444455556666"), ..none() }, vec!["a2"]),
        (AlertChoice { id: text("a"), level: Some(Level::High), ..none() }, vec!["a3", "a2"]),
        (AlertChoice { rule: text("nobody"), ..none() }, vec![]),
    ] {
        assert_eq!(ids(store, &choice).await?, expected, "{choice:?}");
    }
    let alerts = store.alerts(&none()).await?;
    assert_eq!((alerts[1].leader.as_str(), alerts[1].fate.as_str()), ("a2", "merged"));
    assert_eq!(alerts[2].group.as_ref().map(|group| group.count), Some(2));
    assert_eq!((alerts[0].raised.as_str(), &alerts[0].ack), (NOW, &None));
    assert_eq!(alerts[0].words, super::values::words());
    Ok(())
}

pub(crate) async fn alerts_are_found_by_the_beginning_of_their_id(store: &dyn Store) -> Done {
    three(store).await?;
    for (id, expected) in [
        ("a", vec!["a3", "a2", "a1"]),
        ("a1", vec!["a1"]),
        ("b", vec!["b1"]),
        ("a1x", vec![]),
        ("", vec!["b1", "a3", "a2", "a1"]),
        ("%", vec![]),
        ("_1", vec![]),
        ("A", vec![]),
        ("\0", vec![]),
    ] {
        let choice = AlertChoice { id: Some(id.to_owned()), ..AlertChoice::default() };
        assert_eq!(ids(store, &choice).await?, expected, "{id}");
    }
    Ok(())
}

pub(crate) async fn somebody_takes_note_of_alerts(store: &dyn Store) -> Done {
    three(store).await?;
    let ack = |by: &str, note: Option<&str>| Ack {
        by: by.to_owned(),
        at: NOW.to_owned(),
        note: note.map(str::to_owned),
    };
    let one = AlertChoice { id: Some("a1".to_owned()), ..AlertChoice::default() };
    assert_eq!(store.acknowledge(&one, &ack("mika", Some("was meant"))).await?, 1);
    let open = AlertChoice { is_open: true, ..AlertChoice::default() };
    assert_eq!(ids(store, &open).await?, ["b1", "a3", "a2"]);
    let found = store.alerts(&one).await?.remove(0);
    assert_eq!(found.ack, Some(ack("mika", Some("was meant"))));
    // Whoever does it last is kept; a bound on the choice holds here too.
    assert_eq!(store.acknowledge(&one, &ack("emma", None)).await?, 1);
    assert_eq!(store.alerts(&one).await?.remove(0).ack, Some(ack("emma", None)));
    let latest = AlertChoice { limit: Some(1), ..open.clone() };
    assert_eq!(store.acknowledge(&latest, &ack("emma", None)).await?, 1);
    assert_eq!(ids(store, &open).await?, ["a3", "a2"]);
    let none = AlertChoice { id: Some("zz".to_owned()), ..AlertChoice::default() };
    assert_eq!(store.acknowledge(&none, &ack("emma", None)).await?, 0);
    Ok(())
}

/// Text that ends early, breaks out, or is more than somebody expected.
pub(crate) fn hostile() -> Vec<String> {
    vec![
        "nul\0in\0the middle".to_owned(),
        "it's \"quoted\"; DROP TABLE alerts; --".to_owned(),
        "\u{1f980}\u{202e}ＡＢＣ 日本語 e\u{301} \u{ffff}\u{10ffff}".to_owned(),
        "\r\n\t\u{1b}[2J\\%_*?[a-z]".to_owned(),
        String::new(),
        "long ".repeat(40_000),
    ]
}

pub(crate) async fn hostile_text_comes_back_as_it_was(store: &dyn Store) -> Done {
    for (index, text) in hostile().into_iter().enumerate() {
        let now = after(index as i64);
        let mut one = alert(&format!("{index}{text}"), &text);
        one.rule.id.clone_from(&text);
        one.rule.title.clone_from(&text);
        one.account = Some(text.clone());
        one.actor.name = Some(text.clone());
        one.event = RawValue::from_string(serde_json::json!({"userAgent": text}).to_string()).ok();
        let asks = raise().asks(&[one.clone()], &[]);
        let Knowledge { known, basis } = store.known(&asks).await?;
        let outcome = raise().run(vec![one.clone()], known, now);
        let json = outcome.raised[0].json.clone();
        let words = Words { description: Some(text.clone()), ..Words::default() };
        let reject = crate::store::RejectRow { evidence: text.clone(), ..reject(&text) };
        let whole = Commit {
            objects: vec![object(&text)],
            rejects: vec![reject.clone()],
            words: vec![(text.clone(), words.clone())],
            basis,
            ..commit(outcome, now)
        };
        store.commit(whole).await?;
        assert_eq!(store.are_done(&[text.clone(), format!("{text}\0")]).await?, [true, false]);
        assert!(store.known(&asks).await?.known.seen.contains(&one.id));
        let choice = AlertChoice {
            id: Some(one.id.clone()),
            account: Some(text.clone()),
            rule: Some(text.clone()),
            ..AlertChoice::default()
        };
        let found = store.alerts(&choice).await?;
        assert_eq!(found.len(), 1, "{index}");
        assert_eq!((found[0].alert.get(), &found[0].words), (json.as_str(), &words));
        let queued = only(store, "log", now).await?;
        assert_eq!((queued.alert, queued.alert_id, queued.words), (json, one.id.clone(), words));
        let failed = Settled::Dead { number: queued.number, error: text.clone() };
        store.settle("log", vec![failed], Some(text.clone())).await?;
        assert_eq!(store.position("log").await?.as_ref(), Some(&text));
        let rejects = store.rejects(0, 100).await?;
        assert_eq!(rejects.last().map(|(_, row)| row), Some(&reject));
        let ack = Ack { by: text.clone(), at: NOW.to_owned(), note: Some(text.clone()) };
        assert_eq!(store.acknowledge(&choice, &ack).await?, 1);
        assert_eq!(store.alerts(&choice).await?.remove(0).ack, Some(ack));
    }
    Ok(())
}
