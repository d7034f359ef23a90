//! The contract on SQLite, and what only SQLite can do.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use askance_stages::model::Alert;
use tempfile::TempDir;

use super::*;
use crate::store::contract::values::{
    NOW, after, alert, at, due, ids, object, raise, reject, tell,
};
use crate::store::contract::{people, suite};

async fn make() -> (Arc<dyn Store>, TempDir) {
    let (store, folder, _) = open().await;
    (Arc::new(store), folder)
}

/// A store, its folder and its path.
async fn open() -> (SqliteStore, TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("askance.db");
    (SqliteStore::open(&path).await.unwrap(), folder, path)
}

suite!(make);

fn all() -> AlertChoice {
    AlertChoice::default()
}

/// Alerts with an event of some kilobytes, each a thing of its own.
fn large(begin: usize, count: usize) -> Vec<Alert> {
    let event = serde_json::json!({"userAgent": "x".repeat(4000)}).to_string();
    let one = |index: usize| Alert {
        event: serde_json::value::RawValue::from_string(event.clone()).ok(),
        ..alert(&format!("{index:06}"), &format!("{index}"))
    };
    (begin..begin + count).map(one).collect()
}

/// The error of an opening that does not go well, without the folder's name.
#[track_caller]
fn refusal(opened: Result<SqliteStore, StoreError>, folder: &TempDir) -> (bool, String) {
    let error = opened.map(drop).expect_err("it is not opened");
    let text = error.to_string().replace(&format!("{}/", folder.path().display()), "");
    (error.is_transient(), text)
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_kill() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    // As a kill leaves it: the log is not written into the file, nothing is closed.
    let elsewhere = folder.path().join("killed.db");
    for ending in ["", "-wal"] {
        fs::copy(beside(&path, ending), beside(&elsewhere, ending)).unwrap();
    }
    assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
    let again = SqliteStore::open(&elsewhere).await.unwrap();
    assert_eq!(ids(&again, &all()).await.unwrap(), ["a"]);
    assert_eq!(due(&again, "log", at(NOW)).await.unwrap(), ["new/a"]);
    // A half-written end of the log is what was not committed.
    let half = folder.path().join("half.db");
    for ending in ["", "-wal"] {
        fs::copy(beside(&path, ending), beside(&half, ending)).unwrap();
    }
    tell(&store, &raise(), vec![alert("b", "y")], at(NOW)).await.unwrap();
    let whole = fs::read(beside(&path, "-wal")).unwrap();
    fs::write(beside(&half, "-wal"), &whole[..whole.len() - 100]).unwrap();
    let again = SqliteStore::open(&half).await.unwrap();
    assert_eq!(ids(&again, &all()).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (store, _folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mode = fs::metadata(beside(&path, ending)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{ending}");
    }
    store.close().await;
    assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0, "the log is in the file");
}

#[tokio::test]
async fn every_commit_is_on_the_disk() {
    let (store, _folder, _) = open().await;
    let (mode, synchronous, foreign) = store
        .on_writer("test", |connection| {
            Ok((
                schema::pragma::<String>(connection, "journal_mode")?,
                schema::pragma::<i64>(connection, "synchronous")?,
                schema::pragma::<bool>(connection, "foreign_keys")?,
            ))
        })
        .await
        .unwrap();
    assert_eq!((mode.as_str(), synchronous, foreign), ("wal", 2, true));
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_as_it_is() {
    let (store, folder, path) = open().await;
    store
        .on_writer("test", |connection| connection.execute_batch("PRAGMA user_version = 7"))
        .await
        .unwrap();
    drop(store);
    let expected = format!(
        "store: cannot open the store: askance.db has tables of version 7, this askance knows \
         version {}: use the newer askance that wrote it, or restore a backup from before",
        schema::VERSION
    );
    assert_eq!(refusal(SqliteStore::open(&path).await, &folder), (false, expected.clone()));
    assert_eq!(refusal(SqliteStore::open_beside(&path).await, &folder), (false, expected));
}

#[tokio::test]
async fn what_is_no_store_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("askance.db");
    fs::write(&path, "some words, and not a database at all".repeat(50)).unwrap();
    let (is_transient, text) = refusal(SqliteStore::open(&path).await, &folder);
    assert!(!is_transient && text.contains("askance.db is no store of askance"), "{text}");
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    let (_, text) = refusal(SqliteStore::open(&path).await, &folder);
    assert!(text.contains("askance.db is a database of another program"), "{text}");
    let nowhere = folder.path().join("no/askance.db");
    let (_, text) = refusal(SqliteStore::open(&nowhere).await, &folder);
    assert!(text.contains("no/askance.db cannot be made"), "{text}");
    let (_, text) = refusal(SqliteStore::open_beside(&nowhere).await, &folder);
    assert!(text.contains("no/askance.db is not there: `askance run` makes it"), "{text}");
}

#[tokio::test]
async fn damage_is_told_at_the_start_with_what_to_do() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), large(0, 200), at(NOW)).await.unwrap();
    store.close().await;
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 40_000] {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).unwrap();
    let (is_transient, text) = refusal(SqliteStore::open(&path).await, &folder);
    assert!(!is_transient, "{text}");
    assert!(text.contains("askance.db is damaged ("), "{text}");
    assert!(text.contains("askance store restore BACKUP"), "{text}");
}

