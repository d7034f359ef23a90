//! What lasts from life to life of the program, and one such life.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::faults::{Fault, Faults, Step};
use super::neighbours::{BUCKET, Durable, Neighbours, QUEUE_URL};
use super::store::FailingStore;
use crate::aws::Aws;
use crate::config;
use crate::runtime::clock::Clock;
use crate::runtime::plan::Plan;
use crate::runtime::service::{Bounds, OpenSink, Service, Stops};
use crate::secrets::Secrets;
use crate::sinks::{self, Notice, SendError, Sent, Sink, SinkContext};
use crate::sources;
use crate::store::sqlite::SqliteStore;
use crate::store::{OutboxChoice, Retention, Store};
use crate::telemetry::{Families, Health};

/// Lives after which everything must have come to its end.
const MOST_LIVES: usize = 12;

/// Time after which a life that has not ended by itself is a deadlock.
const LONGEST_LIFE: Duration = Duration::from_secs(6 * 3600);

/// Everything that lasts.
pub struct World {
    folder: tempfile::TempDir,
    durable: Arc<Durable>,
    told: Arc<Mutex<Vec<String>>>,
    faults: Arc<Faults>,
    plan: Arc<Plan>,
    /// From this step on the time of day is so many seconds off.
    clock_steps: Vec<(u64, i64)>,
}

/// Takes alerts, and fails where it is told to.
struct SimulatedSink {
    told: Arc<Mutex<Vec<String>>>,
    faults: Arc<Faults>,
}

#[async_trait]
impl Sink for SimulatedSink {
    fn max_batch(&self) -> usize {
        3
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut answers = Vec::new();
        for notice in notices {
            let step = self.faults.step("send").await;
            if matches!(step, Step::Go | Step::FailAfter) {
                self.told.lock().unwrap().push(notice.alert.id.clone());
            }
            answers.push(match step {
                Step::Go => Ok(Sent::default()),
                _ => Err(SendError::Down("simulated".to_owned())),
            });
        }
        answers
    }
}

fn event(id: usize) -> String {
    format!(
        "{{\"eventVersion\":\"1.11\",\"eventID\":\"e{id}\",\"eventTime\":\"2026-03-02T12:{id:02}:00Z\",\
         \"eventSource\":\"cloudtrail.amazonaws.com\",\"eventName\":\"StopLogging\",\
         \"awsRegion\":\"eu-west-1\",\"recipientAccountId\":\"111122223333\",\
         \"requestParameters\":{{\"name\":\"trail-{id}\"}},\
         \"userIdentity\":{{\"type\":\"IAMUser\",\"userName\":\"u\"}}}}"
    )
}

fn object(ids: &[usize]) -> Bytes {
    let events: Vec<String> = ids.iter().map(|id| event(*id)).collect();
    Bytes::from(format!("{{\"Records\":[{}]}}", events.join(",")))
}

impl World {
    /// Four objects in six messages with seven events, two of which stand in two objects.
    pub fn new(plan: Vec<(u64, Fault)>) -> Self {
        let shared = Path::new("/dev/shm");
        let folder =
            if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let objects = BTreeMap::from([
            ("a".to_owned(), object(&[1, 2])),
            ("b".to_owned(), object(&[2, 3, 4])),
            ("c".to_owned(), Bytes::from_static(b"{\"Records\":[")),
            ("d".to_owned(), object(&[5, 1])),
        ]);
        let durable = Durable::new(objects, &["a", "b", "a", "c", "d", "b"]);
        let text = "alerts: {merge_window: 0s}\nsinks: {file: {type: file, path: alerts.jsonl}, people: {type: stdout}}";
        let config = config::parse(text, Path::new("")).unwrap();
        Self {
            folder: folder.unwrap(),
            durable: Arc::new(durable),
            told: Arc::default(),
            faults: Arc::new(Faults::new(plan)),
            plan: Arc::new(Plan::build(&config, false, jiff::Timestamp::now()).unwrap()),
            clock_steps: Vec::new(),
        }
    }

    /// From each of these steps on the time of day is so many seconds off.
    pub fn with_clock_steps(mut self, steps: &[(u64, i64)]) -> Self {
        self.clock_steps = steps.to_vec();
        self
    }

    /// The time of day: it goes on with the clock that stands still, and steps where it is told to.
    fn clock(&self) -> Clock {
        let (began, day) = (tokio::time::Instant::now(), jiff::Timestamp::now());
        let (faults, steps) = (Arc::clone(&self.faults), self.clock_steps.clone());
        Clock::of(move || {
            let passed = jiff::SignedDuration::try_from(began.elapsed()).unwrap();
            let come_to = faults.count();
            let off = steps.iter().rev().find(|(at, _)| *at <= come_to).map_or(0, |(_, off)| *off);
            day + passed + jiff::SignedDuration::from_secs(off)
        })
    }

