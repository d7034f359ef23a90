//! Commands that look into a store: alerts, outbox, rejects, backup and restore.
//!
//! The store is made here as the service makes it, with its tables.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::records::trail_of;
use crate::sandbox::{Run, Sandbox};

const TABLES: [&str; 3] = [
    include_str!("../../src/store/sqlite/schema.sql"),
    include_str!("../../src/store/sqlite/windows.sql"),
    include_str!("../../src/store/sqlite/events.sql"),
];

/// Text that would move the cursor, forge a line or turn the direction of writing.
const HOSTILE: &str = "x\u{1b}[2J\r\n2026-03-02 LOW forged\u{202e}\0";

/// An alert as it stands in the store.
struct Row {
    id: &'static str,
    hour: u32,
    level: (u8, &'static str),
    fate: &'static str,
    title: String,
}

fn row(id: &'static str, hour: u32) -> Row {
    let title = "Trail stopped".to_owned();
    Row { id, hour, level: (3, "high"), fate: "told", title }
}

impl Row {
    fn alert(&self) -> Value {
        json!({
            "id": self.id, "time": format!("2026-03-02T{:02}:00:00Z", self.hour),
            "level": self.level.1,
            "rule": {"id": "trail-stopped", "title": self.title, "tags": ["attack.impact"]},
            "account": "111122223333", "region": "eu-west-1",
            "actor": {"type": "IAMUser", "name": "mika", "arn": null, "account": null,
                      "session": null},
            "resource": [{"type": "AWS::CloudTrail::Trail", "id": "trail-a"}],
            "origin": {"path": "s3://trail/a.json.gz", "index": 7},
            "matched": [{"selection": "selection", "field": "eventName", "value": "StopLogging"}],
            "event": {"eventName": "StopLogging", "userAgent": self.title},
        })
    }
}

/// A sandbox with `askance.db` in it that holds these alerts, and messages for a sink.
fn store(rows: &[Row]) -> Sandbox {
    let sandbox = Sandbox::new();
    let connection = Connection::open(sandbox.path("askance.db")).unwrap();
    connection
        .execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 1095977793;")
        .unwrap();
    connection.execute_batch(&TABLES.join("\n")).unwrap();
    connection.execute_batch("PRAGMA user_version = 3; PRAGMA journal_mode = WAL;").unwrap();
    let words = json!({
        "description": "Nobody sees what is done.",
        "ask": {"en": "Was this meant?", "ja": "意図した操作ですか。"},
        "why": {"en": "What follows leaves no trace."},
        "fix": {"en": "Start it again:\naws cloudtrail start-logging"},
        "controls": ["CIS 3.1"], "references": ["https://docs.example/trail"],
    });
    connection
        .execute("INSERT INTO words VALUES ('trail-stopped', ?1)", [words.to_string()])
        .unwrap();
    // 2026-03-02T00:00:00Z.
    let midnight: i64 = 1_772_409_600_000_000;
    for (index, row) in rows.iter().enumerate() {
        let time = midnight + i64::from(row.hour) * 3_600_000_000;
        connection
            .execute(
                "INSERT INTO alerts (id, time, raised, level, rule, account, fate, leader, title,
                     json)
                 VALUES (?1, ?2, ?2, ?3, 'trail-stopped', '111122223333', ?4, ?1, ?5, ?6)",
                (row.id, time, row.level.0, row.fate, &row.title, row.alert().to_string()),
            )
            .unwrap();
        let group = json!({
            "leader": row.id, "count": index + 1, "first": "2026-03-02T01:00:00Z",
            "last": "2026-03-02T01:05:00Z", "accounts": ["111122223333"], "samples": [],
            "sinks": ["people"],
        });
        connection
            .execute(
                "INSERT INTO groups (leader, json) VALUES (?1, ?2)",
                (row.id, group.to_string()),
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO outbox (sink, alert, kind, is_dead, attempts, due, queued, error)
                 VALUES ('people', ?1, 'new', ?2, ?2, ?3, ?3, ?4)",
                (row.id, i64::from(index == 0), time, (index == 0).then_some(HOSTILE)),
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO counts VALUES ('alerts', ?1, 1)
                 ON CONFLICT DO UPDATE SET count = count + 1",
                [row.fate],
            )
            .unwrap();
    }
    connection
        .execute(
            "INSERT INTO rejects (hash, found, at, source, origin, reason, offset, detail, evidence)
             VALUES (x'00', ?1, '2026-03-02T03:00:00Z', 'trail', 's3://trail/b.json.gz',
                 'not_json', 17, '', ?2)",
            (midnight, HOSTILE),
        )
        .unwrap();
    sandbox
}

