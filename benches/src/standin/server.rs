//! The server: which service a request is for, its fault, and the answer as HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Extracted};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use futures::stream;
use tokio::net::TcpListener;

use super::answer::{Answer, form};
use super::fault::Effect;
use super::feed::{self, Feed};
use super::state::{Shared, StandinConfig, StandinError, State};
use super::{control, corpus, kinesis, s3, sns, sqs};

/// Largest body that is taken.
const LARGEST_BODY: usize = 64 << 20;

/// A slow body comes in so many parts a second.
const PARTS_PER_SECOND: usize = 20;

/// A server that has its address and does not answer yet.
#[derive(Debug)]
pub struct Standin {
    listener: TcpListener,
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Standin {
    /// Loads the corpus and takes the address.
    ///
    /// # Errors
    /// When a file of the corpus cannot be used or the address is taken.
    pub async fn bind(config: StandinConfig) -> Result<Self, StandinError> {
        let with_incidents = config.feed.incident_every > 0;
        let files = match &config.corpus {
            Some(folder) => corpus::load(folder, with_incidents)?,
            None => Vec::new(),
        };
        let refused = |error| StandinError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let stream = kinesis::Stream::new(config.shards, &files);
        let feed = Feed::new(config.feed.rate, files);
        let shared = Arc::new(Shared::new(State::new(config, address, feed, stream)));
        Ok(Self { listener, shared, address })
    }

    /// Its URL, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// URL of the queue with the notifications.
    pub fn queue_url(&self) -> String {
        let state = self.shared.state();
        state.queue_url(&state.config.queue)
    }

    /// ARN of the topic.
    pub fn topic_arn(&self) -> String {
        self.shared.state().topic_arn()
    }

    /// Answers and makes messages until it is dropped.
    ///
    /// # Errors
    /// When no connection can be taken any more.
    pub async fn serve(self) -> io::Result<()> {
        let router = Router::new().fallback(answer).with_state(self.shared.clone());
        // A listener that waits for more to send would add 40 ms to every small answer. A socket
        // that refuses is one that has gone.
        let listener = self.listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        self.shared.state().feed.start(Instant::now());
        tokio::select! {
            served = axum::serve(listener, router) => served,
            () = feed::run(self.shared) => Ok(()),
        }
    }
}

/// What a request asks for.
enum Asked {
    S3(s3::Call),
    Sqs(&'static str),
    Kinesis(&'static str),
    Sns(sns::Form),
}

impl Asked {
    fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let told = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(target) = told("x-amz-target") {
            if let Some(operation) = kinesis::operation(target) {
                return Some(Self::Kinesis(operation));
            }
            return Some(Self::Sqs(sqs::operation(target)));
        }
        if told("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded")) {
            let pairs = form(std::str::from_utf8(body).ok()?)?;
            return Some(Self::Sns(pairs.into_iter().collect()));
        }
        let query = parts.uri.query().unwrap_or_default();
        s3::Call::read(&parts.method, parts.uri.path(), query).map(Self::S3)
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::S3(call) => call.operation,
            Self::Sqs(operation) | Self::Kinesis(operation) => operation,
            Self::Sns(form) => sns::operation(form),
        }
    }

    async fn carry_out(&self, shared: &Arc<Shared>, headers: &HeaderMap, body: Bytes) -> Answer {
        match self {
            Self::S3(call) => {
                let mut state = shared.state();
                let answer = s3::answer(&mut state.objects, call, headers, body);
                let is_new = call.operation == "PutObject" && answer.status == 200;
                if is_new && state.config.notify_puts && call.bucket == state.config.bucket {
                    state.notify(&call.key, 1, Instant::now());
                    shared.arrived.notify_waiters();
                }
                answer
            }
            Self::Sqs(operation) => sqs::answer(shared, operation, &body).await,
            Self::Kinesis(operation) => {
                let (stream, region) = {
                    let state = shared.state();
                    (Arc::clone(&state.stream), state.config.region.clone())
                };
                stream.answer(&region, operation, &body)
            }
            Self::Sns(form) => sns::answer(&mut shared.state().topic, form, Instant::now()),
        }
    }

