//! Turns: who has one, and when it goes to another. Time is an argument here: nobody waits.

use std::time::Duration;

use tokio::time::Instant;

use super::Done;
use crate::store::{Store, Turn, TurnKeeper};

const NAME: &str = "baseline";

/// How long a turn lasts.
const LASTS: Duration = Duration::from_secs(60);

fn keeper(replica: &str) -> TurnKeeper {
    TurnKeeper::new(NAME, replica, LASTS)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) async fn a_turn_is_one_programs(store: &dyn Store) -> Done {
    let (mut one, mut two, now) = (keeper("one"), keeper("two"), Instant::now());
    assert_eq!(store.turn(NAME).await?, Turn::default());
    assert!(one.is_over(now) && !one.keep(store, now).await?, "nobody has it yet");
    assert!(one.take(store, now).await?);
    assert!(!two.take(store, now).await? && two.is_over(now));
    // Two of one name are two: a name that was given twice gives the turn to nobody twice.
    assert!(!keeper("one").take(store, now).await?);
    assert!(one.take(store, now).await? && one.keep(store, now).await?, "it is still its own");
    let mut other = TurnKeeper::new("another", "two", LASTS);
    assert!(other.take(store, now).await?, "it is another turn");
    let turn = store.turn(NAME).await?;
    assert!(turn.holder.is_some_and(|holder| holder.starts_with("one/")));
    assert_eq!((turn.term, turn.count), (1, 3));
    Ok(())
}

pub(crate) async fn of_many_who_ask_at_once_one_has_the_turn(store: &dyn Store) -> Done {
    let now = Instant::now();
    let mut keepers: Vec<TurnKeeper> = (0..6).map(|number| keeper(&number.to_string())).collect();
    let asked = keepers.iter_mut().map(|keeper| keeper.take(store, now));
    let taken = futures::future::try_join_all(asked).await?;
    assert_eq!(taken.iter().filter(|is_taken| **is_taken).count(), 1, "{taken:?}");
    for (keeper, is_taken) in keepers.iter_mut().zip(taken) {
        assert_eq!(keeper.keep(store, now).await?, is_taken);
    }
    Ok(())
}

pub(crate) async fn a_turn_that_is_renewed_stays(store: &dyn Store) -> Done {
    let (mut one, mut two, began) = (keeper("one"), keeper("two"), Instant::now());
    assert!(one.take(store, began).await?);
    for round in 0..5 {
        let now = began + seconds(59 * round);
        assert!(!two.take(store, now).await?, "round {round}");
        assert!(one.keep(store, now).await? && !one.is_over(now + seconds(59)));
    }
    Ok(())
}

pub(crate) async fn a_turn_that_is_not_renewed_goes_to_another_after_its_time(
    store: &dyn Store,
) -> Done {
    let (mut one, mut two, began) = (keeper("one"), keeper("two"), Instant::now());
    assert!(one.take(store, began).await?);
    // Long after it was taken: what counts is since when the other one has seen it so.
    let seen = began + seconds(1000);
    assert!(!two.take(store, seen).await?);
    assert!(!two.take(store, seen + seconds(59)).await?);
    assert!(one.is_over(began + LASTS), "it knows by itself, before the other one does");
    assert!(two.take(store, seen + LASTS).await?);
    assert!(!one.keep(store, seen + LASTS).await?);
    assert!(!one.take(store, seen + LASTS).await?);
    assert!(two.keep(store, seen + LASTS).await?, "who lost it took nothing away");
    one.give_back(store).await?;
    assert!(two.keep(store, seen + LASTS).await?, "nor by giving back what it has not");
    assert_eq!(store.turn(NAME).await?.term, 2);
    Ok(())
}

pub(crate) async fn a_turn_that_was_lost_stays_lost_when_it_is_free_again(
    store: &dyn Store,
) -> Done {
    let (mut one, mut two, began) = (keeper("one"), keeper("two"), Instant::now());
    assert!(one.take(store, began).await?);
    assert!(!two.take(store, began).await?);
    assert!(two.take(store, began + LASTS).await?);
    two.give_back(store).await?;
    // The first one was asleep all the while: what it did belongs to a turn that is over.
    assert!(!one.keep(store, began + LASTS).await?);
    assert!(one.take(store, began + LASTS).await?, "a new one is to be had");
    assert_eq!(store.turn(NAME).await?.term, 3);
    Ok(())
}

pub(crate) async fn a_turn_that_is_given_back_is_free_at_once(store: &dyn Store) -> Done {
    let (mut one, mut two, now) = (keeper("one"), keeper("two"), Instant::now());
    assert!(one.take(store, now).await?);
    assert!(!two.take(store, now).await?);
    one.give_back(store).await?;
    assert!(one.is_over(now) && !one.keep(store, now).await?);
    assert!(two.take(store, now).await?);
    two.give_back(store).await?;
    two.give_back(store).await?;
    assert_eq!(store.turn(NAME).await?.holder, None);
    Ok(())
}

pub(crate) async fn a_change_of_a_turn_that_changed_meanwhile_is_refused(
    store: &dyn Store,
) -> Done {
    let turn = |holder: &str, count| Turn { holder: Some(holder.to_owned()), term: 1, count };
    assert!(!store.change_turn(NAME, 1, &turn("one", 2)).await?, "there is none");
    assert!(store.change_turn(NAME, 0, &turn("one", 1)).await?);
    assert!(!store.change_turn(NAME, 0, &turn("two", 1)).await?);
    assert!(store.change_turn(NAME, 1, &turn("one", 2)).await?);
    assert!(!store.change_turn(NAME, 1, &turn("two", 2)).await?);
    assert_eq!(store.turn(NAME).await?, turn("one", 2));
    Ok(())
}
