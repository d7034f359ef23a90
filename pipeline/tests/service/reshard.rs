//! A stream that is resharded under load, or deleted and made anew, while the program is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::corpus::{ids, objects, scanned};
use crate::place::ALERTS;
use crate::program::{Home, Program, get, wait};
use crate::stream::Stream;
use crate::stream_place::{Row, StreamPlace};

/// Steps of a test: something is put in each.
const STEPS: usize = 12;

/// Objects of a step; every second one holds an incident.
const PORTION: usize = 4;

const KILLS: usize = 10;

/// 1 shard, 2, 4, 8, then fewer until there are 3.
fn reshard(stream: &Stream, step: usize) {
    let open = stream.open();
    match step {
        1..=3 => open.iter().for_each(|shard| stream.split(shard)),
        5.. if open.len() > 3 => {
            let low = fastrand::usize(..open.len() - 1);
            stream.merge(&open[low], &open[low + 1]);
        }
        _ => {}
    }
}

/// Looks at the table of leases until told to stop; answers what must not be seen there.
///
/// That is: a position that goes back, and a shard that is begun before each of its parents is at its
/// end or gone. One scan sees the table at one moment.
fn watch(place: &StreamPlace, is_over: &AtomicBool) -> (usize, BTreeSet<String>) {
    let mut before: BTreeMap<String, Row> = BTreeMap::new();
    let (mut looks, mut wrong) = (0, BTreeSet::new());
    while !is_over.load(Ordering::SeqCst) {
        let leases = place.leases();
        looks += 1;
        for (shard, row) in &leases {
            if before.get(shard).is_some_and(|known| row.reached() < known.reached()) {
                let known = &before[shard].checkpoint;
                wrong.insert(format!("{shard} goes back from {known} to {}", row.checkpoint));
            }
            let is_over = |parent: &String| {
                leases.get(parent).is_none_or(|parent| parent.checkpoint == "SHARD_END")
            };
            if row.reached().0 > 0 && !row.parents.iter().all(is_over) {
                wrong.insert(format!("{shard} is begun before the end of {:?}", row.parents));
            }
        }
        before.extend(leases);
        std::thread::sleep(Duration::from_millis(200));
    }
    (looks, wrong)
}

/// Puts, reshards, kills and starts again.
fn torment(place: &StreamPlace, homes: &[Home; 2], portions: &[&[crate::corpus::Object]]) {
    let mut programs: Vec<Option<Program>> = homes.iter().map(|home| Some(home.start())).collect();
    let mut kills = 0;
    for (step, portion) in portions.iter().enumerate() {
        let given = place.stream.given();
        // Records before and behind each change, some of them in shards that close at once.
        let (first, second) = portion.split_at(portion.len() / 2);
        first.iter().for_each(|object| place.put(object));
        reshard(&place.stream, step);
        second.iter().for_each(|object| place.put(object));
        if step == 0 || kills == KILLS {
            continue;
        }
        // In the middle of reading, or soon after it.
        wait("something is read", || place.stream.given() > given);
        std::thread::sleep(Duration::from_millis(fastrand::u64(..300)));
        let which = step % homes.len();
        drop(programs[which].take().unwrap().kill());
        kills += 1;
        programs[which] = Some(homes[which].start());
    }
    assert_eq!((kills, place.stream.open().len()), (KILLS, 3));
    wait("everything is read", || place.is_read());
    wait("everything is sent", || homes.iter().all(|home| home.waiting() == 0));
    programs.into_iter().flatten().for_each(|program| drop(program.stop()));
}

