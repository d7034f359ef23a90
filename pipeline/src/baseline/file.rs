//! The file of a baseline, which is always whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use askance_stages::enrich::Baseline;
use jiff::Timestamp;

/// Puts the whole file in its place at once, so that nobody ever reads half of it, and on the disk.
///
/// # Errors
/// When the folder cannot be written, or the disk takes no more; what was there is still there.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path, "new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    // The name is on the disk only once its folder is.
    File::open(folder(path))?.sync_all()
}

/// Keeps the one that is there as `PATH.VERSION`, if it is another than the one that comes, and only the
/// newest `most` of those that were kept so.
///
/// # Errors
/// When the folder cannot be written.
pub fn keep_version(path: &Path, comes: &str, most: usize) -> io::Result<()> {
    let old = match fs::read(path) {
        Ok(bytes) => Baseline::read(&bytes).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // One that is damaged is not worth keeping.
    if let Some(old) = old.filter(|old| old.version() != comes && most > 0) {
        let kept = beside(path, old.version());
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Not every file system has links.
            Err(_) => drop(fs::copy(path, &kept)?),
            Ok(()) => {}
        }
    }
    let mut kept = kept_versions(path)?;
    kept.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, old) in kept.into_iter().skip(most) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// When a file was written last; `None` if it is not there.
pub fn modified(path: &Path) -> Option<Timestamp> {
    let at = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    Timestamp::try_from(at).ok()
}

/// Files beside it that are named by a version.
fn kept_versions(path: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder(path))? {
        let entry = entry?;
        let named = entry.file_name();
        let named = named.to_string_lossy();
        let ending = named.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        if ending.is_some_and(is_version) {
            kept.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    Ok(kept)
}

/// Is it a baseline's version, and no other ending that somebody gave a file?
pub(super) fn is_version(ending: &str) -> bool {
    ending.len() == 16 && ending.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// `NAME.ending`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use askance_stages::enrich::BaselineBuilder;
    use askance_stages::parse::Parser;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("seen.bin");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
        // A folder stands where the new file would be made.
        fs::create_dir(beside(&path, "new")).unwrap();
        write(&path, b"three").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    /// A baseline of so many events.
    fn made(count: usize) -> Baseline {
        let mut builder = BaselineBuilder::default();
        for number in 0..count {
            let json = format!("{{\"awsRegion\": \"{number}\", \"recipientAccountId\": \"1\"}}");
            Parser::default()
                .parse(json.as_bytes(), |record, _| builder.take(&record, None))
                .unwrap();
        }
        builder.finish()
    }

    #[test]
    fn old_versions_are_kept_by_name_up_to_a_number() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("seen.bin");
        let versions: Vec<Baseline> = (1..6).map(made).collect();
        for (number, version) in versions.iter().enumerate() {
            keep_version(&path, version.version(), 2).unwrap();
            write(&path, &version.bytes()).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            File::open(&path).unwrap().set_modified(at).unwrap();
        }
        fs::write(home.path().join("seen.bin.md5"), "another's").unwrap();
        keep_version(&path, versions[4].version(), 2).unwrap();
        let mut names: Vec<String> = fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut expected = vec!["seen.bin".to_owned(), "seen.bin.md5".to_owned()];
        expected.extend([2, 3].map(|at: usize| format!("seen.bin.{}", versions[at].version())));
        expected.sort();
        assert_eq!(names, expected);
        let kept = fs::read(beside(&path, versions[3].version())).unwrap();
        assert_eq!(Baseline::read(&kept).unwrap().version(), versions[3].version());
        fs::write(&path, "damaged").unwrap();
        keep_version(&path, versions[0].version(), 2).unwrap();
    }
}
