//! Messages: which are due when, and what becomes of them.

use askance_stages::raise::MessageKind;

use super::Done;
use super::values::{NOW, after, alert, at, due, only, raise, send_all, sent, tell, words};
use crate::store::{Depth, OutboxChoice, Settled, Store};

fn later(number: i64, seconds: i64) -> Settled {
    Settled::Later { number, due: after(seconds), error: "no answer".to_owned() }
}

fn dead(number: i64) -> Settled {
    Settled::Dead { number, error: "too large".to_owned() }
}

pub(crate) async fn messages_come_in_order_with_everything_that_is_told(store: &dyn Store) -> Done {
    let outcome =
        tell(store, &raise(), vec![alert("b", "x"), alert("a", "y"), alert("c", "x")], at(NOW))
            .await?;
    let queued = store.due("log", at(NOW), 100).await?;
    assert_eq!(queued.len(), 2);
    let first = &queued[0];
    assert_eq!((first.alert_id.as_str(), first.kind), ("b", MessageKind::New));
    assert_eq!(first.alert, outcome.raised[0].json);
    assert_eq!((first.group.count, first.group.samples.len()), (2, 2));
    assert_eq!((&first.words, first.attempts, &first.reference), (&words(), 0, &None));
    assert_eq!(first.queued, at(NOW));
    assert_eq!(queued[1].alert_id, "a");
    assert!(first.number < queued[1].number);
    assert_eq!(store.due("log", at(NOW), 1).await?.len(), 1);
    assert_eq!(due(store, "nobody", at(NOW)).await?, Vec::<String>::new());
    Ok(())
}

pub(crate) async fn a_message_waits_for_its_time(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await?;
    let queued = store.due("log", at(NOW), 1).await?;
    store.settle("log", vec![later(queued[0].number, 30)], None).await?;
    assert_eq!(due(store, "log", after(29)).await?, ["new/b"]);
    assert_eq!(due(store, "log", after(30)).await?, ["new/a", "new/b"]);
    let queued = store.due("log", after(30), 1).await?;
    assert_eq!((queued[0].attempts, queued[0].queued), (1, at(NOW)));
    // The other sink knows nothing of it.
    assert_eq!(due(store, "people", at(NOW)).await?, ["new/a", "new/b"]);
    Ok(())
}

pub(crate) async fn a_clock_that_is_put_back_keeps_no_message(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await?;
    let queued = store.due("log", at(NOW), 1).await?;
    store.settle("log", vec![later(queued[0].number, 30)], None).await?;
    assert_eq!(due(store, "log", after(-1)).await?, ["new/a", "new/b"]);
    assert_eq!(due(store, "log", after(-86_400)).await?, ["new/a", "new/b"]);
    Ok(())
}

pub(crate) async fn a_message_waits_for_earlier_ones_of_its_alert(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    // The update is due as well, and still waits until the alert itself was told.
    assert_eq!(due(store, "log", after(600)).await?, ["new/a"]);
    let first = only(store, "log", after(600)).await?;
    store.settle("log", vec![later(first.number, 900)], None).await?;
    assert_eq!(due(store, "log", after(899)).await?, Vec::<String>::new());
    assert_eq!(due(store, "log", after(900)).await?, ["new/a"]);
    store.settle("log", vec![sent(first.number)], None).await?;
    assert_eq!(due(store, "log", after(900)).await?, ["update/a"]);
    Ok(())
}

pub(crate) async fn dead_letters_hold_nothing_back_and_come_again_when_told_to(
    store: &dyn Store,
) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    let first = only(store, "log", at(NOW)).await?;
    store.settle("log", vec![dead(first.number)], None).await?;
    assert_eq!(due(store, "log", after(60)).await?, ["update/a"]);
    let is_dead = OutboxChoice { is_dead: true, ..OutboxChoice::default() };
    let rows = store.outbox(&is_dead).await?;
    assert_eq!((rows.len(), rows[0].state.as_str(), rows[0].attempts), (1, "dead", 1));
    assert_eq!(rows[0].error.as_deref(), Some("too large"));
    assert_eq!(store.retry(&is_dead).await?, 1);
    assert_eq!(store.outbox(&is_dead).await?, []);
    // It is the earlier one of its alert again.
    assert_eq!(due(store, "log", after(60)).await?, ["new/a"]);
    Ok(())
}

