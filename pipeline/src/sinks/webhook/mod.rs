//! A webhook: alerts as JSON, or in a body of one's own, signed if a secret is configured.
//!
//! The receiver drops repeats of one message by `X-Askance-Id`, which stays the same however often it
//! is sent.

mod template;

#[cfg(test)]
mod tests;

use askance_stages::model::hex;
use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::Sha256;

use self::template::Template;
use super::http::{self, Http};
use super::words::{Message, text};
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::config::{Language, Secret, WebhookConfig};

/// Headers that are this sink's own.
const OWN_HEADERS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// An HTTP endpoint.
pub struct Webhook {
    http: Http,
    url: Url,
    secret: Option<Secret>,
    headers: HeaderMap,
    body: Option<Template>,
    languages: Vec<Language>,
}

impl Webhook {
    /// Reads the secrets and the body's template; nothing is called yet.
    ///
    /// # Errors
    /// When a secret cannot be read, or an address, header or body is none.
    pub async fn open(config: &WebhookConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let url = context.secret(&config.url).await?;
        let url = http::address(context, "url", url.expose())?;
        let mut secrets = http::secret_parts(&url);
        let secret = match &config.secret {
            Some(place) => Some(context.secret(place).await?),
            None => None,
        };
        secrets.extend(secret.clone());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, place) in &config.headers {
            let value = context.secret(place).await?;
            let (name, value) = header(context, name, &value)?;
            headers.insert(name, value.0);
            secrets.push(value.1);
        }
        let body = match &config.body {
            Some(body) => Some(
                Template::compile(body)
                    .map_err(|error| context.misconfigured(format!("cannot use body: {error}")))?,
            ),
            None => None,
        };
        let http = Http::open(context, "the webhook", config.timeout.0, secrets)?;
        let languages = context.languages.clone();
        Ok(Self { http, url, secret, headers, body, languages })
    }

    async fn tell(&self, notice: &Notice) -> Result<Sent, SendError> {
        let body = match &self.body {
            Some(template) => template.filled(&values(notice, &self.languages)?),
            None => notice.json.clone(),
        };
        let mut request = self
            .http
            .post(&self.url)
            .headers(self.headers.clone())
            .header("X-Askance-Id", ascii(&notice.message_id))
            .header("X-Askance-Alert", ascii(&notice.alert.id))
            .header("X-Askance-Kind", notice.kind.name())
            .header("X-Askance-Count", notice.group.count.to_string());
        if let Some(secret) = &self.secret {
            let now = Timestamp::now().as_second();
            request = request.header("X-Askance-Signature", signature(secret, now, &body));
        }
        let answer = self.http.answer(request.body(body)).await?;
        self.http.judged(answer)?;
        Ok(Sent::default())
    }
}

#[async_trait]
impl Sink for Webhook {
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.tell(notice).await);
        }
        results
    }
}

/// A header of the configuration; its value is taken as a secret.
fn header(
    context: &SinkContext,
    name: &str,
    value: &Secret,
) -> Result<(HeaderName, (HeaderValue, Secret)), SinkError> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        context.misconfigured(format!("headers: \"{name}\" is no name of a header"))
    })?;
    if OWN_HEADERS.contains(&parsed.as_str()) || parsed.as_str().starts_with("x-askance-") {
        return Err(context.misconfigured(format!("headers: {name} is set by askance itself")));
    }
    let mut own = HeaderValue::from_str(value.expose()).map_err(|_| {
        context.misconfigured(format!("headers: the value of {name} holds what no header may"))
    })?;
    own.set_sensitive(true);
    Ok((parsed, (own, value.clone())))
}

/// What a template may name.
fn values(notice: &Notice, languages: &[Language]) -> Result<Value, SendError> {
    let alert: Value = serde_json::from_str(&notice.json)
        .map_err(|error| SendError::Refused(format!("cannot read the alert again: {error}")))?;
    let message = Message::of(notice, languages);
    let said = message.tellings.first().and_then(|telling| telling.paragraphs.first());
    Ok(json!({
        "alert": alert,
        "id": notice.message_id,
        "kind": notice.kind.name(),
        "count": notice.group.count,
        "first": notice.group.first,
        "last": notice.group.last,
        "accounts": notice.group.accounts,
        "account_name": notice.account.as_ref().and_then(|facts| facts.name.clone()),
        "heading": message.heading,
        "question": said,
        "text": text(&message),
    }))
}

/// `t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.
fn signature(secret: &Secret, now: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(format!("{now}.").as_bytes());
    mac.update(body.as_bytes());
    let code = mac.finalize().into_bytes();
    format!("t={now},v1={}", hex(&code))
}

/// What may stand in a header; a sink's name may hold anything.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect()
}
