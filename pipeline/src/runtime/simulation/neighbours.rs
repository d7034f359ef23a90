//! SQS and S3 in memory, below the SDK's clients: what the service sends and gets is what goes over
//! the wire, without a wire, so that the clock can stand still.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::faults::{Faults, Step};

/// The bucket.
pub const BUCKET: &str = "trail";

/// The queue's address; nothing listens there.
pub const QUEUE_URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail";

/// Most messages of one answer: few, so that there are several.
const TOGETHER: usize = 2;

/// A message: the key of an object, and when it is to be seen again.
#[derive(Debug)]
struct Message {
    number: usize,
    key: String,
    receives: usize,
    hidden_until: Option<Instant>,
}

impl Message {
    /// Of the latest delivery; earlier ones no longer count.
    fn receipt(&self) -> String {
        format!("{}.{}", self.number, self.receives)
    }
}

/// What lasts from life to life of the program: messages that were not deleted, and objects.
#[derive(Debug, Default)]
pub struct Durable {
    messages: Mutex<Vec<Message>>,
    objects: BTreeMap<String, Bytes>,
}

impl Durable {
    /// These objects, and a message for each of these keys, in order.
    pub fn new(objects: BTreeMap<String, Bytes>, keys: &[&str]) -> Self {
        let message = |(number, key): (usize, &&str)| Message {
            number,
            key: (*key).to_owned(),
            receives: 0,
            hidden_until: None,
        };
        let messages = keys.iter().enumerate().map(message).collect();
        Self { messages: Mutex::new(messages), objects }
    }

    /// Time has passed: every message is seen again.
    pub fn show_all(&self) {
        self.messages.lock().unwrap().iter_mut().for_each(|message| message.hidden_until = None);
    }

    /// Every message is deleted.
    pub fn is_empty(&self) -> bool {
        self.messages.lock().unwrap().is_empty()
    }

    fn receive(&self, most: usize, hidden: Duration) -> Vec<Value> {
        let now = Instant::now();
        let mut messages = self.messages.lock().unwrap();
        let visible = messages.iter_mut().filter(|m| m.hidden_until.is_none_or(|at| at <= now));
        let take = |message: &mut Message| {
            message.hidden_until = Some(now + hidden);
            message.receives += 1;
            let object = json!({ "key": message.key, "size": self.objects[&message.key].len() });
            let record = json!({
                "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-west-1",
                "s3": { "bucket": { "name": BUCKET }, "object": object },
            });
            json!({
                "MessageId": message.number.to_string(),
                "ReceiptHandle": message.receipt(),
                "Body": json!({ "Records": [record] }).to_string(),
                "Attributes": { "ApproximateReceiveCount": message.receives.to_string() },
            })
        };
        visible.take(most.min(TOGETHER)).map(take).collect()
    }

    /// With an old receipt SQS says yes, too, and does nothing.
    fn delete(&self, receipt: &str) {
        self.messages.lock().unwrap().retain(|message| message.receipt() != receipt);
    }

    fn hide(&self, receipt: &str, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut messages = self.messages.lock().unwrap();
        for message in messages.iter_mut().filter(|message| message.receipt() == receipt) {
            message.hidden_until = Some(until);
        }
    }
}

/// Takes the place of the network.
#[derive(Clone)]
pub struct Neighbours {
    /// Messages and objects.
    pub durable: Arc<Durable>,
    /// Which steps fail.
    pub faults: Arc<Faults>,
}

impl fmt::Debug for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Neighbours")
    }
}

impl HttpClient for Neighbours {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Neighbours {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let here = self.clone();
        HttpConnectorFuture::new(async move {
            match request.headers().get("x-amz-target") {
                Some(target) => {
                    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
                    let body = request.body().bytes().unwrap_or_default();
                    here.sqs(&operation, &serde_json::from_slice(body).unwrap()).await
                }
                None => here.s3(&request).await,
            }
        })
    }
}

