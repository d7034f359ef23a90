//! `kill -9` between any two steps of an object's way: nothing is lost, nothing stands twice.

use std::collections::BTreeMap;

use crate::corpus::objects;
use crate::place::Place;

/// The steps of the way, in their order. A kill falls after one and before whatever step is next, of
/// this object or another.
const POINTS: [&str; 7] =
    ["received", "fetched", "matched", "committed", "deleted", "sent", "marked_sent"];

/// Kills without `ASKANCE_KILLS`: one for each point.
const USUAL_KILLS: usize = POINTS.len();

/// More kills, if a point was missed: the program may take its next step before the signal comes.
const SPARE_KILLS: usize = 21;

const OBJECTS: usize = 300;

/// Kills the program between any two points while neighbours fail as they are told to, lets it run to
/// its end among neighbours that are well, and compares.
#[track_caller]
fn check(faults: &[&str]) {
    let wanted = match std::env::var("ASKANCE_KILLS") {
        Ok(text) => text.parse().expect("ASKANCE_KILLS is a number"),
        Err(_) => USUAL_KILLS,
    };
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    place.faults(faults);
    let home = place.home("visibility: 2s, concurrency: 6");
    let most = wanted + SPARE_KILLS;
    // Every start finds new objects, beside those that the one before it had in hand.
    let portions: Vec<_> = objects.chunks((OBJECTS / (most + 1)).max(1)).collect();
    assert!(portions.len() >= most, "{most} kills are more than {OBJECTS} objects are enough for");
    let mut kills: BTreeMap<&str, usize> = POINTS.iter().map(|point| (*point, 0)).collect();
    let mut done = 0;
    while done < wanted || (kills.values().any(|count| *count == 0) && done < most) {
        place.put(portions[done]);
        let fewest = *kills.values().min().unwrap();
        let point = *POINTS.iter().find(|point| kills[**point] == fewest).unwrap();
        let mut program = home.start();
        // Not always the first of them.
        for _ in 0..=done / POINTS.len() % 3 {
            program.until(point, |line| line["point"] == point);
        }
        let last = program.kill().unwrap();
        eprintln!("kill {}: meant after {point}, fell after {last}", done + 1);
        *kills.get_mut(last.as_str()).unwrap() += 1;
        done += 1;
    }
    place.put(&portions[done..].concat());
    place.faults(&[]);
    let program = home.start();
    place.until_done(&home);
    program.stop();

    for point in POINTS {
        eprintln!("{:3} kills fell after {point}", kills[point]);
    }
    let missed: Vec<_> = POINTS.iter().filter(|point| kills[**point] == 0).collect();
    assert!(missed.is_empty(), "no kill fell after {missed:?}");
    place.is_whole(&home, OBJECTS, &expected);
}

#[test]
fn nothing_is_lost_or_doubled_by_kills_between_any_two_points() {
    check(&[]);
}

#[test]
fn nothing_is_lost_or_doubled_by_kills_among_neighbours_in_trouble() {
    check(&[
        "GetObject@2-/5=cut:100",
        "GetObject@4-/5=status:503",
        "DeleteMessageBatch@2-/4=lost:500",
        "Publish@3-/5=lost:500",
        "Publish@4-/11=cut:0",
    ]);
}

#[test]
fn a_program_that_is_told_to_stop_gives_back_what_it_has_not_finished() {
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("visibility: 600s, concurrency: 6");
    for portion in objects.chunks(OBJECTS / 6) {
        place.put(portion);
        let mut program = home.start();
        for _ in 0..5 {
            program.until("an object", |line| line["point"] == "fetched");
        }
        program.stop();
        // What stayed hidden would be lost to this test, which does not wait for ten minutes.
        let queue = place.stats()["queues"]["trail"].clone();
        assert_eq!(queue["in_flight"], 0, "{queue}");
    }
    let program = home.start();
    place.until_done(&home);
    program.stop();
    place.is_whole(&home, OBJECTS, &expected);
}

#[test]
fn an_uninterrupted_run_gives_what_scan_gives() {
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("concurrency: 32");
    place.put(&objects);
    let program = home.start();
    place.until_done(&home);
    program.stop();
    place.is_whole(&home, OBJECTS, &expected);
}