fn three() -> Sandbox {
    store(&[
        row("aa01", 1),
        Row { level: (4, "critical"), fate: "merged", ..row("aa02", 2) },
        Row { level: (1, "low"), fate: "suppressed", ..row("bb03", 3) },
    ])
}

/// Runs a command on `askance.db`.
#[track_caller]
fn run(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(&[args, &["--store", "askance.db"]].concat())
}

/// The ids of a list.
#[track_caller]
fn ids(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let run = run(sandbox, &[&["alerts", "list", "--format", "jsonl"], args].concat());
    let id = |alert: &Value| alert["id"].as_str().unwrap_or("?").to_owned();
    run.exits(0).alerts().iter().map(id).collect()
}

#[test]
fn alerts_are_listed_latest_first_with_what_became_of_them() {
    let run = run(&three(), &["alerts", "list"]);
    let expected = expect_test::expect![[r#"
        ID          FATE        TIME (UTC)           LEVEL     WHAT                                                  WHO                               WHERE                        ON WHAT
        bb03        suppressed  2026-03-02 03:00:00  LOW       Trail stopped (3 times)                               user mika                         111122223333 eu-west-1       trail-a
        aa02        merged      2026-03-02 02:00:00  CRITICAL  Trail stopped (2 times)                               user mika                         111122223333 eu-west-1       trail-a
        aa01        told        2026-03-02 01:00:00  HIGH      Trail stopped                                         user mika                         111122223333 eu-west-1       trail-a
    "#]];
    expected.assert_eq(&run.exits(0).out);
    assert_eq!(run.err, "");
}

#[test]
fn alerts_are_filtered() {
    let sandbox = three();
    let check =
        |args: &[&str], expected: &[&str]| assert_eq!(ids(&sandbox, args), expected, "{args:?}");
    check(&[], &["bb03", "aa02", "aa01"]);
    check(&["--from", "2026-03-02T02:00"], &["bb03", "aa02"]);
    check(&["--to", "2026-03-02T02:00"], &["aa01"]);
    check(&["--level", "high"], &["aa02", "aa01"]);
    check(&["--fate", "suppressed"], &["bb03"]);
    check(&["--rule", "other"], &[]);
    check(&["--account", "111122223333", "--limit", "2"], &["bb03", "aa02"]);
    run(&sandbox, &["alerts", "list", "--from", "yesterday"]).exits(2).says("--from yesterday");
    let narrow = ["alerts", "list", "--from", "2026-03-02", "--to", "2026-03-01"];
    run(&sandbox, &narrow).exits(2).says("no event could be in between");
    run(&sandbox, &["alerts", "list", "--limit", "1"]).exits(0).says("the latest 1 alert;");
    run(&sandbox, &["alerts", "list", "--rule", "x"])
        .exits(0)
        .says("no alert in the store is such");
}

#[test]
fn exported_alerts_are_those_of_a_scan() {
    let sandbox = three();
    let run = run(&sandbox, &["alerts", "export"]);
    let lines: Vec<String> = run.exits(0).out.lines().map(str::to_owned).collect();
    assert_eq!(lines[2], row("aa01", 1).alert().to_string());
    let args = ["alerts", "export", "--format", "ocsf", "--output", "out.jsonl", "--limit", "2"];
    crate::store::run(&sandbox, &args).exits(0);
    let findings = sandbox.read("out.jsonl");
    let classes: Vec<Value> = findings
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["class_uid"].clone())
        .collect();
    assert_eq!(classes, [json!(2004), json!(2004)]);
}

#[test]
fn more_alerts_than_a_page_are_exported_each_once() {
    let sandbox = three();
    let connection = Connection::open(sandbox.path("askance.db")).unwrap();
    // Many at one moment, so that a page ends among them.
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
             INSERT INTO alerts (id, time, raised, level, rule, account, fate, leader, title, json)
             SELECT printf('n%05d', i), time - (i / 1500) * 60000000, raised, level, rule, account,
                 fate, leader, title,
                 json_set(json, '$.id', printf('n%05d', i), '$.time',
                     strftime('%Y-%m-%dT%H:%M:%SZ', (time - (i / 1500) * 60000000) / 1000000,
                         'unixepoch'))
             FROM n JOIN alerts ON alerts.id = 'aa01';",
        )
        .unwrap();
    drop(connection);
    let mut found = ids(&sandbox, &["--limit", "100000"]);
    assert_eq!(found.len(), 3503);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 3503);
    assert_eq!(ids(&sandbox, &["--limit", "1234"]).len(), 1234);
}