#[tokio::test]
async fn older_tables_are_brought_up_step_by_step() {
    let (store, _folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    drop(store);
    let mut bad = schema::MIGRATIONS.to_vec();
    bad.push("ALTER TABLE alerts ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';");
    // A step that fails leaves everything as it was, so that the next program can try again.
    bad.push("CREATE TABLE more (x); INSERT INTO nowhere VALUES (1);");
    let error = SqliteStore::open_with(&path, Access::Service, &bad).map(drop).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let look = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        let version: i64 = schema::pragma(&connection, "user_version").unwrap();
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'more'";
        let tables: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        (version, tables)
    };
    assert_eq!(look(&path), (i64::from(schema::VERSION) + 1, 0));
    // The real program refuses what it does not know.
    assert!(SqliteStore::open(&path).await.is_err());
}

#[tokio::test]
async fn a_store_of_before_correlations_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("askance.db");
    let store = SqliteStore::open_with(&path, Access::Service, &schema::MIGRATIONS[..1]).unwrap();
    let rows = "INSERT INTO ledger (hash, key, source, records, alerts, done) VALUES (x'00', 'k', 's', 1, 0, 0);
                INSERT INTO counts (what, name, count) VALUES ('objects', '', 1);";
    store.on_writer("test", |connection| connection.execute_batch(rows)).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.version, stats.objects, stats.windows), (schema::VERSION, 1, 0));
}

#[tokio::test]
async fn a_command_does_not_bring_tables_up() {
    let (store, folder, path) = open().await;
    store
        .on_writer("test", |connection| connection.execute_batch("PRAGMA user_version = 0"))
        .await
        .unwrap();
    drop(store);
    let (_, text) = refusal(SqliteStore::open_beside(&path).await, &folder);
    assert!(text.contains("has tables of version 0, this askance wants version 3"), "{text}");
}

