//! The store in one SQLite file.
//!
//! One connection writes, others read; every call runs on tokio's threads for what blocks, so no
//! task waits for a disk. Nothing here looks at a clock or sets a timer: times are arguments.

mod alerts;
mod commit;
mod copy;
mod events;
mod known;
mod outbox;
mod schema;
mod trouble;
mod turns;
mod upkeep;
mod values;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askance_stages::correlate::Bundle;
use askance_stages::raise::Asks;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tracing::warn;

use super::{
    Ack, AlertChoice, Basis, Commit, Depth, EventPlace, Knowledge, OutboxChoice, OutboxRow, Queued,
    RejectRow, Retention, Settled, Store, StoreError, StoreStats, StoredAlert, Turn, Window,
};

pub use copy::{backup, restore};

/// Connections for reading that are kept open while nobody uses them.
const IDLE_READERS: usize = 4;

/// Who opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The service: it makes the file, brings its tables up, checks it, and is the only service.
    Service,
    /// A command of an operator, beside a service that may run: the file must be there.
    Command,
}

/// A store in one file. Clones would be two stores: share it in an `Arc`.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    turns: Mutex<turns::Turns>,
    /// Kept for as long as the connections are open, so it stands behind them.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the store at `path` for a service: makes it if it is not there, brings its tables up.
    /// For a large one it may take seconds, since every page is checked.
    ///
    /// # Errors
    /// `Broken` if the file is damaged, no store, newer than this program, or used by another
    /// service; `Transient` if it is locked or its folder cannot be written.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, Access::Service).await
    }

    /// As [`SqliteStore::open`], for work that can be done anew: what is committed outlives the
    /// program's end at once, and when the power fails the last of it may be missing, whole.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_for_job(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open(path).await?;
        let relax =
            |connection: &mut Connection| connection.execute_batch("PRAGMA synchronous = NORMAL");
        store.on_writer("open the store", relax).await?;
        Ok(store)
    }

    /// Opens the store at `path` for a command, while a service may use it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; and `Broken` if it is not there or its tables are older.
    pub async fn open_beside(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, Access::Command).await
    }

    async fn open_as(path: &Path, access: Access) -> Result<Self, StoreError> {
        let path = path.to_owned();
        on_blocking_thread("open the store", move || {
            Self::open_with(&path, access, schema::MIGRATIONS)
        })
        .await
    }

    fn open_with(path: &Path, access: Access, migrations: &[&str]) -> Result<Self, StoreError> {
        let lock = match access {
            Access::Service => {
                create(path)?;
                Some(lock_service(path, "open the store")?)
            }
            Access::Command => {
                require(path)?;
                None
            }
        };
        let mut connection = connect(path)?;
        match access {
            Access::Service => schema::prepare(&mut connection, path, migrations)?,
            Access::Command => schema::check_current(&connection, path)?,
        }
        let shared = Shared {
            path: path.to_owned(),
            writer: Mutex::new(connection),
            readers: Mutex::default(),
            turns: Mutex::default(),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes in one transaction, which is taken back if `work` fails.
    async fn write<T, W>(&self, attempt: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.on_writer(attempt, move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Does something with the writing connection that brings its own transaction.
    async fn on_writer<T, W>(&self, attempt: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.blocking(attempt, move |shared| {
            work(&mut held(&shared.writer))
                .map_err(|error| trouble::explain(attempt, &shared.path, &error))
        })
        .await
    }

    /// Reads everything from one moment of the store.
    async fn read<T, W>(&self, attempt: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.blocking(attempt, move |shared| {
            let idle = held(&shared.readers).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => connect(&shared.path)?,
            };
            let done = connection
                .transaction()
                .and_then(|transaction| work(&transaction))
                .map_err(|error| trouble::explain(attempt, &shared.path, &error));
            let mut readers = held(&shared.readers);
            // After an error it may be of no use any more.
            if done.is_ok() && readers.len() < IDLE_READERS {
                readers.push(connection);
            }
            done
        })
        .await
    }

    async fn blocking<T, W>(&self, attempt: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        on_blocking_thread(attempt, move || work(&shared)).await
    }
}

/// Runs what blocks where it may; tokio's paused clock stands still meanwhile.
async fn on_blocking_thread<T: Send + 'static>(
    attempt: &'static str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_cancelled() => {
            Err(StoreError::Transient { attempt, cause: "the program is ending".to_owned() })
        }
        Err(_) => Err(StoreError::Broken {
            attempt,
            cause: "a defect of askance: the call failed, see the log".to_owned(),
        }),
    }
}

/// A panic while it was held has taken its transaction back: what is there is whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    connection
        .and_then(|connection| schema::settle(&connection).map(|()| connection))
        .map_err(|error| trouble::explain("open the store", path, &error))
}

/// Makes the file, for its owner alone: alerts hold whole events. SQLite gives its other files the
/// same mode. A file that is there is not opened: closing it would let go of SQLite's locks on it.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_owner_alone(&mut options);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Transient {
            attempt: "open the store",
            cause: format!(
                "{} cannot be made ({error}): its folder must be there and writable for the user \
                 that askance runs as",
                path.display()
            ),
        }),
    }
}

fn for_owner_alone(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options; // other systems keep such rights in the folder
}

fn require(path: &Path) -> Result<(), StoreError> {
    if path.is_file() {
        return Ok(());
    }
    Err(StoreError::Broken {
        attempt: "open the store",
        cause: format!(
            "{} is not there: `askance run` makes it; name another with --store FILE or --config \
             FILE",
            path.display()
        ),
    })
}

