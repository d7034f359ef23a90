//! What every store must do, as functions over `&dyn Store`; each implementation runs all of them.
//!
//! An implementation's tests call `suite!(make)`, where `make` is an async function that answers a
//! store with nothing in it and whatever must live as long as it.

pub(crate) mod commits;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod turns;
pub(crate) mod upkeep;
pub(crate) mod values;
pub(crate) mod windows;

/// How a check ends that did not fail.
pub(crate) type Done = Result<(), super::StoreError>;

/// Makes a test of every check, on a store of its own from `$make`.
macro_rules! suite {
    ($make:path) => {
        $crate::store::contract::suite!(@ $make, commits, [
            objects_are_remembered,
            a_commit_twice_is_once,
            an_alert_is_kept_once_by_commits_that_know_nothing_of_each_other,
            a_group_is_found_by_the_keys_of_all_its_members,
            groups_come_latest_first_and_bounded,
            a_rate_comes_with_the_group_that_holds_what_is_past_it,
            what_was_not_asked_is_not_answered,
            rejects_are_kept_once_and_come_in_pages,
            everything_at_once_is_lost_and_doubled_nowhere,
        ]);
        $crate::store::contract::suite!(@ $make, outbox, [
            messages_come_in_order_with_everything_that_is_told,
            a_message_waits_for_its_time,
            a_clock_that_is_put_back_keeps_no_message,
            a_message_waits_for_earlier_ones_of_its_alert,
            dead_letters_hold_nothing_back_and_come_again_when_told_to,
            an_update_takes_the_place_of_one_that_waits,
            an_update_that_comes_while_one_is_under_way_stays,
            what_is_settled_twice_or_by_another_sink_changes_nothing,
            what_a_sink_answered_is_told_with_later_messages,
            the_next_message_due_waits_for_no_other,
            the_position_is_kept_with_what_was_sent,
            depths_tell_what_waits_and_what_is_dead,
            people_choose_messages_by_sink_number_and_state,
        ]);
        $crate::store::contract::suite!(@ $make, people, [
            alerts_are_chosen_by_everything_that_is_named,
            alerts_are_found_by_the_beginning_of_their_id,
            somebody_takes_note_of_alerts,
            hostile_text_comes_back_as_it_was,
        ]);
        $crate::store::contract::suite!(@ $make, windows, [
            groups_are_kept_as_they_were_put_last,
            groups_that_are_due_come_the_earliest_first,
            a_group_and_what_it_tells_are_one_commit,
            an_alert_that_changes_is_told_anew_to_who_was_told,
        ]);
        $crate::store::contract::suite!(@ $make, turns, [
            a_turn_is_one_programs,
            of_many_who_ask_at_once_one_has_the_turn,
            a_turn_that_is_renewed_stays,
            a_turn_that_is_not_renewed_goes_to_another_after_its_time,
            a_turn_that_was_lost_stays_lost_when_it_is_free_again,
            a_turn_that_is_given_back_is_free_at_once,
            a_change_of_a_turn_that_changed_meanwhile_is_refused,
        ]);
        $crate::store::contract::suite!(@ $make, upkeep, [
            what_is_in_it_is_counted,
            what_is_old_goes_and_what_waits_stays,
            the_ledger_remembers_a_month_whatever_is_asked,
        ]);
    };
    (@ $make:path, $part:ident, [$($name:ident,)*]) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (store, _kept) = $make().await;
                $crate::store::contract::$part::$name(store.as_ref()).await.expect("the contract holds");
            }
        )*
    };
}

pub(crate) use suite;
