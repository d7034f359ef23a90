//! Alerts and rejects for people to look at, and their taking note of alerts.

use askance_stages::raise::Group;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::value::RawValue;

use super::commit::level_number;
use super::values;
use crate::store::{Ack, AlertChoice, RejectRow, StoredAlert, Words};

/// The condition, order and bound for a choice, and its values.
fn chosen(choice: &AlertChoice) -> (String, Vec<Value>) {
    let mut sql = "1".to_owned();
    let mut given = Vec::new();
    let mut and = |condition: &str, value: Value| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        given.push(value);
    };
    if let Some(id) = &choice.id {
        and("alerts.id >= ?", Value::Text(id.clone()));
        // Behind everything that begins so: text is compared byte by byte.
        and("alerts.id < ?", Value::Text(format!("{id}{}", char::MAX)));
    }
    if let Some(from) = choice.from {
        and("time >= ?", Value::Integer(values::micros(from)));
    }
    if let Some(to) = choice.to {
        and("time < ?", Value::Integer(values::micros(to)));
    }
    if let Some(level) = choice.level {
        and("level >= ?", Value::Integer(level_number(level)));
    }
    for (condition, value) in [
        ("alerts.rule = ?", &choice.rule),
        ("account = ?", &choice.account),
        ("fate = ?", &choice.fate),
    ] {
        if let Some(value) = value {
            and(condition, Value::Text(value.clone()));
        }
    }
    if choice.is_open {
        sql.push_str(" AND ack_by IS NULL");
    }
    sql.push_str(" ORDER BY time DESC, alerts.number DESC");
    if let Some(limit) = choice.limit {
        sql.push_str(" LIMIT ?");
        given.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    }
    (sql, given)
}

/// Alerts, the latest first.
pub(super) fn list(read: &Connection, choice: &AlertChoice) -> rusqlite::Result<Vec<StoredAlert>> {
    let (chosen, given) = chosen(choice);
    let mut find = read.prepare(&format!(
        "SELECT alerts.id, alerts.json, fate, raised, alerts.leader, suppressed_by, groups.json,
             words.json, ack_by, ack_at, ack_note
         FROM alerts LEFT JOIN groups ON groups.leader = alerts.id
         LEFT JOIN words ON words.rule = alerts.rule WHERE {chosen}"
    ))?;
    let rows = find.query_map(params_from_iter(given), stored)?;
    rows.collect()
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredAlert> {
    let alert: Box<RawValue> = values::read(1, row.get_ref(1)?.as_str()?)?;
    let group: Option<Group> = match row.get_ref(6)?.as_str_or_null()? {
        Some(json) => Some(values::read(6, json)?),
        None => None,
    };
    let words = match row.get_ref(7)?.as_str_or_null()? {
        Some(json) => values::read(7, json)?,
        None => Words::default(),
    };
    let by: Option<String> = row.get(8)?;
    let ack = match by {
        Some(by) => {
            let at: Option<String> = row.get(9)?;
            Some(Ack { by, at: at.unwrap_or_default(), note: row.get(10)? })
        }
        None => None,
    };
    Ok(StoredAlert {
        id: row.get(0)?,
        alert,
        fate: row.get(2)?,
        raised: values::time(row.get(3)?).to_string(),
        leader: row.get(4)?,
        suppressed_by: row.get(5)?,
        group,
        words,
        ack,
    })
}

/// Notes that somebody took note; who did it last is kept.
pub(super) fn acknowledge(
    write: &Connection,
    choice: &AlertChoice,
    ack: &Ack,
) -> rusqlite::Result<u64> {
    let (chosen, given) = chosen(choice);
    let note = ack.note.clone().map_or(Value::Null, Value::Text);
    let given =
        [Value::Text(ack.by.clone()), Value::Text(ack.at.clone()), note].into_iter().chain(given);
    let changed = write.execute(
        &format!(
            "UPDATE alerts SET ack_by = ?, ack_at = ?, ack_note = ?
             WHERE number IN (SELECT number FROM alerts WHERE {chosen})"
        ),
        params_from_iter(given),
    )?;
    Ok(changed as u64)
}

/// Rejects behind a number, in order.
pub(super) fn rejects(
    read: &Connection,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, RejectRow)>> {
    let mut find = read.prepare_cached(
        "SELECT number, at, source, origin, reason, offset, detail, evidence FROM rejects
         WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = find.query_map((after, limit), |row| {
        let reject = RejectRow {
            at: row.get(1)?,
            source: row.get(2)?,
            origin: row.get(3)?,
            reason: row.get(4)?,
            offset: values::unsigned(row.get(5)?),
            detail: row.get(6)?,
            evidence: row.get(7)?,
        };
        Ok((row.get(0)?, reject))
    })?;
    rows.collect()
}
