//! A job: a folder that holds what was asked for, what was found, and how far it is, so that a replay
//! that was interrupted at any moment goes on where it was.
//!
//! `job.json` (asked for, plan, outcome), `listing.gz` (the objects), `store.db` (what is read and
//! found). Only one process works on a job at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use askance_stages::filter::FilterConfig;
use askance_stages::matcher::RuleSet;
use askance_stages::model::hex;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::sources::s3_replay::{Address, Unlisted};

/// Version of `job.json`.
const VERSION: u32 = 1;

/// Longest name of a job.
const MAX_NAME: usize = 64;

/// Where what is found goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Mode {
    /// Into a report.
    Report,
    /// To the sinks of the configuration.
    Sinks,
    /// Objects go to a queue, for a fleet to read.
    Queue {
        /// Its address.
        url: String,
    },
}

/// How the bucket is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Its region, if it is not the one of the environment.
    pub region: Option<String>,
    /// A role to read it with.
    pub role_arn: Option<String>,
    /// The reader pays.
    pub requester_pays: bool,
}

/// What was asked for. Times are fixed when the job is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// What is read.
    pub address: Address,
    /// Events at this time or later, RFC 3339.
    pub from: String,
    /// Events before this time.
    pub to: String,
    /// The times as they were written (`30d`), by which the job is known again.
    pub written: (String, Option<String>),
    /// Events of these accounts; empty for all.
    pub accounts: Vec<String>,
    /// Events of these regions; empty for all.
    pub regions: Vec<String>,
    /// Rule files and folders instead of the built-in rules.
    pub rules: Vec<PathBuf>,
    /// The built-in rules too.
    pub builtin: bool,
    /// Files with values of placeholders.
    pub placeholders: Vec<PathBuf>,
    /// Rules with errors are left out.
    pub keep_going: bool,
    /// The configuration.
    pub config: Option<PathBuf>,
    /// How the bucket is reached.
    pub way: Way,
    /// Where what is found goes.
    pub mode: Mode,
}

impl Spec {
    /// Which events are asked for.
    ///
    /// # Errors
    /// When the times were changed by hand into something else.
    pub fn filter(&self) -> Result<FilterConfig, String> {
        let time = |text: &str| {
            let read = text.parse::<Timestamp>();
            read.map_err(|_| format!("the job names a time that is none: {text}"))
        };
        Ok(FilterConfig {
            from: Some(time(&self.from)?),
            to: Some(time(&self.to)?),
            accounts: self.accounts.clone(),
            regions: self.regions.clone(),
        })
    }
}

/// What was found in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Objects to read.
    pub objects: u64,
    /// Their bytes, packed.
    pub bytes: u64,
    /// Those of them that stand in an archive.
    pub archived: u64,
    /// Objects that hold no events.
    pub passed_by: u64,
    /// Requests that listing took.
    pub requests: u64,
    /// Folders that could not be listed, the first of them.
    pub unlisted: Vec<Unlisted>,
    /// How many there were.
    pub unlisted_count: u64,
}

/// How a job ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// When, RFC 3339.
    pub at: String,
    /// Objects that were read or enqueued, in all runs.
    pub objects: u64,
    /// Alerts that were found, in all runs; `None` where they are in the configuration's store.
    pub alerts: Option<u64>,
    /// Objects that could not be fetched, by reason.
    pub refused: std::collections::BTreeMap<String, u64>,
}

/// What `job.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// When the job was made.
    pub created: String,
    /// What was asked for.
    pub spec: Spec,
    /// Which rules: see [`fingerprint`]. Empty where none run.
    pub rules: String,
    /// What was found, once the bucket is listed.
    pub plan: Option<Plan>,
    /// How it ended, once it has.
    pub done: Option<Done>,
}

