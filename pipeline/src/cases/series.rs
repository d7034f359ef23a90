//! The events of a correlation's case.
//!
//! ```yaml
//! - name: thirty secrets in five minutes
//!   expect: hit
//!   events:
//!       - event: {eventName: GetSecretValue, eventTime: "2026-03-01T10:00:00Z", ...}
//!         times: 30                                        # so many events, 1 if not written
//!         every: 10s                                       # apart, 1s if not written
//!         vary: {requestParameters.secretId: "secret/{n}"} # {n} counts from 1; a list is gone through
//!       - like: a case of one event, or the first event of another
//!         after: 20m                                       # later than its own eventTime
//! - name: the same, slowly
//!   expect: miss
//!   like: thirty secrets in five minutes                   # all its events, changed
//!   every: 1h
//! - name: the same, but the second of `events` is refused
//!   expect: miss
//!   like: thirty secrets in five minutes
//!   set: {1.errorCode: AccessDenied}                       # without a number: of all
//! ```
//!
//! Each event gets an `eventID` of its own unless it has one and stands once.

use std::time::Duration;

use askance_stages::model::parse_time;
use askance_stages::sigma;
use askance_stages::yaml::{Fault, Mapping, Node};
use jiff::SignedDuration;
use serde_json::Value;

use super::change::{Change, change, json, written};
use super::{Case, find};

/// Keys that say how often and when.
pub(super) const KEYS: [&str; 4] = ["times", "every", "after", "vary"];

/// Most events of a case.
const MAX_EVENTS: usize = 20_000;

/// An event and how it is repeated.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// The event.
    pub(super) event: Value,
    /// How often and when.
    pub(super) how: How,
}

/// How often an event stands, and when; what is `None` is not written.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    times: Option<usize>,
    every: Option<Duration>,
    after: Option<Duration>,
    vary: Vec<(String, Vary)>,
}

/// What differs from event to event.
#[derive(Debug, Clone)]
enum Vary {
    /// Text in which `{n}` stands for the event's number.
    Counted(String),
    /// Values, one after the other and again from the beginning. Never empty.
    Listed(Vec<Value>),
}

impl Series {
    /// One event.
    pub(super) fn of(event: Value) -> Self {
        Self { event, how: How::default() }
    }
}

impl How {
    /// Reads the keys of a mapping.
    pub(super) fn read(mapping: &Mapping) -> Result<Self, Fault> {
        let mut how = Self::default();
        if let Some(node) = mapping.get_some("times") {
            let times = node.text()?.parse().ok().filter(|times| (1..=MAX_EVENTS).contains(times));
            let message = || Fault::new(node.position, format!("a number from 1 to {MAX_EVENTS}"));
            how.times = Some(times.ok_or_else(message)?);
        }
        let span = |key: &str| match mapping.get_some(key) {
            None => Ok(None),
            Some(node) => sigma::duration(node.text()?).map(Some).ok_or_else(|| {
                let fault = Fault::new(node.position, format!("`{key}` is no time"));
                fault.hint("a number and a unit: 30s, 10m, 2h, 7d")
            }),
        };
        how.every = span("every")?;
        how.after = span("after")?;
        if let Some(vary) = mapping.get_some("vary") {
            for entry in &vary.mapping()?.entries {
                let vary = match json(&entry.value)? {
                    Value::String(text) if text.contains("{n}") => Vary::Counted(text),
                    Value::Array(list) if !list.is_empty() => Vary::Listed(list),
                    _ => {
                        let fault = Fault::new(entry.value.position, "nothing varies here");
                        return Err(fault.hint("a text with {n} in it, or a list of values"));
                    }
                };
                how.vary.push((entry.key.clone(), vary));
            }
        }
        Ok(how)
    }

    /// Takes what another says instead.
    pub(super) fn override_by(&mut self, other: &Self) {
        self.times = other.times.or(self.times);
        self.every = other.every.or(self.every);
        self.after = other.after.or(self.after);
        for (path, vary) in &other.vary {
            self.vary.retain(|(known, _)| known != path);
            self.vary.push((path.clone(), vary.clone()));
        }
    }

    /// What is written, in words.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.times.map(|times| format!("{times} times")));
        words.extend(self.every.map(|every| format!("every {} s", every.as_secs())));
        words.extend(self.after.map(|after| format!("{} s later", after.as_secs())));
        words.extend(self.vary.iter().map(|(path, _)| format!("{path} varied")));
        words
    }
}

