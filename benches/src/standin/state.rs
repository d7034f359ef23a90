//! Everything that the stand-in holds, and what it is started with.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::Notify;

use super::fault::{Fault, Faults};
use super::feed::{Feed, FeedConfig};
use super::kinesis::Stream;
use super::notification::object_created;
use super::objects::Objects;
use super::queue::{Queue, QueueConfig};
use super::topic::Topic;

/// What the stand-in is started with.
#[derive(Debug, Clone)]
pub struct StandinConfig {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Folder of files that become objects; `None`: the bucket is empty and no message is made.
    pub corpus: Option<PathBuf>,
    /// Bucket that is there from the start.
    pub bucket: String,
    /// Queue that is there from the start, and gets the notifications.
    pub queue: String,
    /// Topic whose ARN is told; what is published to others is taken too.
    pub topic: String,
    /// Region that is told in notifications and ARNs.
    pub region: String,
    /// How long a received message is hidden, if the receiver does not say.
    pub visibility: Duration,
    /// After so many receives a message goes to the queue named like the first with `-dead` behind;
    /// `None`: never.
    pub max_receives: Option<u64>,
    /// Whether PutObject into the bucket makes a message too.
    pub notify_puts: bool,
    /// Shards of a Kinesis stream that holds the corpus without end; 0: there is no stream.
    pub shards: u64,
    /// How messages are made of the corpus.
    pub feed: FeedConfig,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
}

impl Default for StandinConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            corpus: None,
            bucket: "trail".to_owned(),
            queue: "trail".to_owned(),
            topic: "alerts".to_owned(),
            region: "eu-west-1".to_owned(),
            visibility: Duration::from_secs(30),
            max_receives: None,
            notify_puts: false,
            shards: 0,
            feed: FeedConfig::default(),
            faults: Vec::new(),
        }
    }
}

/// Why the stand-in does not start or has ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StandinError {
    /// A file of the corpus cannot be used.
    #[error("cannot load {path}: {error}")]
    Corpus {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is no file below the folder.
    #[error("cannot load {path}: no file in it (make one with: askance-gen corpus --out DIR)")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Number of the account that everything belongs to.
pub(crate) const ACCOUNT: &str = "123456789012";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes those who wait for messages.
    pub(crate) arrived: Notify,
}

/// The contents.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: StandinConfig,
    pub(crate) address: SocketAddr,
    pub(crate) objects: Objects,
    pub(crate) queues: BTreeMap<String, Queue>,
    pub(crate) topic: Topic,
    pub(crate) faults: Faults,
    pub(crate) feed: Feed,
    pub(crate) stream: Arc<Stream>,
    requests: BTreeMap<&'static str, u64>,
    failed: BTreeMap<&'static str, u64>,
    pub(crate) sent_bytes: u64,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), arrived: Notify::new() }
    }

    /// The contents, for a moment. A panic elsewhere is no reason to stop answering.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn new(
        config: StandinConfig,
        address: SocketAddr,
        feed: Feed,
        stream: Stream,
    ) -> Self {
        let mut objects = Objects::default();
        objects.create(&config.bucket);
        let dead = format!("{}-dead", config.queue);
        let redrive = config.max_receives.map(|limit| (limit, dead.clone()));
        let mut queues = BTreeMap::new();
        if redrive.is_some() {
            let own = QueueConfig { visibility: config.visibility, redrive: None };
            queues.insert(dead, Queue::new(own));
        }
        let own = QueueConfig { visibility: config.visibility, redrive };
        queues.insert(config.queue.clone(), Queue::new(own));
        let faults = Faults::new(config.faults.clone());
        Self {
            config,
            address,
            objects,
            queues,
            topic: Topic::default(),
            faults,
            feed,
            stream: Arc::new(stream),
            requests: BTreeMap::new(),
            failed: BTreeMap::new(),
            sent_bytes: 0,
        }
    }

    pub(crate) fn queue_url(&self, name: &str) -> String {
        format!("http://{}/{ACCOUNT}/{name}", self.address)
    }

    pub(crate) fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{name}", self.config.region)
    }

    pub(crate) fn topic_arn(&self) -> String {
        format!("arn:aws:sns:{}:{ACCOUNT}:{}", self.config.region, self.config.topic)
    }

    pub(crate) fn count(&mut self, operation: &'static str, is_failed: bool) {
        *self.requests.entry(operation).or_default() += 1;
        if is_failed {
            *self.failed.entry(operation).or_default() += 1;
        }
    }

    /// Tells the queue of an object in the bucket, `copies` times.
    pub(crate) fn notify(&mut self, key: &str, copies: u64, now: Instant) {
        let Some(content) = self.objects.bucket(&self.config.bucket).and_then(|all| all.get(key))
        else {
            return;
        };
        let Some(queue) = self.queues.get_mut(&self.config.queue) else { return };
        let number = queue.counts.sent + 1;
        let object = (key, content);
        let body = object_created(&self.config.region, &self.config.bucket, object, number);
        let md5 = super::content::md5(body.as_bytes());
        for _ in 0..copies {
            queue.send(body.clone(), md5.clone(), Duration::ZERO, now);
        }
    }

    /// What `GET /_stats` tells.
    pub(crate) fn stats(&mut self) -> Value {
        let now = Instant::now();
        let queue = |(name, queue): (&String, &mut Queue)| {
            let (visible, hidden) = queue.lengths(now);
            let counts = queue.counts;
            let told = json!({
                "visible": visible,
                "in_flight": hidden,
                "sent": counts.sent,
                "received": counts.received,
                "received_again": counts.again,
                "deleted": counts.deleted,
                "moved": counts.moved,
            });
            (name.clone(), told)
        };
        let queues: serde_json::Map<_, _> = self.queues.iter_mut().map(queue).collect();
        json!({
            "requests": self.requests,
            "failed_on_purpose": self.failed,
            "sent_bytes": self.sent_bytes,
            "feed": self.feed.stats(),
            "queues": queues,
            "published": self.topic.stats(),
        })
    }
}
