//! The few fields of an event that people are told besides what the alert says.

use std::collections::BTreeMap;

use askance_stages::model::Alert;
use serde_json::value::RawValue;

/// Fields of an event, as far as it has them as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// `eventID`.
    pub id: Option<String>,
    /// `eventName`.
    pub name: Option<String>,
    /// `eventSource`.
    pub source: Option<String>,
    /// `sourceIPAddress`.
    pub address: Option<String>,
    /// `userAgent`.
    pub agent: Option<String>,
    /// `errorCode`: the act was refused or failed.
    pub error: Option<String>,
    /// `additionalEventData.MFAUsed`, of a sign-in.
    pub second_factor: Option<String>,
}

impl EventFacts {
    /// Of an alert; where it carries no event, what its matched fields tell.
    pub fn of(alert: &Alert) -> Self {
        let Some(event) = alert.event.as_deref() else { return Self::matched(alert) };
        let members = members(event);
        let text = |name: &str| members.get(name).and_then(|value| own_text(value));
        let more = members.get("additionalEventData").map(|value| self::members(value));
        Self {
            id: text("eventID").or_else(|| text("eventId")),
            name: text("eventName"),
            source: text("eventSource"),
            address: text("sourceIPAddress"),
            agent: text("userAgent"),
            error: text("errorCode"),
            second_factor: more
                .and_then(|more| more.get("MFAUsed").and_then(|value| own_text(value))),
        }
    }

    fn matched(alert: &Alert) -> Self {
        let text = |name: &str| {
            let is_it = |field: &Option<String>| field.as_deref() == Some(name);
            alert.matched.iter().find(|matched| is_it(&matched.field))?.value.clone()
        };
        Self { name: text("eventName"), source: text("eventSource"), ..Self::default() }
    }
}

/// The members of an object, unread; of a key that stands twice the last. Nothing if it is none.
fn members(value: &RawValue) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

fn own_text(value: &RawValue) -> Option<String> {
    // A number or a list in place of a text is not told; it is in the alert.
    let text: Option<String> = serde_json::from_str(value.get()).unwrap_or_default();
    text.filter(|text| !text.is_empty())
}
