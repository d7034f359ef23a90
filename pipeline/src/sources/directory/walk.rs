//! Walks a folder and tells what is in it, a file at a time.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::sources::files::plain_words;

/// What tells a file from itself after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When its content was changed, in nanoseconds since 1970; programs that copy may set it.
    pub modified: i128,
    /// When anything of it was changed, in nanoseconds since 1970; the system's own.
    pub changed: i128,
    /// Its number on its disk.
    pub inode: u64,
}

/// What a walk met.
#[derive(Debug)]
pub enum Found {
    /// A file.
    File(PathBuf, Stamp),
    /// Something that cannot be read, and why.
    Unreadable(PathBuf, String),
    /// The folder itself cannot be read.
    Nothing(String),
}

impl Stamp {
    /// Of a file.
    pub fn of(metadata: &Metadata) -> Self {
        let nanos =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// The last change of any kind.
    pub fn last_change(&self) -> i128 {
        self.modified.max(self.changed)
    }
}

/// Tells everything below `root` until `tell` answers false; files come in no order, for a list of
/// them would be held in memory.
pub fn walk(root: &Path, mut tell: impl FnMut(Found) -> bool) {
    let entries = WalkDir::new(root).follow_links(true).into_iter().filter_entry(is_wanted);
    for entry in entries {
        let found = match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) if entry.file_type().is_file() => match entry.metadata() {
                Ok(metadata) => Some(Found::File(entry.path().to_owned(), Stamp::of(&metadata))),
                Err(error) => failed(root, &error),
            },
            Ok(entry) => {
                let why = "is no file: a pipe, a socket or a device".to_owned();
                Some(Found::Unreadable(entry.into_path(), why))
            }
            Err(error) => failed(root, &error),
        };
        if found.is_some_and(|found| !tell(found)) {
            return;
        }
    }
}

/// Files that are being written under another name, and hidden ones.
fn is_wanted(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    entry.depth() == 0
        || !(name.starts_with(b".") || name.ends_with(b".tmp") || name.ends_with(b".part"))
}

/// `None` if it is only gone since its folder was read.
fn failed(root: &Path, error: &walkdir::Error) -> Option<Found> {
    let path = error.path().unwrap_or(root);
    let why = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => {
            format!("is a symbolic link that leads back to {}", ancestor.display())
        }
        (None, Some(error)) => plain_words(error),
        (None, None) => error.to_string(),
    };
    if error.depth() == 0 {
        return Some(Found::Nothing(why));
    }
    let is_gone = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
    // A symbolic link to nothing is still there.
    if is_gone && path.symlink_metadata().is_err() {
        return None;
    }
    Some(Found::Unreadable(path.to_owned(), why))
}
