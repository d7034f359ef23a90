//! Checks on the crates' manifests: what `stages` may depend on, and that lints are the workspace's.
//!
//! Versions and licences are left to `cargo deny`.

use super::tree::{File, Violation};

/// All that the pure stages depend on. A new line here is argued in its commit.
const STAGES_DEPENDENCIES: [&str; 18] = [
    "base64",
    "flate2",
    "foldhash",
    "hashbrown",
    "jiff",
    "libdeflater",
    "maxminddb",
    "md-5",
    "memchr",
    "pulp",
    "regex",
    "saphyr-parser",
    "serde",
    "serde_json",
    "sha2",
    "simd-json",
    "thiserror",
    "zstd",
];

/// Keys of one table (`[dependencies]`) with their lines.
fn keys<'a>(text: &'a str, table: &str) -> Vec<(usize, &'a str)> {
    let mut current = "";
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name;
            let below = name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
            keys.extend(below.map(|key| (index + 1, key)));
        } else if current == table && line.contains('=') {
            let key = line.split(['=', '.']).next().unwrap_or(line).trim();
            keys.push((index + 1, key));
        }
    }
    keys
}

/// `stages` depends on exactly [`STAGES_DEPENDENCIES`], for every target and without build scripts.
pub(crate) fn stages_dependencies(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.path == "stages/Cargo.toml") {
        let found = keys(&file.text, "dependencies");
        for (line, key) in &found {
            if !STAGES_DEPENDENCIES.contains(key) {
                let what = format!("`{key}` is not on the fixed list of the pure stages");
                violations.push(Violation::new(file, *line, what));
            }
        }
        for listed in STAGES_DEPENDENCIES {
            if !found.iter().any(|(_, key)| *key == listed) {
                let what = format!("`{listed}` is no longer used: take it off the fixed list too");
                violations.push(Violation::new(file, 1, what));
            }
        }
        for (index, line) in file.text.lines().enumerate() {
            if line.starts_with("[target.") || line.starts_with("[build-dependencies") {
                violations.push(Violation::new(
                    file,
                    index + 1,
                    "stages has plain dependencies only",
                ));
            }
        }
    }
    violations
}

/// Every crate has `[lints] workspace = true`.
pub(crate) fn workspace_lints(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && file.text.contains("[package]"))
        .filter(|file| !file.path.contains("/fuzz/"))
        .filter(|file| !file.text.contains("[lints]\nworkspace = true"))
        .map(|file| Violation::new(file, 1, "add `[lints]` with `workspace = true`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::check;
    use super::*;

    fn manifest() -> String {
        let lines: Vec<String> =
            STAGES_DEPENDENCIES.iter().map(|name| format!("{name}.workspace = true\n")).collect();
        format!("[package]\nname = \"a\"\n\n[dependencies]\n{}", lines.concat())
    }

    #[test]
    fn the_fixed_list_is_accepted() {
        let with_dev = format!("{}\n[dev-dependencies]\nproptest = \"1\"\n", manifest());
        check(stages_dependencies, "stages/Cargo.toml", &with_dev, &[]);
        check(stages_dependencies, "pipeline/Cargo.toml", "[dependencies]\ntokio = \"1\"\n", &[]);
    }

    #[test]
    fn a_new_dependency_of_the_stages_is_caught() {
        let more = format!("{}tokio = \"1\"\n", manifest());
        check(stages_dependencies, "stages/Cargo.toml", &more, &[23]);
        let table = format!("{}[dependencies.tokio]\nversion = \"1\"\n", manifest());
        check(stages_dependencies, "stages/Cargo.toml", &table, &[23]);
    }

    #[test]
    fn a_dependency_that_left_is_caught() {
        let less = manifest().replace("zstd.workspace = true\n", "");
        check(stages_dependencies, "stages/Cargo.toml", &less, &[1]);
    }

    #[test]
    fn a_crate_without_the_lints_is_caught() {
        check(workspace_lints, "a/Cargo.toml", "[package]\nname = \"a\"\n", &[1]);
        check(workspace_lints, "Cargo.toml", "[workspace]\n", &[]);
    }
}
