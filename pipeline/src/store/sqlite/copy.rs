//! Backup while the service runs, and putting a backup in the store's place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{beside, connect, create, lock_service, require, schema, trouble};
use crate::store::StoreError;

const BACKUP: &str = "back up the store";
const RESTORE: &str = "restore the store";

/// A store was put in another's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where what was there before is kept, if there was something.
    pub kept: Option<PathBuf>,
}

/// Copies the store at `path`, as it is at this moment, to `to`; answers the bytes of the copy.
///
/// A service may run and write meanwhile. The copy has been checked when it gets its name; a copy of
/// that name from before is replaced.
///
/// # Errors
/// `Broken` if the store or the copy is damaged, or `to` is something else than a copy; `Transient`
/// if one of the disks is full or locked.
pub fn backup(path: &Path, to: &Path) -> Result<u64, StoreError> {
    require(path)?;
    refuse_others(path, to)?;
    let source = connect(path)?;
    schema::check_ours(&source, path)?;
    let partial = beside(to, ".partial");
    let copied = copy(&source, path, &partial, BACKUP)
        .and_then(|()| fs::rename(&partial, to).map_err(|error| disk(BACKUP, to, &error)))
        .and_then(|()| sync_folder(to, BACKUP));
    if copied.is_err() {
        remove(&partial, BACKUP)?;
    }
    copied?;
    fs::metadata(to).map(|file| file.len()).map_err(|error| disk(BACKUP, to, &error))
}

/// Puts the backup `from` in the place of the store at `path`; what was there is kept beside it.
///
/// # Errors
/// `Broken` if a service runs, or the backup is damaged, none, or newer than this program; the store
/// is then as it was. `Transient` if the disk is full or locked.
pub fn restore(path: &Path, from: &Path) -> Result<Restored, StoreError> {
    let _lock = lock_service(path, RESTORE)?;
    if !from.is_file() {
        let cause = format!(
            "{} is not there: name a file that `askance store backup` made",
            from.display()
        );
        return Err(StoreError::Broken { attempt: RESTORE, cause });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)
        .map_err(|error| trouble::explain(RESTORE, from, &error))?;
    schema::check_ours(&source, from)?;
    schema::check_whole(&source, from, true)?;
    let fresh = beside(path, ".restoring");
    if let Err(error) = copy(&source, from, &fresh, RESTORE) {
        remove(&fresh, RESTORE)?;
        return Err(error);
    }
    let kept = if path.exists() { Some(keep(path)?) } else { None };
    fs::rename(&fresh, path).map_err(|error| disk(RESTORE, path, &error))?;
    sync_folder(path, RESTORE)?;
    Ok(Restored { kept })
}

/// Copies all pages from one moment into a new file, checks them, and has them on the disk.
fn copy(
    source: &Connection,
    path: &Path,
    to: &Path,
    attempt: &'static str,
) -> Result<(), StoreError> {
    remove(to, attempt)?;
    create(to)?;
    let mut copy = connect(to)?;
    {
        let explain = |error: rusqlite::Error| trouble::explain(attempt, to, &error);
        let backup = Backup::new(source, &mut copy).map_err(explain)?;
        // All in one step, which reads from one moment while others write; in several steps it
        // would begin anew at each commit in between.
        match backup.step(-1).map_err(explain)? {
            StepResult::Done => {}
            _ => {
                let cause = format!("{} is locked by another program: try again", path.display());
                return Err(StoreError::Transient { attempt, cause });
            }
        }
    }
    schema::check_whole(&copy, to, true)?;
    // One file without others beside it; a service sets it back.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .map_err(|error| trouble::explain(attempt, to, &error))?;
    copy.close().map_err(|(_, error)| trouble::explain(attempt, to, &error))?;
    let synced = fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| disk(attempt, to, &error))
}

/// A backup goes neither over the store itself nor over what is none.
fn refuse_others(path: &Path, to: &Path) -> Result<(), StoreError> {
    let broken = |cause: String| Err(StoreError::Broken { attempt: BACKUP, cause });
    if !to.exists() {
        return Ok(());
    }
    let same = fs::canonicalize(path).and_then(|path| Ok(path == fs::canonicalize(to)?));
    if same.map_err(|error| disk(BACKUP, to, &error))? {
        return broken(format!("{} is the store itself: name another file", to.display()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let is_ours = Connection::open_with_flags(to, flags)
        .is_ok_and(|there| schema::check_ours(&there, to).is_ok());
    if is_ours {
        return Ok(());
    }
    broken(format!(
        "{} is there and is no backup of a store: name another file, or remove it",
        to.display()
    ))
}

/// Puts the store aside. Its file keeps its place until another takes it, so that at no moment a
/// service would find nothing and begin anew; its log must be gone by then, or it would be played
/// into the file that comes.
fn keep(path: &Path) -> Result<PathBuf, StoreError> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%S%6fZ").to_string();
    let kept = beside(path, &format!(".before-{stamp}"));
    // Writes the log into the file as far as both are whole. If not, they are kept as they are.
    if let Ok(connection) = connect(path) {
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())); // see above
    }
    fs::hard_link(path, &kept).map_err(|error| disk(RESTORE, &kept, &error))?;
    for ending in ["-wal", "-shm"] {
        let there = beside(path, ending);
        if there.exists() {
            let to = beside(&kept, ending);
            fs::rename(&there, &to).map_err(|error| disk(RESTORE, &to, &error))?;
        }
    }
    Ok(kept)
}

/// Takes a file away with what SQLite puts beside it; that it is not there is no error.
fn remove(path: &Path, attempt: &'static str) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let path = beside(path, ending);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(disk(attempt, &path, &error));
        }
    }
    Ok(())
}

/// A new name is on the disk when its folder is.
fn sync_folder(path: &Path, attempt: &'static str) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| disk(attempt, folder, &error))
}

fn disk(attempt: &'static str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Transient { attempt, cause: format!("{}: {error}", path.display()) }
}