/// Sets or removes something in the events; in a list of them a path may begin with the number of one,
/// from 0.
pub(super) fn change_some(
    is_series: bool,
    series: &mut [Series],
    change: &Change,
) -> Result<(), Fault> {
    let numbered = change.path.split_once('.').filter(|_| is_series);
    if let Some((number, rest)) =
        numbered.and_then(|(first, rest)| Some((first.parse::<usize>().ok()?, rest)))
    {
        let missing = || Fault::new(change.position, format!("there is no event {number}"));
        let it = series.get_mut(number).ok_or_else(missing)?;
        return change.make(&mut it.event, rest);
    }
    series.iter_mut().try_for_each(|it| change.make(&mut it.event, &change.path))
}

/// Reads the list.
pub(super) fn read(list: &Node, earlier: &[Case]) -> Result<Vec<Series>, Fault> {
    let mut all = Vec::new();
    for node in list.sequence()? {
        let mapping = node.mapping()?;
        let mut known = vec!["event", "like", "set", "remove"];
        known.extend(KEYS);
        if let Some(fault) = mapping.unknown_keys(&known).into_iter().next() {
            return Err(fault);
        }
        let mut event = match (mapping.get("event"), mapping.get("like")) {
            (Some(event), None) => json(event)?,
            (None, Some(like)) => {
                let base = find(earlier, like)?.series.first();
                base.map(|it| it.event.clone()).unwrap_or_default()
            }
            _ => return Err(Fault::new(node.position, "either `event` or `like`")),
        };
        for change in written(mapping)? {
            change.make(&mut event, &change.path)?;
        }
        all.push(Series { event, how: How::read(mapping)? });
    }
    Ok(all)
}

/// The events, one after the other as they are written.
///
/// # Errors
/// In words: there are none or too many, one has no time, a path leads nowhere.
pub(super) fn events(all: &[Series]) -> Result<Vec<Value>, String> {
    let mut events = Vec::new();
    for (number, series) in all.iter().enumerate() {
        let how = &series.how;
        let times = how.times.unwrap_or(1);
        if events.len() + times > MAX_EVENTS {
            return Err(format!("more than {MAX_EVENTS} events"));
        }
        let written = series.event.get("eventTime").and_then(Value::as_str);
        let begin = written.and_then(parse_time).ok_or("an event without an `eventTime`")?;
        let every = how.every.unwrap_or(Duration::from_secs(1));
        let has_id = times == 1 && series.event.get("eventID").is_some();
        for count in 0..times {
            let mut event = series.event.clone();
            let past = u32::try_from(count).ok().and_then(|count| every.checked_mul(count));
            let past = past.and_then(|past| past.checked_add(how.after.unwrap_or_default()));
            let past = past.and_then(|past| SignedDuration::try_from(past).ok());
            let time = past.and_then(|past| begin.checked_add(past).ok());
            let time = time.ok_or("an event past the end of time")?;
            let time = time.to_string();
            change(&mut event, "eventTime", Some(time.into()))?;
            if !has_id {
                let id = format!("00000000-0000-4000-8000-{number:04}{count:08}");
                change(&mut event, "eventID", Some(id.into()))?;
            }
            for (path, vary) in &how.vary {
                let value = match vary {
                    Vary::Counted(text) => text.replace("{n}", &(count + 1).to_string()).into(),
                    Vary::Listed(list) => list[count % list.len()].clone(),
                };
                change(&mut event, path, Some(value))?;
            }
            events.push(event);
        }
    }
    if events.is_empty() { Err("there is no event".to_owned()) } else { Ok(events) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_repeated_apart_and_varied() {
        let how = How {
            times: Some(3),
            every: Some(Duration::from_secs(60)),
            after: Some(Duration::from_secs(3600)),
            vary: vec![
                ("a.b".to_owned(), Vary::Counted("x{n}".to_owned())),
                ("c".to_owned(), Vary::Listed(vec![json!(1), json!(2)])),
            ],
        };
        let event = json!({"eventTime": "2026-03-01T10:00:00Z", "a": {"b": ""}});
        let events = events(&[Series { event, how }]).unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| (&event["eventTime"], &event["a"]["b"], &event["c"]))
            .collect();
        assert_eq!(
            json!(seen),
            json!([
                ["2026-03-01T11:00:00Z", "x1", 1],
                ["2026-03-01T11:01:00Z", "x2", 2],
                ["2026-03-01T11:02:00Z", "x3", 1],
            ])
        );
        assert_ne!(events[0]["eventID"], events[1]["eventID"]);
    }

    #[test]
    fn an_event_without_a_time_is_refused() {
        assert_eq!(
            events(&[Series::of(json!({}))]).unwrap_err(),
            "an event without an `eventTime`"
        );
        assert_eq!(events(&[]).unwrap_err(), "there is no event");
    }
}
