//! A file that grows at its end and holds exactly what was committed, whenever the program ended.
//!
//! Its committed end is a [`Mark`], kept by the caller in the same transaction as what it has to do
//! with the lines. What stands behind the mark was never committed and is cut off. A file that is not
//! the one of the mark is told of, and never cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use askance_stages::model::identity_of;
use serde::{Deserialize, Serialize};
use tracing::{error, info};

/// So many bytes before the end tell whether it is the same file.
const TAIL_BYTES: u64 = 4096;

/// A file that grows.
#[derive(Debug, Clone)]
pub struct Growing {
    /// The file.
    pub path: PathBuf,
    /// The size past which it is renamed to `NAME.1` and begun anew.
    pub rotate_at: Option<u64>,
    /// So many old ones are kept.
    pub keep: u32,
}

/// The committed end of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How often it was begun anew.
    pub generation: u64,
    /// Committed bytes.
    pub length: u64,
    /// Hash of the last of them.
    tail: String,
    /// The file's number in its file system, for files with nothing committed.
    inode: u64,
}

/// What is about to be done to the disk; tests let it fail, or end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Bytes that were never committed are cut off.
    Cut,
    /// A new file is begun.
    Create,
    /// An old file gets its next number.
    Shift,
    /// The file becomes `NAME.1`.
    Retire,
    /// Lines are written.
    Write,
    /// Lines are made to last.
    Sync,
}

/// Called before each [`Step`].
pub type Before<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

/// Lets every step be done.
pub fn always(_: Step) -> io::Result<()> {
    Ok(())
}

impl Growing {
    /// Finds the file's end: cut back to the mark, or where it is now if there is none.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub fn recover(&self, mark: Option<&Mark>, before: Before<'_>) -> io::Result<Mark> {
        let Some(mark) = mark else { return self.at_end(0, before) };
        let what = match self.open() {
            Ok(mut file) => {
                let length = file.metadata()?.len();
                if is_of(mark, &mut file, length)? {
                    if length > mark.length {
                        before(Step::Cut)?;
                        file.set_len(mark.length)?;
                        file.sync_all()?;
                        info!(path = %self.path.display(), bytes = length - mark.length, "cut off what was never committed");
                    }
                    return Ok(mark.clone());
                }
                if length < mark.length {
                    "is shorter than what was written to it"
                } else {
                    "was replaced"
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => "is gone",
            Err(cause) => return Err(cause),
        };
        if self.is_retired(mark)? {
            // A rotation was not committed: what the new file holds was not either.
            before(Step::Create)?;
            let file = File::create(&self.path)?;
            self.sync_folder()?;
            return Mark::of(&file, mark.generation + 1);
        }
        error!(
            path = %self.path.display(),
            expected_bytes = mark.length,
            "the file of alerts {what}: somebody else changes it; it is left as it is, and alerts go on at its end"
        );
        self.at_end(mark.generation + 1, before)
    }

    /// Puts lines at the committed end, and tells the new end once they will last.
    ///
    /// # Errors
    /// When that did not go well; then nothing of them is left behind, or it is cut off the next time.
    pub fn append(&self, mark: &Mark, lines: &[u8], before: Before<'_>) -> io::Result<Mark> {
        let mut mark = self.recover(Some(mark), before)?;
        let is_full = self.rotate_at.is_some_and(|most| mark.length + lines.len() as u64 > most);
        if is_full && mark.length > 0 {
            mark = self.rotate(&mark, before)?;
        }
        let mut file = self.open()?;
        let written = write(&mut file, &mark, lines, before);
        if written.is_err() {
            before(Step::Cut)?;
            file.set_len(mark.length)?;
        }
        written
    }

    /// Renames `NAME` to `NAME.1` and so on up to the first number that is free, or the last one.
    fn rotate(&self, mark: &Mark, before: Before<'_>) -> io::Result<Mark> {
        let keep = self.keep.max(1);
        let mut last = keep;
        for number in 1..keep {
            if !self.numbered(number).try_exists()? {
                last = number;
                break;
            }
        }
        for number in (1..last).rev() {
            before(Step::Shift)?;
            std::fs::rename(self.numbered(number), self.numbered(number + 1))?;
        }
        before(Step::Retire)?;
        std::fs::rename(&self.path, self.numbered(1))?;
        before(Step::Create)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
        self.sync_folder()?;
        Mark::of(&file, mark.generation + 1)
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(&self.path)
    }

    /// The file as it is, made if it is not there.
    fn at_end(&self, generation: u64, before: Before<'_>) -> io::Result<Mark> {
        if !self.path.try_exists()? {
            before(Step::Create)?;
        }
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut file = options.open(&self.path)?;
        self.sync_folder()?;
        let length = file.metadata()?.len();
        let tail = tail(&mut file, length)?;
        Ok(Mark { length, tail, ..Mark::of(&file, generation)? })
    }

    /// Is `NAME.1` the file of the mark, with nothing behind it?
    fn is_retired(&self, mark: &Mark) -> io::Result<bool> {
        let mut file = match File::open(self.numbered(1)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(cause),
        };
        let length = file.metadata()?.len();
        Ok(length == mark.length && length > 0 && is_of(mark, &mut file, length)?)
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// Makes names last, not only what is in the files.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Mark {
    /// Of an empty file.
    fn of(file: &File, generation: u64) -> io::Result<Self> {
        Ok(Self { generation, length: 0, tail: String::new(), inode: inode(file)? })
    }
}

fn write(file: &mut File, mark: &Mark, lines: &[u8], before: Before<'_>) -> io::Result<Mark> {
    let mut length = mark.length;
    if length > 0 {
        // Somebody else's last line may have no end.
        file.seek(SeekFrom::Start(length - 1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    before(Step::Write)?;
    file.seek(SeekFrom::Start(length))?;
    file.write_all(lines)?;
    length += lines.len() as u64;
    before(Step::Sync)?;
    file.sync_all()?;
    let tail = tail(file, length)?;
    Ok(Mark { generation: mark.generation, length, tail, inode: mark.inode })
}

/// Is this the file of the mark, perhaps with more behind it?
fn is_of(mark: &Mark, file: &mut File, length: u64) -> io::Result<bool> {
    if length < mark.length {
        return Ok(false);
    }
    if mark.length == 0 {
        return Ok(length == 0 || inode(file)? == mark.inode);
    }
    Ok(tail(file, mark.length)? == mark.tail)
}

fn tail(file: &mut File, length: u64) -> io::Result<String> {
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length - from).read_to_end(&mut bytes)?;
    Ok(identity_of(&bytes))
}

#[cfg(unix)]
fn inode(file: &File) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.ino())
}

/// Files have no numbers here: what was begun with nothing committed is taken to be ours.
#[cfg(not(unix))]
fn inode(_: &File) -> io::Result<u64> {
    Ok(0)
}

#[cfg(test)]
#[path = "growing_tests.rs"]
mod tests;
