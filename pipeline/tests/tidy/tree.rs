//! The workspace's own text files, and a violation found in one.
//!
//! Build output and files that git ignores are left out; files that are not UTF-8 have no text to check.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Past this a file is data, not something a person wrote.
const MAX_TEXT_BYTES: u64 = 2 * 1024 * 1024;

/// Folders that the walk leaves out where git cannot say what is ignored.
const IGNORED_FOLDERS: [&str; 4] = ["target", ".git", ".venv", "node_modules"];

/// One text file; `path` is relative to the workspace and uses `/`.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// It is below a module that is declared `#[cfg(test)] mod name;`.
    pub(crate) is_in_test_module: bool,
}

impl File {
    /// A file's name without its folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it holds the unit tests of a file beside it.
    pub(crate) fn is_unit_tests(&self) -> bool {
        self.name() == "tests.rs" || self.name().ends_with("_tests.rs")
    }

    /// Whether all of it is test or measuring code, which may unwrap and use globs.
    pub(crate) fn is_test(&self) -> bool {
        self.is_unit_tests()
            || self.is_in_test_module
            || self.path.starts_with("benches/benches/")
            || self.path.split('/').any(|part| part == "tests" || part == "fuzz")
    }
}

/// One broken rule: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Violation {
    /// A violation at a line, counted from 1.
    pub(crate) fn new(file: &File, line: usize, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Every text file of the workspace, ordered by path.
pub(crate) fn workspace() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listed = listed_by_git(&root).unwrap_or_else(|| {
        let mut found = BTreeSet::new();
        walk(&root, &PathBuf::new(), &mut found);
        found
    });
    let mut files: Vec<File> = listed.iter().filter_map(|path| read(&root, path)).collect();
    let modules: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        file.is_in_test_module = modules.iter().any(|module| {
            let below = file.path.strip_prefix(module.as_str());
            below.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
    }
    files
}

/// Paths, without ending, of the modules that a file declares for tests alone.
fn test_modules(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let folder = match file.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "main.rs" | "lib.rs")) => folder,
        _ => file.path.trim_end_matches(".rs"),
    };
    let mut modules = Vec::new();
    let mut is_for_tests = false;
    for line in file.text.lines().map(str::trim) {
        let declared = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let name = declared.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = name.filter(|_| is_for_tests) {
            modules.push(format!("{folder}/{name}"));
        }
        is_for_tests = line == "#[cfg(test)]" || (is_for_tests && line.starts_with("#["));
    }
    modules
}

/// The text of one file; `None` for data and for files that are gone from the working tree.
fn read(root: &Path, path: &str) -> Option<File> {
    let full = root.join(path);
    let is_text = fs::metadata(&full).is_ok_and(|m| m.is_file() && m.len() <= MAX_TEXT_BYTES);
    if !is_text {
        return None;
    }
    let text = fs::read_to_string(&full).ok()?;
    Some(File { path: path.to_owned(), text, is_in_test_module: false })
}

/// What git tracks or would track; `None` outside a repository or without git.
fn listed_by_git(root: &Path) -> Option<BTreeSet<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: BTreeSet<String> =
        text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (output.status.success() && paths.contains("Cargo.toml")).then_some(paths)
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let path = folder.join(&name);
        if !entry.path().is_dir() {
            found.insert(path.to_string_lossy().replace('\\', "/"));
        } else if !IGNORED_FOLDERS.iter().any(|ignored| name == *ignored) {
            walk(root, &path, found);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A made-up file, for the tests of the checks.
    pub(crate) fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned(), is_in_test_module: false }
    }

    /// Runs a check over one made-up file and compares the lines it complains about.
    #[track_caller]
    pub(crate) fn check(
        check: fn(&[File]) -> Vec<Violation>,
        path: &str,
        text: &str,
        lines: &[usize],
    ) {
        let violations = check(&[file(path, text)]);
        let found: Vec<usize> = violations.iter().map(|violation| violation.line).collect();
        assert_eq!(found, lines, "{violations:?}");
    }

    #[test]
    fn walking_finds_what_git_lists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut walked = BTreeSet::new();
        walk(&root, &PathBuf::new(), &mut walked);
        assert!(walked.contains("pipeline/tests/tidy/tree.rs"));
        assert!(!walked.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn a_violation_names_its_place() {
        let violation = Violation::new(&file("a/b.rs", ""), 7, "say why");
        assert_eq!(violation.to_string(), "a/b.rs:7: say why");
    }

    #[test]
    fn a_test_is_recognised_by_its_place() {
        for path in [
            "stages/tests/flow.rs",
            "stages/src/parse/tests.rs",
            "stages/src/filter_tests.rs",
            "benches/benches/a.rs",
        ] {
            assert!(file(path, "").is_test(), "{path}");
        }
        assert!(!file("stages/src/parse/mod.rs", "").is_test());
        assert!(!file("benches/src/lib.rs", "").is_test());
    }
}