    /// An error in the service's own form.
    fn error(&self, status: u16, code: Option<&str>) -> Answer {
        let what = "A fault that was asked for";
        let is_s3 = matches!(self, Self::S3(_));
        let code = code.unwrap_or(match status {
            403 if is_s3 => "AccessDenied",
            403 => "AccessDeniedException",
            404 if is_s3 => "NoSuchKey",
            429 => "Throttling",
            503 if is_s3 => "SlowDown",
            503 => "ServiceUnavailable",
            500.. if is_s3 => "InternalError",
            500.. => "InternalFailure",
            _ => "InvalidRequest",
        });
        match self {
            Self::S3(call) => s3::error(status, code, what, &call.key),
            Self::Sqs(_) => sqs::error(status, code, what),
            Self::Kinesis(_) => kinesis::error(status, code, what),
            Self::Sns(_) => sns::error(status, code, what),
        }
    }
}

async fn answer(Extracted(shared): Extracted<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return respond(&shared, Answer::new(400), None);
    };
    let path = parts.uri.path();
    if path.starts_with("/_") {
        let query = parts.uri.query().unwrap_or_default();
        let answer = control::answer(&mut shared.state(), &parts.method, (path, query), &body);
        return respond(&shared, answer, None);
    }
    let Some(asked) = Asked::read(&parts, &body) else {
        return respond(&shared, Answer::new(400), None);
    };
    let effect = {
        let mut state = shared.state();
        let effect = state.faults.next(asked.operation());
        state.count(asked.operation(), effect.is_some());
        effect
    };
    match effect {
        Some(Effect::Status(status, code)) => {
            respond(&shared, asked.error(status, code.as_deref()), None)
        }
        Some(Effect::Moved(region)) => {
            let answer = asked.error(301, Some("PermanentRedirect"));
            respond(&shared, answer.with("x-amz-bucket-region", region), None)
        }
        Some(Effect::Hang(Some(time))) => {
            tokio::time::sleep(time).await;
            respond(&shared, asked.error(503, None), None)
        }
        Some(Effect::Hang(None)) => std::future::pending().await,
        Some(Effect::Lost(status)) => {
            // Done, but nobody hears of it.
            drop(asked.carry_out(&shared, &parts.headers, body).await);
            respond(&shared, asked.error(status, None), None)
        }
        effect @ (Some(Effect::Cut(_) | Effect::Slow(_)) | None) => {
            let answer = asked.carry_out(&shared, &parts.headers, body).await;
            respond(&shared, answer, effect.as_ref())
        }
    }
}

fn respond(shared: &Arc<Shared>, answer: Answer, effect: Option<&Effect>) -> Response {
    let length = answer.length();
    let is_sent = answer.told_length.is_none();
    shared.state().sent_bytes += if is_sent { length as u64 } else { 0 };
    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header("x-amzn-requestid", "standin")
        .header("x-amz-request-id", "STANDIN")
        .header(header::SERVER, "askance-standin");
    if !matches!(answer.status, 204 | 304) {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let [head, tail] = answer.body;
    let body = match effect {
        Some(Effect::Cut(after)) if *after < length => cut([head, tail].concat(), *after),
        Some(Effect::Slow(rate)) => slow([head, tail].concat().into(), *rate),
        _ if tail.is_empty() => Body::from(head),
        _ => Body::from_stream(stream::iter([Ok::<_, io::Error>(head), Ok(tail)])),
    };
    response.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// A body that ends too early, and the connection with it.
fn cut(mut whole: Vec<u8>, after: usize) -> Body {
    whole.truncate(after);
    let parts = stream::unfold((Some(Bytes::from(whole)), false), |(part, is_over)| async move {
        match part {
            Some(part) => Some((Ok(part), (None, false))),
            None if is_over => None,
            None => {
                // What was written is sent only while the next part is waited for.
                tokio::time::sleep(Duration::from_millis(5)).await;
                let error = io::Error::new(io::ErrorKind::ConnectionAborted, "cut on purpose");
                Some((Err(error), (None, true)))
            }
        }
    });
    Body::from_stream(parts)
}

/// A body at so many bytes a second.
fn slow(whole: Bytes, rate: usize) -> Body {
    let step = (rate / PARTS_PER_SECOND).max(1);
    let pause = Duration::from_secs_f64(step as f64 / rate as f64);
    let parts = stream::unfold(whole, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let part = rest.split_to(step.min(rest.len()));
        Some((Ok::<_, io::Error>(part), rest))
    });
    Body::from_stream(parts)
}
