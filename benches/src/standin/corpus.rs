//! Loads a folder of files into memory, as `askance-gen corpus` writes one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::content::Content;
use super::fresh::Fresh;
use super::state::StandinError;

/// One file of the corpus.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path below the folder, with `/`.
    pub(crate) key: String,
    pub(crate) content: Content,
    /// The file with room for an incident; `None` if none is asked for.
    pub(crate) fresh: Option<Fresh>,
}

/// Loads every file, in the order of the keys.
///
/// # Errors
/// When a file cannot be read or, with incidents, is no gzip file of CloudTrail.
pub(crate) fn load(folder: &Path, with_incidents: bool) -> Result<Vec<File>, StandinError> {
    let mut paths = Vec::new();
    walk(folder, &mut paths).map_err(|(path, error)| StandinError::Corpus { path, error })?;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let below = path.strip_prefix(folder).unwrap_or(&path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let key = parts.join("/");
        match load_one(&path, with_incidents) {
            Ok((content, fresh)) => files.push(File { key, content, fresh }),
            Err(error) => return Err(StandinError::Corpus { path, error }),
        }
    }
    if files.is_empty() {
        return Err(StandinError::Empty { path: folder.to_owned() });
    }
    files.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(files)
}

fn load_one(path: &Path, with_incidents: bool) -> io::Result<(Content, Option<Fresh>)> {
    let bytes = fs::read(path)?;
    let fresh = if with_incidents { Some(Fresh::prepare(&bytes)?) } else { None };
    Ok((Content::new(bytes.into()), fresh))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let here = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(here)? {
        let entry = entry.map_err(here)?;
        let path = entry.path();
        if entry.file_type().map_err(here)?.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
