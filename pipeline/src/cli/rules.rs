//! `askance rules`: check, test and list rules; `coverage` has a file of its own.

use std::path::PathBuf;

use askance_stages::enrich::Enrich;
use askance_stages::matcher::{RuleSet, Tri};
use askance_stages::model::{Enriched, Level};
use askance_stages::sigma::{Reading, Severity};
use clap::{Args, Subcommand};

use super::code;
use super::coverage::{CoverageArgs, coverage};
use super::explain::render;
use super::scan_args::RuleArgs;
use super::summary::plural;
use crate::cases::{self, Case, CaseFile};
use crate::output::clean::{clean, pad};
use crate::rulebook::{self, RuleChoice};

/// What can be said to `askance rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Tell every error and warning of every rule file
    #[command(after_help = "Exit codes: 0 no errors, 2 errors or wrong use.")]
    Check(Choice),
    /// Run the cases beside each rule: examples that it must hit or miss
    #[command(after_help = "Exit codes: 0 all cases pass, 1 some fail, 2 wrong use or bad files.")]
    Test(Choice),
    /// List rules, correlations and what is skipped
    #[command(after_help = "Exit codes: 0 listed, 2 wrong use.")]
    List(Choice),
    /// Tell what the rules cover: ATT&CK techniques, services, controls, and what has no rule
    #[command(after_help = "Exit codes: 0 told, 2 errors in rules or wrong use.")]
    Coverage(CoverageArgs),
}

/// Which rules.
#[derive(Debug, Args)]
pub struct Choice {
    /// Rule files and folders [default: the built-in rules]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub rules: RuleArgs,
}

impl Choice {
    /// The choice, as the rulebook takes it.
    pub fn rules(&self) -> RuleChoice {
        RuleChoice {
            paths: [self.paths.clone(), self.rules.rule_paths.clone()].concat(),
            with_builtin: self.rules.builtin,
            placeholders: self.rules.placeholders.clone(),
        }
    }
}

/// Does what was said; answers the exit code.
pub fn rules(command: &RulesCommand) -> anyhow::Result<u8> {
    match command {
        RulesCommand::Check(choice) => check(choice),
        RulesCommand::Test(choice) => test(choice),
        RulesCommand::List(choice) => list(choice),
        RulesCommand::Coverage(args) => coverage(args),
    }
}

/// Errors and warnings, a line each.
fn problems(reading: &Reading) -> (u64, u64, String) {
    let (mut errors, mut warnings, mut text) = (0, 0, String::new());
    for problem in &reading.problems {
        match problem.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
        text.push_str(&clean(&problem.to_string()));
        text.push('\n');
    }
    (errors, warnings, text)
}

fn check(choice: &Choice) -> anyhow::Result<u8> {
    let files = rulebook::files(&choice.rules())?;
    let reading = rulebook::read(&choice.rules())?;
    let (mut errors, warnings, mut text) = problems(&reading);
    for fault in files.iter().filter_map(cases::read).filter_map(Result::err).flatten() {
        errors += 1;
        text.push_str(&clean(&fault));
        text.push('\n');
    }
    if let Err(failed) = rulebook::compile(reading.rules.clone(), Level::Informational) {
        errors += failed.len() as u64;
        failed.iter().for_each(|line| text.push_str(&format!("{}\n", clean(line))));
    }
    text.push_str(&format!(
        "{}: {}, {}, {} skipped; {}, {}\n",
        plural(files.len() as u64, "file"),
        plural(reading.rules.len() as u64, "rule"),
        plural(reading.correlations.len() as u64, "correlation"),
        plural(reading.skipped.len() as u64, "document"),
        plural(errors, "error"),
        plural(warnings, "warning"),
    ));
    super::print(&text)?;
    Ok(if errors == 0 { code::OK } else { code::USE })
}

