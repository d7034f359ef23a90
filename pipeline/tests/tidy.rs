//! The house rules of `CONVENTIONS.md` that a compiler cannot see, checked over the workspace's text.
//!
//! Every test is one rule, named as a fact; when it fails it prints each violation as
//! `file:line: what to do`. It reads text with the standard library alone and understands
//! comments, strings and paths, not types: what needs types belongs to clippy.

#[path = "tidy/mod.rs"]
mod tidy;

use tidy::tree::{File, Violation};
use tidy::{imports, manifests, manners, rules, shape, speech, tree};

/// Runs one check over the whole workspace and fails with the full list.
#[track_caller]
fn holds(check: fn(&[File]) -> Vec<Violation>) {
    let violations = check(&tree::workspace());
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} violation(s):\n{}\n", list.len(), list.join("\n"));
}

#[test]
fn the_whole_workspace_is_read() {
    let files = tree::workspace();
    for expected in ["Cargo.toml", "stages/src/lib.rs", "pipeline/src/main.rs"] {
        assert!(files.iter().any(|file| file.path == expected), "{expected} was not read");
    }
}

#[test]
fn every_source_file_says_what_it_is() {
    holds(shape::header);
}

#[test]
fn every_source_file_is_one_idea() {
    holds(shape::length);
}

#[test]
fn every_source_file_is_named_after_what_it_holds() {
    holds(shape::name);
}

#[test]
fn every_folder_of_modules_has_a_mod_rs() {
    holds(shape::folder);
}

#[test]
fn stages_are_pure() {
    holds(imports::purity);
}

#[test]
fn a_stage_imports_values_and_no_other_stage() {
    holds(imports::stages_apart);
}

#[test]
fn sources_and_sinks_do_not_know_each_other() {
    holds(imports::ends_apart);
}

#[test]
fn anyhow_stays_at_the_edge() {
    holds(imports::anyhow_at_the_edge);
}

#[test]
fn imports_name_what_they_take() {
    holds(imports::no_globs);
}

#[test]
fn comments_hold_no_code() {
    holds(manners::no_commented_code);
}

#[test]
fn a_todo_names_its_issue() {
    holds(manners::todo_has_issue);
}

#[test]
fn nothing_unwraps_outside_tests() {
    holds(manners::no_unwrap);
}

#[test]
fn a_discarded_result_says_why() {
    holds(manners::discard_has_reason);
}

#[test]
fn a_test_is_named_as_a_fact() {
    holds(manners::test_names);
}

#[test]
fn stages_depend_on_a_fixed_list() {
    holds(manifests::stages_dependencies);
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    holds(manifests::workspace_lints);
}

#[test]
fn every_rule_has_cases_that_hit_and_miss() {
    holds(rules::cases);
}

#[test]
fn every_rule_asks_in_both_languages() {
    holds(rules::asks);
}

#[test]
fn no_two_rules_share_a_question() {
    holds(rules::distinct_questions);
}

#[test]
fn the_project_speaks_of_itself_alone() {
    holds(speech::self_contained);
}
