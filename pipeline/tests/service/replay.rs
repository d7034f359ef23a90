//! `askance replay` as a program: against the stand-in, where many objects and faults count.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::corpus::{Object, ids, objects, scanned, trail, trail_files, unpack};
use crate::place::{ALERTS, Place};
use crate::program::{Home, json_lines, scan, wait};

const OBJECTS: usize = 200;

const MARCH: [&str; 4] = ["--from", "2026-03-01", "--to", "2026-03-31"];

/// A bucket with a past, and a home whose configuration reaches it.
struct Past {
    place: Place,
    home: Home,
}

impl Past {
    fn new() -> Self {
        let place = Place::new();
        let home = place.home("");
        Self { place, home }
    }

    fn with(objects: &[Object]) -> Self {
        let past = Self::new();
        objects.iter().for_each(|object| past.place.put_one(&object.key, &object.bytes));
        past
    }

    /// So many objects come as a stream and are told of, the others are only there; answers the ids
    /// that were told.
    fn stream_first(&self, objects: &[Object], count: usize) -> BTreeSet<String> {
        self.place.put(&objects[..count]);
        let program = self.home.start();
        self.place.until_done(&self.home);
        program.stop();
        let streamed = self.place.published();
        objects[count..].iter().for_each(|object| self.place.put_one(&object.key, &object.bytes));
        streamed
    }

    /// Arguments of a replay of the bucket.
    fn args<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let common = ["replay", "--config", "askance.yaml", "--jobs-dir", "jobs"];
        [&common, more].concat()
    }

    /// Runs a replay to its end.
    #[track_caller]
    fn replay(&self, more: &[&str]) -> (i32, String, String) {
        self.home.run(&self.args(more))
    }

    /// Alerts of a replay that ends well.
    #[track_caller]
    fn found(&self, more: &[&str]) -> Vec<Value> {
        let (code, out, err) = self.replay(&[more, &["--format", "jsonl"]].concat());
        assert_eq!(code, 0, "{err}");
        json_lines(&out)
    }
}

#[test]
fn a_replay_finds_what_scan_finds_and_tells_its_plan() {
    let past = Past::new();
    for (key, bytes) in trail_files() {
        past.place.put_one(&key, &bytes);
    }
    let args = [&["s3://trail/"], &MARCH[..]].concat();
    let (code, out, err) = past.replay(&[&args[..], &["--format", "jsonl"]].concat());
    assert_eq!(code, 0, "{err}");
    let expected = scan(&trail());
    assert!(!expected.is_empty());
    let found = json_lines(&out);
    assert_eq!(ids(&found), ids(&expected));
    assert!(found.iter().all(|alert| alert.get("historic").is_none()));
    assert!(err.starts_with("plan: "), "{err}");
    assert!(err.contains("cost: ") && err.contains("time: about "), "{err}");
    // Nobody was told, and the configuration's store was not touched.
    assert!(past.home.alerts(ALERTS).is_empty() && past.place.published().is_empty());
    assert!(!past.home.path("askance.db").exists());
}

