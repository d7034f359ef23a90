//! Runs objects through the engine on a fixed number of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use askance_stages::flow::{Detect, Output, Worker};
use askance_stages::model::{Reason, Reject};
use askance_stages::tally::Tally;

use super::turnstile::{Next, Turnstile};
use crate::sources::files::{Entry, Files, Opener};

/// Results that may wait for their turn, in bytes.
const BUDGET: usize = 24 << 20;

/// Results of one object that are handed on together, in bytes.
const BATCH: usize = 256 << 10;

/// What the receiver of results gets, in the order of the inputs.
#[derive(Debug)]
pub enum Event {
    /// Something found in the object of this path.
    Output(Output),
    /// Something that could not be read: its path, and what.
    Reject(String, Reject),
    /// An object is done: what was done with it.
    Done(Box<Tally>),
    /// A file was passed by for its name.
    Skipped,
}

/// What runs beside the results.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to stop soon.
    pub stop: AtomicBool,
    /// Packed bytes read so far.
    pub bytes: AtomicU64,
    /// Objects begun so far.
    pub objects: AtomicU64,
}

/// Runs all objects on `threads` workers and hands results to `receive` on this thread, until all
/// are done or `receive` answers false.
pub fn run(
    detect: &Detect,
    files: Files,
    threads: usize,
    control: &Control,
    mut receive: impl FnMut(Event) -> bool,
) {
    let turnstile = Turnstile::new(BUDGET);
    let queue = Mutex::new((0u64, files));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1))
            .map(|_| scope.spawn(|| work(detect, &queue, &turnstile, control)))
            .collect();
        // The end is known once every worker has seen the queue empty.
        let (turnstile, queue) = (&turnstile, &queue);
        scope.spawn(move || {
            for worker in workers {
                // A worker catches the panics of objects; its own would be seen as a missing result.
                let _ = worker.join();
            }
            let total = queue.lock().unwrap_or_else(PoisonError::into_inner).0;
            turnstile.close_after(total);
        });
        let mut is_wanted = true;
        while let Next::Items(events) = turnstile.take() {
            for event in events {
                if is_wanted && !receive(event) {
                    is_wanted = false;
                    control.stop.store(true, Ordering::Relaxed);
                }
            }
        }
    });
}

fn work(
    detect: &Detect,
    queue: &Mutex<(u64, Files)>,
    turnstile: &Turnstile<Event>,
    control: &Control,
) {
    let mut worker = Worker::new(detect);
    let mut opener = Opener::default();
    while !control.stop.load(Ordering::Relaxed) {
        let (number, entry) = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(entry) = queue.1.next() else { return };
            queue.0 += 1;
            (queue.0 - 1, entry)
        };
        control.objects.fetch_add(1, Ordering::Relaxed);
        let mut batch = Batch { turnstile, number, events: Vec::new(), size: 0 };
        if matches!(entry, Entry::Skipped) {
            batch.events.push(Event::Skipped);
        } else {
            let done = catch_unwind(AssertUnwindSafe(|| {
                object(&mut worker, &mut opener, &entry, &mut batch, control);
            }));
            if done.is_err() {
                // Buffers may be half changed: begin anew.
                worker = Worker::new(detect);
                let mut tally = Tally::default();
                tally.reject(Reason::Internal);
                batch
                    .reject(&path_of(&entry), Reject::new(Reason::Internal, 0, &[], String::new()));
                batch.push(Event::Done(Box::new(tally)), 256);
            }
        }
        turnstile.put(number, batch.events, batch.size, true);
    }
}

/// Results of one object on their way.
struct Batch<'b> {
    turnstile: &'b Turnstile<Event>,
    number: u64,
    events: Vec<Event>,
    size: usize,
}

impl Batch<'_> {
    fn push(&mut self, event: Event, size: usize) {
        self.events.push(event);
        self.size += size;
        if self.size >= BATCH {
            let events = std::mem::take(&mut self.events);
            let size = std::mem::take(&mut self.size);
            self.turnstile.put(self.number, events, size, false);
        }
    }

    fn reject(&mut self, path: &str, reject: Reject) {
        self.push(Event::Reject(path.to_owned(), reject), 512);
    }
}

fn path_of(entry: &Entry) -> String {
    match entry {
        Entry::File(path) | Entry::Unreadable(path, _) => shown(path),
        Entry::Stdin => "-".to_owned(),
        Entry::Skipped => String::new(),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn object(
    worker: &mut Worker<'_>,
    opener: &mut Opener,
    entry: &Entry,
    batch: &mut Batch<'_>,
    control: &Control,
) {
    let path = path_of(entry);
    let mut bytes_in = 0;
    let mut count = |bytes: u64| {
        bytes_in += bytes;
        control.bytes.fetch_add(bytes, Ordering::Relaxed);
    };
    let should_stop = || control.stop.load(Ordering::Relaxed);
    let opened = opener.open(entry, &should_stop, &mut count, |input| {
        let mut sink = |output: Output| match output {
            Output::Reject(reject) => batch.reject(&path, reject),
            Output::Alert(alert) => {
                let event = alert.event.as_ref().map_or(0, |event| event.get().len());
                batch.push(Event::Output(Output::Alert(alert)), 1024 + event);
            }
            Output::Entry(entry) => batch.push(Event::Output(Output::Entry(entry)), 1024),
            Output::Given(given) => batch.push(Event::Output(Output::Given(given)), 512),
            Output::Unknown(unknown) => batch.push(Event::Output(Output::Unknown(unknown)), 256),
        };
        worker.run(input, &path, &mut sink, &should_stop)
    });
    let tally = match opened {
        Ok(mut tally) => {
            tally.bytes_in = bytes_in;
            tally
        }
        Err(why) => {
            let mut tally = Tally::default();
            tally.reject(Reason::Unreadable);
            batch.reject(&path, Reject::new(Reason::Unreadable, 0, &[], why));
            tally
        }
    };
    batch.push(Event::Done(Box::new(tally)), 256);
}
