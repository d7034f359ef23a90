//! Groups of correlations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::commit::Changes;
use super::values;
use crate::store::Window;

/// Those of these keys.
pub(super) fn find(
    read: &Connection,
    keys: &BTreeSet<String>,
) -> rusqlite::Result<BTreeMap<String, Window>> {
    let mut find =
        read.prepare_cached("SELECT correlation, due, state FROM windows WHERE key = ?1")?;
    let mut found = BTreeMap::new();
    for key in keys {
        let window = find.query_row([key], |row| {
            Ok(Window {
                key: key.clone(),
                correlation: row.get(0)?,
                due: Some(values::time(row.get(1)?)),
                state: Some(row.get(2)?),
            })
        });
        found.extend(window.optional()?.map(|window| (key.clone(), window)));
    }
    Ok(found)
}

/// Those that are due.
pub(super) fn due(
    read: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<(String, String)>> {
    let mut find = read.prepare_cached(
        "SELECT key, correlation FROM windows WHERE due <= ?1 ORDER BY due, number LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        find.query_map((values::micros(now), limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// When the earliest is due.
pub(super) fn next(read: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let mut find = read.prepare_cached("SELECT min(due) FROM windows")?;
    let due: Option<i64> = find.query_row([], |row| row.get(0))?;
    Ok(due.map(values::time))
}

/// Keeps them as they are now.
pub(super) fn put(
    write: &Connection,
    windows: &[Window],
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached(
        "INSERT INTO windows (key, correlation, due, state) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO NOTHING",
    )?;
    let mut change = write.prepare_cached(
        "UPDATE windows SET correlation = ?2, due = ?3, state = ?4 WHERE key = ?1",
    )?;
    let mut take = write.prepare_cached("DELETE FROM windows WHERE key = ?1")?;
    let mut count = 0;
    for window in windows {
        match &window.state {
            Some(state) => {
                // One without a time would stay for ever.
                let due = values::micros(window.due.unwrap_or(Timestamp::MIN));
                let row = (&window.key, &window.correlation, due, state);
                if put.execute(row)? == 1 {
                    count += 1;
                } else {
                    change.execute(row)?;
                }
            }
            None => count -= i64::try_from(take.execute([&window.key])?).unwrap_or(0),
        }
    }
    *changes.entry(("windows", String::new())).or_default() += count;
    Ok(())
}
