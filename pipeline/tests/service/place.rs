//! A bucket, a queue and a topic of the stand-in, and a home for the program beside them.

use std::collections::BTreeSet;
use std::fs;

use askance_benches::standin::{FeedConfig, Standin, StandinConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::corpus::{Object, ids};
use crate::program::{Home, wait};

/// What a key's path leaves as it is.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The file of alerts, in the home.
pub(crate) const ALERTS: &str = "out/alerts.jsonl";

/// The stand-in, on threads of its own.
pub(crate) struct Place {
    runtime: Runtime,
    http: reqwest::Client,
    endpoint: String,
    queue_url: String,
    topic_arn: String,
}

impl Place {
    /// With an empty bucket, whose new objects are told of.
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let config = StandinConfig {
            notify_puts: true,
            feed: FeedConfig::default(),
            ..StandinConfig::default()
        };
        let standin = runtime.block_on(Standin::bind(config)).unwrap();
        let (endpoint, queue_url) = (standin.endpoint(), standin.queue_url());
        let topic_arn = standin.topic_arn();
        runtime.spawn(standin.serve());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { runtime, http, endpoint, queue_url, topic_arn }
    }

    /// A home whose alerts go to a file and to the topic; `more` is put into the source's settings.
    pub(crate) fn home(&self, more: &str) -> Home {
        self.home_with(more, "type: sqlite, path: askance.db", [])
    }

    /// As [`Place::home`], with a store and more in the environment.
    pub(crate) fn home_with(
        &self,
        more: &str,
        store: &str,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Home {
        let config = format!(
            "sources:\n    trail: {{type: s3_queue, queue_url: \"{}\", buckets: [trail], max_receives: 1000, {more}}}\n\
             sinks:\n    file: {{type: file, path: {ALERTS}}}\n    people: {{type: sns, topic_arn: \"{}\"}}\n\
             routes:\n    - {{to: [file, people]}}\n\
             alerts: {{merge_window: 0s}}\n\
             store: {{{store}}}\n\
             aws: {{s3_path_style: true}}\n",
            self.queue_url, self.topic_arn
        );
        let home = Home::new(&config, environment(&self.endpoint).into_iter().chain(variables));
        fs::create_dir(home.path("out")).unwrap();
        home
    }

    /// Puts objects; one that is told of more than once comes again behind the others too.
    pub(crate) fn put(&self, objects: &[Object]) {
        let most = objects.iter().map(|object| object.copies).max().unwrap_or(0);
        for round in 0..most {
            for object in objects.iter().filter(|object| object.copies > round) {
                self.put_one(&object.key, &object.bytes);
            }
        }
    }

    pub(crate) fn put_one(&self, key: &str, bytes: &[u8]) {
        let key = utf8_percent_encode(key, KEPT);
        let request = self.http.put(format!("{}/trail/{key}", self.endpoint)).body(bytes.to_vec());
        let answer = self.runtime.block_on(request.send()).unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// The address of a queue of that name, which is made.
    pub(crate) fn queue(&self, name: &str) -> String {
        self.sqs("CreateQueue", &json!({"QueueName": name}))["QueueUrl"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Takes everything out of the queue that is told of new objects.
    pub(crate) fn drain(&self) {
        self.sqs("PurgeQueue", &json!({"QueueUrl": self.queue_url}));
    }

    fn sqs(&self, action: &str, ask: &Value) -> Value {
        let request = self.http.post(&self.endpoint).body(ask.to_string());
        let request = request
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0");
        let text = self.runtime.block_on(async {
            request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
        });
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Sets what goes wrong from now on, in place of what did before.
    pub(crate) fn faults(&self, faults: &[&str]) {
        let request = self.http.post(format!("{}/_control", self.endpoint));
        let request = request.body(json!({"faults": faults}).to_string());
        let answer = self.runtime.block_on(request.send()).unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    pub(crate) fn stats(&self) -> Value {
        self.get("/_stats")
    }

    fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.endpoint));
        let text = self.runtime.block_on(async { request.send().await.unwrap().text().await });
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    /// Waits until the queue and the outbox are empty.
    #[track_caller]
    pub(crate) fn until_done(&self, home: &Home) {
        wait("the queue is empty", || {
            let queue = &self.stats()["queues"]["trail"];
            queue["visible"] == 0 && queue["in_flight"] == 0
        });
        wait("the outbox is empty", || home.waiting() == 0);
    }

    /// Ids of the alerts that were published, each once however often it came.
    pub(crate) fn published(&self) -> BTreeSet<String> {
        self.published_all().into_iter().collect()
    }

    /// Ids of the alerts that were published, as often as they came.
    pub(crate) fn published_all(&self) -> Vec<String> {
        let published = self.get("/_published");
        let alert = |message: &Value| -> Value {
            serde_json::from_str(message["message"].as_str().unwrap()).unwrap()
        };
        let alerts = published.as_array().unwrap().iter().map(alert);
        alerts.map(|alert| alert["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Nothing is lost, nothing stands twice in the file, nothing waits; all that was read is noted.
    #[track_caller]
    pub(crate) fn is_whole(&self, home: &Home, count: usize, expected: &BTreeSet<String>) {
        assert_eq!(&ids(&home.alerts(ALERTS)), expected, "the file");
        assert_eq!(&self.published(), expected, "the topic");
        assert_eq!(home.waiting(), 0);
        assert_eq!(home.known(), count as u64, "objects in the ledger");
        let queue = self.stats()["queues"]["trail"].clone();
        assert_eq!(queue["sent"], queue["deleted"], "{queue}");
        assert!(home.ask(&["rejects", "list"]).is_empty());
    }
}

/// What a program needs in its environment to reach the stand-in instead of AWS.
fn environment(endpoint: &str) -> [(&'static str, String); 6] {
    [
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
    ]
}
