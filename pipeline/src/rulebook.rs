//! Finds rule files, built in or on disk, and has them read.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askance_stages::correlate::Correlations;
use askance_stages::enrich::Tables;
use askance_stages::matcher::RuleSet;
use askance_stages::model::{Field, Level, utc};
use askance_stages::sigma::ast::{Expr, Item, Part, Place, Rule, Search, Test};
use askance_stages::sigma::{self, ReadOptions, Reading, Skipped, SourceFile};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::lists::Lists;
use crate::sources::files::plain_words;

/// The built-in rules and their cases: path and text.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// Largest rule file that is read, as the reader's own bound: thousands of rules fit.
const MAX_RULE_FILE: u64 = 4 << 20;

/// Where rules come from.
#[derive(Debug, Clone, Default)]
pub struct RuleChoice {
    /// Files and folders; none means the built-in rules.
    pub paths: Vec<PathBuf>,
    /// The built-in rules too.
    pub with_builtin: bool,
    /// Files with values of placeholders.
    pub placeholders: Vec<PathBuf>,
    /// The time, for what ends on a day; `None`: as the system's clock says.
    pub now: Option<Timestamp>,
}

/// What keeps rules from being used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A file or folder cannot be read.
    #[error("cannot read rules {}: {}", path.display(), plain_words(cause))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why. It is in the message already, so it is not a source.
        cause: std::io::Error,
    },
    /// A file of placeholders is not what it should be.
    #[error("cannot read placeholders {place}: {message}")]
    Placeholders {
        /// Which file, and where in it.
        place: String,
        /// Why.
        message: String,
    },
}

/// A file of rules or cases.
pub type RuleFile = SourceFile<'static>;

/// All files of a choice, in order of their paths.
///
/// # Errors
/// When a file or folder that was named cannot be read.
pub fn files(choice: &RuleChoice) -> Result<Vec<RuleFile>, RuleError> {
    let mut files = Vec::new();
    if choice.paths.is_empty() || choice.with_builtin {
        files.extend(
            BUILTIN.iter().map(|(path, text)| SourceFile {
                path: Arc::from(*path),
                text: Cow::Borrowed(*text),
            }),
        );
    }
    for path in &choice.paths {
        collect(path, &mut files)?;
    }
    Ok(files)
}

fn collect(path: &Path, files: &mut Vec<RuleFile>) -> Result<(), RuleError> {
    let failed = |path: &Path, cause| RuleError::Read { path: path.to_owned(), cause };
    let walk = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name();
    for entry in walk {
        let entry = entry.map_err(|error| {
            let at = error.path().unwrap_or(path).to_owned();
            let is_loop = || std::io::Error::other("a symbolic link that leads back");
            failed(&at, error.into_io_error().unwrap_or_else(is_loop))
        })?;
        let is_named = entry.depth() == 0;
        let is_rule = entry.path().extension().is_some_and(|e| e == "yml" || e == "yaml");
        if entry.file_type().is_dir() || !(is_named || is_rule) {
            continue;
        }
        let length = entry.metadata().map_or(0, |metadata| metadata.len());
        if length > MAX_RULE_FILE {
            let source = std::io::Error::other(format!("larger than {MAX_RULE_FILE} bytes"));
            return Err(failed(entry.path(), source));
        }
        let text = std::fs::read(entry.path())
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other))
            .map_err(|source| failed(entry.path(), source))?;
        files.push(SourceFile {
            path: Arc::from(entry.path().to_string_lossy().as_ref()),
            text: Cow::Owned(text),
        });
    }
    Ok(())
}

/// Reads all rules of a choice.
///
/// # Errors
/// When a file cannot be read; what is wrong within files is in the reading.
pub fn read(choice: &RuleChoice) -> Result<Reading, RuleError> {
    let today = utc(choice.now.unwrap_or_else(Timestamp::now)).date();
    let lists = lists(&choice.placeholders, today)?;
    let options =
        ReadOptions { placeholders: lists.values, emptied: lists.emptied, today: Some(today) };
    // Case files are known by their names: they are larger than rules, and parsing them would be
    // most of the start-up.
    let (cases, rules): (Vec<_>, Vec<_>) =
        files(choice)?.into_iter().partition(|file| is_case_file(&file.path));
    let mut reading = sigma::read(&rules, &options);
    reading.ended.extend(lists.ended);
    reading.has_ends |= lists.has_ends;
    reading.skipped.extend(cases.into_iter().map(|file| Skipped {
        place: Place { file: file.path, line: 1, column: 1 },
        why: "a case file".to_owned(),
        id: None,
    }));
    Ok(reading)
}

/// True if there is a rule or correlation of this id.
pub fn names(reading: &Reading, id: &str) -> bool {
    reading.rules.iter().any(|rule| rule.id == id)
        || reading.correlations.iter().any(|correlation| correlation.id == id)
}

