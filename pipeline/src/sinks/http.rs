//! HTTP for sinks: how requests are sent, and what an answer means for the message.
//!
//! Nothing is tried again here. Errors show neither addresses nor secrets: the address of a webhook is
//! a secret itself, and a server may repeat what it was sent.

use std::time::Duration;

use askance_stages::model::parse_time;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder, StatusCode, Url};

use super::words::bounded;
use super::{SendError, SinkContext, SinkError};
use crate::causes::with_causes;
use crate::config::Secret;

/// How long an answer is waited for, where the configuration does not say.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most of an answer that is read: errors are short, and nothing else is needed.
const MAX_ANSWER: usize = 64 << 10;

/// Most of an answer that is shown.
const MAX_SHOWN: usize = 300;

/// Longest pause that a server may ask for; a clock that is wrong must not silence a sink for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Most redirects that are followed, on one host.
const MAX_REDIRECTS: usize = 3;

/// Sends to one place.
pub struct Http {
    client: Client,
    /// What it is called in errors: `Slack`, `the webhook`.
    place: &'static str,
    secrets: Vec<Secret>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// Its body, as text and as far as it is read.
    pub body: String,
}

impl Http {
    /// Makes a client with the system's certificates and the proxies of the environment; `secrets` are
    /// never shown.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn open(
        context: &SinkContext,
        place: &'static str,
        timeout: Duration,
        secrets: Vec<Secret>,
    ) -> Result<Self, SinkError> {
        let client = Client::builder()
            .user_agent(concat!("askance/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .redirect(Policy::custom(redirect))
            .referer(false)
            .build()
            .map_err(|error| {
                context.misconfigured(format!("cannot make an HTTP client: {}", causes(&error)))
            })?;
        Ok(Self { client, place, secrets })
    }

    /// Begins a POST.
    pub fn post(&self, url: &Url) -> RequestBuilder {
        self.client.post(url.clone())
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// [`SendError::Down`] when there is no answer.
    pub async fn answer(&self, request: RequestBuilder) -> Result<Answer, SendError> {
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let place = self.place;
            let causes = self.shown(&causes(&error));
            SendError::Down(format!("cannot reach {place}: {causes}"))
        };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER {
            match response.chunk().await.map_err(failed)? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        body.truncate(MAX_ANSWER);
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, retry_after, body })
    }

    /// The answer if it is a good one; else what its status means.
    ///
    /// # Errors
    /// 429, and 503 with a pause: throttled. Other 4xx: refused, except those that speak of the moment.
    /// Everything else: down.
    pub fn judged(&self, answer: Answer) -> Result<Answer, SendError> {
        let status = answer.status;
        if status.is_success() {
            return Ok(answer);
        }
        let message = self.said(&answer);
        let retry_after = answer.retry_after;
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS => SendError::Throttled { message, retry_after },
            StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
                SendError::Throttled { message, retry_after }
            }
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::MISDIRECTED_REQUEST => SendError::Down(message),
            _ if status.is_redirection() => SendError::Down(format!(
                "{message}: it redirects to another host or loses the message, which is not \
                 followed; configure the address that it leads to"
            )),
            _ if status.is_client_error() => SendError::Refused(message),
            _ => SendError::Down(message),
        })
    }

    /// What an answer said, in words for people.
    pub fn said(&self, answer: &Answer) -> String {
        let place = self.place;
        let status = answer.status.as_u16();
        let body = self.shown(&answer.body);
        if body.is_empty() {
            format!("{place} answered {status}")
        } else {
            format!("{place} answered {status}: {body}")
        }
    }

    /// A text from outside, harmless, short and without secrets.
    pub fn shown(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "***");
        }
        bounded(&text, MAX_SHOWN).0
    }
}

/// Reads an address from the configuration; it is not shown if it is none.
///
/// # Errors
/// When it is no address of HTTP.
pub fn address(context: &SinkContext, key: &str, text: &str) -> Result<Url, SinkError> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            context
                .misconfigured(format!("{key} is no address that begins with https:// or http://"))
        })
}

/// The parts of an address that are a secret: all of it, and its path with the query.
pub fn secret_parts(url: &Url) -> Vec<Secret> {
    let tail = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut parts = vec![Secret::new(url.as_str().to_owned())];
    // "/" stands everywhere.
    if tail.len() > 1 {
        parts.push(Secret::new(tail));
        parts.push(Secret::new(url.path().to_owned()));
    }
    parts.extend(url.password().map(|password| Secret::new(password.to_owned())));
    parts
}

/// Redirects are followed on the same host and only where the message is sent again whole.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_message =
        matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let is_same_host = attempt.previous().last().is_some_and(|from| {
        let to = attempt.url();
        from.scheme() == to.scheme()
            && from.host() == to.host()
            && from.port_or_known_default() == to.port_or_known_default()
    });
    if keeps_message && is_same_host && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// `Retry-After`: seconds, or a date, which is set against the server's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = moment(asked)?;
            let now = text(DATE).and_then(moment).unwrap_or_else(Timestamp::now);
            Duration::try_from(until.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_PAUSE))
}

fn moment(text: &str) -> Option<Timestamp> {
    match rfc2822::parse(text) {
        Ok(zoned) => Some(zoned.timestamp()),
        Err(_) => parse_time(text),
    }
}

/// An error with its causes, which say more than it does.
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    with_causes(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let check = |asked: &str, date: &str, seconds: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, asked.parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            assert_eq!(retry_after(&headers).map(|wait| wait.as_secs()), seconds, "{asked}");
        };
        let date = "Tue, 24 Nov 2026 08:00:00 GMT";
        check("7", date, Some(7));
        check(" 0 ", date, Some(0));
        check("Tue, 24 Nov 2026 08:02:00 GMT", date, Some(120));
        check("Tue, 24 Nov 2026 07:00:00 GMT", date, Some(0));
        check("Sun, 24 Nov 2126 08:00:00 GMT", date, Some(86_400));
        check("99999999999", date, Some(86_400));
        check("soon", date, None);
        check("-1", date, None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn the_secret_parts_of_an_address_are_known() {
        let url = Url::parse("https://hooks.example.com/services/T0/B0/xyz?k=v").unwrap();
        let parts: Vec<String> =
            secret_parts(&url).iter().map(|part| part.expose().to_owned()).collect();
        assert_eq!(
            parts,
            [
                "https://hooks.example.com/services/T0/B0/xyz?k=v",
                "/services/T0/B0/xyz?k=v",
                "/services/T0/B0/xyz"
            ]
        );
        assert_eq!(secret_parts(&Url::parse("https://a.example/").unwrap()).len(), 1);
    }
}
