//! Which keys were given to whom, so that the person behind a session can be told.
//!
//! A bounded memory of what records said so far. It adds to alerts after the match and decides nothing;
//! which records give keys is not its concern.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::{Alert, Behind, Given, Hop, parse_time, rfc3339};

/// Longest way back. Two hops are usual and four are rare; the bound is for records that somebody made
/// up.
pub const MAX_HOPS: usize = 8;

/// Longest life of a session: `GetSessionToken` and `GetFederationToken` give 36 hours at most, and
/// roles 12.
const LIFE: SignedDuration = SignedDuration::from_hours(36);

/// How much earlier than its key was given a call may seem to be: services have their own clocks.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The keys that were given lately.
#[derive(Debug)]
pub struct Sessions {
    by_key: BTreeMap<String, Given>,
    /// Keys in the order in which they came. **Invariant**: the keys of `by_key`, each once.
    order: VecDeque<String>,
    most: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self::new(Self::MOST)
    }
}

impl Sessions {
    /// Most keys that are remembered unless another number is given; 20 to 50 MB if there are so many.
    pub const MOST: usize = 50_000;

    /// Remembers so many keys; the one that came first is forgotten first.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { by_key: BTreeMap::new(), order: VecDeque::new(), most }
    }

    /// Takes note of a key.
    ///
    /// A role of another account is recorded in both accounts, and only in the caller's own with their
    /// name: of two records of a key the one that tells more counts, else the first one.
    pub fn note(&mut self, given: Given) {
        if let Some(known) = self.by_key.get_mut(&given.key) {
            if telling(&given) > telling(known) {
                *known = given;
            }
            return;
        }
        if self.most == 0 {
            return;
        }
        while self.order.len() >= self.most {
            let oldest = self.order.pop_front();
            oldest.into_iter().for_each(|key| drop(self.by_key.remove(&key)));
        }
        self.order.push_back(given.key.clone());
        self.by_key.insert(given.key.clone(), given);
    }

    /// Tells in an alert who is behind its actor, if that is known by now.
    pub fn complete(&self, alert: &mut Alert) {
        let time = alert.time.as_deref().and_then(parse_time);
        if let (Some(key), Some(time)) = (alert.access_key.as_deref(), time) {
            alert.behind = self.behind(key, time).map(Box::new);
        }
    }

    /// Who is behind a key that was used at a time; `None` if it is not known who it was given to.
    #[must_use]
    pub fn behind(&self, key: &str, time: Timestamp) -> Option<Behind> {
        let (mut key, mut time) = (key, time);
        let mut keys = vec![key];
        let mut hops = Vec::new();
        while hops.len() < MAX_HOPS
            && let Some(given) = self.given(key, time)
        {
            hops.push(Hop { actor: given.by.clone(), at: rfc3339(given.time) });
            // AWS gives no key in a circle; records that say so lead nowhere.
            let next = given.by_key.as_deref().filter(|next| !keys.contains(next));
            let Some(next) = next else { break };
            (key, time) = (next, given.time);
            keys.push(key);
        }
        let first = hops.pop()?;
        Some(Behind { first, via: hops })
    }

    /// The giving of a key that was good at a time.
    fn given(&self, key: &str, time: Timestamp) -> Option<&Given> {
        let given = self.by_key.get(key)?;
        let age = time.duration_since(given.time);
        (-SKEW..=LIFE).contains(&age).then_some(given)
    }
}

