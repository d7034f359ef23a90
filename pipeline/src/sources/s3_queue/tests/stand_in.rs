//! S3, SQS and STS from memory, that fail as they are told to: what a full double of AWS cannot do.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How a GET is answered.
#[derive(Debug, Clone)]
pub enum Get {
    /// As S3 does.
    Serve,
    /// As S3 does, but the connection is cut after so many bytes.
    CutAfter(usize),
    /// As S3 does, but nothing more comes after so many bytes.
    StallAfter(usize),
    /// The whole object, whatever range was asked for.
    Whole,
    /// An error: status, code, message.
    Fail(u16, &'static str, &'static str),
    /// The bucket is in another region.
    Moved(&'static str),
    /// Another object has taken its place since, of these bytes.
    Replaced(Vec<u8>),
}

/// How a call of SQS is answered.
#[derive(Debug, Clone)]
pub enum Fault {
    /// With a status and a code.
    Fail(u16, &'static str),
    /// The first entry of a batch fails, and nothing else.
    FirstFails,
    /// Done, and told as failed.
    DoneAndFails,
}

/// A GET as it was asked.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Path with its query.
    pub path: String,
    /// Header fields, by name in lower case.
    pub headers: HashMap<String, String>,
}

/// A message in the queue.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its body.
    pub body: String,
    /// How often it was received.
    pub receives: u32,
    /// When it can be received next.
    pub visible: Instant,
    receipt: String,
}

/// Everything that the stand-in holds and has seen.
#[derive(Debug, Default)]
pub struct Memory {
    objects: HashMap<String, (Vec<u8>, String)>,
    /// Messages that are not deleted.
    pub messages: Vec<Message>,
    /// Messages that came too often.
    pub dead: Vec<Message>,
    /// `maxReceiveCount` of the redrive policy.
    pub redrive_after: Option<u32>,
    /// How the next GETs are answered.
    pub gets: VecDeque<Get>,
    /// How every GET is answered when nothing else is told.
    pub always: Option<Get>,
    /// How the next calls of SQS are answered, by action.
    pub faults: HashMap<&'static str, VecDeque<Fault>>,
    /// GETs as they came.
    pub asked: Vec<Asked>,
    /// Calls of SQS as they came.
    pub calls: Vec<(String, Value)>,
    /// Forms sent to STS.
    pub forms: Vec<String>,
    count: usize,
}

/// A running stand-in.
pub struct StandIn {
    /// Its address.
    pub url: String,
    memory: Arc<Mutex<Memory>>,
    server: JoinHandle<()>,
}

