//! Objects on disk or standard input: files, folders, `-`.
//!
//! Folders are walked in order of names while objects are already being read, so that a million
//! files need no list in memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use askance_stages::decode::{Input, WHOLE_INPUT};
use walkdir::WalkDir;

use super::stdin::Stdin;

/// Names in folders that announce something else than a trail. Files named by themselves are
/// always read.
const NOT_A_TRAIL: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "README"];

/// One object to read, or why there is none.
#[derive(Debug)]
pub enum Entry {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// Something in a folder that could not be looked at.
    Unreadable(PathBuf, String),
    /// Something in a folder that is no trail by its name.
    Skipped,
}

/// Walks the inputs in the order given.
pub struct Files {
    inputs: std::vec::IntoIter<PathBuf>,
    walk: Option<walkdir::IntoIter>,
}

impl Files {
    /// Begins at the first input.
    #[must_use]
    pub fn new(inputs: Vec<PathBuf>) -> Self {
        Self { inputs: inputs.into_iter(), walk: None }
    }
}

impl Iterator for Files {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(walk) = &mut self.walk {
                match walk.next() {
                    None => self.walk = None,
                    Some(Err(error)) => {
                        let path = error.path().unwrap_or(Path::new("?")).to_owned();
                        return Some(Entry::Unreadable(path, reason(&error)));
                    }
                    Some(Ok(entry)) if entry.file_type().is_dir() => {}
                    Some(Ok(entry)) if is_skipped(entry.path()) => return Some(Entry::Skipped),
                    // Opening a pipe waits for somebody who writes: for ever, in a folder.
                    Some(Ok(entry)) if !entry.file_type().is_file() => {
                        let why = "is a pipe, a socket or a device, not a file".to_owned();
                        return Some(Entry::Unreadable(entry.into_path(), why));
                    }
                    Some(Ok(entry)) => return Some(Entry::File(entry.into_path())),
                }
                continue;
            }
            let input = self.inputs.next()?;
            if input.as_os_str() == "-" {
                return Some(Entry::Stdin);
            }
            if input.is_dir() {
                self.walk =
                    Some(WalkDir::new(input).follow_links(true).sort_by_file_name().into_iter());
                continue;
            }
            return Some(Entry::File(input));
        }
    }
}

fn reason(error: &walkdir::Error) -> String {
    if let Some(ancestor) = error.loop_ancestor() {
        return format!("a symbolic link that leads back to {}", ancestor.display());
    }
    error.io_error().map_or_else(|| error.to_string(), plain_words)
}

/// An error without the operating system's number.
pub fn plain_words(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut characters = words.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn is_skipped(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    name.starts_with('.')
        || NOT_A_TRAIL.contains(&stem)
        || path.extension().is_some_and(|extension| extension == "md")
}

/// Opens files and reads their beginnings into a buffer that is kept.
#[derive(Debug, Default)]
pub struct Opener {
    head: Vec<u8>,
}

/// Reads the rest of an object and counts it.
pub struct Rest<'a> {
    reader: Box<dyn Read + 'a>,
    count: &'a mut dyn FnMut(u64),
    /// Why reading failed, for the reader of this is a decompressor that words it otherwise.
    pub failed: Option<String>,
}

impl Read for Rest<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(out) {
            Ok(read) => {
                (self.count)(read as u64);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed = Some(plain_words(&error));
                }
                Err(error)
            }
        }
    }
}

impl Opener {
    /// Reads an object and hands it to `then`; `count` is told of bytes as they are read. Standard
    /// input ends early once `should_stop` says so.
    ///
    /// # Errors
    /// When it cannot be opened, or reading its beginning fails.
    pub fn open<R>(
        &mut self,
        entry: &Entry,
        should_stop: &dyn Fn() -> bool,
        count: &mut dyn FnMut(u64),
        then: impl FnOnce(Input<'_>) -> R,
    ) -> Result<R, String> {
        let mut reader: Box<dyn Read + '_> = match entry {
            Entry::Stdin => Box::new(Stdin::new(should_stop)),
            Entry::File(path) => {
                let file = File::open(path).map_err(|error| plain_words(&error))?;
                let metadata = file.metadata().map_err(|error| plain_words(&error))?;
                if metadata.is_dir() {
                    return Err("is a folder".to_owned());
                }
                // The length is a hint: one more byte, so that the end is seen without growing.
                let length = usize::try_from(metadata.len()).unwrap_or(WHOLE_INPUT);
                self.head.clear();
                self.head.reserve(length.min(WHOLE_INPUT) + 1);
                Box::new(file)
            }
            Entry::Unreadable(_, why) => return Err(why.clone()),
            Entry::Skipped => return Err("is skipped".to_owned()),
        };
        self.head.clear();
        let mut limited = (&mut reader).take(WHOLE_INPUT as u64);
        limited.read_to_end(&mut self.head).map_err(|error| plain_words(&error))?;
        count(self.head.len() as u64);
        if self.head.len() < WHOLE_INPUT {
            return Ok(then(Input::Whole(&self.head)));
        }
        let mut rest = Rest { reader, count, failed: None };
        Ok(then(Input::Parts(&self.head, &mut rest)))
    }
}
