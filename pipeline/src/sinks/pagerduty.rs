//! PagerDuty, by its Events API v2: one incident for each alert, kept together by the alert's id.
//!
//! A repeat is an event of the same key, which PagerDuty adds to the open incident. Nothing is
//! acknowledged or resolved from here.

use askance_stages::model::{Level, parse_time, rfc3339};
use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::http::{self, Answer, Http};
use super::words::{Message, bounded};
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::config::{Language, PagerDutyConfig, Secret};

/// Longest summary.
const MAX_SUMMARY: usize = 1024;

/// Longest key of an incident.
const MAX_KEY: usize = 255;

/// Most bytes of an event: 512 KB.
const MAX_BYTES: usize = 500_000;

/// A service of PagerDuty.
pub struct PagerDuty {
    http: Http,
    url: Url,
    routing_key: Secret,
    languages: Vec<Language>,
}

impl PagerDuty {
    /// Reads the integration's key; nothing is called yet.
    ///
    /// # Errors
    /// When it cannot be read, or `api_url` is no address.
    pub async fn open(config: &PagerDutyConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let routing_key = context.secret(&config.routing_key).await?;
        let url = format!("{}/v2/enqueue", config.api_url.trim_end_matches('/'));
        let url = http::address(context, "api_url", &url)?;
        let http = Http::open(context, "PagerDuty", http::TIMEOUT, vec![routing_key.clone()])?;
        Ok(Self { http, url, routing_key, languages: context.languages.clone() })
    }

    async fn tell(&self, notice: &Notice) -> Result<Sent, SendError> {
        let message = Message::of(notice, &self.languages);
        let mut event = event(notice, &message);
        let size = event.to_string().len();
        if size > MAX_BYTES {
            return Err(SendError::Refused(format!(
                "the event for PagerDuty has {size} bytes, more than it takes"
            )));
        }
        event["routing_key"] = json!(self.routing_key.expose());
        let answer = self.http.answer(self.http.post(&self.url).json(&event)).await?;
        if is_about_key(&answer) {
            let said = self.http.said(&answer);
            return Err(SendError::Down(format!("{said}: check the integration's routing_key")));
        }
        self.http.judged(answer)?;
        Ok(Sent { reference: Some(dedup_key(notice)) })
    }
}

#[async_trait]
impl Sink for PagerDuty {
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.tell(notice).await);
        }
        results
    }
}

/// A wrong key makes every event invalid, not this one.
fn is_about_key(answer: &Answer) -> bool {
    answer.status.is_client_error()
        && answer.status.as_u16() != 429
        && answer.body.contains("routing_key")
}

fn dedup_key(notice: &Notice) -> String {
    notice.alert.id.chars().take(MAX_KEY).collect()
}

fn event(notice: &Notice, message: &Message) -> Value {
    let alert = &notice.alert;
    let said = message.tellings.first().and_then(|telling| telling.paragraphs.first());
    let summary = format!("{}: {}", message.heading, said.map_or("", String::as_str));
    let severity = match alert.level {
        Level::Critical => "critical",
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low | Level::Informational => "info",
    };
    let first = alert.resource.first().map(|resource| bounded(&resource.id, 160).0);
    // PagerDuty wants a source and takes no empty one.
    let account = alert.account.as_deref().filter(|account| !account.trim().is_empty());
    let source = bounded(account.unwrap_or("AWS"), 100).0;
    let links: Vec<Value> = message
        .links
        .iter()
        .chain(&message.references)
        .map(|link| json!({"href": link.address, "text": link.label}))
        .collect();
    let mut payload = json!({
        "summary": bounded(&summary, MAX_SUMMARY).0,
        "source": source,
        "severity": severity,
        "component": first,
        "group": alert.region.as_deref().map(|region| bounded(region, 100).0),
        "class": message.title,
        "custom_details": details(notice, message),
    });
    // Without a time the event is as old as its arrival.
    if let Some(time) = alert.time.as_deref().and_then(parse_time) {
        payload["timestamp"] = json!(rfc3339(time));
    }
    json!({
        "event_action": "trigger",
        "dedup_key": dedup_key(notice),
        "client": "askance",
        "links": links,
        "payload": payload,
    })
}

/// What is shown as a table below the incident.
fn details(notice: &Notice, message: &Message) -> Map<String, Value> {
    let mut details = Map::new();
    for (index, telling) in message.tellings.iter().enumerate() {
        let suffix =
            if index == 0 { String::new() } else { format!(" ({})", telling.language_tag()) };
        details.insert(format!("question{suffix}"), json!(telling.paragraphs.join(" ")));
        for advice in &telling.advice {
            details.insert(advice.label.clone(), json!(advice.value));
        }
    }
    for fact in message.facts.iter().chain(&message.small_print) {
        details.insert(fact.label.clone(), json!(fact.value));
    }
    if !message.changed.is_empty() {
        let changed: Vec<String> =
            message.changed.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
        details.insert(message.changed_label.clone(), json!(changed));
    }
    details.insert("count".to_owned(), json!(notice.group.count));
    details.insert("kind".to_owned(), json!(notice.kind.name()));
    if let Some(shortened) = &message.shortened {
        details.insert("note".to_owned(), json!(shortened));
    }
    details
}

#[cfg(test)]
#[path = "pagerduty_tests.rs"]
mod tests;