pub(crate) async fn an_update_takes_the_place_of_one_that_waits(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x")], at(NOW)).await?;
    send_all(store, "log", at(NOW)).await?;
    for (id, seconds) in [("b", 10), ("c", 20), ("d", 30)] {
        tell(store, &raise(), vec![alert(id, "x")], after(seconds)).await?;
    }
    // At the time of the first one, with the count of the last one.
    assert_eq!(due(store, "log", after(69)).await?, Vec::<String>::new());
    let update = only(store, "log", after(70)).await?;
    assert_eq!((update.kind, update.group.count), (MessageKind::Update, 4));
    assert_eq!(update.queued, after(10));
    let log = OutboxChoice { sink: Some("log".to_owned()), ..OutboxChoice::default() };
    assert_eq!(store.outbox(&log).await?.len(), 1);
    Ok(())
}

pub(crate) async fn an_update_that_comes_while_one_is_under_way_stays(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    let first = only(store, "log", at(NOW)).await?;
    store.settle("log", vec![sent(first.number)], None).await?;
    let under_way = only(store, "log", after(60)).await?;
    assert_eq!(under_way.group.count, 2);
    tell(store, &raise(), vec![alert("c", "x")], after(61)).await?;
    store.settle("log", vec![sent(under_way.number)], None).await?;
    let next = only(store, "log", after(600)).await?;
    assert_eq!((next.kind, next.group.count), (MessageKind::Update, 3));
    assert!(next.number > under_way.number, "receivers know messages apart by their numbers");
    // Not more often than once in the interval.
    assert_eq!(due(store, "log", after(120)).await?, Vec::<String>::new());
    assert_eq!(due(store, "log", after(121)).await?, ["update/a"]);
    Ok(())
}

pub(crate) async fn what_is_settled_twice_or_by_another_sink_changes_nothing(
    store: &dyn Store,
) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await?;
    let first = store.due("log", at(NOW), 1).await?.remove(0);
    store.settle("people", vec![sent(first.number), dead(first.number)], None).await?;
    assert_eq!(due(store, "log", at(NOW)).await?, ["new/a", "new/b"]);
    let settled = vec![sent(first.number)];
    store.settle("log", settled.clone(), Some("10".to_owned())).await?;
    store.settle("log", settled, Some("10".to_owned())).await?;
    store.settle("log", vec![dead(first.number), later(first.number, 1)], None).await?;
    assert_eq!(due(store, "log", at(NOW)).await?, ["new/b"]);
    assert_eq!(due(store, "people", at(NOW)).await?, ["new/a", "new/b"]);
    Ok(())
}

pub(crate) async fn what_a_sink_answered_is_told_with_later_messages(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    let first = only(store, "people", at(NOW)).await?;
    let reference = Some("1700000000.000100".to_owned());
    let settled = Settled::Sent { number: first.number, reference: reference.clone() };
    store.settle("people", vec![settled], None).await?;
    let update = only(store, "people", after(60)).await?;
    assert_eq!(update.reference, reference);
    // Nothing answered keeps the earlier one.
    store.settle("people", vec![sent(update.number)], None).await?;
    tell(store, &raise(), vec![alert("c", "x")], after(61)).await?;
    assert_eq!(only(store, "people", after(600)).await?.reference, reference);
    let log = store.due("log", after(600), 1).await?;
    assert_eq!(log[0].reference, None, "it is another sink's");
    Ok(())
}