fn list(choice: &Choice) -> anyhow::Result<u8> {
    let reading = rulebook::read(&choice.rules())?;
    let mut text = String::new();
    for rule in &reading.rules {
        let note = if rule.is_silent { "  (only feeds a correlation)" } else { "" };
        text.push_str(&format!(
            "{}  {}  {}{note}\n",
            pad(rule.level.name(), 13),
            pad(&clean(&rule.id), 36),
            clean(&rule.title)
        ));
    }
    for correlation in &reading.correlations {
        text.push_str(&format!(
            "{}  {}  {}  (needs correlation)\n",
            pad(&clean(&correlation.kind), 13),
            pad(&clean(&correlation.id), 36),
            clean(&correlation.title)
        ));
    }
    for rule in &reading.not_run {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        text.push_str(&format!(
            "not run        {}: {}  (needs correlation)\n",
            rule.place,
            clean(title)
        ));
    }
    for skipped in &reading.skipped {
        text.push_str(&format!("skipped        {}: {}\n", skipped.place, clean(&skipped.why)));
    }
    for rule in &reading.left_out {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        text.push_str(&format!("left out       {}: {}\n", rule.place, clean(title)));
    }
    super::print(&text)?;
    Ok(code::OK)
}

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

fn test(choice: &Choice) -> anyhow::Result<u8> {
    let choice = with_neighbours(choice.rules());
    let files = rulebook::files(&choice)?;
    let reading = rulebook::read(&choice)?;
    let (errors, _, mut text) = problems(&reading);
    let mut bad_files = errors;
    let rules = match rulebook::compile(reading.rules.clone(), Level::Informational) {
        Ok(rules) => rules,
        Err(failed) => anyhow::bail!(failed.join("\n")),
    };
    let (mut passed, mut failed, mut tested) = (0, 0, Vec::new());
    for file in files.iter().filter_map(cases::read) {
        match file {
            Ok(file) => {
                let Some(index) = rules.rules.iter().position(|rule| rule.rule.id == file.rule)
                else {
                    bad_files += 1;
                    text.push_str(&format!(
                        "{}: there is no rule of the id \"{}\"\n",
                        file.path,
                        clean(&file.rule)
                    ));
                    continue;
                };
                tested.push(index);
                for case in &file.cases {
                    match run(&rules, index, case) {
                        None => passed += 1,
                        Some(why) => {
                            failed += 1;
                            text.push_str(&failure(&file, case, &rules, index, &why));
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
    let without = rules.rules.len() - tested.len();
    text.push_str(&format!(
        "{}, {}: {passed} passed, {failed} failed",
        plural(rules.rules.len() as u64, "rule"),
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

/// Why a case fails: the explanation of what the rule did; `None` if it passes.
fn run(rules: &RuleSet, index: usize, case: &Case) -> Option<String> {
    let json = case.event.to_string();
    let enrich = Enrich::default();
    let mut parser = askance_stages::parse::Parser::default();
    let result = parser.parse(json.as_bytes(), |record, _| {
        let enriched = Enriched { record: &record, derive: &enrich };
        let explanation = rules.explain(index, enriched);
        let is_hit = explanation.truth == Tri::True;
        (is_hit != case.is_hit).then(|| {
            let mut text = String::new();
            render(&explanation, &mut text);
            text
        })
    });
    match result {
        Ok(why) => why,
        Err(error) => Some(format!("  the event is no record: {error}\n")),
    }
}

fn failure(file: &CaseFile, case: &Case, rules: &RuleSet, index: usize, why: &str) -> String {
    let (expected, got) = if case.is_hit { ("hit", "miss") } else { ("miss", "hit") };
    let changes = match &case.like {
        Some(base) => {
            let changes = clean(&case.changes.join("; "));
            format!("  like \"{}\", changed: {changes}\n", clean(base))
        }
        None => String::new(),
    };
    format!(
        "{}:{}: case \"{}\" of \"{}\"\n- expected {expected}\n+ got      {got}\n{changes}{why}",
        file.path,
        case.line,
        clean(&case.name),
        clean(&rules.rules[index].rule.title),
    )
}
