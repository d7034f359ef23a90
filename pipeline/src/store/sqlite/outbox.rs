//! Messages that wait for sinks: which are due, what became of them, and what people do about them.

use askance_stages::raise::{Group, MessageKind};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::values;
use crate::store::{Depth, OutboxChoice, OutboxRow, Queued, Settled, Words};

/// Nothing earlier of the same alert waits for the same sink.
const IS_FIRST: &str = "NOT EXISTS (SELECT 1 FROM outbox AS earlier
    WHERE earlier.alert = outbox.alert AND earlier.sink = outbox.sink AND earlier.is_dead = 0
    AND earlier.number < outbox.number)";

/// Messages to be sent now, in order: of each alert the first one.
pub(super) fn due(
    read: &Connection,
    sink: &str,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Queued>> {
    let mut find = read.prepare_cached(&format!(
        "SELECT outbox.number, outbox.kind, outbox.alert, outbox.attempts, outbox.queued,
             alerts.json, groups.json, words.json, told.reference
         FROM outbox INDEXED BY outbox_in_order
         CROSS JOIN alerts ON alerts.id = outbox.alert
         LEFT JOIN groups ON groups.leader = outbox.alert
         LEFT JOIN words ON words.rule = alerts.rule
         LEFT JOIN told ON told.alert = outbox.alert AND told.sink = outbox.sink
         WHERE outbox.sink = ?1 AND outbox.is_dead = 0
             AND (outbox.due <= ?2 OR outbox.queued > ?2) AND {IS_FIRST}
         ORDER BY outbox.number LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = find.query_map((sink, values::micros(now), limit), queued)?;
    rows.collect()
}

fn queued(row: &Row<'_>) -> rusqlite::Result<Queued> {
    let kind: String = row.get(1)?;
    let alert_id: String = row.get(2)?;
    let group = match row.get_ref(6)?.as_str_or_null()? {
        Some(json) => values::read(6, json)?,
        None => Group::alone(&alert_id),
    };
    let words = match row.get_ref(7)?.as_str_or_null()? {
        Some(json) => values::read(7, json)?,
        None => Words::default(),
    };
    Ok(Queued {
        number: row.get(0)?,
        kind: values::named(1, &kind, MessageKind::from_name)?,
        alert: row.get(5)?,
        group,
        words,
        attempts: row.get(3)?,
        queued: values::time(row.get(4)?),
        reference: row.get(8)?,
        alert_id,
    })
}

/// When the next message is due that waits for no other.
pub(super) fn next_due(read: &Connection, sink: &str) -> rusqlite::Result<Option<Timestamp>> {
    let mut find = read.prepare_cached(&format!(
        "SELECT due FROM outbox INDEXED BY outbox_by_time
         WHERE sink = ?1 AND is_dead = 0 AND {IS_FIRST} ORDER BY due LIMIT 1"
    ))?;
    find.query_row([sink], |row| row.get(0).map(values::time)).optional()
}

/// Notes what became of messages. One that is not there any more (an update was replaced while it
/// was under way, or somebody dropped it) is passed by.
pub(super) fn settle(
    write: &Connection,
    sink: &str,
    settled: &[Settled],
    position: Option<&str>,
) -> rusqlite::Result<()> {
    let mut sent = write
        .prepare_cached("DELETE FROM outbox WHERE number = ?1 AND sink = ?2 RETURNING alert")?;
    let mut refer = write.prepare_cached(
        "INSERT INTO told (alert, sink, reference) VALUES (?1, ?2, ?3)
         ON CONFLICT (alert, sink) DO UPDATE SET reference = excluded.reference",
    )?;
    let mut failed = write.prepare_cached(
        "UPDATE outbox SET attempts = attempts + 1, error = ?3, due = coalesce(?4, due),
             is_dead = ?5
         WHERE number = ?1 AND sink = ?2",
    )?;
    for one in settled {
        match one {
            Settled::Sent { number, reference } => {
                let alert: Option<String> =
                    sent.query_row((number, sink), |row| row.get(0)).optional()?;
                if let (Some(alert), Some(reference)) = (alert, reference) {
                    refer.execute((alert, sink, reference))?;
                }
            }
            Settled::Later { number, due, error } => {
                failed.execute((number, sink, error, values::micros(*due), false))?;
            }
            Settled::Dead { number, error } => {
                failed.execute((number, sink, error, None::<i64>, true))?;
            }
        }
    }
    if let Some(position) = position {
        let mut put = write.prepare_cached(
            "INSERT INTO positions (sink, position) VALUES (?1, ?2)
             ON CONFLICT (sink) DO UPDATE SET position = excluded.position",
        )?;
        put.execute((sink, position))?;
    }
    Ok(())
}

/// What a sink noted last.
pub(super) fn position(read: &Connection, sink: &str) -> rusqlite::Result<Option<String>> {
    let mut find = read.prepare_cached("SELECT position FROM positions WHERE sink = ?1")?;
    find.query_row([sink], |row| row.get(0)).optional()
}

/// How many messages wait, by sink.
pub(super) fn depths(read: &Connection) -> rusqlite::Result<Vec<Depth>> {
    let mut find = read.prepare_cached(
        "SELECT sink, is_dead, count(*), min(queued) FROM outbox INDEXED BY outbox_in_order
         GROUP BY sink, is_dead ORDER BY sink",
    )?;
    let mut rows = find.query([])?;
    let mut depths: Vec<Depth> = Vec::new();
    while let Some(row) = rows.next()? {
        let sink: String = row.get(0)?;
        if depths.last().is_none_or(|depth| depth.sink != sink) {
            depths.push(Depth { sink, ..Depth::default() });
        }
        let count = values::unsigned(row.get(2)?);
        let Some(depth) = depths.last_mut() else { continue };
        if row.get(1)? {
            depth.dead = count;
        } else {
            depth.waiting = count;
            depth.oldest = Some(values::time(row.get(3)?).to_string());
        }
    }
    Ok(depths)
}

/// The condition for a choice, and its values.
fn chosen(choice: &OutboxChoice) -> (String, Vec<Value>) {
    let mut condition = "1".to_owned();
    let mut given = Vec::new();
    if let Some(sink) = &choice.sink {
        condition.push_str(" AND outbox.sink = ?");
        given.push(Value::Text(sink.clone()));
    }
    if choice.is_dead {
        condition.push_str(" AND outbox.is_dead = 1");
    }
    if !choice.numbers.is_empty() {
        condition.push_str(" AND outbox.number IN (SELECT value FROM json_each(?))");
        let numbers: Vec<String> = choice.numbers.iter().map(ToString::to_string).collect();
        given.push(Value::Text(format!("[{}]", numbers.join(","))));
    }
    (condition, given)
}

/// Messages for people, in order.
pub(super) fn list(read: &Connection, choice: &OutboxChoice) -> rusqlite::Result<Vec<OutboxRow>> {
    let (condition, given) = chosen(choice);
    let mut find = read.prepare(&format!(
        "SELECT outbox.number, sink, outbox.alert, alerts.title, kind, is_dead, attempts, due,
             queued, error
         FROM outbox JOIN alerts ON alerts.id = outbox.alert WHERE {condition}
         ORDER BY outbox.number"
    ))?;
    let rows = find.query_map(params_from_iter(given), |row| {
        let state = if row.get(5)? { "dead" } else { "waiting" };
        Ok(OutboxRow {
            number: row.get(0)?,
            sink: row.get(1)?,
            alert: row.get(2)?,
            title: row.get(3)?,
            kind: row.get(4)?,
            state: state.to_owned(),
            attempts: row.get(6)?,
            due: values::time(row.get(7)?).to_string(),
            queued: values::time(row.get(8)?).to_string(),
            error: row.get(9)?,
        })
    })?;
    rows.collect()
}

/// Makes messages due: those that wait since they were queued, dead ones as if they were new, or
/// their age would put them with the dead letters again at the first failure.
pub(super) fn retry(write: &Connection, choice: &OutboxChoice) -> rusqlite::Result<u64> {
    let (condition, given) = chosen(choice);
    let now = values::micros(Timestamp::now());
    let given = [Value::Integer(now)].into_iter().chain(given);
    let changed = write.execute(
        &format!(
            "UPDATE outbox SET due = min(due, queued),
                 queued = CASE is_dead WHEN 1 THEN ? ELSE queued END, is_dead = 0
             WHERE {condition}"
        ),
        params_from_iter(given),
    )?;
    Ok(changed as u64)
}

/// Takes messages out.
pub(super) fn discard(write: &Connection, choice: &OutboxChoice) -> rusqlite::Result<u64> {
    let (condition, given) = chosen(choice);
    let sql = format!("DELETE FROM outbox WHERE {condition}");
    Ok(write.execute(&sql, params_from_iter(given))? as u64)
}