#[test]
fn an_interrupted_replay_goes_on_and_ends_with_the_same_results() {
    let (objects, expected) = objects(OBJECTS);
    let past = Past::with(&objects);
    let args =
        [&["s3://trail", "--quiet", "--concurrency", "4", "--job", "march"], &MARCH[..]].concat();
    for point in ["fetched", "matched", "committed", "fetched"] {
        let mut program = past.home.launch(&past.args(&args));
        for _ in 0..3 {
            program.until(point, |line| line["point"] == point);
        }
        program.kill();
        let (code, out, err) =
            past.home.run(&["replay", "jobs", "march", "--json", "--jobs-dir", "jobs"]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(json_lines(&out)[0]["state"], "interrupted");
    }
    let found = past.found(&["--job", "march"]);
    assert_eq!(ids(&found), expected);
    let (_, out, _) = past.home.run(&["replay", "jobs", "march", "--json", "--jobs-dir", "jobs"]);
    let job = &json_lines(&out)[0];
    assert_eq!((&job["state"], &job["objects"]), (&Value::from("done"), &Value::from(OBJECTS)));
    // Asked again, it tells the same and fetches nothing.
    let before = past.place.stats()["requests"]["GetObject"].clone();
    assert_eq!(ids(&past.found(&["--job", "march"])), expected);
    assert_eq!(past.place.stats()["requests"]["GetObject"], before);
    let (_, out, _) = past.home.run(&["replay", "jobs", "--jobs-dir", "jobs"]);
    assert!(out.contains("march") && out.contains("200 of 200"), "{out}");
}

#[test]
fn slow_down_cut_bodies_and_failures_lose_nothing() {
    let (objects, expected) = objects(OBJECTS);
    let past = Past::with(&objects);
    past.place.faults(&[
        "GetObject@1-40/2=status:503:SlowDown",
        "GetObject@41-/7=cut:100",
        "ListObjectsV2@2-9/3=status:503:SlowDown",
        "GetObject@50-/11=status:500",
    ]);
    let args = [&["s3://trail", "--format", "jsonl"], &MARCH[..]].concat();
    let (code, out, err) = past.replay(&args);
    assert_eq!(code, 0, "{err}");
    assert_eq!(ids(&json_lines(&out)), expected);
    assert!(err.contains("S3 asked for fewer requests"), "{err}");
}

#[test]
fn edges_are_those_of_events_and_not_of_files() {
    let past = Past::new();
    for (key, bytes) in trail_files() {
        past.place.put_one(&key, &bytes);
    }
    let all = scan(&trail());
    let mut times: Vec<&str> = all.iter().map(|alert| alert["time"].as_str().unwrap()).collect();
    times.sort_unstable();
    let (from, to) = (times[times.len() / 3], times[times.len() * 2 / 3]);
    assert!(from < to);
    let is_in = |alert: &&Value| (from..to).contains(&alert["time"].as_str().unwrap());
    let expected: Vec<Value> = all.iter().filter(is_in).cloned().collect();
    let found = past.found(&["s3://trail/AWSLogs", "--from", from, "--to", to]);
    assert_eq!(ids(&found), ids(&expected));
    assert!(!found.is_empty() && found.len() < all.len());
}

#[test]
fn a_replay_to_sinks_marks_what_it_tells_and_tells_nothing_twice() {
    let (objects, expected) = objects(40);
    let past = Past::new();
    let streamed = past.stream_first(&objects, 20);
    assert!(!streamed.is_empty() && streamed.len() < expected.len());

    let args = [&["s3://trail", "--to-sinks", "--job", "all"], &MARCH[..]].concat();
    let (code, out, err) = past.replay(&args);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(past.place.published(), expected);
    let told = past.home.alerts(ALERTS);
    assert_eq!(ids(&told), expected);
    for alert in &told {
        let was_streamed = streamed.contains(alert["id"].as_str().unwrap());
        assert_eq!(alert["historic"] == true, !was_streamed, "{alert}");
    }
    // Another job over the same raises nothing more.
    let args = [&["s3://trail", "--to-sinks", "--job", "again"], &MARCH[..]].concat();
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 0, "{err}");
    assert_eq!(past.home.alerts(ALERTS).len(), expected.len());
}

#[test]
fn a_dry_run_reads_nothing_and_leaves_nothing() {
    let (objects, _) = objects(20);
    let past = Past::with(&objects);
    let (code, out, err) =
        past.replay(&[&["s3://trail/AWSLogs/", "--dry-run"], &MARCH[..]].concat());
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.starts_with("plan: 20 objects ("), "{err}");
    assert!(past.place.stats()["requests"]["GetObject"].is_null());
    assert!(!past.home.path("jobs").exists());
}

#[test]
fn digests_and_other_folders_are_passed_by() {
    let (objects, expected) = objects(20);
    let past = Past::with(&objects);
    let account = "AWSLogs/123456789012";
    let day = "2026/03/02";
    for key in [
        format!("{account}/CloudTrail-Digest/us-east-1/{day}/digest.json.gz"),
        format!("{account}/Config/us-east-1/{day}/config.json.gz"),
        format!("{account}/CloudTrail/us-east-1/{day}/folder/"),
        "other/notes.txt".to_owned(),
    ] {
        past.place.put_one(&key, b"no events");
    }
    let found = past.found(&[&["s3://trail"], &MARCH[..]].concat());
    assert_eq!(ids(&found), expected);
}

