//! The tables: how a file becomes a store, how an older one is brought up, and what is refused.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::trouble;
use crate::store::StoreError;

/// Marks the file as ours: "ASKA" in SQLite's header.
const APPLICATION: i32 = 0x4153_4b41;

/// What brings the tables from each version to the next; the first makes them. What stands here
/// has run on stores that exist: it is only ever added to.
pub(super) const MIGRATIONS: &[&str] =
    &[include_str!("schema.sql"), include_str!("windows.sql"), include_str!("events.sql")];

/// The version of the tables that this program knows.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

const ATTEMPT: &str = "open the store";

/// Settings of every connection.
///
/// `synchronous = FULL`: with WAL each commit is on the disk before it is answered. `NORMAL` would
/// lose the last ones when the power fails, and what they held is acknowledged by then.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA synchronous = FULL;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 67108864;",
    )
}

/// Makes a new file a store, brings an older one up, refuses what is none or newer.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), StoreError> {
    let explain = |error: rusqlite::Error| trouble::explain(ATTEMPT, path, &error);
    let is_new = is_empty(connection).map_err(explain)?;
    if is_new {
        // Before the first table: later neither could be set without writing the file anew.
        connection
            .execute_batch(&format!(
                "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION};"
            ))
            .map_err(explain)?;
    } else {
        check_ours(connection, path)?;
        check_whole(connection, path, false)?;
    }
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(explain)?;
    if mode != "wal" {
        return Err(StoreError::Broken {
            attempt: ATTEMPT,
            cause: format!(
                "{} cannot be used with a write-ahead log (SQLite answers \"{mode}\"): put it on \
                 a local disk, network volumes do not do",
                path.display()
            ),
        });
    }
    migrate(connection, migrations).map_err(explain)
}

/// Refuses what is no store, or a newer one; answers the version of its tables.
pub(super) fn check_ours(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let explain = |error: rusqlite::Error| trouble::explain(ATTEMPT, path, &error);
    let broken = |cause: String| StoreError::Broken { attempt: ATTEMPT, cause };
    let application: i32 = pragma(connection, "application_id").map_err(explain)?;
    // A service may be making it at this moment.
    if application == 0 && is_empty(connection).map_err(explain)? {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(broken(format!(
            "{} is a database of another program, not a store of askance: name another file",
            path.display()
        )));
    }
    let version: u32 = pragma(connection, "user_version").map_err(explain)?;
    if version > VERSION {
        return Err(broken(format!(
            "{} has tables of version {version}, this askance knows version {VERSION}: use the \
             newer askance that wrote it, or restore a backup from before",
            path.display()
        )));
    }
    Ok(version)
}

/// Refuses tables that are older than this program's, for those who must not change them.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let version = check_ours(connection, path)?;
    if version < VERSION {
        return Err(StoreError::Broken {
            attempt: ATTEMPT,
            cause: format!(
                "{} has tables of version {version}, this askance wants version {VERSION}: \
                 `askance run` brings them up when it starts",
                path.display()
            ),
        });
    }
    Ok(())
}

/// Tells damage before anything is read: every page and index is looked at.
pub(super) fn check_whole(
    connection: &Connection,
    path: &Path,
    is_thorough: bool,
) -> Result<(), StoreError> {
    let explain = |error: rusqlite::Error| trouble::explain("check the store", path, &error);
    let check = if is_thorough { "PRAGMA integrity_check(5)" } else { "PRAGMA quick_check(5)" };
    let mut statement = connection.prepare(check).map_err(explain)?;
    let found: Vec<String> =
        statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(explain)?;
    if found == ["ok"] {
        return Ok(());
    }
    Err(StoreError::Broken {
        attempt: "check the store",
        cause: format!(
            "{} is damaged ({}); {}",
            path.display(),
            found.join("; "),
            trouble::advice()
        ),
    })
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Each step in a transaction of its own, with its number; those of a new store in one, so that a
/// command beside it sees all of its tables or none.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if pragma::<u32>(&transaction, "user_version")? == 0 {
        migrations.iter().try_for_each(|sql| transaction.execute_batch(sql))?;
        transaction.execute_batch(&format!("PRAGMA user_version = {}", migrations.len()))?;
        return transaction.commit();
    }
    drop(transaction);
    for (index, sql) in migrations.iter().enumerate() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Looked at anew each time: another program may be doing the same.
        let version: u32 = pragma(&transaction, "user_version")?;
        if version as usize != index {
            continue;
        }
        transaction.execute_batch(sql)?;
        transaction.execute_batch(&format!("PRAGMA user_version = {}", index + 1))?;
        transaction.commit()?;
    }
    Ok(())
}

pub(super) fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<T> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}
