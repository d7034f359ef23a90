//! Threads that take objects from the intake and run them through the engine.
//!
//! What an object gives goes on as [`Delivery`]s, large results in several parts; the last part
//! carries the acknowledgement. Tests run the same work inline instead of on threads.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use askance_stages::decode::{Input, WHOLE_INPUT};
use askance_stages::flow::{Output, Worker};
use askance_stages::model::{Alert, Entry, Given, Reason, Reject, parse_time};
use askance_stages::tally::Tally;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::intake::Taken;
use super::plan::{Current, Plan};
use crate::sources::{Ack, Asked, Body, Envelope, Fence, Item, Object, Refused};
use crate::store::RejectRow;

/// Alerts of one object that are handed on together, in bytes.
const PART: usize = 1 << 20;

/// Rejects of one object that are kept with evidence; the rest is counted in one row.
const MAX_REJECTS: u64 = 100;

/// Results on their way to the store.
#[derive(Debug)]
pub struct Delivery {
    /// The source's name.
    pub source: Arc<str>,
    /// As in [`Object::key`].
    pub key: Option<String>,
    /// Alerts, in the order of the records.
    pub alerts: Vec<Alert>,
    /// Events for correlations.
    pub entries: Vec<Entry>,
    /// Keys that were given to somebody.
    pub given: Vec<Given>,
    /// It comes from a replay that tells people.
    pub is_historic: bool,
    /// What could not be read; `at` is filled in when it is committed.
    pub rejects: Vec<RejectRow>,
    /// What must hold when it is committed.
    pub fence: Option<Fence>,
    /// With the last part of an object.
    pub end: Option<End>,
}

/// The end of an object.
#[derive(Debug)]
pub struct End {
    /// What was done; `None` for what was refused by its source.
    pub tally: Option<Box<Tally>>,
    /// Alerts of all parts.
    pub alerts: u64,
    /// How long it took.
    pub took: Duration,
    /// How the source is told.
    pub ack: Ack,
}

/// Starts `count` threads; they end when the intake is closed and empty.
///
/// # Errors
/// When the system gives no more threads.
pub fn start(
    count: usize,
    current: &Current,
    taken: Taken,
    deliveries: &mpsc::Sender<Delivery>,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let taken = Arc::new(Mutex::new(taken));
    (0..count.max(1))
        .map(|number| {
            let (current, taken, deliveries) =
                (current.clone(), Arc::clone(&taken), deliveries.clone());
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                let next = || taken.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                // Nobody listens any more only when the program ends at once.
                work(current, next, |delivery| deliveries.blocking_send(delivery).is_ok());
            })
        })
        .collect()
}

fn work(
    mut current: Current,
    mut next: impl FnMut() -> Option<Envelope>,
    mut deliver: impl FnMut(Delivery) -> bool,
) {
    let mut waiting = next();
    while waiting.is_some() {
        let plan = Arc::clone(&current.borrow_and_update());
        let mut worker = Worker::new(&plan.detect);
        while let Some(envelope) = waiting.take() {
            // A new plan begins with the next object.
            if current.has_changed().unwrap_or(false) {
                waiting = Some(envelope);
                break;
            }
            if !envelope_done(&plan, &mut worker, envelope, &mut deliver) {
                return;
            }
            waiting = next();
        }
    }
}

/// Does the work of threads on the task that calls it: for tests whose clock stands still.
pub async fn run_inline(current: Current, mut taken: Taken, deliveries: mpsc::Sender<Delivery>) {
    while let Some(envelope) = taken.recv().await {
        let plan = Arc::clone(&current.borrow());
        let mut parts = Vec::new();
        {
            let mut worker = Worker::new(&plan.detect);
            envelope_done(&plan, &mut worker, envelope, &mut |delivery| {
                parts.push(delivery);
                true
            });
        }
        for part in parts {
            if deliveries.send(part).await.is_err() {
                return;
            }
        }
    }
}

