//! What becomes of alerts, case by case.

use jiff::civil::{Weekday, time};
use jiff::tz::{Offset, TimeZone};
use serde_json::json;

use super::*;
use crate::model::{Actor, Behind, Hop, Level, Origin, Resource, RuleRef};

fn alert(id: &str, time: &str) -> Alert {
    Alert {
        id: id.to_owned(),
        time: Some(time.to_owned()),
        level: Level::High,
        rule: RuleRef {
            id: "r1".to_owned(),
            title: "Trail stopped".to_owned(),
            tags: vec!["attack.t1562.008".to_owned()],
        },
        account: Some("111122223333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        actor: Actor { name: Some("deploy".to_owned()), ..Actor::default() },
        source: None,
        resource: vec![Resource { id: "trail-a".to_owned(), ..Resource::default() }],
        origin: Origin { path: "a".to_owned(), index: 0 },
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

fn raise() -> Raise {
    Raise {
        merge_window: SignedDuration::from_mins(30),
        update_interval: SignedDuration::from_secs(60),
        routes: vec![Route { to: vec!["log".to_owned()], ..Route::default() }],
        ..Raise::default()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-03-02T12:10:00Z";

fn fates(outcome: &Outcome) -> Vec<&'static str> {
    outcome.raised.iter().map(|raised| raised.fate.name()).collect()
}

#[test]
fn the_same_alert_is_told_once() {
    let alerts = vec![alert("a", "2026-03-02T12:00:00Z"), alert("a", "2026-03-02T12:00:00Z")];
    let outcome = raise().run(alerts.clone(), Known::default(), at(NOW));
    assert_eq!((fates(&outcome), outcome.repeats), (vec!["told"], 1));
    assert_eq!(outcome.messages.len(), 1);
    let known = Known { seen: HashSet::from(["a".to_owned()]), ..Known::default() };
    let outcome = raise().run(alerts, known, at(NOW));
    assert_eq!((outcome.raised.len(), outcome.repeats, outcome.messages.len()), (0, 2, 0));
}

#[test]
fn the_same_thing_within_the_window_is_one_alert_with_a_count() {
    let alerts = vec![
        alert("b", "2026-03-02T12:10:00Z"),
        alert("a", "2026-03-02T11:50:00Z"),
        alert("c", "2026-03-02T12:19:00Z"),
        // From 11:50 it would be more than half an hour.
        alert("d", "2026-03-02T12:21:00Z"),
    ];
    let outcome = raise().run(alerts, Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told", "merged", "merged", "told"]);
    let group = &outcome.groups["b"];
    assert_eq!(group.count, 3);
    assert_eq!(group.first.as_deref(), Some("2026-03-02T11:50:00Z"));
    assert_eq!(group.last.as_deref(), Some("2026-03-02T12:19:00Z"));
    let kinds: Vec<_> = outcome.messages.iter().map(|m| (m.alert.as_str(), m.kind)).collect();
    use MessageKind::{New, Update};
    assert_eq!(kinds, [("b", New), ("b", Update), ("d", New)]);
}

#[test]
fn groups_are_taken_up_from_the_store() {
    let first = raise().run(vec![alert("a", "2026-03-02T12:00:00Z")], Known::default(), at(NOW));
    let key = first.raised[0].keys[0].clone();
    let known = Known {
        groups: HashMap::from([(key, vec![first.groups["a"].clone()])]),
        ..Known::default()
    };
    let second = raise().run(vec![alert("b", "2026-03-02T12:05:00Z")], known, at(NOW));
    assert_eq!(second.raised[0].leader, "a");
    assert_eq!(second.groups["a"].count, 2);
    assert_eq!(second.messages[0].due, at("2026-03-02T12:11:00Z"));
}

#[test]
fn without_a_window_each_is_told() {
    let raise = Raise { merge_window: SignedDuration::ZERO, ..raise() };
    let alerts = vec![alert("a", "2026-03-02T12:00:00Z"), alert("b", "2026-03-02T12:00:00Z")];
    let outcome = raise.run(alerts, Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told", "told"]);
}

#[test]
fn one_act_in_several_accounts_is_one_alert() {
    let mut here = alert("a", "2026-03-02T12:00:00Z");
    let mut there = alert("b", "2026-03-02T12:00:00Z");
    here.shared_event = Some("s".to_owned());
    there.shared_event = Some("s".to_owned());
    there.account = Some("444455556666".to_owned());
    let outcome = raise().run(vec![here, there], Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told", "merged"]);
    assert_eq!(outcome.groups["a"].accounts, ["111122223333", "444455556666"]);
}

#[test]
fn other_actors_and_resources_are_other_things() {
    let mut other = alert("b", "2026-03-02T12:00:00Z");
    other.actor.name = Some("admin".to_owned());
    let mut elsewhere = alert("c", "2026-03-02T12:00:00Z");
    elsewhere.resource[0].id = "trail-b".to_owned();
    let alerts = vec![alert("a", "2026-03-02T12:00:00Z"), other, elsewhere];
    let outcome = raise().run(alerts, Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told", "told", "told"]);
}

#[test]
fn what_is_suppressed_is_kept_until_the_day_has_passed() {
    let suppress = |until: &str| Raise {
        suppressions: vec![Suppression {
            name: "migration".to_owned(),
            condition: Condition::compile(&json!({"rule.id": "r1", "actor.name|contains": "depl"}))
                .unwrap(),
            until: at(until),
        }],
        ..raise()
    };
    let alerts = || vec![alert("a", "2026-03-02T12:00:00Z")];
    let outcome = suppress(NOW).run(alerts(), Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["suppressed"]);
    assert_eq!(outcome.raised[0].suppressed_by.as_deref(), Some("migration"));
    assert!(outcome.messages.is_empty() && outcome.groups.is_empty());
    let outcome = suppress("2026-03-01T00:00:00Z").run(alerts(), Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told"]);
}

#[test]
fn past_the_cap_the_rest_is_told_together() {
    let raise = Raise {
        merge_window: SignedDuration::ZERO,
        rate_cap: Some(RateCap { count: 2, per: SignedDuration::from_hours(1) }),
        ..raise()
    };
    let alerts = |ids: &[&str]| ids.iter().map(|id| alert(id, "2026-03-02T12:00:00Z")).collect();
    let outcome = raise.run(alerts(&["a", "b", "c", "d", "e"]), Known::default(), at(NOW));
    assert_eq!(fates(&outcome), ["told", "told", "capped", "capped", "capped"]);
    assert_eq!(outcome.groups["c"].count, 3);
    let last = outcome.messages.last().unwrap();
    assert_eq!((last.alert.as_str(), last.kind), ("c", MessageKind::More));
    assert_eq!(last.due, at("2026-03-02T13:10:00Z"));
    // The next call goes on where this one ended; the next hour begins anew.
    let known = Known {
        rates: outcome.rates.clone().into_iter().collect(),
        groups: HashMap::from([(Known::held_key("c"), vec![outcome.groups["c"].clone()])]),
        ..Known::default()
    };
    let next = raise.run(alerts(&["f"]), known.clone(), at("2026-03-02T12:20:00Z"));
    assert_eq!((fates(&next), next.groups["c"].count), (vec!["capped"], 4));
    assert!(next.messages.is_empty());
    let next = raise.run(alerts(&["f"]), known, at("2026-03-02T13:10:00Z"));
    assert_eq!(fates(&next), ["told"]);
}

#[test]
fn no_condition_sees_who_is_behind() {
    let mut alert = alert("a", "2026-03-02T12:00:00Z");
    let actor = Actor { name: Some("taro".to_owned()), ..Actor::default() };
    let first = Hop { actor, at: "2026-03-02T10:00:00Z".to_owned() };
    alert.behind = Some(Box::new(Behind { first, via: Vec::new() }));
    for selection in [json!("taro"), json!({"behind.first.name": "taro"})] {
        let suppression = Suppression {
            name: "s".to_owned(),
            condition: Condition::compile(&selection).unwrap(),
            until: at("2027-01-01T00:00:00Z"),
        };
        let raise = Raise { suppressions: vec![suppression], ..Raise::default() };
        let outcome = raise.run(vec![alert.clone()], Known::default(), at(NOW));
        assert_eq!(fates(&outcome), ["told"], "{selection}");
        assert!(outcome.raised[0].json.contains("taro"), "it is kept all the same");
        let route = Route {
            condition: Some(Condition::compile(&selection).unwrap()),
            to: vec!["x".to_owned()],
            ..Route::default()
        };
        let raise = Raise { routes: vec![route], ..Raise::default() };
        let outcome = raise.run(vec![alert.clone()], Known::default(), at(NOW));
        assert!(outcome.messages.is_empty(), "{selection}");
    }
}

#[test]
fn routes_ask_for_all_that_they_name() {
    let alert = alert("a", "2026-03-02T12:00:00Z");
    let json = serde_json::to_string(&alert).unwrap();
    let facts = AccountFacts {
        name: None,
        ou: Some("prod".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "video".to_owned())]),
    };
    let check = |route: Route, fits: bool| {
        assert_eq!(route.fits(&alert, &json, Some(&facts), at(NOW)), fits, "{route:?}");
    };
    let list = |text: &str| vec![text.to_owned()];
    check(Route::default(), true);
    check(Route { min_level: Some(Level::High), ..Route::default() }, true);
    check(Route { min_level: Some(Level::Critical), ..Route::default() }, false);
    check(Route { accounts: list("111122223333"), ..Route::default() }, true);
    check(Route { accounts: list("9"), ..Route::default() }, false);
    check(Route { ous: list("prod"), ..Route::default() }, true);
    check(Route { ous: list("dev"), ..Route::default() }, false);
    check(Route { account_tags: facts.tags.clone(), ..Route::default() }, true);
    let tags = BTreeMap::from([("team".to_owned(), "audio".to_owned())]);
    check(Route { account_tags: tags, ..Route::default() }, false);
    check(Route { rule_tags: list("attack.*"), ..Route::default() }, true);
    check(Route { rule_tags: list("attack"), ..Route::default() }, false);
    let condition = |value| Some(Condition::compile(&value).unwrap());
    let region = condition(json!({"region|startswith": "eu-"}));
    check(Route { condition: region, ..Route::default() }, true);
    let region = condition(json!([{"region": "us-east-1"}, {"resource.id": "trail-b"}]));
    check(Route { condition: region, ..Route::default() }, false);
}

#[test]
fn hours_past_midnight_belong_to_the_evening() {
    let hours = Hours {
        from: time(22, 0, 0, 0),
        until: time(6, 0, 0, 0),
        days: vec![Weekday::Friday],
        zone: TimeZone::fixed(Offset::constant(9)),
    };
    let check = |text: &str, holds: bool| assert_eq!(hours.hold(at(text)), holds, "{text}");
    check("2026-03-06T22:00:00+09:00", true);
    check("2026-03-07T05:59:59+09:00", true);
    check("2026-03-07T06:00:00+09:00", false);
    check("2026-03-06T21:59:59+09:00", false);
    check("2026-03-06T05:00:00+09:00", false);
    check("2026-03-07T23:00:00+09:00", false);
}

#[test]
fn a_selection_that_is_none_is_refused() {
    assert!(Condition::compile(&json!({"account|contans": "1"})).is_err());
    assert!(Condition::compile(&json!({})).is_err());
    assert!(Condition::compile(&json!("text")).is_ok(), "a keyword");
}