#[test]
fn a_prefix_without_a_trail_is_told_with_what_is_there() {
    let (objects, _) = objects(20);
    let past = Past::with(&objects);
    let (code, out, err) = past.replay(&[&["s3://trail/logs/AWSLogs"], &MARCH[..]].concat());
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains(
            "nothing of CloudTrail is in s3://trail/logs/AWSLogs/ for 2026-02-28 to 2026-04-01"
        ),
        "{err}"
    );
    assert!(err.contains("in s3://trail/ there are: AWSLogs/"), "{err}");
    let other_days = ["s3://trail", "--from", "2025-01-01", "--to", "2025-02-01"];
    let (code, _, err) = past.replay(&other_days);
    assert_eq!(code, 2);
    assert!(err.contains("for 2024-12-31 to 2025-02-02"), "{err}");
}

#[test]
fn a_bucket_that_is_not_there_or_elsewhere_is_told() {
    let past = Past::new();
    let (code, _, err) = past.replay(&[&["s3://nowhere"], &MARCH[..]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("cannot list s3://nowhere/: NoSuchBucket"), "{err}");
    assert!(err.contains("check the bucket's name"), "{err}");
    past.place.faults(&["ListObjectsV2@1-=status:400:AuthorizationHeaderMalformed"]);
    let (code, _, err) = past.replay(&[&["s3://trail"], &MARCH[..]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("--bucket-region"), "{err}");
    past.place.faults(&["ListObjectsV2@1-=moved:eu-central-1"]);
    let (code, _, err) = past.replay(&[&["s3://trail"], &MARCH[..]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("the bucket is elsewhere: --bucket-region eu-central-1"), "{err}");
}

#[test]
fn a_bucket_that_is_elsewhere_when_it_is_read_is_told() {
    let (objects, _) = objects(4);
    let past = Past::with(&objects);
    past.place.faults(&["GetObject@1-=moved:eu-central-1"]);
    let (code, _, err) = past.replay(&[&["s3://trail"], &MARCH[..]].concat());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("(for a replay, --bucket-region eu-central-1)"), "{err}");
}

#[test]
fn what_may_not_be_listed_or_is_archived_is_counted_and_the_rest_read() {
    let (objects, expected) = objects(20);
    let past = Past::with(&objects);
    let other = "AWSLogs/444455556666/CloudTrail/us-east-1/2026/03/02/a.json.gz";
    past.place.put_one(other, &objects[0].bytes);
    // The accounts' folders are listed first, then one of them is denied.
    past.place.faults(&[
        "ListObjectsV2@3=status:403:AccessDenied",
        "GetObject@1=status:403:InvalidObjectState",
    ]);
    let args = [&["s3://trail", "--format", "jsonl", "--job", "some"], &MARCH[..]].concat();
    let (code, out, err) = past.replay(&args);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("grant s3:ListBucket"), "{err}");
    assert!(err.contains("not read, since they could not be listed: 1 folder"), "{err}");
    assert!(err.contains("could not be fetched: 1 archived"), "{err}");
    let found = ids(&json_lines(&out));
    assert!(found.is_subset(&expected));
    let (_, out, _) = past.home.run(&["replay", "jobs", "some", "--jobs-dir", "jobs"]);
    assert!(out.contains("unlisted s3://trail/AWSLogs/") && out.contains("1 archived"), "{out}");
    // Restored meanwhile: the job reads it, and what is known is not read again.
    past.place.faults(&[]);
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 3, "the folder stays unlisted: {err}");
    assert!(!err.contains("archived"), "{err}");
}

