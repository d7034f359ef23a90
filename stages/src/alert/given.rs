//! Which key a record says was given to whom.
//!
//! What is made of several such records is not its concern.

use jiff::Timestamp;

use super::identity::actor;
use super::{MAX_NAME, MAX_WORD};
use crate::model::{Actor, Given, Record, bounded};

/// The service that gives keys of sessions. What others answer may hold what a caller wrote.
const GIVER: &str = "sts.amazonaws.com";

/// The key that a record gave, and to whom; `None` if it gave none, or gave it to a service of AWS:
/// nobody is behind that, and most records of keys are such.
#[must_use]
pub fn given(record: &Record<'_>, time: Option<Timestamp>) -> Option<Given> {
    let key = record.text(&["responseElements", "credentials", "accessKeyId"])?;
    let is_of_giver = record.text(&["eventSource"]) == Some(GIVER);
    if !is_of_giver || !is_key(key) || record.text(&["userIdentity", "type"]) == Some("AWSService")
    {
        return None;
    }
    Some(Given {
        key: key.to_owned(),
        time: time?,
        by: short(&actor(record)),
        by_key: key_of(record).map(str::to_owned),
    })
}

/// The id of the key that a call was made with.
pub(super) fn key_of<'r>(record: &Record<'r>) -> Option<&'r str> {
    record.text(&["userIdentity", "accessKeyId"]).filter(|key| is_key(key))
}

/// The form of the ids of keys, as IAM has it: 16 to 128 letters and digits.
fn is_key(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An actor within bounds, to be kept.
pub(super) fn short(actor: &Actor) -> Actor {
    let cut = |text: &Option<String>, most: usize| {
        text.as_deref().map(|text| bounded(text, most).into_owned())
    };
    Actor {
        kind: cut(&actor.kind, MAX_WORD),
        name: cut(&actor.name, MAX_NAME),
        arn: cut(&actor.arn, MAX_NAME),
        account: cut(&actor.account, MAX_WORD),
        session: cut(&actor.session, MAX_NAME),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::parse_time;

    fn of(record: &Value) -> Option<Given> {
        let time = parse_time("2026-03-02T10:02:00Z");
        let text = record.to_string();
        crate::parse::Parser::default()
            .parse(text.as_bytes(), |record, _| given(&record, time))
            .expect("it is a record")
    }

    fn assumed(changes: &[(&str, Value)]) -> Value {
        let mut record = json!({
            "eventSource": "sts.amazonaws.com",
            "userIdentity": {"type": "IAMUser", "userName": "taro", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
            "responseElements": {"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE"}},
        });
        for (pointer, value) in changes {
            *record.pointer_mut(pointer).expect("it is there") = value.clone();
        }
        record
    }

    #[test]
    fn a_session_is_told_with_who_took_it() {
        let given = of(&assumed(&[])).unwrap();
        assert_eq!(given.key, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(given.by.name.as_deref(), Some("taro"));
        assert_eq!(given.by_key.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn what_gives_no_key_to_somebody_is_none() {
        let key = "/responseElements/credentials/accessKeyId";
        for (pointer, value) in [
            (key, json!("short")),
            (key, json!("A".repeat(129))),
            (key, json!("ASIA IOSFODNN7EXAMPLE")),
            (key, json!(1)),
            ("/responseElements", json!(null)),
            ("/eventSource", json!("cognito-identity.amazonaws.com")),
            ("/userIdentity/type", json!("AWSService")),
        ] {
            assert_eq!(of(&assumed(&[(pointer, value.clone())])), None, "{pointer} {value}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        let given = of(&assumed(&[("/userIdentity/userName", json!("x".repeat(9000)))])).unwrap();
        assert!(given.by.name.unwrap().len() <= MAX_NAME);
        let given = of(&assumed(&[("/userIdentity/accessKeyId", json!("x".repeat(9000)))]));
        assert_eq!(given.unwrap().by_key, None);
    }
}
