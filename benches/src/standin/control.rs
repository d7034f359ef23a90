//! What tests and scripts ask of the stand-in itself: `/_stats`, `/_published`, `/_control`.

use std::time::Instant;

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, form};
use super::fault::{Fault, Faults};
use super::state::State;

/// Orders; what is left out stays as it is. They are carried out all or, if one cannot be read,
/// none.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Orders {
    /// The faults from now on, in place of those before; requests are counted anew.
    faults: Option<Vec<String>>,
    /// Objects a second: a number or "max".
    rate: Option<String>,
    /// Drop the times from message to alert that were seen so far.
    forget_times: bool,
}

/// Answers a request to the stand-in itself.
pub(crate) fn answer(
    state: &mut State,
    method: &Method,
    (path, query): (&str, &str),
    body: &[u8],
) -> Answer {
    match (method.as_str(), path) {
        ("GET", "/_stats") => json_of(200, state.stats().to_string()),
        ("GET", "/_published") => {
            let pairs = form(query).unwrap_or_default();
            let from = pairs.iter().find(|(name, _)| name == "from");
            match from.map_or(Ok(0), |(_, number)| number.parse()) {
                Ok(from) => json_of(200, state.topic.list(from).to_string()),
                Err(error) => problem(&format!("cannot read from={query:?}: {error}")),
            }
        }
        ("POST", "/_control") => match carry_out(state, body) {
            Ok(()) => json_of(200, state.stats().to_string()),
            Err(what) => problem(&what),
        },
        _ => problem("the stand-in knows GET /_stats, GET /_published?from=N and POST /_control"),
    }
}

fn carry_out(state: &mut State, body: &[u8]) -> Result<(), String> {
    let orders: Orders =
        serde_json::from_slice(body).map_err(|error| format!("cannot read the orders: {error}"))?;
    let faults: Option<Vec<Fault>> = match orders.faults {
        Some(texts) => {
            let read: Result<_, _> = texts.iter().map(|text| text.parse()).collect();
            Some(read.map_err(|error: super::fault::FaultError| error.to_string())?)
        }
        None => None,
    };
    let rate = orders.rate.map(|rate| rate.parse()).transpose()?;
    if let Some(faults) = faults {
        state.faults = Faults::new(faults);
    }
    if let Some(rate) = rate {
        state.feed.set_rate(rate, Instant::now());
    }
    if orders.forget_times {
        state.topic.forget_times();
    }
    Ok(())
}

fn json_of(status: u16, body: String) -> Answer {
    Answer::text(status, "application/json", body)
}

fn problem(what: &str) -> Answer {
    json_of(400, json!({"error": what}).to_string())
}