/// Why a job cannot be begun or gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The name is none.
    #[error(
        "\"{0}\" cannot be the name of a job: letters, digits, `-`, `_` and `.`, at most {MAX_NAME}, \
         no `.` at the beginning"
    )]
    Name(String),
    /// There is none of that name.
    #[error("there is no job {name} in {}: askance replay jobs lists those that there are", folder.display())]
    Missing {
        /// The name.
        name: String,
        /// Where jobs are.
        folder: PathBuf,
    },
    /// Somebody else works on it.
    #[error("job {0} is being run by another process: wait for it, or end it")]
    Busy(String),
    /// It is another job.
    #[error(
        "job {name} was made for something else ({what}): name another job, or begin this one anew \
         with --restart"
    )]
    Other {
        /// The name.
        name: String,
        /// What differs.
        what: &'static str,
    },
    /// A file of it cannot be used.
    #[error("cannot {attempt} {}: {cause}", path.display())]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// A job that this process works on.
#[derive(Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What is known of it.
    pub state: State,
    _lock: File,
}

impl Job {
    /// Opens the job of that name, or makes it.
    ///
    /// # Errors
    /// When somebody else works on it, it is another one, or its files cannot be used.
    pub fn open(folder: &Path, name: &str, spec: Spec, rules: String) -> Result<Self, JobError> {
        let (folder, lock) = lock(folder, name)?;
        let state = match read(&folder)? {
            Some(state) => {
                let what = differs(&state, &spec, &rules);
                if let Some(what) = what {
                    return Err(JobError::Other { name: name.to_owned(), what });
                }
                state
            }
            None => State {
                version: VERSION,
                created: Timestamp::now().to_string(),
                spec,
                rules,
                plan: None,
                done: None,
            },
        };
        let job = Self { name: name.to_owned(), folder, state, _lock: lock };
        job.save()?;
        Ok(job)
    }

    /// Takes away everything that is known of the job of that name.
    ///
    /// # Errors
    /// When somebody works on it, or its files cannot be taken away.
    pub fn forget(folder: &Path, name: &str) -> Result<(), JobError> {
        let (folder, _lock) = lock(folder, name)?;
        for entry in entries(&folder)? {
            if entry.file_name().is_some_and(|name| name != "lock") {
                fs::remove_file(&entry).map_err(failed("remove", &entry))?;
            }
        }
        Ok(())
    }

    /// What is known of the job of that name, whoever works on it.
    ///
    /// # Errors
    /// When there is none, or its file cannot be read.
    pub fn look(folder: &Path, name: &str) -> Result<State, JobError> {
        is_name(name)?;
        read(&folder.join(name))?
            .ok_or_else(|| JobError::Missing { name: name.to_owned(), folder: folder.to_owned() })
    }

    /// Names of all jobs, in order.
    ///
    /// # Errors
    /// When the folder cannot be read; that it is not there is no error.
    pub fn names(folder: &Path) -> Result<Vec<String>, JobError> {
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let is_job = |path: &PathBuf| path.join("job.json").is_file();
        let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<String> =
            entries(folder)?.into_iter().filter(is_job).filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Is somebody working on it?
    pub fn is_running(folder: &Path, name: &str) -> bool {
        matches!(lock(folder, name), Err(JobError::Busy(_)))
    }

    /// The file of what was found in the bucket.
    pub fn listing(&self) -> PathBuf {
        self.folder.join("listing.gz")
    }

    /// How the job ended.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn end(&mut self, done: Done) -> Result<(), JobError> {
        self.state.done = Some(done);
        self.save()
    }

    /// The store of a job's own.
    pub fn store(&self) -> PathBuf {
        store_of(&self.folder)
    }

    /// Puts what is known of it on the disk: the old file or the new one is there, never a half.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn save(&self) -> Result<(), JobError> {
        let path = self.folder.join("job.json");
        let new = self.folder.join("job.json.new");
        let write = || {
            let mut file = File::create(&new)?;
            serde_json::to_writer_pretty(&mut file, &self.state)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(failed("write", &path))
    }
}

/// The store of the job in that folder.
pub fn store_of(folder: &Path) -> PathBuf {
    folder.join("store.db")
}

