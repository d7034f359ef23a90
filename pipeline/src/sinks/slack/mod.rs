//! Slack: a channel, by a bot's token or by an incoming webhook.
//!
//! With a token, repeats change the count in the first message and are told in its thread. A webhook
//! can do neither: repeats are messages of their own.

mod blocks;
mod verdict;

#[cfg(test)]
mod tests;

use askance_stages::raise::MessageKind;
use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Value, json};

use super::http::{self, Http};
use super::words::Message;
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::config::{Language, Secret, SlackConfig};

/// A channel of Slack.
pub struct Slack {
    http: Http,
    way: Way,
    languages: Vec<Language>,
}

/// How it is posted.
enum Way {
    Webhook(Url),
    Bot { api: Url, token: Secret, channel: String },
}

/// A message in Slack.
struct Posted {
    channel: String,
    ts: String,
}

impl Slack {
    /// Reads the secret; nothing is called yet.
    ///
    /// # Errors
    /// When the secret cannot be read, or neither a webhook nor a token with a channel is configured.
    pub async fn open(config: &SlackConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let (way, secrets) = match (&config.webhook_url, &config.token, &config.channel) {
            (Some(webhook), None, _) => {
                let secret = context.secret(webhook).await?;
                let url = http::address(context, "webhook_url", secret.expose())?;
                let secrets = http::secret_parts(&url);
                (Way::Webhook(url), secrets)
            }
            (None, Some(token), Some(channel)) => {
                let token = context.secret(token).await?;
                let base = format!("{}/", config.api_url.trim_end_matches('/'));
                let api = http::address(context, "api_url", &base)?;
                let secrets = vec![token.clone()];
                (Way::Bot { api, token, channel: channel.clone() }, secrets)
            }
            (Some(_), Some(_), _) => {
                return Err(context.misconfigured("webhook_url and token are both given, keep one"));
            }
            (None, Some(_), None) => {
                return Err(context.misconfigured("channel is missing: the channel's id, C..."));
            }
            (None, None, _) => {
                return Err(context.misconfigured("give webhook_url, or token and channel"));
            }
        };
        let http = Http::open(context, "Slack", http::TIMEOUT, secrets)?;
        Ok(Self { http, way, languages: context.languages_or(config.languages.as_ref()) })
    }

    async fn tell(&self, notice: &Notice) -> Result<Sent, SendError> {
        let message = Message::of(notice, &self.languages);
        match &self.way {
            Way::Webhook(url) => {
                let request = self.http.post(url).json(&body(&message, blocks::blocks(&message)));
                let answer = self.http.answer(request).await?;
                verdict::webhook(&self.http, answer)?;
                Ok(Sent::default())
            }
            Way::Bot { channel, .. } => {
                let first = notice.reference.as_deref().and_then(Posted::read);
                match (notice.kind, first) {
                    (MessageKind::Update, Some(first)) => self.repeat(&message, first).await,
                    (MessageKind::New | MessageKind::Update | MessageKind::More, _) => {
                        self.post(&message, channel).await
                    }
                }
            }
        }
    }

    async fn post(&self, message: &Message, channel: &str) -> Result<Sent, SendError> {
        let mut body = body(message, blocks::blocks(message));
        body["channel"] = json!(channel);
        body["metadata"] = metadata(message);
        let answer =
            self.call("chat.postMessage", body).await?.map_err(verdict::Fault::into_error)?;
        Ok(Sent { reference: Posted::of(&answer, channel).map(|posted| posted.written()) })
    }

    /// The count in the first message, then a reply. If the second fails, both are done again, which
    /// changes nothing for the first.
    async fn repeat(&self, message: &Message, first: Posted) -> Result<Sent, SendError> {
        let mut edit = body(message, blocks::blocks(message));
        edit["channel"] = json!(first.channel);
        edit["ts"] = json!(first.ts);
        edit["metadata"] = metadata(message);
        match self.call("chat.update", edit).await? {
            Ok(_) => {}
            // The reply tells the same; the first message may be too old to be changed, or be gone.
            Err(fault) if fault.is_about_first_message() => {}
            Err(fault) => return Err(fault.into_error()),
        }
        let mut reply = body(message, blocks::reply(message));
        reply["channel"] = json!(first.channel);
        reply["thread_ts"] = json!(first.ts);
        reply["metadata"] = metadata(message);
        match self.call("chat.postMessage", reply).await? {
            Ok(_) => Ok(Sent::default()),
            Err(fault) if fault.is_about_first_message() => {
                self.post(message, &first.channel).await
            }
            Err(fault) => Err(fault.into_error()),
        }
    }

    /// Calls a method; the inner error is what Slack said of this message or of the bot.
    async fn call(
        &self,
        method: &'static str,
        body: Value,
    ) -> Result<Result<Value, verdict::Fault>, SendError> {
        let Way::Bot { api, token, .. } = &self.way else {
            return Err(SendError::Refused(format!("a webhook of Slack has no method {method}")));
        };
        let url = api
            .join(method)
            .map_err(|error| SendError::Down(format!("cannot call Slack's {method}: {error}")))?;
        let request = self.http.post(&url).bearer_auth(token.expose()).json(&body);
        let answer = self.http.answer(request).await?;
        let answer = self.http.judged(answer)?;
        Ok(verdict::method(&self.http, method, &answer))
    }
}

#[async_trait]
impl Sink for Slack {
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.tell(notice).await);
        }
        results
    }
}

impl Posted {
    fn of(answer: &Value, channel: &str) -> Option<Self> {
        let ts = answer["ts"].as_str()?.to_owned();
        // Slack may answer with the id of a channel that was given by name.
        let channel = answer["channel"].as_str().unwrap_or(channel).to_owned();
        Some(Self { channel, ts })
    }

    fn read(text: &str) -> Option<Self> {
        let (channel, ts) = text.split_once('/')?;
        Some(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }

    fn written(&self) -> String {
        format!("{}/{}", self.channel, self.ts)
    }
}

/// What all messages have; `text` is shown in notifications and read aloud.
fn body(message: &Message, blocks: Vec<Value>) -> Value {
    let blocks = Value::from(blocks);
    let said = message.tellings.first().and_then(|telling| telling.paragraphs.first());
    let text = format!("{}: {}", message.heading, said.map_or("", String::as_str));
    json!({
        "text": blocks::escaped(&text),
        "blocks": blocks,
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn metadata(message: &Message) -> Value {
    json!({
        "event_type": "askance_alert",
        "event_payload": {"alert_id": message.alert_id, "kind": message.kind.name()},
    })
}
