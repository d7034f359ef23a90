//! Checks on what a source file is: its header, its length, its name and its folder.
//!
//! What stands inside the file is left to the other checks.

use std::collections::BTreeMap;

use super::code::Code;
use super::tree::{File, Violation};

/// Past this, without its tests, a file is usually two ideas.
const MAX_LINES: usize = 500;

/// Names that say nothing about what a file or folder holds.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "misc", "prelude"];

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is_rust())
}

/// Every file opens with `//!` and its first paragraph is a sentence.
pub(crate) fn header(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in rust(files) {
        if !file.text.starts_with("//!") {
            violations.push(Violation::new(file, 1, "open the file with `//!`: what it does"));
            continue;
        }
        let docs = file.text.lines().map_while(|line| line.strip_prefix("//!"));
        let paragraph: Vec<&str> =
            docs.map(str::trim).take_while(|line| !line.is_empty()).collect();
        if !paragraph.last().is_some_and(|line| line.ends_with(['.', ':', '?', '!', ')'])) {
            violations.push(Violation::new(
                file,
                1,
                "make the first paragraph of `//!` a sentence",
            ));
        }
    }
    violations
}

/// No file is longer than [`MAX_LINES`] outside `#[cfg(test)]`.
pub(crate) fn length(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in rust(files).filter(|file| !file.is_unit_tests()) {
        let lines = Code::read(&file.text).own_lines();
        if lines > MAX_LINES {
            let what =
                format!("{lines} lines without tests, at most {MAX_LINES}: is it two ideas?");
            violations.push(Violation::new(file, 1, what));
        }
    }
    violations
}

/// No file or folder of modules has a name from [`EMPTY_NAMES`].
pub(crate) fn name(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in rust(files) {
        let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        if let Some(name) = stem.split('/').find(|part| EMPTY_NAMES.contains(part)) {
            let what = format!("`{name}` says nothing: name it after what it holds");
            violations.push(Violation::new(file, 1, what));
        }
    }
    violations
}

/// Every folder below `src/` or `tests/` that holds modules has a `mod.rs`.
pub(crate) fn folder(files: &[File]) -> Vec<Violation> {
    let mut folders: BTreeMap<&str, &File> = BTreeMap::new();
    for file in rust(files) {
        let Some((folder, _)) = file.path.rsplit_once('/') else { continue };
        let is_below_root = ["/src/", "/tests/"].iter().any(|root| folder.contains(root));
        if is_below_root && !folder.ends_with("/src/bin") {
            folders.entry(folder).or_insert(file);
        }
    }
    let has = |path: String| files.iter().any(|file| file.path == path);
    folders
        .into_iter()
        .filter(|(folder, _)| !has(format!("{folder}/mod.rs")) && !has(format!("{folder}/main.rs")))
        .map(|(folder, first)| Violation::new(first, 1, format!("{folder}/ has no mod.rs")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::{check, file};
    use super::*;

    #[test]
    fn a_missing_header_is_caught() {
        check(header, "stages/src/a.rs", "use std::fmt;\n", &[1]);
        check(header, "stages/src/a.rs", "//! stub\nfn a() {}\n", &[1]);
        check(header, "stages/src/a.rs", "//! Reads a file\n//! of gzip.\n//!\n//! More\n", &[]);
        check(header, "README.md", "no header\n", &[]);
    }

    #[test]
    fn a_long_file_is_caught_and_its_tests_do_not_count() {
        check(length, "stages/src/a.rs", &"fn a() {}\n".repeat(501), &[1]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(501));
        check(length, "stages/src/a.rs", &tests, &[]);
        check(length, "stages/src/a/tests.rs", &"fn a() {}\n".repeat(501), &[]);
    }

    #[test]
    fn an_empty_name_is_caught() {
        check(name, "stages/src/util.rs", "", &[1]);
        check(name, "pipeline/tests/common/mod.rs", "", &[1]);
        check(name, "stages/src/commonplace.rs", "", &[]);
    }

    #[test]
    fn a_folder_without_mod_rs_is_caught() {
        check(folder, "stages/src/decode/gzip.rs", "", &[1]);
        check(folder, "stages/src/decode.rs", "", &[]);
        check(folder, "stages/src/decode/tests.rs", "", &[1]);
        let both = [file("a/src/b/c.rs", ""), file("a/src/b/mod.rs", "")];
        assert!(folder(&both).is_empty());
    }
}