/// Works on one envelope; false if nobody takes results any more.
fn envelope_done<'p>(
    plan: &'p Plan,
    worker: &mut Worker<'p>,
    envelope: Envelope,
    deliver: &mut dyn FnMut(Delivery) -> bool,
) -> bool {
    match envelope.item {
        Item::Refused(refused) => deliver(refusal(refused, envelope.ack)),
        Item::Object(object) => run(plan, worker, object, envelope.ack, deliver),
    }
}

fn refusal(refused: Refused, ack: Ack) -> Delivery {
    let row = RejectRow {
        at: String::new(),
        source: refused.source.to_string(),
        origin: refused.path,
        reason: refused.reason.to_owned(),
        offset: 0,
        detail: refused.detail,
        evidence: String::from_utf8_lossy(&refused.evidence).into_owned(),
    };
    Delivery {
        source: refused.source,
        key: refused.key,
        alerts: Vec::new(),
        entries: Vec::new(),
        given: Vec::new(),
        is_historic: false,
        rejects: vec![row],
        fence: ack.fence().cloned(),
        end: Some(End { tally: None, alerts: 0, took: Duration::ZERO, ack }),
    }
}

/// Results of one object that were not handed on yet.
struct Parts<'p> {
    source: &'p Arc<str>,
    path: String,
    key: &'p Option<String>,
    asked: Option<&'p Asked>,
    fence: Option<Fence>,
    alerts: Vec<Alert>,
    entries: Vec<Entry>,
    given: Vec<Given>,
    size: usize,
    count: u64,
    rejects: Vec<RejectRow>,
    rejected: u64,
    deliver: &'p mut dyn FnMut(Delivery) -> bool,
    is_wanted: bool,
}

impl Parts<'_> {
    fn take(&mut self, output: Output) {
        match output {
            Output::Alert(mut alert) => {
                let time = alert.time.as_deref().and_then(parse_time);
                if !self.is_asked(time, alert.account.as_deref(), alert.region.as_deref()) {
                    return;
                }
                alert.is_historic = self.is_historic();
                self.size += 1024 + alert.event.as_ref().map_or(0, |event| event.get().len());
                self.count += 1;
                self.alerts.push(*alert);
                self.hand_on();
            }
            Output::Reject(reject) => self.reject(&reject),
            Output::Entry(entry) => {
                let who = &entry.summary.who;
                if !self.is_asked(Some(entry.time), who.account(), who.region()) {
                    return;
                }
                self.size += 1024;
                self.entries.push(*entry);
                self.hand_on();
            }
            Output::Given(given) => {
                self.size += 512;
                self.given.push(*given);
                self.hand_on();
            }
            // Counted by rule in the tally.
            Output::Unknown(_) => {}
        }
    }

    /// True unless a replay asked for other times, accounts or regions.
    fn is_asked(
        &self,
        time: Option<Timestamp>,
        account: Option<&str>,
        region: Option<&str>,
    ) -> bool {
        self.asked.is_none_or(|it| it.filter.reason_to_drop(time, account, region).is_none())
    }

    fn is_historic(&self) -> bool {
        self.asked.is_some_and(|asked| asked.is_historic)
    }

    /// Hands on what there is once it is much.
    fn hand_on(&mut self) {
        if self.size >= PART {
            let part = self.part(None);
            self.is_wanted = self.is_wanted && (self.deliver)(part);
        }
    }

    fn reject(&mut self, reject: &Reject) {
        self.rejected += 1;
        if self.rejected <= MAX_REJECTS {
            let evidence = String::from_utf8_lossy(&reject.evidence).into_owned();
            let detail = reject.detail.clone();
            let row = self.row(reject.reason.name(), reject.offset, detail, evidence);
            self.rejects.push(row);
        }
    }

    fn row(&self, reason: &str, offset: u64, detail: String, evidence: String) -> RejectRow {
        RejectRow {
            at: String::new(),
            source: self.source.to_string(),
            origin: self.path.clone(),
            reason: reason.to_owned(),
            offset,
            detail,
            evidence,
        }
    }

    fn part(&mut self, end: Option<End>) -> Delivery {
        self.size = 0;
        Delivery {
            source: Arc::clone(self.source),
            key: self.key.clone(),
            alerts: std::mem::take(&mut self.alerts),
            entries: std::mem::take(&mut self.entries),
            given: std::mem::take(&mut self.given),
            is_historic: self.is_historic(),
            rejects: std::mem::take(&mut self.rejects),
            fence: self.fence.clone(),
            end,
        }
    }
}