#[tokio::test]
async fn a_full_disk_stops_commits_and_is_got_over() {
    let (store, _folder, _) = open().await;
    tell(&store, &raise(), large(0, 20), at(NOW)).await.unwrap();
    let limit = |pages: i64| {
        store.on_writer("test", move |connection| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
        })
    };
    // SQLite answers the number that holds, which is never less than there are.
    let full = limit(1).await.unwrap();
    let error = tell(&store, &raise(), large(20, 200), at(NOW)).await.map(drop).unwrap_err();
    assert!(error.is_transient(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("store: cannot commit: disk full: free space on the volume of"),
        "{text}"
    );
    assert!(text.ends_with("askance.db; nothing is acknowledged meanwhile"), "{text}");
    // Nothing of it is there; what was there is read, and sent.
    assert_eq!(ids(&store, &all()).await.unwrap().len(), 20);
    assert_eq!(due(&store, "log", at(NOW)).await.unwrap().len(), 20);
    limit(full + 10_000).await.unwrap();
    tell(&store, &raise(), large(20, 200), at(NOW)).await.unwrap();
    assert_eq!(ids(&store, &all()).await.unwrap().len(), 220);
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_out() {
    let (store, _folder, path) = open().await;
    store.on_writer("test", |writer| writer.busy_timeout(Duration::ZERO)).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.map(drop).unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("is locked by another"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
}

#[tokio::test]
async fn commands_look_in_beside_the_service_and_services_keep_off() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    let beside = SqliteStore::open_beside(&path).await.unwrap();
    assert_eq!(ids(&beside, &all()).await.unwrap(), ["a"]);
    let ack = Ack { by: "mika".to_owned(), at: NOW.to_owned(), note: None };
    assert_eq!(beside.acknowledge(&all(), &ack).await.unwrap(), 1);
    tell(&store, &raise(), vec![alert("b", "y")], at(NOW)).await.unwrap();
    assert_eq!(ids(&beside, &all()).await.unwrap(), ["b", "a"]);
    assert_eq!(store.alerts(&all()).await.unwrap()[1].ack, Some(ack));
    let (is_transient, text) = refusal(SqliteStore::open(&path).await, &folder);
    let process = std::process::id();
    assert_eq!(
        (is_transient, text),
        (
            false,
            format!(
                "store: cannot open the store: askance.db is used by a running askance (process \
                 {process}): stop it first, one service uses a store at a time"
            )
        )
    );
    drop(store);
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_while_commits_go_on_is_whole() {
    let (store, folder, path) = open().await;
    let store = Arc::new(store);
    tell(store.as_ref(), &raise(), large(0, 300), at(NOW)).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let writing = {
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut next = 300;
            while !is_over.load(Ordering::Relaxed) {
                tell(store.as_ref(), &raise(), large(next, 5), at(NOW)).await.unwrap();
                next += 5;
            }
            next
        })
    };
    let to = folder.path().join("backup.db");
    for _ in 0..5 {
        let (path, to) = (path.clone(), to.clone());
        let size = tokio::task::spawn_blocking(move || backup(&path, &to)).await.unwrap().unwrap();
        assert!(size > 300 * 4000);
    }
    is_over.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    assert_eq!(ids(store.as_ref(), &all()).await.unwrap().len(), written);
    // Every commit is in it whole or not at all.
    let copy = SqliteStore::open(&to).await.unwrap();
    let copied = ids(&copy, &all()).await.unwrap().len();
    assert!(copied >= 300 && copied <= written && copied % 5 == 0, "{copied} of {written}");
    assert_eq!(copy.stats().await.unwrap().alerts["told"], copied as u64);
    assert!(!beside(&to, ".partial").exists());
}

#[tokio::test]
async fn a_backup_goes_over_nothing_else() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    let error = backup(&path, &path).unwrap_err().to_string();
    assert!(error.contains("is the store itself"), "{error}");
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "dear").unwrap();
    let error = backup(&path, &letter).unwrap_err().to_string();
    assert!(error.contains("is no backup of a store"), "{error}");
    assert_eq!(fs::read_to_string(&letter).unwrap(), "dear");
    let error = backup(&folder.path().join("no.db"), &letter).unwrap_err().to_string();
    assert!(error.contains("no.db is not there"), "{error}");
    let error = backup(&path, &folder.path().join("no/b.db")).unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("no/b.db"), "{error}");
}