/// The path with something behind its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Holds off other services, and restores, until the file is closed; the system lets go of it
/// however the process ends.
fn lock_service(path: &Path, attempt: &'static str) -> Result<File, StoreError> {
    let lock = beside(path, ".lock");
    let failed = |error: &std::io::Error| StoreError::Transient {
        attempt,
        cause: format!("cannot lock {}: {error}", lock.display()),
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    for_owner_alone(&mut options);
    let mut file = options.open(&lock).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => {
            let process = format!("{}\n", std::process::id());
            // Only for the message of whoever comes second: the lock itself is held.
            let _ = file.set_len(0).and_then(|()| file.write_all(process.as_bytes()));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let process = match file.take(20).read_to_string(&mut holder) {
                Ok(_) if !holder.trim().is_empty() => format!(" (process {})", holder.trim()),
                _ => String::new(),
            };
            Err(StoreError::Broken {
                attempt,
                cause: format!(
                    "{} is used by a running askance{process}: stop it first, one service uses a \
                     store at a time",
                    path.display()
                ),
            })
        }
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn are_done(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        let keys = keys.to_vec();
        self.read("look into the ledger", move |read| known::are_done(read, &keys)).await
    }

    async fn known(&self, asks: &Asks) -> Result<Knowledge, StoreError> {
        let asks = asks.clone();
        let known = self.read("look up alerts", move |read| known::known(read, &asks)).await?;
        // One service at a time writes: what is known cannot become stale.
        Ok(Knowledge { known, basis: Basis::default() })
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.write("commit", move |write| commit::commit(write, &commit)).await
    }

    async fn windows(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Window>, Basis), StoreError> {
        let keys = keys.clone();
        let found = self.read("look up groups", move |read| windows::find(read, &keys)).await?;
        Ok((found, Basis::default()))
    }

    async fn windows_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.read("look for groups that are due", move |read| windows::due(read, now, limit)).await
    }

    async fn events(
        &self,
        behind: Option<EventPlace>,
        limit: usize,
    ) -> Result<(Vec<Bundle>, Option<EventPlace>), StoreError> {
        let attempt = "look up events of correlations";
        if behind.is_none() {
            self.write(attempt, |write| events::index(write)).await?;
        }
        self.read(attempt, move |read| events::find(read, behind, limit)).await
    }

    async fn windows_next(&self, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read("look for groups that are due", |read| windows::next(read)).await
    }

    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        let sink = sink.to_owned();
        self.read("look into the outbox", move |read| outbox::due(read, &sink, now, limit)).await
    }

    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        let sink = sink.to_owned();
        self.read("look into the outbox", move |read| outbox::next_due(read, &sink)).await
    }

    async fn settle(
        &self,
        sink: &str,
        settled: Vec<Settled>,
        position: Option<String>,
    ) -> Result<(), StoreError> {
        let sink = sink.to_owned();
        self.write("note what was sent", move |write| {
            outbox::settle(write, &sink, &settled, position.as_deref())
        })
        .await
    }

    async fn position(&self, sink: &str) -> Result<Option<String>, StoreError> {
        let sink = sink.to_owned();
        self.read("look up a sink's place", move |read| outbox::position(read, &sink)).await
    }

    async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        self.read("count the outbox", |read| outbox::depths(read)).await
    }

    async fn outbox(&self, choice: &OutboxChoice) -> Result<Vec<OutboxRow>, StoreError> {
        let choice = choice.clone();
        self.read("list the outbox", move |read| outbox::list(read, &choice)).await
    }

    async fn retry(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        let choice = choice.clone();
        self.write("make messages due", move |write| outbox::retry(write, &choice)).await
    }

    async fn discard(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        let choice = choice.clone();
        self.write("drop messages", move |write| outbox::discard(write, &choice)).await
    }

    async fn alerts(&self, choice: &AlertChoice) -> Result<Vec<StoredAlert>, StoreError> {
        let choice = choice.clone();
        self.read("list alerts", move |read| alerts::list(read, &choice)).await
    }

    async fn acknowledge(&self, choice: &AlertChoice, ack: &Ack) -> Result<u64, StoreError> {
        let (choice, ack) = (choice.clone(), ack.clone());
        self.write("acknowledge alerts", move |write| alerts::acknowledge(write, &choice, &ack))
            .await
    }

    async fn rejects(&self, after: i64, limit: usize) -> Result<Vec<(i64, RejectRow)>, StoreError> {
        self.read("list rejects", move |read| alerts::rejects(read, after, limit)).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let path = self.shared.path.clone();
        self.read("count what is in the store", move |read| upkeep::stats(read, &path)).await
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        let path = self.shared.path.clone();
        on_blocking_thread("measure the store", move || Ok(upkeep::bytes(&path))).await
    }

    async fn compact(&self, retention: Retention, now: Timestamp) -> Result<u64, StoreError> {
        self.let_go(retention, now).await
    }

    async fn turn(&self, name: &str) -> Result<Turn, StoreError> {
        Ok(held(&self.shared.turns).find(name))
    }

    async fn change_turn(&self, name: &str, seen: u64, next: &Turn) -> Result<bool, StoreError> {
        Ok(held(&self.shared.turns).put(name, seen, next))
    }

    /// Writes the log into the file, so that it is one file until somebody writes again.
    async fn close(&self) {
        held(&self.shared.readers).clear();
        if let Err(error) = self.on_writer("close the store", upkeep::checkpoint).await {
            warn!(%error, "the store's log stays beside it until it is opened again");
        }
    }
}

#[cfg(test)]
mod tests;
