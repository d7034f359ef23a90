//! `askance rules`: check, test and list rules; `coverage` has a file of its own.

use std::path::PathBuf;

use askance_stages::correlate::Correlations;
use askance_stages::model::Level;
use askance_stages::sigma::{Reading, Severity};
use clap::{Args, Subcommand};

use super::code;
use super::coverage::{CoverageArgs, coverage};
use super::rule_cases;
use super::scan_args::RuleArgs;
use super::summary::plural;
use crate::cases;
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
            now: None,
        }
    }
}

/// Does what was said; answers the exit code.
pub fn rules(command: &RulesCommand) -> anyhow::Result<u8> {
    match command {
        RulesCommand::Check(choice) => check(choice),
        RulesCommand::Test(choice) => rule_cases::test(choice),
        RulesCommand::List(choice) => list(choice),
        RulesCommand::Coverage(args) => coverage(args),
    }
}

/// Errors and warnings, a line each.
pub(super) fn problems(reading: &Reading) -> (u64, u64, String) {
    let (mut errors, mut warnings, mut text) = (0, 0, String::new());
    for problem in &reading.problems {
        match problem.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
        }
        text.push_str(&clean(&problem.to_string()));
        text.push('\n');
    }
    for ended in &reading.ended {
        warnings += 1;
        text.push_str(&clean(&ended.to_string()));
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
    let correlations = Correlations::new(&reading.correlations);
    let compiled = rulebook::compile(reading.rules.clone(), Level::Informational, &correlations);
    if let Err(failed) = compiled {
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
        let note = if correlation.is_silent { ", only feeds another" } else { "" };
        text.push_str(&format!(
            "{}  {}  {}  ({}{note})\n",
            pad(correlation.level.name(), 13),
            pad(&clean(&correlation.id), 36),
            clean(&correlation.title),
            correlation.kind,
        ));
    }
    for rule in &reading.not_run {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        text.push_str(&format!(
            "not run        {}: {}  (it counts in its condition; write a correlation)\n",
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