#[tokio::test]
async fn a_backup_takes_the_place_of_a_store_that_no_service_uses() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), vec![alert("a", "x")], at(NOW)).await.unwrap();
    let to = folder.path().join("backup.db");
    backup(&path, &to).unwrap();
    tell(&store, &raise(), vec![alert("b", "y")], at(NOW)).await.unwrap();
    let error = restore(&path, &to).unwrap_err().to_string();
    assert!(error.contains("is used by a running askance"), "{error}");
    drop(store);
    let kept = restore(&path, &to).unwrap().kept.expect("there was a store");
    for (path, expected) in [(&path, vec!["a"]), (&kept, vec!["b", "a"])] {
        let store = SqliteStore::open(path).await.unwrap();
        assert_eq!(ids(&store, &all()).await.unwrap(), expected);
        assert_eq!(due(&store, "log", at(NOW)).await.unwrap().len(), expected.len());
    }
    // Where nothing was, nothing is kept.
    let fresh = folder.path().join("fresh.db");
    assert_eq!(restore(&fresh, &to).unwrap().kept, None);
    let store = SqliteStore::open(&fresh).await.unwrap();
    assert_eq!(ids(&store, &all()).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn a_damaged_store_is_put_aside_as_it_is() {
    let (store, folder, path) = open().await;
    let to = folder.path().join("backup.db");
    backup(&path, &to).unwrap();
    drop(store);
    fs::write(&path, "nothing that was a store").unwrap();
    fs::write(beside(&path, "-wal"), "nothing that was a log").unwrap();
    let kept = restore(&path, &to).unwrap().kept.expect("there was a file");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "nothing that was a store");
    assert!(!beside(&path, "-wal").exists());
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_bad_backup_changes_nothing() {
    let (store, folder, path) = open().await;
    tell(&store, &raise(), large(0, 100), at(NOW)).await.unwrap();
    let to = folder.path().join("backup.db");
    backup(&path, &to).unwrap();
    drop(store);
    let whole = fs::read(&to).unwrap();
    let half = &whole[..whole.len() / 2];
    for (bytes, expected) in [(half, "is damaged"), (&b"words"[..], "is no store of askance")] {
        fs::write(&to, bytes).unwrap();
        let error = restore(&path, &to).unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(expected), "{error}");
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(ids(&store, &all()).await.unwrap().len(), 100);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".restoring") || name.contains(".before"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn a_store_that_is_too_large_lets_the_oldest_go_and_gives_room_back() {
    let (store, _folder, _) = open().await;
    for round in 0..20 {
        tell(&store, &raise(), large(round * 100, 100), after(round as i64)).await.unwrap();
        let (objects, rejects) = (vec![object(&format!("{round}"))], vec![reject("a")]);
        let commit = Commit { objects, rejects, now: Some(after(0)), ..Commit::default() };
        store.commit(commit).await.unwrap();
    }
    // All but the first ten were sent.
    crate::store::contract::values::send_all(&store, "people", after(100)).await.unwrap();
    let queued = store.due("log", after(100), usize::MAX).await.unwrap();
    let sent = queued[10..].iter().map(|one| Settled::Sent { number: one.number, reference: None });
    store.settle("log", sent.collect(), None).await.unwrap();
    let before = store.stats().await.unwrap();
    assert!(before.bytes > 8_000_000, "{before:?}");
    let keep = Duration::from_secs(400 * 86_400);
    let retention = Retention { ledger: keep, alerts: keep, max_bytes: 4_000_000 };
    let gone = store.compact(retention, after(200)).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert!(stats.bytes < 4_200_000, "{stats:?}");
    assert_eq!(stats.gone_early, gone);
    assert_eq!(stats.objects, 20, "the ledger remembers a month");
    let left = ids(&store, &all()).await.unwrap();
    let (oldest, latest) = ("000000".to_owned(), "001999".to_owned());
    assert!(left.contains(&oldest) && left.contains(&latest), "what waits, and what is young");
    assert!(!left.contains(&"000010".to_owned()) && left.len() > 100);
    // What must stay stays, however small the store should be; it does not try for ever.
    store.compact(Retention { max_bytes: 1, ..retention }, after(200)).await.unwrap();
    assert_eq!(ids(&store, &all()).await.unwrap().len(), 10);
    check_counts(&store).await;
}

/// The counts that are kept are those of the rows.
async fn check_counts(store: &SqliteStore) {
    let rows = |read: &Transaction<'_>| {
        let mut found: BTreeMap<(String, String), i64> = BTreeMap::new();
        for sql in [
            "SELECT 'objects', '', count(*) FROM ledger HAVING count(*) > 0",
            "SELECT 'rejects', '', count(*) FROM rejects HAVING count(*) > 0",
            "SELECT 'alerts', fate, count(*) FROM alerts GROUP BY fate",
            "SELECT 'suppressed', suppressed_by, count(*) FROM alerts
                 WHERE suppressed_by IS NOT NULL GROUP BY suppressed_by",
            "SELECT what, name, count FROM counts WHERE count <> 0 AND what <> 'early'",
        ] {
            let mut find = read.prepare(sql)?;
            let mut rows = find.query([])?;
            while let Some(row) = rows.next()? {
                let sign = if sql.contains("FROM counts") { -1 } else { 1 };
                let key = (row.get(0)?, row.get(1)?);
                *found.entry(key).or_default() += sign * row.get::<_, i64>(2)?;
            }
        }
        found.retain(|_, count| *count != 0);
        Ok(found)
    };
    assert_eq!(store.read("test", rows).await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn counts_are_those_of_the_rows_after_everything() {
    let (store, _folder, _) = open().await;
    people::hostile_text_comes_back_as_it_was(&store).await.unwrap();
    check_counts(&store).await;
    store.discard(&OutboxChoice::default()).await.unwrap();
    let all = Retention { ledger: Duration::ZERO, alerts: Duration::ZERO, max_bytes: u64::MAX };
    store.compact(all, after(40 * 86_400)).await.unwrap();
    check_counts(&store).await;
    assert_eq!(store.stats().await.unwrap().alerts, BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_still_while_the_store_works() {
    let (store, _folder, _) = open().await;
    let began = tokio::time::Instant::now();
    // Were the clock to run on while nobody else has work, this would end the waiting at once.
    let raise = raise();
    let told = tell(&store, &raise, large(0, 50), at(NOW));
    let told = tokio::time::timeout(Duration::from_millis(1), told);
    told.await.expect("the clock did not move").unwrap();
    assert!(began.elapsed() < Duration::from_millis(1));
}

#[tokio::test]
async fn looking_for_what_is_due_reads_no_more_than_it_answers() {
    let (store, _folder, _) = open().await;
    let plan = |sql: &'static str| {
        store.read("test", move |read| {
            let mut explain =
                read.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.replace("?1", "1")))?;
            let lines = explain.query_map([], |row| row.get::<_, String>(3))?;
            lines.collect::<rusqlite::Result<Vec<_>>>()
        })
    };
    for sql in [
        "SELECT 1 FROM ledger WHERE hash = ?1",
        "SELECT count(*) FROM outbox INDEXED BY outbox_in_order GROUP BY sink, is_dead",
        "SELECT number FROM alerts WHERE raised < ?1 AND NOT EXISTS
             (SELECT 1 FROM outbox WHERE outbox.alert = alerts.id) ORDER BY raised, number LIMIT 5",
        "SELECT number FROM ledger WHERE done < ?1 ORDER BY done, number LIMIT 5",
        "SELECT number FROM alerts WHERE time < ?1 ORDER BY time DESC, alerts.number DESC LIMIT 9",
    ] {
        let lines = plan(sql).await.unwrap();
        let is_sorted = lines.iter().any(|line| line.contains("TEMP B-TREE"));
        assert!(
            !is_sorted
                && lines
                    .iter()
                    .all(|line| line.contains("INDEX") || line.starts_with("CORRELATED")),
            "{sql}: {lines:?}"
        );
    }
}

#[tokio::test]
async fn events_are_kept_with_their_objects_and_come_by_part() {
    use askance_stages::correlate::Bundle;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("askance.db");
    let bundle = |part: u8, number: u8| Bundle { part, bytes: vec![part, number] };
    let commit = |events: Vec<Bundle>| Commit {
        events: events.into(),
        now: Some(after(0)),
        ..Commit::default()
    };
    {
        let store = SqliteStore::open_for_job(&path).await.unwrap();
        assert_eq!(store.events(None, 10).await.unwrap(), (Vec::new(), None));
        store.commit(commit(vec![bundle(3, 0), bundle(0, 0), bundle(63, 0)])).await.unwrap();
        store.commit(commit(vec![bundle(0, 1), bundle(3, 1)])).await.unwrap();
    }
    let store = SqliteStore::open_for_job(&path).await.unwrap();
    let all = [(0, 0), (0, 1), (3, 0), (3, 1), (63, 0)].map(|(part, number)| bundle(part, number));
    for limit in [1, 2, 10] {
        let (mut found, mut place) = (Vec::new(), None);
        loop {
            let (some, behind) = store.events(place, limit).await.unwrap();
            assert!(some.len() <= limit);
            if some.is_empty() {
                break;
            }
            found.extend(some);
            place = behind;
        }
        assert_eq!(found, all, "{limit} at once");
    }
}