impl StandIn {
    /// Starts it.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let memory = Arc::new(Mutex::new(Memory::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, memory, server }
    }

    /// The queue's address.
    pub fn queue_url(&self) -> String {
        format!("{}/111122223333/trail", self.url)
    }

    /// What it holds and has seen.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// Puts an object and its notification.
    pub fn put(&self, key: &str, bytes: &[u8]) -> Value {
        let etag = self.memory().store(&format!("trail/{key}"), bytes.to_vec());
        let record = record("trail", key, bytes.len(), &etag);
        self.send(&json!({"Records": [record]}).to_string());
        record
    }

    /// Puts a message.
    pub fn send(&self, body: &str) {
        let mut memory = self.memory();
        memory.count += 1;
        let id = format!("message-{}", memory.count);
        let (body, receipt) = (body.to_owned(), String::new());
        memory.messages.push(Message { id, body, receives: 0, visible: Instant::now(), receipt });
    }

    /// How often an action of SQS was called.
    pub fn calls(&self, action: &str) -> Vec<Value> {
        let calls = &self.memory().calls;
        calls.iter().filter(|(name, _)| name == action).map(|(_, body)| body.clone()).collect()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A record as S3 writes it.
pub fn record(bucket: &str, key: &str, size: usize, etag: &str) -> Value {
    json!({
        "eventVersion": "2.5", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": size, "eTag": etag}}
    })
}

impl Memory {
    fn store(&mut self, path: &str, bytes: Vec<u8>) -> String {
        self.count += 1;
        let etag = format!("etag-{}", self.count);
        self.objects.insert(path.to_owned(), (bytes, etag.clone()));
        etag
    }

    fn get(&mut self, asked: &Asked) -> Response {
        self.asked.push(asked.clone());
        let how = self.gets.pop_front().or(self.always.clone()).unwrap_or(Get::Serve);
        let path = asked.path.split('?').next().unwrap_or_default().trim_start_matches('/');
        match how {
            Get::Fail(status, code, message) => error(status, code, message, &[]),
            Get::Moved(region) => {
                let header = [("x-amz-bucket-region", region)];
                error(301, "PermanentRedirect", "The bucket is elsewhere.", &header)
            }
            Get::Replaced(bytes) => {
                self.store(path, bytes);
                self.serve(path, asked, &Get::Serve)
            }
            how => self.serve(path, asked, &how),
        }
    }

    fn serve(&self, path: &str, asked: &Asked, how: &Get) -> Response {
        let Some((bytes, etag)) = self.objects.get(path) else {
            return error(404, "NoSuchKey", "The specified key does not exist.", &[]);
        };
        let quoted = format!("\"{etag}\"");
        if asked.headers.get("if-match").is_some_and(|wanted| *wanted != quoted) {
            return error(412, "PreconditionFailed", "At least one precondition failed.", &[]);
        }
        let range = asked.headers.get("range").filter(|_| !matches!(how, Get::Whole));
        let from: usize = range.map_or(0, |range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
        });
        let rest = bytes[from..].to_vec();
        let mut builder = Response::builder()
            .header("etag", quoted)
            .header("last-modified", "Mon, 02 Mar 2026 07:05:00 GMT")
            .header("content-length", rest.len());
        if range.is_some() {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            builder = builder.status(206).header("content-range", range);
        }
        let (kept, is_cut) = match how {
            Get::CutAfter(count) => (*count, true),
            Get::StallAfter(count) => (*count, false),
            _ => return builder.body(Body::from(rest)).unwrap(),
        };
        let first = Ok::<_, std::io::Error>(Bytes::from(rest[..kept.min(rest.len())].to_vec()));
        let stream = futures::stream::unfold(Some(first), move |next| async move {
            match next {
                Some(first) => Some((first, None)),
                None if is_cut => {
                    // What was sent before must be on its way.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Err(std::io::Error::other("cut")), None))
                }
                None => std::future::pending().await,
            }
        });
        builder.body(Body::from_stream(stream)).unwrap()
    }

    /// Messages that can be received now, received.
    fn receive(&mut self, ask: &Value) -> Vec<Value> {
        let most = ask["MaxNumberOfMessages"].as_u64().unwrap() as usize;
        let hidden = Duration::from_secs(ask["VisibilityTimeout"].as_u64().unwrap());
        let (now, after) = (Instant::now(), self.redrive_after);
        let is_dead = |message: &Message| {
            message.visible <= now && after.is_some_and(|after| message.receives >= after)
        };
        let dead: Vec<Message> = self.messages.iter().filter(|m| is_dead(m)).cloned().collect();
        self.messages.retain(|message| !is_dead(message));
        self.dead.extend(dead);
        let visible = self.messages.iter_mut().filter(|message| message.visible <= now);
        let received = visible.take(most).map(|message| {
            message.receives += 1;
            message.visible = now + hidden;
            message.receipt = format!("{}/{}", message.id, message.receives);
            json!({
                "MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": message.receives.to_string()}
            })
        });
        received.collect()
    }

    fn delete(&mut self, ask: &Value, fault: Option<&Fault>) -> Value {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (index, entry) in ask["Entries"].as_array().unwrap().iter().enumerate() {
            let fails = match fault {
                Some(Fault::FirstFails) => index == 0,
                Some(Fault::DoneAndFails) => true,
                Some(Fault::Fail(..)) | None => false,
            };
            if !fails || matches!(fault, Some(Fault::DoneAndFails)) {
                // An old receipt deletes nothing, and that is no error.
                let receipt = entry["ReceiptHandle"].as_str().unwrap();
                self.messages.retain(|message| message.receipt != receipt);
            }
            if fails {
                failed.push(json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError", "Message": "try again"}));
            } else {
                successful.push(json!({"Id": entry["Id"]}));
            }
        }
        json!({"Successful": successful, "Failed": failed})
    }

    fn hide(&mut self, ask: &Value) -> Option<Value> {
        let receipt = ask["ReceiptHandle"].as_str().unwrap();
        let message = self.messages.iter_mut().find(|message| message.receipt == receipt)?;
        let hidden = Duration::from_secs(ask["VisibilityTimeout"].as_u64().unwrap());
        message.visible = Instant::now() + hidden;
        Some(json!({}))
    }
}

