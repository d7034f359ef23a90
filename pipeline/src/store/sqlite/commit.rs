//! Writes everything of a commit.
//!
//! A commit that comes a second time, since nobody can tell whether the first one went well, changes
//! nothing: what hangs on an alert (its group, rate, messages) is written with the alert only.

use std::collections::{BTreeMap, HashMap, HashSet};

use askance_stages::model::{Level, parse_time};
use askance_stages::raise::{Message, MessageKind, Outcome, Raised, Revised};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{events, values, windows};
use crate::store::{Commit, RejectRow, Words};

/// How many rows came or went, by what and name.
pub(super) type Changes = BTreeMap<(&'static str, String), i64>;

/// Writes it; the caller holds the transaction.
pub(super) fn commit(write: &Connection, commit: &Commit) -> rusqlite::Result<()> {
    let now = commit.now.unwrap_or_else(Timestamp::now);
    let mut changes = Changes::new();
    put_objects(write, commit, now, &mut changes)?;
    for (rule, words) in &commit.words {
        put_words(write, rule, words)?;
    }
    let mut fresh = put_alerts(write, &commit.outcome.raised, now, &mut changes)?;
    revise(write, &commit.outcome.revised, now, &mut fresh)?;
    windows::put(write, &commit.windows, &mut changes)?;
    events::put(write, &commit.events)?;
    put_groups(write, &commit.outcome, &fresh)?;
    let mut put = write.prepare_cached(
        "INSERT INTO rates (rule, since, told, held_under) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (rule) DO UPDATE SET since = excluded.since, told = excluded.told,
             held_under = excluded.held_under",
    )?;
    for (rule, rate) in &commit.outcome.rates {
        if fresh.rules.contains(rule.as_str()) {
            let told = values::signed(rate.told);
            put.execute((rule, values::micros(rate.since), told, &rate.held_under))?;
        }
    }
    for message in &commit.outcome.messages {
        if fresh.leaders.contains(message.alert.as_str()) {
            put_message(write, message, now)?;
        }
    }
    put_rejects(write, &commit.rejects, now, &mut changes)?;
    count(write, &changes)
}

/// What was not in the store before.
#[derive(Default)]
struct Fresh<'c> {
    ids: HashSet<&'c str>,
    leaders: HashSet<&'c str>,
    rules: HashSet<&'c str>,
}

fn put_objects(
    write: &Connection,
    commit: &Commit,
    now: Timestamp,
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO ledger (hash, key, source, records, alerts, done)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (hash) DO NOTHING",
    )?;
    for object in &commit.objects {
        let hash = values::hash(&[&object.key]);
        let (records, alerts) = (values::signed(object.records), values::signed(object.alerts));
        let row = (hash, &object.key, &object.source, records, alerts, values::micros(now));
        let is_new = put.execute(row)? == 1;
        *changes.entry(("objects", String::new())).or_default() += i64::from(is_new);
    }
    Ok(())
}

fn put_words(write: &Connection, rule: &str, words: &Words) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO words (rule, json) VALUES (?1, ?2)
         ON CONFLICT (rule) DO UPDATE SET json = excluded.json WHERE json <> excluded.json",
    )?;
    put.execute((rule, values::json(words)?))?;
    Ok(())
}

fn put_alerts<'c>(
    write: &Connection,
    raised: &'c [Raised],
    now: Timestamp,
    changes: &mut Changes,
) -> rusqlite::Result<Fresh<'c>> {
    let mut put = write.prepare_cached(
        "INSERT INTO alerts (id, time, raised, level, rule, account, fate, leader, suppressed_by,
             title, json)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO NOTHING",
    )?;
    let mut fresh = Fresh::default();
    for one in raised {
        let alert = &one.alert;
        let time = alert.time.as_deref().and_then(parse_time).unwrap_or(now);
        let is_new = put.execute((
            &alert.id,
            values::micros(time),
            values::micros(now),
            level_number(alert.level),
            &alert.rule.id,
            &alert.account,
            one.fate.name(),
            &one.leader,
            &one.suppressed_by,
            &alert.rule.title,
            &one.json,
        ))? == 1;
        if !is_new {
            continue;
        }
        fresh.ids.insert(&alert.id);
        fresh.leaders.insert(&one.leader);
        fresh.rules.insert(&alert.rule.id);
        *changes.entry(("alerts", one.fate.name().to_owned())).or_default() += 1;
        if let Some(name) = &one.suppressed_by {
            *changes.entry(("suppressed", name.clone())).or_default() += 1;
        }
    }
    Ok(fresh)
}

