//! Small inputs that several benches share: a corpus in memory, and compiled sets of rules.
//!
//! Everything here panics on what cannot be used, since a bench must not measure something else.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use askance_stages::matcher::RuleSet;
use askance_stages::parse::{Piece, Splitter, Step, Structure};
use askance_stages::sigma::{ReadOptions, SourceFile, read};

use crate::generate::{CorpusConfig, CorpusFile, Format, Summary, generate_rules, memory_corpus};

/// A corpus of 8 MB in 8 files of 4 accounts: small enough for a bench of seconds, and beyond what
/// the second-level cache of a processor holds.
#[must_use]
pub fn config(format: Format) -> CorpusConfig {
    CorpusConfig { files: 8, bytes: 8_000_000, accounts: 4, format, ..CorpusConfig::default() }
}

/// Texts of records, ready to be taken one by one.
#[derive(Debug)]
pub struct Records {
    /// Texts of files, not packed.
    pub files: Vec<CorpusFile>,
    /// What is in them.
    pub summary: Summary,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    file: usize,
    range: Range<usize>,
    has_unicode_escape: bool,
}

impl Records {
    /// Makes a corpus and finds its records.
    ///
    /// # Panics
    /// If not every record that was written is found.
    #[must_use]
    pub fn new(config: &CorpusConfig) -> Self {
        assert_ne!(config.format, Format::Gz, "records are cut out of texts");
        let (files, summary) = memory_corpus(config);
        let mut places = Vec::new();
        for (file, CorpusFile { content, .. }) in files.iter().enumerate() {
            each_piece(Structure::new(), content, |piece| {
                let Piece::Record { range, has_unicode_escape, .. } = piece else {
                    panic!("{piece:?} in {file}");
                };
                places.push(Place { file, range, has_unicode_escape });
            });
        }
        assert_eq!(places.len() as u64, summary.events);
        Self { files, summary, places }
    }

    /// Every record's text, and whether it has an escape that begins with `\u`.
    pub fn texts(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.places.iter().map(|place| {
            (&self.files[place.file].content[place.range.clone()], place.has_unicode_escape)
        })
    }
}

/// Cuts a whole text into pieces.
#[inline]
pub fn each_piece(structure: Structure, text: &[u8], mut take: impl FnMut(Piece)) {
    let mut splitter = Splitter::new(structure);
    while let Step::Piece(piece) = splitter.next(text, true) {
        take(piece);
    }
}

/// Generated rules as files.
#[must_use]
pub fn generated_files(count: usize) -> Vec<SourceFile<'static>> {
    let file = |rule: crate::generate::GeneratedRule| SourceFile {
        path: format!("{}.yml", rule.name).into(),
        text: rule.text.into(),
    };
    generate_rules(1, count).into_iter().map(file).collect()
}

/// The built-in rules as files, without their cases: those that run by themselves. What only feeds
/// correlations is left out, and what needs a baseline or a list, which a scan without one leaves out.
///
/// # Panics
/// If the folder of rules cannot be read.
#[must_use]
pub fn builtin_files() -> Vec<SourceFile<'static>> {
    let mut files = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    collect(&folder, &mut files).expect("the built-in rules can be read");
    const NEEDS_MORE: [&str; 3] =
        ["askance.first_seen.", "askance.source.networks", "askance.source.user_agents"];
    files.retain(|file| {
        let needs_more = NEEDS_MORE.iter().any(|field| file.text.contains(field));
        !needs_more && !file.text.contains("\ncorrelation:\n")
    });
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile<'static>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if path.is_dir() {
            collect(&path, files)?;
        } else if name.ends_with(".yml") && !name.ends_with(".cases.yml") {
            let text = Cow::Owned(fs::read_to_string(&path)?);
            files.push(SourceFile { path: Arc::from(name.as_ref()), text });
        }
    }
    Ok(())
}

/// Reads and compiles rules.
///
/// # Panics
/// If one of them has an error.
#[must_use]
pub fn compile(files: &[SourceFile<'_>]) -> RuleSet {
    let reading = read(files, &ReadOptions::default());
    assert!(!reading.has_errors(), "{:?}", reading.problems);
    // A file holds one rule or more.
    let read = reading.rules.len() + reading.correlations.len() + reading.skipped.len();
    assert!(read >= files.len(), "{read} rules in {} files", files.len());
    RuleSet::compile(reading.rules.into_iter().map(Arc::new)).expect("rules that were read compile")
}
