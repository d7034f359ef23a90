//! `askance rules test`: runs the cases beside rules and correlations.

use std::collections::BTreeSet;

use super::code;
use super::explain::render;
use super::rules::{Choice, problems};
use super::summary::plural;
use crate::cases::{self, Case, CaseFile, Trial, Why};
use crate::output::clean::clean;
use crate::rulebook::{self, RuleChoice};
use crate::subject::Subject;

/// A rule file that is named by itself brings its cases, and a case file its rule.
fn with_neighbours(mut choice: RuleChoice) -> RuleChoice {
    for path in choice.paths.clone() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let neighbour = match name.strip_suffix(".cases.yml") {
            Some(stem) => path.with_file_name(format!("{stem}.yml")),
            None => path.with_extension("cases.yml"),
        };
        if path.is_file() && neighbour.is_file() && !choice.paths.contains(&neighbour) {
            choice.paths.push(neighbour);
        }
    }
    choice
}

/// Runs all cases of a choice; answers the exit code.
pub(super) fn test(choice: &Choice) -> anyhow::Result<u8> {
    let choice = with_neighbours(choice.rules());
    let files = rulebook::files(&choice)?;
    let reading = rulebook::read(&choice)?;
    let (errors, _, mut text) = problems(&reading);
    let mut bad_files = errors;
    let trial = match Trial::new(&reading) {
        Ok(trial) => trial,
        Err(failed) => anyhow::bail!(failed.join("\n")),
    };
    let (mut passed, mut failed, mut tested) = (0, 0, BTreeSet::new());
    for file in files.iter().filter_map(cases::read) {
        match file {
            Ok(file) => {
                let Some(title) = trial.titles.get(&file.rule) else {
                    bad_files += 1;
                    text.push_str(&format!(
                        "{}: there is no rule of the id \"{}\"\n",
                        file.path,
                        clean(&file.rule)
                    ));
                    continue;
                };
                tested.insert(file.rule.clone());
                for case in &file.cases {
                    match trial.run(&file.rule, case) {
                        None => passed += 1,
                        Some(why) => {
                            failed += 1;
                            text.push_str(&failure(&file, case, title, &why));
                        }
                    }
                }
            }
            Err(faults) => {
                bad_files += faults.len() as u64;
                faults.iter().for_each(|fault| text.push_str(&format!("{}\n", clean(fault))));
            }
        }
    }
    // What only feeds is tried with what it feeds.
    let without = Subject::all(&reading).filter(|it| !tested.contains(it.id)).count();
    text.push_str(&plural(reading.rules.len() as u64, "rule"));
    if !reading.correlations.is_empty() {
        let count = reading.correlations.len() as u64;
        text.push_str(&format!(", {}", plural(count, "correlation")));
    }
    text.push_str(&format!(
        ", {}: {passed} passed, {failed} failed",
        plural(passed + failed, "case")
    ));
    if without > 0 {
        text.push_str(&format!("; {} without cases", plural(without as u64, "rule")));
    }
    text.push('\n');
    super::print(&text)?;
    Ok(if bad_files > 0 {
        code::USE
    } else if failed > 0 {
        code::FOUND
    } else {
        code::OK
    })
}

fn failure(file: &CaseFile, case: &Case, title: &str, why: &Why) -> String {
    let mut told = String::new();
    match why {
        Why::Rule(explanation) => render(explanation, &mut told),
        Why::Words(lines) => {
            lines.lines().for_each(|line| told.push_str(&format!("  {}\n", clean(line))));
        }
    }
    let (expected, got) = if case.is_hit { ("hit", "miss") } else { ("miss", "hit") };
    let changes = match &case.like {
        Some(base) => {
            let changes = clean(&case.changes.join("; "));
            format!("  like \"{}\", changed: {changes}\n", clean(base))
        }
        None => String::new(),
    };
    format!(
        "{}:{}: case \"{}\" of \"{}\"\n- expected {expected}\n+ got      {got}\n{changes}{told}",
        file.path,
        case.line,
        clean(&case.name),
        clean(title),
    )
}
