//! What every source does, whatever it reads: the suite that all of them pass.
//!
//! A place is something to put lines into; each line comes out of its source once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::double::{Runtime, bytes_of, until};
use crate::sources::Source;

/// Something that a source reads.
#[async_trait]
pub trait Place {
    /// Puts an object of that name with one line in it.
    async fn put(&mut self, name: &str, line: &str);

    /// A source of it; each is a start of the program.
    fn open(&self) -> Box<dyn Source>;

    /// Waits until everything that was put is acknowledged.
    async fn is_acknowledged(&mut self);

    /// Is nothing acknowledged?
    async fn is_not_acknowledged(&mut self);

    /// Makes it so that it cannot be reached.
    async fn break_off(&mut self);

    /// Makes it well again.
    async fn mend(&mut self);
}

/// Long enough for something that should not come.
const WHILE: Duration = Duration::from_millis(700);

fn line(number: usize) -> String {
    format!("{{\"number\":{number}}}")
}

async fn put(place: &mut dyn Place, numbers: std::ops::Range<usize>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for number in numbers {
        place.put(&format!("object-{number}.json"), &line(number)).await;
        lines.insert(line(number));
    }
    lines
}

/// Takes lines until there are so many, and commits them; none comes twice.
async fn take(runtime: &mut Runtime, count: usize) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    while lines.len() < count {
        let (path, bytes) = runtime.commit_next().await;
        for line in String::from_utf8(bytes).unwrap().lines() {
            assert!(lines.insert(line.to_owned()), "{line} came twice, now from {path}");
        }
    }
    lines
}

/// Everything that is put in comes out once.
pub async fn everything_comes_out_once(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    let early = put(place, 0..10).await;
    let running = runtime.run(place.open());
    assert_eq!(take(&mut runtime, 10).await, early);
    let late = put(place, 10..20).await;
    assert_eq!(take(&mut runtime, 10).await, late);
    place.is_acknowledged().await;
    runtime.nothing_comes(WHILE).await;
    assert_eq!(runtime.families.source_in_flight.with_label_values(&["place"]).get(), 0);
    running.stopped().await;
    assert_eq!(runtime.families.queue_bytes.get(), 0, "every byte of memory is given back");
}

/// Nothing is acknowledged before its verdict, however long that takes.
pub async fn nothing_is_acknowledged_before_it_is_done(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    put(place, 0..1).await;
    let running = runtime.run(place.open());
    let (object, ack) = runtime.next_object().await;
    // Longer than places hide what was taken.
    runtime.nothing_comes(Duration::from_secs(5)).await;
    place.is_not_acknowledged().await;
    object.key.iter().for_each(|key| runtime.ledger.note(key));
    drop(object);
    ack.done();
    place.is_acknowledged().await;
    running.stopped().await;
}

/// What is given back comes again.
pub async fn what_is_given_back_comes_again(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    let lines = put(place, 0..1).await;
    let running = runtime.run(place.open());
    let (object, ack) = runtime.next_object().await;
    let first = bytes_of(&object);
    drop((object, ack));
    assert_eq!(take(&mut runtime, 1).await, lines);
    assert_eq!(first.trim_ascii(), line(0).as_bytes());
    place.is_acknowledged().await;
    running.stopped().await;
}

/// What is done is not read again by the next start, whether it was acknowledged or not.
pub async fn a_restart_reads_nothing_twice(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    put(place, 0..3).await;
    let running = runtime.run(place.open());
    take(&mut runtime, 2).await;
    let (object, ack) = runtime.next_object().await;
    // It is committed, and the program dies before it is acknowledged.
    object.key.iter().for_each(|key| runtime.ledger.note(key));
    drop(object);
    running.crash();
    drop(ack);
    let again = runtime.run(place.open());
    let late = put(place, 3..4).await;
    assert_eq!(take(&mut runtime, 1).await, late);
    place.is_acknowledged().await;
    runtime.nothing_comes(WHILE).await;
    again.stopped().await;
}

/// Being told to stop ends it in bounded time, once what is in hand is done, and nothing is lost.
pub async fn stop_ends_it_and_loses_nothing(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    let mut lines = put(place, 0..12).await;
    let running = runtime.run(place.open());
    let (object, ack) = runtime.next_object().await;
    running.stop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!running.is_over(), "what is in hand is not at its end");
    let began = Instant::now();
    for line in String::from_utf8(bytes_of(&object)).unwrap().lines() {
        lines.remove(line);
    }
    object.key.iter().for_each(|key| runtime.ledger.note(key));
    drop(object);
    ack.done();
    // Others may be in hand, too: they are given back.
    let refused = async {
        loop {
            drop(runtime.next().await);
        }
    };
    tokio::select! {
        ended = running.ended() => ended.unwrap(),
        () = refused => {}
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    let again = runtime.run(place.open());
    assert_eq!(take(&mut runtime, lines.len()).await, lines);
    place.is_acknowledged().await;
    again.stopped().await;
}

/// A place that cannot be reached is tried again after pauses, which is told, and read once it can.
pub async fn an_unreachable_place_recovers(place: &mut dyn Place) {
    let mut runtime = Runtime::new();
    place.break_off().await;
    let running = runtime.run(place.open());
    until("the trouble is told", || !runtime.health.why_unready().is_empty()).await;
    tokio::time::sleep(WHILE).await;
    let errors = runtime.errors();
    assert!((1..20).contains(&errors), "{errors} attempts: a hot loop");
    assert_eq!(runtime.families.source_up.with_label_values(&["place"]).get(), 0);
    place.mend().await;
    let lines = put(place, 0..1).await;
    assert_eq!(take(&mut runtime, 1).await, lines);
    until("it is well again", || runtime.health.why_unready().is_empty()).await;
    assert_eq!(runtime.families.source_up.with_label_values(&["place"]).get(), 1);
    running.stopped().await;
}
