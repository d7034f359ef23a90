//! Checks on who may name whom: pure stages, stages apart, sources and sinks apart.
//!
//! They follow written paths only; a name that travels through a re-export or a type alias is not seen.

use super::code::{Code, is_word};
use super::paths::{Named, module_of, named};
use super::tree::{File, Violation};

/// What touches the world, the clock or another thread, and so has no place in a stage.
const IMPURE_PATHS: [&str; 15] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "tokio",
    "tracing",
    "log",
];

/// Addresses are values; what opens sockets stays out.
const PURE_PATHS: [&str; 4] =
    ["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr", "std::net::AddrParseError"];

/// Macros that print.
const PRINTING_MACROS: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];

/// What every stage may import besides itself.
const SHARED_MODULES: [&str; 3] = ["model", "tally", "yaml"];

/// What single stages may import besides.
///
/// `raise` asks with the rule language about alerts what `matcher` asks about records.
const MORE_FOR: [(&str, &str); 5] = [
    ("correlate", "sigma"),
    ("matcher", "sigma"),
    ("raise", "matcher"),
    ("raise", "parse"),
    ("raise", "sigma"),
];

/// Modules that see every stage: the whole flow, and the root that declares them.
const SEES_ALL: [&str; 2] = ["flow", "lib"];

const STAGES: &str = "stages/src/";
const PIPELINE: &str = "pipeline/src/";

/// Source files below `root` with the paths that their code outside tests names.
fn named_in<'a>(files: &'a [File], root: &'a str) -> impl Iterator<Item = (&'a File, Vec<Named>)> {
    files.iter().filter(|file| file.is_rust() && !file.is_test()).filter_map(move |file| {
        let below = file.path.strip_prefix(root)?;
        Some((file, named(&Code::read(&file.text).without_tests(), &module_of(below))))
    })
}

/// No file of `stages` names anything outside memory.
pub(crate) fn purity(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, paths) in named_in(files, STAGES) {
        for named in paths {
            let is_pure = PURE_PATHS.iter().any(|pure| named.is_below(pure));
            let is_impure = named.path.starts_with("aws_")
                || named.path.ends_with("::now")
                || IMPURE_PATHS.iter().any(|impure| named.is_below(impure));
            if is_impure && !is_pure {
                let what =
                    format!("`{}` in a stage: take what it gives as an argument", named.path);
                violations.push(Violation::new(file, named.line, what));
            }
        }
        let code = Code::read(&file.text).without_tests();
        for (index, line) in code.lines().enumerate() {
            for printing in PRINTING_MACROS.iter().filter(|name| has_macro(line, name)) {
                let what = format!("`{printing}` in a stage: return a value instead");
                violations.push(Violation::new(file, index + 1, what));
            }
        }
    }
    violations
}

fn has_macro(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// A stage imports the shared values and itself, no other stage.
pub(crate) fn stages_apart(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, paths) in named_in(files, STAGES) {
        let below = file.path.strip_prefix(STAGES).unwrap_or(&file.path);
        let own = below.split('/').next().unwrap_or(below).trim_end_matches(".rs");
        if SEES_ALL.contains(&own) {
            continue;
        }
        for named in paths {
            let Some(target) = named.path.strip_prefix("crate::") else { continue };
            let target = target.split("::").next().unwrap_or(target);
            let is_allowed = target == own
                || SHARED_MODULES.contains(&target)
                || MORE_FOR.contains(&(own, target));
            if !is_allowed {
                let what = format!(
                    "`{own}` names `{}`: only `flow` sees other stages, pass a value of `model`",
                    named.path
                );
                violations.push(Violation::new(file, named.line, what));
            }
        }
    }
    violations
}

/// A source names no sink and a sink names no source.
pub(crate) fn ends_apart(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, paths) in named_in(files, PIPELINE) {
        let below = file.path.strip_prefix(PIPELINE).unwrap_or(&file.path);
        let other = match below.split('/').next().unwrap_or(below).trim_end_matches(".rs") {
            "sources" => "sinks",
            "sinks" => "sources",
            _ => continue,
        };
        for named in paths {
            if named.path.split("::").any(|part| part == other) {
                let what = format!("`{}`: sources and sinks meet in `runtime` only", named.path);
                violations.push(Violation::new(file, named.line, what));
            }
        }
    }
    violations
}