fn run<'p>(
    plan: &'p Plan,
    worker: &mut Worker<'p>,
    object: Object,
    ack: Ack,
    deliver: &mut dyn FnMut(Delivery) -> bool,
) -> bool {
    let began = Instant::now();
    let Object { key, source, path, mut body, hold, asked } = object;
    let mut parts = Parts {
        source: &source,
        path: path.clone(),
        key: &key,
        asked: asked.as_deref(),
        fence: ack.fence().cloned(),
        alerts: Vec::new(),
        entries: Vec::new(),
        given: Vec::new(),
        size: 0,
        count: 0,
        rejects: Vec::new(),
        rejected: 0,
        deliver,
        is_wanted: true,
    };
    let done = catch_unwind(AssertUnwindSafe(|| read(worker, &mut body, &path, &mut parts)));
    drop(body);
    let tally = done.unwrap_or_else(|_| {
        // Buffers may be half changed: begin anew. What was found before is kept.
        *worker = Worker::new(&plan.detect);
        let mut tally = Tally::default();
        tally.reject(Reason::Internal);
        parts.reject(&Reject::new(Reason::Internal, 0, &[], String::new()));
        tally
    });
    parts.path = path;
    // The bytes are gone; results are bounded by the way to the store.
    drop(hold);
    if parts.rejected > MAX_REJECTS {
        let more = parts.rejected - MAX_REJECTS;
        let detail = format!("{more} more rejects of this object, counted and not kept");
        let row = parts.row("more", 0, detail, String::new());
        parts.rejects.push(row);
    }
    let alerts = parts.count;
    let end = End { tally: Some(Box::new(tally)), alerts, took: began.elapsed(), ack };
    let last = parts.part(Some(end));
    parts.is_wanted && (parts.deliver)(last)
}

fn read(worker: &mut Worker<'_>, body: &mut Body, path: &str, parts: &mut Parts<'_>) -> Tally {
    match body {
        Body::Bytes(bytes) => {
            let mut tally =
                worker.run(Input::Whole(bytes), path, &mut |output| parts.take(output), &|| false);
            tally.bytes_in = bytes.len() as u64;
            tally
        }
        Body::Batch(batch) => {
            let mut tally = Tally::default();
            for part in batch.parts.drain(..) {
                // What is rejected is found by its record's address.
                parts.path.clone_from(&part.path);
                let options = (part.skip, batch.range);
                let sink = &mut |output| parts.take(output);
                let done = worker.run_record(&part.data, options, &part.path, sink, &|| false);
                tally.add(&done);
                tally.bytes_in += part.data.len() as u64;
            }
            tally
        }
        Body::File(file) => {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let mut head = Vec::new();
            let mut failed = None;
            if let Err(error) = file.by_ref().take(WHOLE_INPUT as u64).read_to_end(&mut head) {
                failed = Some(error.to_string());
            }
            let sink = &mut |output: Output| parts.take(output);
            let mut tally = match failed {
                Some(why) => {
                    let mut tally = Tally::default();
                    tally.reject(Reason::Unreadable);
                    sink(Output::Reject(Reject::new(Reason::Unreadable, 0, &[], why)));
                    tally
                }
                None if head.len() < WHOLE_INPUT => {
                    worker.run(Input::Whole(&head), path, sink, &|| false)
                }
                None => worker.run(Input::Parts(&head, file), path, sink, &|| false),
            };
            tally.bytes_in = length;
            tally
        }
    }
}