async fn answer(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers: HashMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let path = parts.uri.path_and_query().unwrap().to_string();
    if let Some(target) = headers.get("x-amz-target") {
        let action = target.trim_start_matches("AmazonSQS.").to_owned();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        return sqs(&memory, &action, serde_json::from_slice(&bytes).unwrap()).await;
    }
    if parts.method == "POST" {
        let form = to_bytes(body, 1 << 20).await.unwrap();
        memory.lock().unwrap().forms.push(String::from_utf8(form.to_vec()).unwrap());
        return assumed();
    }
    memory.lock().unwrap().get(&Asked { path, headers })
}

async fn sqs(memory: &Mutex<Memory>, action: &str, ask: Value) -> Response {
    let fault = {
        let mut memory = memory.lock().unwrap();
        memory.calls.push((action.to_owned(), ask.clone()));
        memory.faults.get_mut(action).and_then(VecDeque::pop_front)
    };
    if let Some(Fault::Fail(status, code)) = fault {
        return told(
            status,
            &json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "no"}),
        );
    }
    let found = match action {
        "ReceiveMessage" => {
            let until =
                Instant::now() + Duration::from_secs(ask["WaitTimeSeconds"].as_u64().unwrap());
            let messages = loop {
                let messages = memory.lock().unwrap().receive(&ask);
                if !messages.is_empty() || Instant::now() > until {
                    break messages;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            };
            Some(json!({"Messages": messages}))
        }
        "DeleteMessageBatch" => Some(memory.lock().unwrap().delete(&ask, fault.as_ref())),
        "ChangeMessageVisibility" => memory.lock().unwrap().hide(&ask),
        "GetQueueAttributes" => {
            let after = memory.lock().unwrap().redrive_after;
            let policy = after.map(|after| {
                json!({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:dead", "maxReceiveCount": after}).to_string()
            });
            Some(json!({"Attributes": policy.map(|policy| json!({"RedrivePolicy": policy}))}))
        }
        other => panic!("askance called {other}"),
    };
    match found {
        Some(answer) => told(200, &answer),
        None => {
            told(400, &json!({"__type": "com.amazonaws.sqs#MessageNotInflight", "message": "no"}))
        }
    }
}

fn told(status: u16, answer: &Value) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Body::from(answer.to_string()))
        .unwrap()
}

fn error(status: u16, code: &str, message: &str, headers: &[(&str, &str)]) -> Response {
    let mut builder = Response::builder().status(status).header("content-type", "application/xml");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let xml = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    builder.body(Body::from(xml)).unwrap()
}

fn assumed() -> Response {
    let xml = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
        <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
        <AssumedRoleUser><AssumedRoleId>A:askance</AssumedRoleId><Arn>arn:aws:sts::2:assumed-role/r/askance</Arn>\
        </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>";
    Response::builder().header("content-type", "text/xml").body(Body::from(xml)).unwrap()
}