    /// Lets the program live until it ends by itself or crashes, and again, until nothing is left to
    /// do; then holds what is there against what must be.
    pub fn run(&self) -> Vec<&'static str> {
        for _ in 0..MOST_LIVES {
            let is_over = self.life();
            self.durable.show_all();
            if is_over {
                self.check();
                return self.faults.trace();
            }
        }
        panic!("not over after {MOST_LIVES} lives");
    }

    /// True if nothing is left to do.
    fn life(&self) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(&self.folder.path().join("askance.db")).await.unwrap();
            let store: Arc<dyn Store> = Arc::new(store);
            let crashed = self.faults.begin();
            let stops = Stops::default();
            let service = self.service(Arc::clone(&store)).await;
            let lived = tokio::time::timeout(LONGEST_LIFE, service.run(stops.clone()));
            let stopped = async {
                while !self.is_over(store.as_ref()).await {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                stops.stop.cancel();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = lived => ended.expect("a deadlock").unwrap(),
                () = crashed.cancelled() => return false,
                () = stopped => {}
            }
            self.is_over(store.as_ref()).await
        })
    }

    /// Every message is deleted, and every alert told.
    async fn is_over(&self, store: &dyn Store) -> bool {
        self.durable.is_empty() && store.outbox(&OutboxChoice::default()).await.unwrap().is_empty()
    }

    async fn service(&self, store: Arc<dyn Store>) -> Service {
        let (sender, current) = watch::channel(Arc::clone(&self.plan));
        // Nobody reloads here.
        std::mem::forget(sender);
        let families = Families::new();
        let aws = Aws::over(Neighbours {
            durable: Arc::clone(&self.durable),
            faults: Arc::clone(&self.faults),
        });
        let trail = format!(
            "sources: {{trail: {{type: s3_queue, queue_url: \"{QUEUE_URL}\", buckets: [{BUCKET}]}}}}"
        );
        let trail = config::parse(&trail, Path::new("")).unwrap().sources.remove("trail").unwrap();
        let source = sources::open("trail", &trail, &aws).await.unwrap();
        let context = SinkContext {
            name: "file".to_owned(),
            secrets: Secrets::new(aws.clone()),
            aws,
            languages: vec![config::Language::En],
        };
        let path = self.file();
        let file: OpenSink = Arc::new(move || {
            let (context, path) = (context.clone(), path.clone());
            let config = config::FileConfig { path, rotate_at: None, keep: 10 };
            Box::pin(async move { sinks::open(&config::SinkConfig::File(config), &context).await })
        });
        let (told, faults) = (Arc::clone(&self.told), Arc::clone(&self.faults));
        let people: OpenSink = Arc::new(move || {
            let sink = SimulatedSink { told: Arc::clone(&told), faults: Arc::clone(&faults) };
            Box::pin(async move { Ok(Box::new(sink) as Box<dyn Sink>) })
        });
        Service {
            sources: BTreeMap::from([("trail".to_owned(), Arc::from(source))]),
            sinks: BTreeMap::from([("file".to_owned(), file), ("people".to_owned(), people)]),
            rejects: None,
            store: Arc::new(FailingStore { inner: store, faults: Arc::clone(&self.faults) }),
            current,
            clock: self.clock(),
            families,
            health: Health::default(),
            bounds: Bounds {
                queue: 1 << 20,
                workers: None,
                shutdown: Duration::from_secs(30),
                give_up_after: Duration::from_secs(30 * 86_400),
                retention: Retention {
                    ledger: Duration::from_secs(30 * 86_400),
                    alerts: Duration::from_secs(400 * 86_400),
                    max_bytes: 1 << 30,
                },
                settles_at_end: false,
            },
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("alerts.jsonl")
    }

    fn check(&self) {
        let text = std::fs::read_to_string(self.file()).unwrap();
        let ids: Vec<String> = text
            .lines()
            .map(|line| {
                let alert: serde_json::Value = serde_json::from_str(line).unwrap();
                alert["id"].as_str().unwrap().to_owned()
            })
            .collect();
        let once: BTreeSet<&String> = ids.iter().collect();
        assert_eq!((ids.len(), once.len()), (5, 5), "each alert stands in the file exactly once");
        let told = self.told.lock().unwrap();
        let told: BTreeSet<&String> = told.iter().collect();
        assert_eq!(told, once, "each alert is told");
    }
}