#[test]
fn a_reshard_under_load_and_kills_loses_nothing() {
    fastrand::seed(20_260_302);
    let (objects, expected) = objects(STEPS * PORTION);
    let portions: Vec<_> = objects.chunks(PORTION).collect();
    let place = StreamPlace::new();
    let more = "initial_position: trim_horizon, failover: 3s, poll: 200ms, max_records: 5";
    let homes = [place.home(more), place.home(more)];
    let is_over = AtomicBool::new(false);
    let (looks, wrong) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&place, &is_over));
        // Whatever comes of it, the watch ends.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            torment(&place, &homes, &portions);
        }));
        is_over.store(true, Ordering::SeqCst);
        let watched = watching.join().unwrap();
        if let Err(panic) = done {
            eprintln!("{:#?}\n{:#?}", place.leases(), place.stream.last());
            std::panic::resume_unwind(panic);
        }
        watched
    });
    eprintln!("{} records were given out, {looks} looks at the leases", place.stream.given());

    // The order: of shards by the stream and by the table, within a shard by the table.
    assert_eq!(wrong, BTreeSet::new());
    assert_eq!(place.stream.wrong(), Vec::<String>::new());
    assert!(looks > 20, "{looks} looks");
    let leases = place.leases();
    let open = place.stream.open();
    assert!(open.iter().all(|shard| leases.contains_key(shard)), "{open:?} in {leases:?}");

    // Nothing is lost, and in a store and its file nothing stands twice.
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut doubles = Vec::new();
    for home in &homes {
        let alerts = home.alerts(ALERTS);
        let listed = home.ask(&["alerts", "list", "--limit", "10000"]);
        assert_eq!(ids(&alerts), ids(&listed), "the file and the store");
        assert!(home.ask(&["rejects", "list"]).is_empty());
        for alert in alerts {
            let origin = alert["origin"]["path"].as_str().unwrap().to_owned();
            let origins = told.entry(alert["id"].as_str().unwrap().to_owned()).or_default();
            if !origins.insert(origin.clone()) {
                doubles.push(origin);
            }
        }
    }
    assert_eq!(told.into_keys().collect::<BTreeSet<_>>(), expected);
    // Each process knows what it has told itself: what both have told of one record came to both, since
    // its reader was killed or lost its lease before it had noted how far it was.
    eprintln!("told by both: {doubles:?}");
    for origin in doubles {
        let (_, sequence) = origin.rsplit_once('/').unwrap();
        let sequence = sequence.split('#').next().unwrap();
        assert!(place.stream.times(sequence) > 1, "{origin} was told twice and read once");
    }
}

#[test]
fn a_stream_that_is_made_anew_is_read_from_its_beginning() {
    let (objects, expected) = objects(3 * PORTION);
    let portions: Vec<_> = objects.chunks(PORTION).collect();
    let place = StreamPlace::new();
    let home = place.home("initial_position: latest, failover: 1s, poll: 200ms");
    let mut program = home.start();
    place.stream.split(&place.stream.open()[0]);
    let found = || ids(&home.ask(&["alerts", "list", "--limit", "10000"]));
    let tell = |portion: &[crate::corpus::Object]| {
        portion.iter().for_each(|object| place.put(object));
    };
    tell(portions[0]);
    let first = scanned(portions[0]);
    wait("the first alerts are there", || found() == first && place.is_read());

    place.stream.delete();
    let ready = format!("{}/readyz", program.pages());
    wait("it says that the stream is gone", || {
        let (status, text) = get(&ready);
        status == 503 && text.contains("check its name and region")
    });
    // The ids of the old shards stand for others now.
    place.stream.create(3);
    tell(portions[1]);
    program.until("that the old leases are removed", |line: &Value| {
        line["message"].as_str().is_some_and(|text| text.contains("had this name before"))
    });
    tell(portions[2]);
    wait("all alerts are there", || found() == expected && place.is_read());
    wait("all alerts are told", || home.waiting() == 0);
    wait("it is ready", || get(&ready).0 == 200);
    let (_, metrics) = get(&ready.replace("readyz", "metrics"));
    let count = "askance_kinesis_failures_total{reason=\"made_anew\",source=\"live\"} 1";
    assert!(metrics.lines().any(|line| line == count), "{metrics}");
    let leases = place.leases();
    let shards: Vec<String> = (0..3).map(|number| format!("shardId-{number:012}")).collect();
    assert_eq!(leases.keys().cloned().collect::<Vec<_>>(), shards);
    assert!(leases.values().all(|row| row.epoch.as_deref() == Some("1700000001")), "{leases:?}");
    program.stop();
    assert_eq!(ids(&home.alerts(ALERTS)), expected);
}
