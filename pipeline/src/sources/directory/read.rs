//! Reads one file of a folder: whole into memory, or handed on open where it is large.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use askance_stages::decode::WHOLE_INPUT;
use bytes::Bytes;

use super::walk::Stamp;
use crate::sources::Body;
use crate::sources::files::plain_words;

/// What became of reading a file.
#[derive(Debug)]
pub enum Reading {
    /// It was read as it was met.
    Body(Body),
    /// It changed since; it is met again.
    Changed,
    /// It is gone, or cannot be read: reason and words.
    Failed(&'static str, String),
}

/// How much memory it takes.
pub fn share(size: u64) -> u64 {
    size.min(WHOLE_INPUT as u64)
}

/// Reads it, if it still is what was met.
pub fn read(path: &Path, stamp: Stamp) -> Reading {
    match attempt(path, stamp) {
        Ok(Some(body)) => Reading::Body(body),
        Ok(None) => Reading::Changed,
        Err(error) => {
            let reason =
                if error.kind() == io::ErrorKind::NotFound { "vanished" } else { "unreadable" };
            Reading::Failed(reason, plain_words(&error))
        }
    }
}

fn attempt(path: &Path, stamp: Stamp) -> io::Result<Option<Body>> {
    let file = File::open(path)?;
    if Stamp::of(&file.metadata()?) != stamp {
        return Ok(None);
    }
    if stamp.size > WHOLE_INPUT as u64 {
        return Ok(Some(Body::File(file)));
    }
    // One more byte than there should be, so that growing is seen.
    let size = usize::try_from(stamp.size).unwrap_or(WHOLE_INPUT);
    let mut bytes = Vec::with_capacity(size + 1);
    (&file).take(stamp.size + 1).read_to_end(&mut bytes)?;
    let is_same = bytes.len() == size && Stamp::of(&file.metadata()?) == stamp;
    Ok(is_same.then(|| Body::Bytes(Bytes::from(bytes))))
}