/// Tells sets of rules apart: a job that goes on with other rules would find a mixture.
pub fn fingerprint(rules: &RuleSet) -> String {
    let mut hash = Sha256::new();
    for rule in &rules.rules {
        hash.update(rule.rule.wording());
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

/// What of a job differs from what is asked for now.
fn differs(state: &State, spec: &Spec, rules: &str) -> Option<&'static str> {
    let old = &state.spec;
    [
        (old.address != spec.address, "another bucket or prefix"),
        (old.from != spec.from || old.to != spec.to, "other times"),
        (old.accounts != spec.accounts, "other accounts"),
        (old.regions != spec.regions, "other regions"),
        (old.mode != spec.mode, "another way for what it finds"),
        (state.rules != rules, "other rules"),
    ]
    .into_iter()
    .find_map(|(is_other, what)| is_other.then_some(what))
}

fn lock(folder: &Path, name: &str) -> Result<(PathBuf, File), JobError> {
    is_name(name)?;
    let folder = folder.join(name);
    fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(failed("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok((folder, lock)),
        Err(TryLockError::WouldBlock) => Err(JobError::Busy(name.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

fn read(folder: &Path) -> Result<Option<State>, JobError> {
    let path = folder.join("job.json");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", &path)(error)),
    };
    let state: State = serde_json::from_str(&text)
        .map_err(|error| failed("read", &path)(io::Error::other(error.to_string())))?;
    if state.version != VERSION {
        let why = format!("it is of version {}, not {VERSION}", state.version);
        return Err(failed("read", &path)(io::Error::other(why)));
    }
    Ok(Some(state))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, JobError> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    list().map_err(failed("read the folder", folder))
}

fn failed<'p>(attempt: &'static str, path: &'p Path) -> impl Fn(io::Error) -> JobError + 'p {
    move |cause| JobError::File { attempt, path: path.to_owned(), cause }
}

fn is_name(name: &str) -> Result<(), JobError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_sound = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with('.')
        && name.chars().all(is_part);
    if is_sound { Ok(()) } else { Err(JobError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            address: "s3://trail/AWSLogs".parse().unwrap(),
            from: "2026-03-01T00:00:00Z".to_owned(),
            to: "2026-03-02T00:00:00Z".to_owned(),
            written: ("1d".to_owned(), None),
            accounts: Vec::new(),
            regions: Vec::new(),
            rules: Vec::new(),
            builtin: false,
            placeholders: Vec::new(),
            keep_going: false,
            config: None,
            way: Way::default(),
            mode: Mode::Report,
        }
    }

    #[test]
    fn a_job_is_found_again_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = Job::open(folder.path(), "march", spec(), "r".to_owned()).unwrap();
        job.state.plan = Some(Plan { objects: 7, ..Plan::default() });
        job.save().unwrap();
        let state = job.state.clone();
        assert!(Job::is_running(folder.path(), "march"));
        let busy = Job::open(folder.path(), "march", spec(), "r".to_owned()).unwrap_err();
        assert!(matches!(busy, JobError::Busy(_)), "{busy}");
        drop(job);
        let job = Job::open(folder.path(), "march", spec(), "r".to_owned()).unwrap();
        assert_eq!(job.state, state);
        assert_eq!(Job::names(folder.path()).unwrap(), ["march"]);
    }

    #[test]
    fn a_job_is_not_gone_on_with_as_another() {
        let folder = tempfile::tempdir().unwrap();
        drop(Job::open(folder.path(), "march", spec(), "r".to_owned()).unwrap());
        let other = Spec { to: "2026-03-03T00:00:00Z".to_owned(), ..spec() };
        let error = Job::open(folder.path(), "march", other, "r".to_owned()).unwrap_err();
        assert!(error.to_string().contains("other times"), "{error}");
        let error = Job::open(folder.path(), "march", spec(), "s".to_owned()).unwrap_err();
        assert!(error.to_string().contains("other rules"), "{error}");
        Job::forget(folder.path(), "march").unwrap();
        assert!(Job::open(folder.path(), "march", spec(), "s".to_owned()).is_ok());
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["", "..", "a/b", ".hidden", "a b", "\u{202e}a"] {
            assert!(matches!(Job::look(Path::new("x"), name), Err(JobError::Name(_))), "{name}");
        }
        assert!(matches!(Job::look(Path::new("x"), "a"), Err(JobError::Missing { .. })));
    }
}
