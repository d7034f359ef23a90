//! Events as both engines read them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The time of the first event, in seconds since 1970.
pub(crate) const BEGIN: i64 = 1_800_000_000;

/// An event that some of the three rules match.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Seconds since [`BEGIN`]; never less than that of the event before.
    pub(crate) time: i64,
    /// Letters of the rules that match it, for example `ab`.
    pub(crate) name: &'static str,
    /// Its fields, besides time and name.
    pub(crate) fields: Map<String, Value>,
}

impl Event {
    /// As CloudTrail would write it; `number` makes its `eventID`.
    pub(crate) fn record(&self, number: usize) -> Value {
        let time = jiff::Timestamp::from_second(BEGIN + self.time).unwrap();
        let mut record = json!({
            "eventTime": time.to_string(),
            "eventName": self.name,
            "eventID": format!("event-{number}"),
        });
        let members = record.as_object_mut().unwrap();
        members.extend(self.fields.clone());
        record
    }

    /// What the dotted path leads to.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let found = self.fields.get(first)?;
        if rest.is_empty() { Some(found) } else { found.get(rest) }
    }
}

/// Whom or what an event is about: few, so that groups have several events.
fn who(odd: u32) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        12 => Just(Some(json!("x"))),
        4 => Just(Some(json!("y"))),
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!(7))),
        1 => Just(Some(json!("7"))),
        1 => Just(Some(json!(true))),
        odd => Just(Some(json!(["x", "y"]))),
    ]
}

/// What is counted or summed.
fn value(odd: u32) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        20 => (-2..7_i64).prop_map(|number| Some(json!(number))),
        2 => Just(Some(json!(2.5))),
        2 => Just(Some(json!("3"))),
        1 => Just(Some(json!("word"))),
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!(false))),
        odd => Just(Some(json!([1, 2]))),
        odd => Just(Some(json!(4.0))),
    ]
}

/// Up to 40 events in order, with pauses around the length of the windows. Some of these lists have
/// events at the same time, some have values that the two engines take differently.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let equal = prop_oneof![3 => Just(0_u32), 1 => Just(3)];
    let odd = prop_oneof![6 => Just(0_u32), 1 => Just(1)];
    (equal, odd).prop_flat_map(|(equal, odd)| list(equal, odd))
}

fn list(equal: u32, odd: u32) -> impl Strategy<Value = Vec<Event>> {
    let pause = prop_oneof![
        equal => Just(0), 8 => 1..4_i64, 3 => 4..9_i64, 1 => 9..24_i64,
    ];
    let name = prop_oneof![
        6 => Just("a"), 6 => Just("b"), 4 => Just("c"), equal => Just("ab"), 1 => Just("none"),
    ];
    let one = (pause, name, who(odd), who(odd), value(odd), value(odd));
    prop::collection::vec(one, 0..40).prop_map(|parts| {
        let mut time = 0;
        let mut events = Vec::new();
        for (pause, name, u, w, v, n) in parts {
            time += pause;
            let mut fields = Map::new();
            let named = [("u", u), ("w", w), ("v", v)];
            for (field, value) in named {
                fields.extend(value.map(|value| (field.to_owned(), value)));
            }
            let inner = n.map(|value| json!({ "n": value }));
            fields.extend(inner.map(|inner| ("p".to_owned(), inner)));
            events.push(Event { time, name, fields });
        }
        events
    })
}
