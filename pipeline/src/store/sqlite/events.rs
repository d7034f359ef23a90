//! Events for correlations of an input that has an end.

use askance_stages::correlate::Bundle;
use rusqlite::Connection;

use crate::store::EventPlace;

/// Adds them.
pub(super) fn put(write: &Connection, bundles: &[Bundle]) -> rusqlite::Result<()> {
    let mut put = write.prepare_cached("INSERT INTO events (part, bundle) VALUES (?1, ?2)")?;
    bundles.iter().try_for_each(|it| put.execute((it.part, &it.bytes)).map(drop))
}

/// Makes them quick to be found by part. Until then nothing is paid for it.
pub(super) fn index(write: &Connection) -> rusqlite::Result<()> {
    write.execute_batch("CREATE INDEX IF NOT EXISTS events_by_part ON events (part)")
}

/// Those behind a place.
pub(super) fn find(
    read: &Connection,
    behind: Option<EventPlace>,
    limit: usize,
) -> rusqlite::Result<(Vec<Bundle>, Option<EventPlace>)> {
    let mut find = read.prepare_cached(
        "SELECT part, number, bundle FROM events WHERE (part, number) > (?1, ?2)
         ORDER BY part, number LIMIT ?3",
    )?;
    let (part, number) = behind.map_or((-1, 0), |(part, number)| (i64::from(part), number));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = find.query((part, number, limit))?;
    let (mut found, mut place) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let part = row.get(0)?;
        place = Some((part, row.get(1)?));
        found.push(Bundle { part, bytes: row.get(2)? });
    }
    Ok((found, place))
}