#[test]
fn a_job_is_not_gone_on_with_as_another() {
    let (objects, _) = objects(20);
    let past = Past::with(&objects);
    past.found(&[&["s3://trail", "--job", "march"], &MARCH[..]].concat());
    let other = ["s3://trail", "--job", "march", "--from", "2026-03-02", "--to", "2026-03-03"];
    let (code, _, err) = past.replay(&other);
    assert_eq!(code, 2);
    assert!(err.contains("job march was made for something else (other times)"), "{err}");
    let (code, _, err) = past.replay(&[&other[..], &["--restart"]].concat());
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = past.replay(&["--job", "april"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no job april in jobs"), "{err}");
}

#[test]
fn a_fleet_reads_what_was_enqueued_each_object_once() {
    let (objects, expected) = objects(60);
    let past = Past::new();
    let streamed = past.stream_first(&objects, 20);
    past.place.drain();
    past.home.configure(&past.home.config().replace(
        "max_receives: 1000,",
        &format!("max_receives: 1000, replay_queue_url: \"{}\",", past.place.queue("past")),
    ));
    let queue = past.place.queue("past");
    let args = [&["s3://trail", "--enqueue", &queue, "--job", "fleet"], &MARCH[..]].concat();
    let (code, out, err) = past.replay(&args);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(past.place.stats()["queues"]["past"]["sent"], 60);
    // Started again it sends nothing.
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 0, "{err}");
    assert_eq!(past.place.stats()["queues"]["past"]["sent"], 60);
    let program = past.home.start();
    wait("the past is read", || past.place.stats()["queues"]["past"]["deleted"] == 60);
    wait("the outbox is empty", || past.home.waiting() == 0);
    program.stop();
    let told = past.home.alerts(ALERTS);
    assert_eq!(ids(&told), expected);
    let historic: BTreeSet<String> =
        ids(&told.into_iter().filter(|alert| alert["historic"] == true).collect::<Vec<Value>>());
    assert_eq!(historic, &expected - &streamed);
}

#[test]
fn what_is_new_goes_before_the_past() {
    let (objects, expected) = objects(60);
    let past = Past::with(&objects[..30]);
    past.place.drain();
    let queue = past.place.queue("past");
    let args = [&["s3://trail", "--enqueue", &queue, "--job", "fleet"], &MARCH[..]].concat();
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 0, "{err}");
    past.place.put(&objects[30..]);
    let replay_queue = format!("concurrency: 4, replay_queue_url: \"{queue}\", max_receives");
    past.home.configure(&past.home.config().replace("max_receives", &replay_queue));
    let program = past.home.start();
    wait("the past is read", || past.place.stats()["queues"]["past"]["deleted"] == 30);
    past.place.until_done(&past.home);
    let fetched: Vec<bool> = program
        .stop()
        .iter()
        .filter(|line| line["point"] == "fetched")
        .map(|line| line["what"].as_str().unwrap().starts_with("replay fleet s3://"))
        .collect();
    let first = fetched.iter().position(|is_past| *is_past).unwrap();
    assert!(first >= 30, "the past came before {} of what was new: {fetched:?}", 30 - first);
    assert_eq!(ids(&past.home.alerts(ALERTS)), expected);
}

#[test]
fn a_large_object_comes_in_ranges() {
    let (few, _) = objects(2);
    let mut records = unpack(&few[0].bytes);
    let filler = records[1].clone();
    for number in 0..220 {
        let mut record = filler.clone();
        record["eventID"] = json!(format!("11111111-0000-4000-8000-{number:012x}"));
        record["requestParameters"] = json!({"filler": "x".repeat(100_000)});
        records.push(record);
    }
    let bytes = json!({"Records": records}).to_string().into_bytes();
    assert!(bytes.len() > 21 << 20);
    let large = vec![Object { bytes, ..few[0].clone() }];
    let past = Past::with(&large);
    past.place.faults(&["GetObject@2=cut:100", "GetObject@4=status:503:SlowDown"]);
    let found = past.found(&[&["s3://trail"], &MARCH[..]].concat());
    let expected = scanned(&large);
    assert!(!expected.is_empty());
    assert_eq!(ids(&found), expected);
    // Six ranges, two of them twice.
    assert_eq!(past.place.stats()["requests"]["GetObject"], 8);
}

#[test]
fn a_store_that_the_service_uses_is_told_with_the_way_around_it() {
    let (objects, _) = objects(20);
    let past = Past::with(&objects);
    let program = past.home.start();
    let args = [&["s3://trail", "--to-sinks"], &MARCH[..]].concat();
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 2);
    assert!(err.contains("hand the replay to it with --enqueue"), "{err}");
    program.stop();
}

#[test]
fn what_would_have_no_effect_is_refused() {
    let past = Past::new();
    let args = [&["s3://trail", "--to-sinks", "--format", "jsonl"], &MARCH[..]].concat();
    let (code, _, err) = past.replay(&args);
    assert_eq!(code, 2);
    assert!(err.contains("cannot be used with"), "{err}");
    let (code, _, err) = past.replay(&["s3://trail"]);
    assert_eq!(code, 2);
    assert!(err.contains("--from"), "{err}");
    let (code, _, err) = past.replay(&["trail/AWSLogs", "--from", "7d"]);
    assert_eq!(code, 2);
    assert!(err.contains("expected the address of a folder in S3"), "{err}");
}