/// Puts what has changed of alerts in the place of what was there.
fn revise<'c>(
    write: &Connection,
    revised: &'c [Revised],
    now: Timestamp,
    fresh: &mut Fresh<'c>,
) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "UPDATE alerts SET time = ?2, account = ?3, json = ?4 WHERE id = ?1 AND json <> ?4",
    )?;
    for Revised { alert, json } in revised {
        let time = alert.time.as_deref().and_then(parse_time).unwrap_or(now);
        // What is the same as it was is no news.
        if put.execute((&alert.id, values::micros(time), &alert.account, json))? == 1 {
            fresh.leaders.insert(&alert.id);
        }
    }
    Ok(())
}

/// A level's place in the order of levels.
pub(super) fn level_number(level: Level) -> i64 {
    match level {
        Level::Informational => 0,
        Level::Low => 1,
        Level::Medium => 2,
        Level::High => 3,
        Level::Critical => 4,
    }
}

fn put_groups(write: &Connection, outcome: &Outcome, fresh: &Fresh<'_>) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO groups (leader, json) VALUES (?1, ?2)
         ON CONFLICT (leader) DO UPDATE SET json = excluded.json RETURNING number",
    )?;
    let mut numbers: HashMap<&str, i64> = HashMap::new();
    // In the order in which they began, since the latest is asked for first.
    for one in &outcome.raised {
        let leader = one.leader.as_str();
        let Some(group) = outcome.groups.get(leader) else { continue };
        if fresh.leaders.contains(leader) && !numbers.contains_key(leader) {
            let json = values::json(group)?;
            numbers.insert(leader, put.query_row((leader, json), |row| row.get(0))?);
        }
    }
    let mut put = write.prepare_cached(
        "INSERT INTO group_keys (key, member) VALUES (?1, ?2) ON CONFLICT (key, member) DO NOTHING",
    )?;
    for one in outcome.raised.iter().filter(|one| fresh.ids.contains(one.alert.id.as_str())) {
        let Some(number) = numbers.get(one.leader.as_str()) else { continue };
        for key in &one.keys {
            put.execute((key, number))?;
        }
    }
    Ok(())
}

/// Queues a message; an update takes the place of one that waits.
///
/// It gets a number of its own all the same: the one that waited may be under way at this moment,
/// and when that is settled this one must stay.
fn put_message(write: &Connection, message: &Message, now: Timestamp) -> rusqlite::Result<()> {
    let (mut due, mut queued) = (values::micros(message.due), values::micros(now));
    let (mut attempts, mut error): (i64, Option<String>) = (0, None);
    if message.kind == MessageKind::Update {
        let mut take = write.prepare_cached(
            "DELETE FROM outbox WHERE alert = ?1 AND sink = ?2 AND is_dead = 0 AND kind = ?3
             RETURNING due, queued, attempts, error",
        )?;
        let waited: Option<(i64, i64, i64, Option<String>)> = take
            .query_row((&message.alert, &message.sink, message.kind.name()), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        if let Some(waited) = waited {
            // The earlier time holds, or a thing that comes again and again would never be told.
            // One that is due may be under way: the next one comes when it would after that.
            due = if waited.0 > values::micros(now) { due.min(waited.0) } else { due };
            queued = queued.min(waited.1);
            (attempts, error) = (waited.2, waited.3);
        }
    }
    let mut put = write.prepare_cached(
        "INSERT INTO outbox (sink, alert, kind, due, queued, attempts, error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let kind = message.kind.name();
    put.execute((&message.sink, &message.alert, kind, due, queued, attempts, error))?;
    Ok(())
}

fn put_rejects(
    write: &Connection,
    rejects: &[RejectRow],
    now: Timestamp,
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO rejects (hash, found, at, source, origin, reason, offset, detail, evidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (hash) DO NOTHING",
    )?;
    for row in rejects {
        let offset = row.offset.to_string();
        let parts = [&row.source, &row.origin, &row.reason, &offset, &row.detail, &row.evidence];
        let is_new = put.execute((
            values::hash(&parts.map(String::as_str)),
            values::micros(now),
            &row.at,
            &row.source,
            &row.origin,
            &row.reason,
            values::signed(row.offset),
            &row.detail,
            &row.evidence,
        ))? == 1;
        *changes.entry(("rejects", String::new())).or_default() += i64::from(is_new);
    }
    Ok(())
}

/// Keeps the counts with the rows.
pub(super) fn count(write: &Connection, changes: &Changes) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO counts (what, name, count) VALUES (?1, ?2, ?3)
         ON CONFLICT (what, name) DO UPDATE SET count = count + excluded.count",
    )?;
    for ((what, name), change) in changes.iter().filter(|(_, change)| **change != 0) {
        put.execute((what, name, change))?;
    }
    Ok(())
}
