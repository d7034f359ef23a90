//! Microsoft Teams: an Adaptive Card, posted to the webhook of a workflow.
//!
//! Words stand in text runs, where Teams reads no markdown. A card's buttons lead to addresses and
//! answer nothing. What was posted can be neither changed nor replied to: repeats are cards.

use askance_stages::model::Level;
use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Value, json};

use super::http::{self, Http};
use super::words::{Fact, Message, code_parts};
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::config::{Language, TeamsConfig};

/// Most bytes that Teams takes: 28 KB, of which some are left for what the workflow puts around it.
const MAX_BYTES: usize = 26 << 10;

/// A channel or chat of Teams.
pub struct Teams {
    http: Http,
    url: Url,
    languages: Vec<Language>,
}

impl Teams {
    /// Reads the workflow's address; nothing is called yet.
    ///
    /// # Errors
    /// When it cannot be read or is no address.
    pub async fn open(config: &TeamsConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let secret = context.secret(&config.webhook_url).await?;
        let url = http::address(context, "webhook_url", secret.expose())?;
        let http = Http::open(context, "Teams", http::TIMEOUT, http::secret_parts(&url))?;
        Ok(Self { http, url, languages: context.languages_or(config.languages.as_ref()) })
    }

    async fn tell(&self, notice: &Notice) -> Result<Sent, SendError> {
        let body = fitted(&Message::of(notice, &self.languages));
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let answer = self.http.answer(request.body(body)).await?;
        self.http.judged(answer)?;
        Ok(Sent::default())
    }
}

#[async_trait]
impl Sink for Teams {
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.tell(notice).await);
        }
        results
    }
}

/// The card within Teams' limit: of one that is too large first the fields go, then what is said in
/// further languages, then the advice; and the card says so.
fn fitted(message: &Message) -> String {
    let mut message = message.clone();
    let mut body = card(&message).to_string();
    for step in 0..3 {
        if body.len() <= MAX_BYTES {
            break;
        }
        match step {
            0 => message.changed.clear(),
            1 => message.tellings.truncate(1),
            _ => message.tellings.iter_mut().for_each(|telling| telling.advice.clear()),
        }
        message.shorten();
        body = card(&message).to_string();
    }
    body
}

fn card(message: &Message) -> Value {
    let colour = match message.level {
        Level::Critical | Level::High => "attention",
        Level::Medium => "warning",
        Level::Low | Level::Informational => "default",
    };
    let mut body = vec![runs(vec![json!({
        "type": "TextRun", "text": literal(&message.heading), "weight": "bolder",
        "size": "medium", "color": colour,
    })])];
    for telling in &message.tellings {
        for (index, paragraph) in telling.paragraphs.iter().enumerate() {
            body.push(runs(vec![if index == 0 { bold(paragraph) } else { run(paragraph) }]));
        }
    }
    body.push(lines(&message.facts));
    if !message.changed.is_empty() {
        body.push(runs(vec![bold(&message.changed_label)]));
        body.push(lines(&message.changed));
    }
    for telling in &message.tellings {
        for advice in &telling.advice {
            body.push(runs(vec![bold(&advice.label)]));
            let parts = code_parts(&advice.value);
            body.push(runs(parts.map(|(is_code, text)| part(is_code, text)).collect()));
        }
    }
    let small = message.small_print.iter().map(|fact| format!("{}: {}", fact.label, fact.value));
    for line in small.chain(message.shortened.clone()) {
        body.push(runs(vec![json!({
            "type": "TextRun", "text": literal(&line), "size": "small", "isSubtle": true,
        })]));
    }
    let links = message.links.iter().chain(&message.references);
    let actions: Vec<Value> = links
        .map(|link| json!({"type": "Action.OpenUrl", "title": link.label, "url": link.address}))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// Facts, one a line.
fn lines(facts: &[Fact]) -> Value {
    let mut all = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let end = if index + 1 < facts.len() { "\n" } else { "" };
        all.push(bold(&format!("{}  ", fact.label)));
        all.push(json!({"type": "TextRun", "text": format!("{}{end}", literal(&fact.value))}));
    }
    runs(all)
}

fn runs(inlines: Vec<Value>) -> Value {
    let inlines = Value::from(inlines);
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": literal(text)})
}

fn bold(text: &str) -> Value {
    json!({"type": "TextRun", "text": literal(text), "weight": "bolder"})
}

fn part(is_code: bool, text: &str) -> Value {
    if is_code {
        return json!({"type": "TextRun", "text": literal(text), "fontType": "monospace"});
    }
    run(text)
}

/// `{{DATE(...)}}` is the one thing that a card works out in any text.
fn literal(text: &str) -> String {
    text.replace("{{", "{ {")
}

#[cfg(test)]
#[path = "teams_tests.rs"]
mod tests;
