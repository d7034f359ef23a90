//! What was found in a bucket, in a file: an object a line, packed.
//!
//! It is written under another name and gets its own only when it is complete: a listing that was
//! interrupted is begun anew.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Longest line: a key of 1,024 bytes, each escaped.
const MAX_LINE: u64 = 16 << 10;

/// An object of a listing: its size, its ETag without quotes and its key.
pub type Row = (u64, String, String);

/// Why a listing cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} the listing {}: {cause}", path.display())]
pub struct ListingError {
    /// What was attempted.
    attempt: &'static str,
    /// The file.
    path: PathBuf,
    /// Why it failed.
    cause: io::Error,
}

/// Writes a listing.
pub struct ListingWriter {
    path: PathBuf,
    unfinished: PathBuf,
    out: GzEncoder<BufWriter<File>>,
}

impl ListingWriter {
    /// Begins it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, ListingError> {
        let unfinished = path.with_extension("unfinished");
        let failed = |cause| ListingError { attempt: "write", path: path.to_owned(), cause };
        let file = File::create(&unfinished).map_err(failed)?;
        let out = GzEncoder::new(BufWriter::new(file), Compression::fast());
        Ok(Self { path: path.to_owned(), unfinished, out })
    }

    /// Adds objects.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn add(&mut self, rows: &[Row]) -> Result<(), ListingError> {
        for row in rows {
            serde_json::to_writer(&mut self.out, row)
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n"))
                .map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Puts it on the disk, complete.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn finish(self) -> Result<(), ListingError> {
        let Self { path, unfinished, out } = self;
        let failed = |cause| ListingError { attempt: "write", path: path.clone(), cause };
        let file = out.finish().map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&unfinished, &path).map_err(failed)
    }

    fn failed(&self, cause: io::Error) -> ListingError {
        ListingError { attempt: "write", path: self.path.clone(), cause }
    }
}

/// Reads a listing from its beginning.
pub struct ListingReader {
    path: PathBuf,
    lines: BufReader<GzDecoder<BufReader<File>>>,
    line: String,
}

impl ListingReader {
    /// Opens it.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(path: &Path) -> Result<Self, ListingError> {
        let failed = |cause| ListingError { attempt: "read", path: path.to_owned(), cause };
        let file = File::open(path).map_err(failed)?;
        let lines = BufReader::new(GzDecoder::new(BufReader::new(file)));
        Ok(Self { path: path.to_owned(), lines, line: String::new() })
    }

    /// The next objects, at most `count`; none at the end.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn next(&mut self, count: usize) -> Result<Vec<Row>, ListingError> {
        let mut rows = Vec::new();
        while rows.len() < count {
            self.line.clear();
            let read = (&mut self.lines).take(MAX_LINE).read_line(&mut self.line);
            if read.map_err(|cause| self.failed(cause))? == 0 {
                break;
            }
            let row = serde_json::from_str(&self.line);
            rows.push(row.map_err(|error| self.failed(error.into()))?);
        }
        Ok(rows)
    }

    fn failed(&self, cause: io::Error) -> ListingError {
        ListingError { attempt: "read", path: self.path.clone(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_is_there_before_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listing.gz");
        let rows: Vec<Row> =
            (0..700).map(|n| (n, format!("e{n}"), format!("a\t\n\u{202e}/{n}"))).collect();
        let mut writer = ListingWriter::create(&path).unwrap();
        writer.add(&rows).unwrap();
        assert!(ListingReader::open(&path).is_err());
        writer.finish().unwrap();
        let mut reader = ListingReader::open(&path).unwrap();
        let mut read = reader.next(500).unwrap();
        read.extend(reader.next(500).unwrap());
        assert_eq!(read, rows);
        assert!(reader.next(500).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_listing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listing.gz");
        let mut writer = ListingWriter::create(&path).unwrap();
        writer.add(&[(1, "e".to_owned(), "k".to_owned())]).unwrap();
        writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let error = ListingReader::open(&path).unwrap().next(10).unwrap_err();
        assert!(error.to_string().starts_with("cannot read the listing "), "{error}");
    }
}
