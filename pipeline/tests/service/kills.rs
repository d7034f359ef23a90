//! `kill -9` between any two steps of an object's way: nothing is lost, nothing stands twice.

use std::collections::BTreeMap;

use crate::corpus::objects;
use crate::place::Place;

/// The steps of the way, in their order.
const POINTS: [&str; 7] =
    ["received", "fetched", "matched", "committed", "deleted", "sent", "marked_sent"];

/// Kills without `ASKANCE_KILLS`: one for each point.
const USUAL_KILLS: usize = POINTS.len();

/// More kills, if a point was missed: the program may take its next step before the signal comes.
const SPARE_KILLS: usize = 21;

const OBJECTS: usize = 300;

/// Between a point and the next of the same object, or another object's.
fn interval(point: &str) -> String {
    format!("after {point}")
}

#[test]
fn nothing_is_lost_or_doubled_by_kills_between_any_two_points() {
    let wanted = match std::env::var("ASKANCE_KILLS") {
        Ok(text) => text.parse().expect("ASKANCE_KILLS is a number"),
        Err(_) => USUAL_KILLS,
    };
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("visibility: 2s, concurrency: 6");
    let most = wanted + SPARE_KILLS;
    // Every start finds new objects, beside those that the one before it had in hand.
    let portions: Vec<_> = objects.chunks(OBJECTS / (most + 1)).collect();
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
    let rest = portions[done.min(portions.len())..].concat();
    place.put(&rest);
    let program = home.start();
    place.until_done(&home);
    program.stop();

    for point in POINTS {
        eprintln!("{:3} kills {}", kills[point], interval(point));
    }
    let missed: Vec<_> = POINTS.iter().filter(|point| kills[**point] == 0).collect();
    assert!(missed.is_empty(), "no kill fell after {missed:?}");
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