#[test]
fn an_alert_is_shown_with_its_question_first() {
    let sandbox = three();
    let run = run(&sandbox, &["alerts", "show", "aa02"]);
    let expected = expect_test::expect![[r#"
        CRITICAL: Trail stopped

          Was this meant?

          Nobody sees what is done.

        id         aa02
        when       2026-03-02T02:00:00Z
        who        user mika
        where      111122223333 eu-west-1
        on what    trail-a (AWS::CloudTrail::Trail)
        rule       trail-stopped
        tags       attack.impact
        controls   CIS 3.1
        read in    s3://trail/a.json.gz, record 7
        fate       merged, 2026-03-02T02:00:00Z
        how often  2 times, 2026-03-02T01:00:00Z to 2026-03-02T01:05:00Z

        Why:
          What follows leaves no trace.

        What to do:
          Start it again:
          aws cloudtrail start-logging

        More:
          https://docs.example/trail

        Matched:
          eventName: StopLogging

        Event:
          {
            "eventName": "StopLogging",
            "userAgent": "Trail stopped"
          }
    "#]];
    expected.assert_eq(&run.exits(0).out);
    crate::store::run(&sandbox, &["alerts", "show", "aa02", "--language", "ja"])
        .exits(0)
        .shows("意図した操作ですか。");
    let json = crate::store::run(&sandbox, &["alerts", "show", "aa02", "--json"]);
    assert_eq!(json.exits(0).alerts()[0]["alert"]["id"], "aa02");
}

#[test]
fn alerts_are_named_by_unique_beginnings() {
    let sandbox = three();
    run(&sandbox, &["alerts", "show", "b"]).exits(0).shows("bb03");
    let error = run(&sandbox, &["alerts", "show", "aa"]);
    error.exits(2).says("several alerts begin with aa: aa02, aa01; write more of it");
    run(&sandbox, &["alerts", "show", "c"])
        .exits(2)
        .says("no alert in the store has an id that begins with c");
    run(&sandbox, &["alerts", "show", ""]).exits(2).says("not by nothing");
}

#[test]
fn somebody_takes_note_of_alerts() {
    let sandbox = three();
    let args = ["alerts", "ack", "aa01", "b", "--by", "mika", "--note", "was planned"];
    run(&sandbox, &args).exits(0).shows("acknowledged 2 alerts\naa01  Trail stopped\nbb03  ");
    assert_eq!(ids(&sandbox, &["--open"]), ["aa02"]);
    run(&sandbox, &["alerts", "list"]).shows("bb03        acked");
    run(&sandbox, &["alerts", "show", "aa01"]).shows("noted      by mika, ").shows(": was planned");
    run(&sandbox, &["alerts", "ack", "aa01", "--by", "emma"])
        .exits(0)
        .shows("; before that by mika at ");
    // One that is wrong keeps the others from being acknowledged.
    run(&sandbox, &["alerts", "ack", "aa02", "zz", "--by", "emma"]).exits(2).says("begins with zz");
    assert_eq!(ids(&sandbox, &["--open"]), ["aa02"]);
    run(&sandbox, &["alerts", "ack", "aa02"]).exits(2).says("--by");
}

#[test]
fn messages_are_listed_retried_and_dropped() {
    let sandbox = three();
    let list = run(&sandbox, &["outbox", "list"]);
    let expected = expect_test::expect![[r#"
        NUMBER  SINK    STATE    KIND  TRIES  QUEUED (UTC)         NEXT (UTC)           ALERT               ERROR
        1       people  dead     new   1      2026-03-02 01:00:00  -                    aa01 Trail stopped  x\u{1b}[2J\r\n2026-03-02 LOW forged\u{202e}\u{0}
        2       people  waiting  new   0      2026-03-02 02:00:00  2026-03-02 02:00:00  aa02 Trail stopped  -
        3       people  waiting  new   0      2026-03-02 03:00:00  2026-03-02 03:00:00  bb03 Trail stopped  -
    "#]];
    expected.assert_eq(&list.exits(0).out);
    run(&sandbox, &["outbox", "list", "--sink", "log"]).exits(0).shows("nothing waits");
    let dead = run(&sandbox, &["outbox", "list", "--dead", "--format", "jsonl"]);
    assert_eq!(dead.exits(0).alerts()[0]["number"], 1);
    run(&sandbox, &["outbox", "retry", "--dead"]).exits(0).shows("1 message will be sent now");
    run(&sandbox, &["outbox", "list", "--dead"]).exits(0).shows("nothing waits");
    let asked = run(&sandbox, &["outbox", "drop", "2", "3"]);
    asked.exits(2).says("2 messages would be dropped and never sent: say --yes if that is meant");
    run(&sandbox, &["outbox", "drop", "2", "3", "--yes"]).exits(0).shows("dropped 2 messages");
    assert_eq!(run(&sandbox, &["outbox", "list"]).out.lines().count(), 2);
    assert_eq!(ids(&sandbox, &[]).len(), 3, "the alerts stay");
}

#[test]
fn rejects_are_listed() {
    let sandbox = three();
    let run = run(&sandbox, &["rejects", "list"]);
    let expected = expect_test::expect![[r#"
        NUMBER  FOUND (UTC)          SOURCE  REASON    WHERE                            WHAT
        1       2026-03-02 03:00:00  trail   not_json  s3://trail/b.json.gz at byte 17  x\u{1b}[2J\r\n2026-03-02 LOW forged\u{202e}\u{0}
    "#]];
    expected.assert_eq(&run.exits(0).out);
    let json = crate::store::run(&sandbox, &["rejects", "list", "--format", "jsonl"]);
    let row = &json.exits(0).alerts()[0];
    assert_eq!((&row["number"], &row["evidence"]), (&json!(1), &json!(HOSTILE)));
    crate::store::run(&sandbox, &["rejects", "list", "--after", "1"])
        .exits(0)
        .shows("nothing was rejected");
}

#[test]
fn hostile_text_is_harmless_wherever_it_is_shown() {
    let sandbox = store(&[Row { title: HOSTILE.to_owned(), ..row("aa01", 1) }]);
    for args in [
        &["alerts", "list"][..],
        &["alerts", "show", "aa01"],
        &["alerts", "ack", "aa01", "--by", HOSTILE.split('\0').next().unwrap()],
        &["alerts", "show", "aa01"],
        &["outbox", "list"],
        &["store", "stats"],
    ] {
        let run = run(&sandbox, args);
        let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!run.exits(0).out.contains(is_harmful), "{args:?}: {:?}", run.out);
        assert!(!run.out.lines().any(|line| line.starts_with("2026-03-02 LOW")), "{}", run.out);
    }
    let error = run(&sandbox, &["alerts", "show", "x\u{1b}[2J"]);
    assert!(!error.exits(2).err.contains('\u{1b}'), "{}", error.err);
}

#[test]
fn what_is_in_the_store_is_told() {
    let sandbox = three();
    let run = run(&sandbox, &["store", "stats"]);
    let text: String = run
        .exits(0)
        .out
        .lines()
        .map(|line| match line.split_once("askance.db, ") {
            // The size depends on the page size of the day.
            Some((start, _)) => format!("{start}askance.db\n"),
            None => format!("{line}\n"),
        })
        .collect();
    expect_test::expect![[r#"
        store     askance.db
        tables    version 3
        objects   0
        alerts    3: 1 merged, 1 suppressed, 1 told
        rejects   0
        outbox
          people  2 waiting, since 2026-03-02T02:00:00Z, 1 dead letter
    "#]]
    .assert_eq(&text);
    let json = crate::store::run(&sandbox, &["store", "stats", "--format", "jsonl"]);
    assert_eq!(json.exits(0).alerts()[0]["outbox"][0]["dead"], 1);
}

#[test]
fn a_store_is_backed_up_compacted_and_restored() {
    let sandbox = three();
    run(&sandbox, &["store", "backup", "copy.db"]).exits(0).shows("copied askance.db to copy.db, ");
    run(&sandbox, &["outbox", "drop", "--yes"]).exits(0).shows("dropped 3 messages");
    let compacted = run(&sandbox, &["store", "compact"]);
    // They are kept for 400 days, which may have passed.
    compacted.exits(0).shows(" let go of, ");
    let restored = run(&sandbox, &["store", "restore", "copy.db"]);
    restored
        .exits(0)
        .shows("restored askance.db from copy.db\nwhat was there is kept as askance.db.before-");
    assert_eq!(ids(&sandbox, &[]).len(), 3);
    assert_eq!(run(&sandbox, &["outbox", "list"]).out.lines().count(), 4);
    sandbox.write("words.db", "words");
    run(&sandbox, &["store", "restore", "words.db"])
        .exits(2)
        .says("words.db is no store of askance");
    run(&sandbox, &["store", "restore", "no.db"]).exits(2).says("no.db is not there");
}

#[test]
fn the_store_is_the_one_of_the_configuration() {
    let sandbox = three();
    fs::create_dir(sandbox.path("etc")).unwrap();
    fs::rename(sandbox.path("askance.db"), sandbox.path("etc/other.db")).unwrap();
    sandbox.write("etc/askance.yaml", "store: {type: sqlite, path: other.db}\n");
    sandbox.run(&["alerts", "show", "aa01", "--config", "etc/askance.yaml"]).exits(0);
    let none = sandbox.run(&["store", "stats"]);
    none.exits(2).says("there is no askance.yaml here: name the configuration with --config FILE");
    run(&sandbox, &["store", "stats"]).exits(2).says("askance.db is not there");
    sandbox.write("askance.yaml", "store: {type: sqlit}\n");
    sandbox.run(&["store", "stats"]).exits(2).says("did you mean \"sqlite\"?");
    let both = ["store", "stats", "--store", "a", "--config", "b"];
    sandbox.run(&both).exits(2).says("cannot be used with");
}

/// Ends the service with the test.
struct Service(std::process::Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen by then.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn commands_look_in_while_the_service_writes() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.json", trail_of(&["a", "b"]));
    sandbox.write(
        "askance.yaml",
        "sources: {inbox: {type: directory, path: in}}\nsinks: {log: {type: file, path: out.jsonl}}\n\
         rules: {paths: [rule.yml]}\nalerts: {merge_window: 0s}\n",
    );
    let log = fs::File::create(sandbox.path("log")).unwrap();
    let mut command = sandbox.command(&["run"]);
    command.stdin(std::process::Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut service = Service(command.spawn().unwrap());
    // By how often it is tried, not by a clock; each try runs a program.
    let is_there = |events: usize| {
        (0..2000).any(|_| {
            let listed = sandbox.run(&["alerts", "list", "--format", "jsonl"]);
            assert!(
                listed.code == 0
                    || listed.err.contains("is not there")
                    || listed.err.contains("version 0"),
                "{}",
                listed.err
            );
            listed.out.lines().count() == events
        })
    };
    assert!(is_there(2), "{}", sandbox.read("log"));
    sandbox.run(&["store", "backup", "copy.db"]).exits(0);
    sandbox.run(&["store", "restore", "copy.db"]).exits(2).says("is used by a running askance");
    sandbox.run(&["alerts", "ack", "", "--by", "mika"]).exits(2);
    sandbox.write("in/b.json", trail_of(&["c"]));
    assert!(is_there(3), "{}", sandbox.read("log"));
    sandbox.run(&["run"]).exits(2).says("is used by a running askance (process ");
    assert!(service.0.try_wait().unwrap().is_none(), "{}", sandbox.read("log"));
    drop(service);
    sandbox.run(&["store", "restore", "copy.db"]).exits(0);
    let run = sandbox.run(&["alerts", "list", "--format", "jsonl"]);
    assert_eq!(run.exits(0).out.lines().count(), 2);
}