/// `anyhow` stays in `main.rs` and the command line of the pipeline.
pub(crate) fn anyhow_at_the_edge(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for root in [STAGES, PIPELINE] {
        for (file, paths) in named_in(files, root) {
            let below = file.path.strip_prefix(PIPELINE).unwrap_or_default();
            if below == "main.rs" || below == "cli.rs" || below.starts_with("cli/") {
                continue;
            }
            for named in paths.iter().filter(|named| named.is_below("anyhow")) {
                let what = "`anyhow` outside main.rs and cli: give the module an error type";
                violations.push(Violation::new(file, named.line, what));
            }
        }
    }
    violations
}

/// No glob import outside tests.
pub(crate) fn no_globs(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for root in [STAGES, PIPELINE, "benches/src/"] {
        for (file, paths) in named_in(files, root) {
            for named in paths.iter().filter(|named| named.path.ends_with("::*")) {
                let what = format!("`use {}`: name what is taken", named.path);
                violations.push(Violation::new(file, named.line, what));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::check;
    use super::*;

    #[test]
    fn a_stage_that_touches_the_world_is_caught() {
        for text in [
            "use std::fs;",
            "use std::{fmt, io::{self, stdout}};",
            "fn a() { std::env::var(b); }",
            "use std::time::{Duration, SystemTime};",
            "fn a() { let b = Instant::now(); }",
            "fn a(b: fn() -> T) { c(Timestamp::now) }",
            "use aws_sdk_s3::Client;",
            "fn a() { log::warn!(\"x\"); }",
            "fn a() { println!(\"x\"); }",
        ] {
            check(purity, "stages/src/decode/gzip.rs", text, &[1]);
        }
    }

    #[test]
    fn pure_code_and_other_crates_are_left_alone() {
        let text = "//! No `std::fs` here.\nlet aws_region = blog::a(\"std::fs\");\nuse std::{net::IpAddr, time::Duration};\n\
                    #[cfg(test)]\nmod tests { use std::fs; }\n";
        check(purity, "stages/src/decode/gzip.rs", text, &[]);
        check(purity, "pipeline/src/sources/directory.rs", "use std::fs;", &[]);
        check(purity, "stages/tests/flow.rs", "use std::fs;", &[]);
    }

    #[test]
    fn a_stage_that_names_another_is_caught() {
        check(stages_apart, "stages/src/parse/file.rs", "use crate::{decode::D, model::M};", &[1]);
        check(
            stages_apart,
            "stages/src/parse/file.rs",
            "\nlet a = super::super::decode::b();",
            &[2],
        );
        check(stages_apart, "stages/src/filter.rs", "use super::sigma::ast;", &[1]);
        check(stages_apart, "stages/src/model/hit.rs", "use crate::flow::Detect;", &[1]);
        check(stages_apart, "stages/src/ask/mod.rs", "use crate::Detect;", &[1]);
    }

    #[test]
    fn a_stage_may_name_values_and_itself() {
        check(
            stages_apart,
            "stages/src/parse/file.rs",
            "use super::lines::L; use crate::tally::T;",
            &[],
        );
        check(stages_apart, "stages/src/matcher/mod.rs", "use crate::sigma::ast;", &[]);
        check(stages_apart, "stages/src/flow.rs", "use crate::decode::D;", &[]);
        check(stages_apart, "stages/src/lib.rs", "pub use crate::decode::D;", &[]);
    }

    #[test]
    fn a_source_that_names_a_sink_is_caught() {
        check(ends_apart, "pipeline/src/sources/stdin.rs", "use crate::sinks::File;", &[1]);
        check(ends_apart, "pipeline/src/sinks/mod.rs", "fn a() { super::sources::b() }", &[1]);
        check(ends_apart, "pipeline/src/runtime/mod.rs", "use crate::{sources, sinks};", &[]);
    }

    #[test]
    fn anyhow_in_the_middle_is_caught() {
        check(anyhow_at_the_edge, "pipeline/src/sources/stdin.rs", "use anyhow::Result;", &[1]);
        check(anyhow_at_the_edge, "pipeline/src/cli/scan.rs", "use anyhow::Result;", &[]);
        check(anyhow_at_the_edge, "benches/src/lib.rs", "use anyhow::Result;", &[]);
    }

    #[test]
    fn a_glob_outside_tests_is_caught() {
        check(no_globs, "stages/src/filter.rs", "use crate::model::*;", &[1]);
        check(no_globs, "stages/src/filter.rs", "#[cfg(test)]\nmod tests { use super::*; }", &[]);
    }
}