/// Applies `rules.disable` and `rules.levels`.
pub fn adjust(reading: &mut Reading, disable: &[String], level: impl Fn(&str) -> Option<Level>) {
    for rule in &mut reading.rules {
        // It goes on feeding correlations; if there is none, it is not compiled.
        rule.is_silent |= disable.contains(&rule.id);
        rule.level = level(&rule.id).unwrap_or(rule.level);
    }
    for correlation in &mut reading.correlations {
        correlation.is_silent |= disable.contains(&correlation.id);
        correlation.level = level(&correlation.id).unwrap_or(correlation.level);
    }
}

/// True for `NAME.cases.yml`.
pub fn is_case_file(path: &str) -> bool {
    path.ends_with(".cases.yml") || path.ends_with(".cases.yaml")
}

/// Reads files of lists.
fn lists(paths: &[PathBuf], today: Date) -> Result<Lists, RuleError> {
    let mut lists = Lists::default();
    for path in paths {
        let failed =
            |message| RuleError::Placeholders { place: path.display().to_string(), message };
        lists.read(path, today).map_err(failed)?;
    }
    Ok(lists)
}

/// Makes the correlations of a reading ready; those below `level` tell nothing, and go on feeding.
pub fn correlations(reading: &mut Reading, level: Level) -> Correlations {
    for correlation in &mut reading.correlations {
        correlation.is_silent |= correlation.level < level;
    }
    Correlations::new(&reading.correlations)
}

/// Takes out the rules that ask what was seen before: without a baseline they match nothing, and would
/// only have records read. Answers how many.
pub fn without_baseline(reading: &mut Reading) -> usize {
    let is_moot = |item: &Item| {
        item.field.as_ref().is_some_and(|field| field.starts_with("askance.first_seen."))
    };
    without(reading, is_moot)
}

/// The same for rules that ask for a list of networks or of user agents that is not given.
pub fn without_lists(reading: &mut Reading, tables: &Tables) -> usize {
    let networks: Vec<&str> = tables.network_lists().collect();
    let user_agents: Vec<&str> = tables.user_agent_lists().collect();
    let is_moot = |item: &Item| {
        let names = match item.field.as_deref().and_then(Field::find) {
            Some((Field::SourceNetworks, _)) => &networks,
            Some((Field::SourceUserAgents, _)) => &user_agents,
            Some(_) | None => return false,
        };
        !names.iter().any(|name| item.tests.iter().any(|test| could_be(test, name)))
    };
    without(reading, is_moot)
}

/// False if a list's name cannot be what a rule asks for.
fn could_be(test: &Test, name: &str) -> bool {
    let pattern = match test {
        Test::Text(pattern) => pattern,
        Test::AnyOf(tests) => return tests.iter().any(|test| could_be(test, name)),
        // Nobody asks for names so; whatever is meant is left to the rule.
        _ => return true,
    };
    let name = name.to_lowercase();
    let begins = match pattern.parts.first() {
        Some(Part::Literal(text)) => name.starts_with(&text.to_lowercase()),
        Some(Part::One | Part::Many) | None => true,
    };
    let ends = match pattern.parts.last() {
        Some(Part::Literal(text)) => name.ends_with(&text.to_lowercase()),
        Some(Part::One | Part::Many) | None => true,
    };
    begins && ends
}

/// Takes out the rules whose condition cannot hold, since items that are moot never do.
fn without(reading: &mut Reading, is_moot: impl Fn(&Item) -> bool) -> usize {
    let before = reading.rules.len();
    reading.rules.retain(|rule| !hangs_on(&rule.detection.condition, rule, &is_moot));
    before - reading.rules.len()
}

fn hangs_on(condition: &Expr, rule: &Rule, is_moot: &impl Fn(&Item) -> bool) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().any(|part| hangs_on(part, rule, is_moot)),
        Expr::Or(parts) | Expr::AtLeast(_, parts) => {
            !parts.is_empty() && parts.iter().all(|part| hangs_on(part, rule, is_moot))
        }
        Expr::Not(_) => false,
        Expr::Selection(index) => is_void(&rule.detection.selections[*index].search, is_moot),
    }
}

fn is_void(search: &Search, is_moot: &impl Fn(&Item) -> bool) -> bool {
    match search {
        Search::All(parts) => parts.iter().any(|part| is_void(part, is_moot)),
        Search::Any(parts) => !parts.is_empty() && parts.iter().all(|part| is_void(part, is_moot)),
        Search::Item(item) => {
            let is_absence = |test: &Test| matches!(test, Test::Null | Test::Exists(false));
            !item.is_negated && !item.tests.iter().any(is_absence) && is_moot(item)
        }
    }
}

/// Compiles the rules that raise alerts of `level` or above, and those that feed a correlation; what
/// is below `level` and feeds raises nothing itself.
///
/// # Errors
/// Words for people, one line for each rule that cannot be compiled.
pub fn compile(
    rules: Vec<Rule>,
    level: Level,
    correlations: &Correlations,
) -> Result<RuleSet, Vec<String>> {
    let rules = rules.into_iter().filter_map(|mut rule| {
        rule.is_silent |= rule.level < level;
        let is_wanted = !rule.is_silent || correlations.is_fed_by(&rule.id);
        is_wanted.then(|| Arc::new(rule))
    });
    RuleSet::compile(rules).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}