pub(crate) async fn the_next_message_due_waits_for_no_other(store: &dyn Store) -> Done {
    assert_eq!(store.next_due("log").await?, None);
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "x")], at(NOW)).await?;
    assert_eq!(store.next_due("log").await?, Some(at(NOW)));
    let first = only(store, "log", at(NOW)).await?;
    store.settle("log", vec![later(first.number, 900)], None).await?;
    // The update is due at 60 seconds, but it waits for the alert.
    assert_eq!(store.next_due("log").await?, Some(after(900)));
    store.settle("log", vec![dead(first.number)], None).await?;
    assert_eq!(store.next_due("log").await?, Some(after(60)));
    send_all(store, "log", after(60)).await?;
    assert_eq!(store.next_due("log").await?, None, "dead letters are not due");
    Ok(())
}

pub(crate) async fn the_position_is_kept_with_what_was_sent(store: &dyn Store) -> Done {
    assert_eq!(store.position("log").await?, None);
    store.settle("log", Vec::new(), Some("0".to_owned())).await?;
    tell(store, &raise(), vec![alert("a", "x")], at(NOW)).await?;
    let first = only(store, "log", at(NOW)).await?;
    store.settle("log", vec![sent(first.number)], Some("120".to_owned())).await?;
    store.settle("log", Vec::new(), None).await?;
    assert_eq!(store.position("log").await?.as_deref(), Some("120"));
    assert_eq!(store.position("people").await?, None);
    Ok(())
}

pub(crate) async fn depths_tell_what_waits_and_what_is_dead(store: &dyn Store) -> Done {
    assert_eq!(store.depths().await?, []);
    tell(store, &raise(), vec![alert("a", "x")], at(NOW)).await?;
    tell(store, &raise(), vec![alert("b", "y"), alert("c", "z")], after(5)).await?;
    send_all(store, "people", after(5)).await?;
    let queued = store.due("log", after(5), 2).await?;
    let settled = vec![dead(queued[0].number), later(queued[1].number, 60)];
    store.settle("log", settled, None).await?;
    let oldest = Some(after(5).to_string());
    let log = Depth { sink: "log".to_owned(), waiting: 2, dead: 1, oldest };
    assert_eq!(store.depths().await?, [log]);
    Ok(())
}

pub(crate) async fn people_choose_messages_by_sink_number_and_state(store: &dyn Store) -> Done {
    tell(store, &raise(), vec![alert("a", "x"), alert("b", "y")], at(NOW)).await?;
    let all = store.outbox(&OutboxChoice::default()).await?;
    let seen: Vec<_> = all.iter().map(|row| (row.sink.as_str(), row.alert.as_str())).collect();
    assert_eq!(seen, [("log", "a"), ("people", "a"), ("log", "b"), ("people", "b")]);
    let one = &all[0];
    assert_eq!((one.title.as_str(), one.kind.as_str()), ("Trail stopped", "new"));
    assert_eq!((one.state.as_str(), one.attempts, &one.error), ("waiting", 0, &None));
    assert_eq!((one.due.as_str(), one.queued.as_str()), (NOW, NOW));
    let log = OutboxChoice { sink: Some("log".to_owned()), ..OutboxChoice::default() };
    assert_eq!(store.outbox(&log).await?.len(), 2);
    let numbers = vec![all[0].number, all[1].number, i64::MAX];
    let both = OutboxChoice { numbers, ..log.clone() };
    assert_eq!(store.outbox(&both).await?, [all[0].clone()]);
    // What is put off is due at once.
    store.settle("log", vec![later(all[0].number, 3600)], None).await?;
    assert_eq!(store.retry(&both).await?, 1);
    assert_eq!(due(store, "log", at(NOW)).await?, ["new/a", "new/b"]);
    let none = OutboxChoice { is_dead: true, ..OutboxChoice::default() };
    assert_eq!((store.retry(&none).await?, store.discard(&none).await?), (0, 0));
    assert_eq!(store.discard(&both).await?, 1);
    assert_eq!(store.discard(&log).await?, 1);
    assert_eq!(store.outbox(&OutboxChoice::default()).await?.len(), 2);
    Ok(())
}