impl Neighbours {
    async fn sqs(&self, operation: &str, asked: &Value) -> Result<HttpResponse, ConnectorError> {
        let step = self.faults.step(name(operation)).await;
        match (step, operation) {
            (Step::Fail, _) => return Ok(answer(500, &json!({ "__type": "InternalFailure" }))),
            // The first of a batch is done, the others are not.
            (Step::Half, "DeleteMessageBatch" | "ChangeMessageVisibilityBatch") => {
                return Ok(answer(200, &self.entries(operation, asked, 1)));
            }
            _ => {}
        }
        let done = match operation {
            "ReceiveMessage" => self.receive(asked).await,
            "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
                self.entries(operation, asked, usize::MAX)
            }
            "ChangeMessageVisibility" => {
                self.hide(asked);
                json!({})
            }
            "GetQueueAttributes" => json!({ "Attributes": {} }),
            other => panic!("SQS is asked for {other}"),
        };
        match step {
            Step::Go => Ok(answer(200, &done)),
            _ => Err(ConnectorError::io("simulated: the answer is lost".into())),
        }
    }

    /// Waits for a message as long as it is asked to.
    async fn receive(&self, asked: &Value) -> Value {
        let number = |key: &str| asked[key].as_u64().unwrap_or_default();
        let most = usize::try_from(number("MaxNumberOfMessages")).unwrap();
        let hidden = Duration::from_secs(number("VisibilityTimeout"));
        for second in 0.. {
            let messages = self.durable.receive(most, hidden);
            if !messages.is_empty() || second >= number("WaitTimeSeconds") {
                return json!({ "Messages": messages });
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        unreachable!("it ends with the wait")
    }

    /// Carries out the first `most` entries of a batch.
    fn entries(&self, operation: &str, asked: &Value, most: usize) -> Value {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (index, entry) in asked["Entries"].as_array().unwrap().iter().enumerate() {
            if index >= most {
                let fault =
                    json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false });
                failed.push(fault);
                continue;
            }
            match operation {
                "DeleteMessageBatch" => {
                    self.durable.delete(entry["ReceiptHandle"].as_str().unwrap());
                }
                _ => self.hide(entry),
            }
            done.push(json!({ "Id": entry["Id"] }));
        }
        json!({ "Successful": done, "Failed": failed })
    }

    fn hide(&self, asked: &Value) {
        let seconds = asked["VisibilityTimeout"].as_u64().unwrap();
        self.durable.hide(asked["ReceiptHandle"].as_str().unwrap(), seconds);
    }

    async fn s3(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let uri: http::Uri = request.uri().parse().unwrap();
        let key = uri.path().trim_start_matches('/').trim_start_matches(BUCKET).trim_matches('/');
        let bytes = self.durable.objects[key].clone();
        let from = request.headers().get("range").map(|range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap()
        });
        let rest = bytes.slice(from.unwrap_or(0)..);
        let body = match self.faults.step("get").await {
            Step::Go => rest.clone(),
            Step::Fail => return Ok(answer(503, &json!({}))),
            Step::FailAfter => return Err(ConnectorError::io("simulated: lost".into())),
            Step::Half => rest.slice(..rest.len() / 2),
        };
        let status = if from.is_some() { 206 } else { 200 };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        let headers = response.headers_mut();
        headers.insert("etag", "\"1\"");
        headers.insert("content-length", rest.len().to_string());
        if let Some(from) = from {
            let (last, length) = (bytes.len() - 1, bytes.len());
            headers.insert("content-range", format!("bytes {from}-{last}/{length}"));
        }
        Ok(response)
    }
}

/// What a step is called.
fn name(operation: &str) -> &'static str {
    match operation {
        "ReceiveMessage" => "receive",
        "DeleteMessageBatch" => "delete",
        "ChangeMessageVisibility" | "ChangeMessageVisibilityBatch" => "hide",
        "GetQueueAttributes" => "attributes",
        other => panic!("SQS is asked for {other}"),
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}
