//! What SQLite's errors mean to people: may it go well later, and what is to be done.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

/// The database was replaced or removed while it was open.
const DATABASE_MOVED: i32 = rusqlite::ffi::SQLITE_READONLY_DBMOVED;

/// Turns an error of SQLite into one of the store.
pub(super) fn explain(attempt: &'static str, path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    let transient = |cause: String| StoreError::Transient { attempt, cause };
    let broken = |cause: String| StoreError::Broken { attempt, cause };
    let Some(code) = error.sqlite_error_code() else {
        let is_data = matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(..)
                | Error::InvalidColumnType(..)
        );
        return broken(if is_data {
            format!("what is in {path} cannot be read: {error}; {}", advice())
        } else {
            format!("a defect of askance: {error}, on {path}")
        });
    };
    match code {
        ErrorCode::DiskFull => transient(format!(
            "disk full: free space on the volume of {path}; nothing is acknowledged meanwhile"
        )),
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => {
            transient(format!("{path} is locked by another program ({error}); it is tried again"))
        }
        ErrorCode::SystemIoFailure => transient(format!(
            "the disk of {path} answers with an error ({error}): it may be full, failing or gone; \
             nothing is acknowledged meanwhile"
        )),
        ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            transient(format!("{error}, on {path}"))
        }
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => transient(format!(
            "{path} cannot be opened ({error}): its folder must be there, and both must be \
             readable and writable for the user that askance runs as"
        )),
        ErrorCode::ReadOnly if extended(error) == Some(DATABASE_MOVED) => broken(format!(
            "{path} was moved or removed while it was in use: put it back and restart askance"
        )),
        ErrorCode::ReadOnly => broken(format!(
            "{path} cannot be written ({error}): the file, its folder and the volume must be \
             writable for the user that askance runs as"
        )),
        ErrorCode::DatabaseCorrupt => broken(format!("{path} is damaged ({error}); {}", advice())),
        ErrorCode::NotADatabase => broken(format!(
            "{path} is no store of askance, or its beginning is damaged; name another file or {}",
            advice()
        )),
        // The rest would be a defect of ours, or tables that are not as they should be.
        _ => broken(format!("{error}, on {path}; if it stays so, {}", advice())),
    }
}

fn extended(error: &Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// What to do about a damaged store.
pub(super) fn advice() -> &'static str {
    "stop askance and put a backup in its place with `askance store restore BACKUP`, or move the \
     file away to begin anew (objects that come again are then read and told again)"
}
