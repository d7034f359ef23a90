//! What is in the store, and letting go of what is old or too much.
//!
//! A message that waits keeps its alert, however old or large the store is. The ledger keeps at
//! least [`LEDGER_AT_LEAST`]: a queue may bring an object again for weeks.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tracing::{info, warn};

use super::commit::{Changes, count};
use super::{SqliteStore, beside, outbox, schema, values};
use crate::store::{LEDGER_AT_LEAST, Retention, StoreError, StoreStats};

/// Rows that go in one transaction, so that commits in between wait for milliseconds only.
const BATCH: i64 = 500;

/// Pages that are given back to the disk in one transaction.
const PAGES: i64 = 1000;

const ATTEMPT: &str = "compact the store";

/// What is let go of.
#[derive(Clone, Copy)]
enum What {
    Alerts,
    Rejects,
    Ledger,
}

/// What is in it.
pub(super) fn stats(read: &Connection, path: &Path) -> rusqlite::Result<StoreStats> {
    let mut stats = StoreStats {
        bytes: bytes(path),
        outbox: outbox::depths(read)?,
        version: schema::pragma(read, "user_version")?,
        ..StoreStats::default()
    };
    let mut find = read.prepare_cached("SELECT what, name, count FROM counts WHERE count <> 0")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (what, name): (String, String) = (row.get(0)?, row.get(1)?);
        let count = values::unsigned(row.get(2)?);
        match what.as_str() {
            "objects" => stats.objects = count,
            "rejects" => stats.rejects = count,
            "windows" => stats.windows = count,
            "alerts" => drop(stats.alerts.insert(name, count)),
            "suppressed" => drop(stats.suppressed.insert(name, count)),
            "early" => stats.gone_early = count,
            other => warn!(what = other, "a count in the store that nothing shows"),
        }
    }
    Ok(stats)
}

/// Bytes of the file and what SQLite keeps beside it.
pub(super) fn bytes(path: &Path) -> u64 {
    ["", "-wal", "-shm"].iter().map(|ending| size(&beside(path, ending))).sum()
}

/// A file that is not there has no bytes.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

impl SqliteStore {
    /// Lets go of what is old, then of the oldest until the store is small enough, then gives the
    /// pages back. Many small transactions: commits go on in between.
    pub(super) async fn let_go(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let before = |keep: Duration| {
            let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
            now.checked_sub(keep).unwrap_or(Timestamp::MIN)
        };
        let ledger = before(retention.ledger.max(LEDGER_AT_LEAST));
        let mut gone = 0;
        for (what, old) in [
            (What::Alerts, before(retention.alerts)),
            (What::Rejects, before(retention.ledger)),
            (What::Ledger, ledger),
        ] {
            loop {
                let went = self.batch(what, old, false).await?;
                gone += went;
                if went == 0 {
                    break;
                }
            }
        }
        gone += self.shrink(retention.max_bytes, before(LEDGER_AT_LEAST)).await?;
        self.give_back().await?;
        if gone > 0 {
            info!(rows = gone, "compacted the store");
        }
        Ok(gone)
    }

    /// The oldest go while the store is too large.
    async fn shrink(&self, max_bytes: u64, ledger: Timestamp) -> Result<u64, StoreError> {
        let mut early = 0;
        while self.read(ATTEMPT, used).await? > max_bytes {
            let mut went = self.batch(What::Alerts, Timestamp::MAX, true).await?;
            went += self.batch(What::Rejects, Timestamp::MAX, true).await?;
            went += self.batch(What::Ledger, ledger, true).await?;
            if went == 0 {
                warn!(
                    max_bytes,
                    "the store is larger than store.max_size, and what is left must stay: messages \
                     that wait, and objects read in the last 30 days"
                );
                break;
            }
            early += went;
        }
        if early > 0 {
            warn!(
                rows = early,
                max_bytes, "the store grew past store.max_size: the oldest went early"
            );
        }
        Ok(early)
    }

    async fn batch(&self, what: What, old: Timestamp, is_early: bool) -> Result<u64, StoreError> {
        self.write(ATTEMPT, move |write| {
            let mut changes = Changes::new();
            let went = match what {
                What::Alerts => alerts(write, old, &mut changes)?,
                What::Rejects => rejects(write, old, &mut changes)?,
                What::Ledger => ledger(write, old, &mut changes)?,
            };
            if is_early {
                changes.insert(("early", String::new()), values::signed(went));
            }
            count(write, &changes)?;
            Ok(went)
        })
        .await
    }

    async fn give_back(&self) -> Result<(), StoreError> {
        loop {
            let left = self.on_writer(ATTEMPT, give_back).await?;
            if left == 0 {
                break;
            }
        }
        self.on_writer(ATTEMPT, checkpoint).await
    }
}

/// Writes the log into the file and cuts it. That a reader kept it from ending is no error.
pub(super) fn checkpoint(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Bytes of pages that hold something.
fn used(read: &rusqlite::Transaction<'_>) -> rusqlite::Result<u64> {
    let pragma = |name| schema::pragma::<i64>(read, name);
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(values::unsigned(pages * pragma("page_size")?))
}

/// Gives some free pages back; answers how many are left.
fn give_back(connection: &mut Connection) -> rusqlite::Result<i64> {
    let before: i64 = schema::pragma(connection, "freelist_count")?;
    {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut rows = vacuum.query([])?;
        // A row for each page: the work is done by asking for them.
        while rows.next()?.is_some() {}
    }
    let left: i64 = schema::pragma(connection, "freelist_count")?;
    // Where nothing could be given back there is no use in asking again.
    Ok(if left < before { left } else { 0 })
}

fn alerts(write: &Connection, old: Timestamp, changes: &mut Changes) -> rusqlite::Result<u64> {
    let mut take = write.prepare_cached(
        "DELETE FROM alerts WHERE number IN (
             SELECT number FROM alerts WHERE raised < ?1
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.alert = alerts.id)
             ORDER BY raised, number LIMIT ?2)
         RETURNING fate, suppressed_by",
    )?;
    let mut rows = take.query((values::micros(old), BATCH))?;
    let mut went = 0;
    while let Some(row) = rows.next()? {
        went += 1;
        *changes.entry(("alerts", row.get(0)?)).or_default() -= 1;
        let suppressed_by: Option<String> = row.get(1)?;
        if let Some(name) = suppressed_by {
            *changes.entry(("suppressed", name)).or_default() -= 1;
        }
    }
    Ok(went)
}

fn rejects(write: &Connection, old: Timestamp, changes: &mut Changes) -> rusqlite::Result<u64> {
    let mut take = write.prepare_cached(
        "DELETE FROM rejects WHERE number IN (
             SELECT number FROM rejects WHERE found < ?1 ORDER BY found, number LIMIT ?2)",
    )?;
    let went = take.execute((values::micros(old), BATCH))?;
    *changes.entry(("rejects", String::new())).or_default() -= went as i64;
    Ok(went as u64)
}

fn ledger(write: &Connection, old: Timestamp, changes: &mut Changes) -> rusqlite::Result<u64> {
    let mut take = write.prepare_cached(
        "DELETE FROM ledger WHERE number IN (
             SELECT number FROM ledger WHERE done < ?1 ORDER BY done, number LIMIT ?2)",
    )?;
    let went = take.execute((values::micros(old), BATCH))?;
    *changes.entry(("objects", String::new())).or_default() -= went as i64;
    Ok(went as u64)
}
