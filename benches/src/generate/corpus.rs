//! Writes a corpus to a folder, file by file, streaming. Several threads may share the files; the bytes are the same.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, GzBuilder};

use crate::generate::{
    catalogue::Catalogue,
    file::{Mark, Studio},
    incident, plan,
    world::World,
};

/// What a corpus is made from.
#[derive(Clone, Debug)]
pub struct CorpusConfig {
    /// Same seed, same bytes.
    pub seed: u64,
    /// Number of files.
    pub files: usize,
    /// Size of all files together, uncompressed; met to within one event a file.
    pub bytes: u64,
    /// Number of accounts, at least 1.
    pub accounts: usize,
    /// Days that the files are spread over.
    pub days: u64,
    /// How files are written.
    pub format: Format,
    /// Planted incidents in a million events.
    pub incidents_per_million: u64,
    /// Events with a name that rules look for, in a million; `None` is the half percent of everyday work.
    pub candidates_per_million: Option<u64>,
    /// Threads that write.
    pub jobs: usize,
}

impl Default for CorpusConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            files: 120,
            bytes: 463_000_000,
            accounts: 40,
            days: 3,
            format: Format::Gz,
            incidents_per_million: 0,
            candidates_per_million: None,
            jobs: 1,
        }
    }
}

/// How files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"Records":[...]}`, gzip, as CloudTrail delivers.
    Gz,
    /// `{"Records":[...]}`.
    Plain,
    /// One event a line.
    Jsonl,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Gz => "json.gz",
            Self::Plain => "json",
            Self::Jsonl => "jsonl",
        }
    }
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Number of files.
    pub files: u64,
    /// Number of events.
    pub events: u64,
    /// Bytes before compression.
    pub bytes: u64,
    /// Bytes on disk.
    pub stored: u64,
    /// Events that an earlier place has too.
    pub duplicates: u64,
    /// Events with a name that rules look for.
    pub candidates: u64,
    /// Planted incidents: file, name, event id.
    pub incidents: Vec<(PathBuf, &'static str, String)>,
}

impl Summary {
    /// Returns how often each incident was planted.
    pub fn incident_counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (_, name, _) in &self.incidents {
            *counts.entry(*name).or_default() += 1;
        }
        counts
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.events += other.events;
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.candidates += other.candidates;
        self.incidents.extend(other.incidents);
    }
}

/// A file of a corpus in memory.
#[derive(Clone, Debug)]
pub struct CorpusFile {
    /// Where [`write_corpus`] would put it below its folder.
    pub path: PathBuf,
    /// Its bytes, packed as the format says.
    pub content: Vec<u8>,
}

/// Makes a corpus in memory: the same files as [`write_corpus`], on one thread.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn memory_corpus(config: &CorpusConfig) -> (Vec<CorpusFile>, Summary) {
    let studio = studio(config);
    let (mut files, mut summary) = (Vec::new(), Summary::default());
    for index in 0..studio.plans.len() {
        let mut content = Vec::new();
        let filled = write_events(&studio, index, config.format, &mut content);
        let mut filled = filled.expect("writing to memory does not fail");
        filled.stored = content.len() as u64;
        summary.add(filled);
        files.push(CorpusFile { path: path(&studio, index, config.format), content });
    }
    (files, summary)
}

/// Writes a corpus below `folder`.
///
/// # Errors
/// When a file cannot be written; the files written so far stay.
pub fn write_corpus(config: &CorpusConfig, folder: &Path) -> io::Result<Summary> {
    let studio = studio(config);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..config.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= studio.plans.len() {
                        return;
                    }
                    let result = write_file(&studio, index, config.format, folder);
                    results.lock().expect("no holder panics").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no holder panics");
    results.sort_by_key(|(index, _)| *index);
    let mut summary = Summary::default();
    for (_, result) in results {
        summary.add(result?);
    }
    Ok(summary)
}

fn studio(config: &CorpusConfig) -> Studio {
    let world = World::new(config.seed, &World::invent_ids(config.seed, config.accounts.max(1)));
    let plans = plan::plan(&world, config.seed, config.files, config.bytes, config.days);
    Studio {
        world,
        catalogue: Catalogue::new(),
        incidents: incident::all(),
        plans,
        candidates: config.candidates_per_million,
        incident_share: config.incidents_per_million,
    }
}

fn path(studio: &Studio, index: usize, format: Format) -> PathBuf {
    let mut name = studio.plans[index].stem.clone().into_os_string();
    name.push(".");
    name.push(format.extension());
    PathBuf::from(name)
}

fn write_file(studio: &Studio, index: usize, format: Format, folder: &Path) -> io::Result<Summary> {
    let path = folder.join(path(studio, index, format));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = BufWriter::with_capacity(1 << 18, File::create(&path)?);
    let mut summary = write_events(studio, index, format, &mut file)?;
    file.flush()?;
    summary.stored = fs::metadata(&path)?.len();
    Ok(summary)
}

/// Writes file number `index` to `sink`, packed if its format is.
fn write_events(
    studio: &Studio,
    index: usize,
    format: Format,
    sink: &mut impl Write,
) -> io::Result<Summary> {
    match format {
        Format::Gz => {
            let mut gz = GzBuilder::new().write(sink, Compression::default());
            let summary = fill(studio, index, format, &mut gz)?;
            gz.finish()?;
            Ok(summary)
        }
        Format::Plain | Format::Jsonl => fill(studio, index, format, sink),
    }
}

/// Writes the events of file number `index` to `sink` until its size is reached.
fn fill(
    studio: &Studio,
    index: usize,
    format: Format,
    sink: &mut impl Write,
) -> io::Result<Summary> {
    let plan = &studio.plans[index];
    let (open, between, close): (&[u8], u8, &[u8]) = match format {
        Format::Gz | Format::Plain => (br#"{"Records":["#, b',', b"]}"),
        Format::Jsonl => (b"", b'\n', b"\n"),
    };
    let mut summary = Summary { files: 1, ..Summary::default() };
    let mut buffer = Vec::with_capacity(1 << 17);
    buffer.extend_from_slice(open);
    loop {
        if summary.events > 0 {
            buffer.push(between);
        }
        match studio.event(&mut buffer, index, summary.events) {
            Mark::Ordinary => {}
            Mark::Candidate => summary.candidates += 1,
            Mark::Duplicate => summary.duplicates += 1,
            Mark::Incident { name, id } => {
                let id = String::from_utf8_lossy(&id).into_owned();
                summary.incidents.push((plan.stem.clone(), name, id));
            }
        }
        summary.events += 1;
        let written = summary.bytes + buffer.len() as u64;
        let is_full = written + close.len() as u64 >= plan.bytes;
        if is_full {
            buffer.extend_from_slice(close);
        }
        if is_full || buffer.len() > 1 << 16 {
            summary.bytes += buffer.len() as u64;
            sink.write_all(&buffer)?;
            buffer.clear();
        }
        if is_full {
            return Ok(summary);
        }
    }
}