/// How much a record tells of who asked.
fn telling(given: &Given) -> (bool, bool) {
    (given.by_key.is_some(), given.by.arn.is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Actor;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// `by` asked with `by_key` at a minute and got `key`.
    fn given(key: &str, by: &str, by_key: Option<&str>, minute: i64) -> Given {
        let by = Actor {
            name: Some(by.to_owned()),
            arn: by_key.map(|_| format!("arn of {by}")),
            ..Actor::default()
        };
        Given { key: key.to_owned(), time: at(minute), by, by_key: by_key.map(str::to_owned) }
    }

    fn sessions(all: &[Given]) -> Sessions {
        let mut sessions = Sessions::default();
        all.iter().cloned().for_each(|given| sessions.note(given));
        sessions
    }

    /// Names from the actor's own taker to the first.
    fn names(behind: Option<Behind>) -> Vec<String> {
        let hops = behind.into_iter().flat_map(|it| it.via.into_iter().chain([it.first]));
        hops.map(|hop| hop.actor.name.unwrap()).collect()
    }

    #[track_caller]
    fn check(all: &[Given], (key, minute): (&str, i64), expected: &[&str]) {
        assert_eq!(names(sessions(all).behind(key, at(minute))), expected);
    }

    #[test]
    fn the_way_leads_back_to_the_person() {
        let all = [
            given("token", "taro", Some("taro's key"), 0),
            given("ops", "taro", Some("token"), 10),
            given("admin", "ops", Some("ops"), 20),
        ];
        check(&all, ("admin", 30), &["ops", "taro", "taro"]);
        check(&all, ("ops", 30), &["taro", "taro"]);
        check(&all, ("taro's key", 30), &[]);
        // In whatever order they came.
        let reversed: Vec<Given> = all.iter().rev().cloned().collect();
        check(&reversed, ("admin", 30), &["ops", "taro", "taro"]);
        let behind = sessions(&all).behind("admin", at(30)).unwrap();
        assert_eq!((behind.first.at.as_str(), behind.via.len()), ("1970-01-01T00:00:00Z", 2));
    }

    #[test]
    fn a_key_is_good_from_when_it_was_given_for_its_life() {
        let all = [given("a", "taro", None, 10_000)];
        check(&all, ("a", 10_000 - 5), &["taro"]);
        check(&all, ("a", 10_000 - 6), &[]);
        check(&all, ("a", 10_000 + 36 * 60), &["taro"]);
        check(&all, ("a", 10_000 + 36 * 60 + 1), &[]);
        // Each hop within the life of the one before it.
        let old = [given("a", "taro", None, 0), given("b", "ops", Some("a"), 36 * 60 + 1)];
        check(&old, ("b", 36 * 60 + 2), &["ops"]);
    }

    #[test]
    fn the_record_that_tells_more_counts() {
        let blind = given("a", "111122223333", None, 0);
        let seeing = given("a", "taro", Some("key"), 0);
        check(&[blind.clone(), seeing.clone()], ("a", 1), &["taro"]);
        check(&[seeing.clone(), blind], ("a", 1), &["taro"]);
        check(&[seeing, given("a", "forged", Some("key"), 0)], ("a", 1), &["taro"]);
    }

    #[test]
    fn circles_and_long_ways_end() {
        check(&[given("a", "x", Some("a"), 0)], ("a", 0), &["x"]);
        let circle = [given("a", "x", Some("b"), 0), given("b", "y", Some("a"), 0)];
        check(&circle, ("a", 0), &["x", "y"]);
        let long: Vec<Given> =
            (0..20).map(|n| given(&n.to_string(), "x", Some(&(n + 1).to_string()), 0)).collect();
        assert_eq!(names(sessions(&long).behind("0", at(0))).len(), MAX_HOPS);
    }

    #[test]
    fn what_came_first_is_forgotten_first() {
        let mut sessions = Sessions::new(2);
        for key in ["a", "b", "a", "c"] {
            sessions.note(given(key, "x", None, 0));
        }
        let known = ["a", "b", "c"].map(|key| sessions.behind(key, at(0)).is_some());
        assert_eq!(known, [false, true, true]);
        let mut none = Sessions::new(0);
        none.note(given("a", "x", None, 0));
        assert_eq!(none.behind("a", at(0)), None);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            all in prop::collection::vec((0_u8..30, prop::option::of(0_u8..30), -3000_i64..3000), 0..99),
            (most, key, minute) in (0_usize..20, 0_u8..30, -3000_i64..3000),
        ) {
            let mut sessions = Sessions::new(most);
            for (key, by_key, minute) in all {
                let by_key = by_key.map(|key| key.to_string());
                sessions.note(given(&key.to_string(), "x", by_key.as_deref(), minute));
                prop_assert!(sessions.order.len() <= most);
                prop_assert_eq!(sessions.order.len(), sessions.by_key.len());
            }
            let hops = names(sessions.behind(&key.to_string(), at(minute))).len();
            prop_assert!(hops <= MAX_HOPS.min(most));
        }
    }
}
