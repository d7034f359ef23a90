//! `askance explain`: why a rule did or did not match.

use std::path::PathBuf;

use anyhow::bail;
use askance_stages::correlate::Correlations;
use askance_stages::decode::Input;
use askance_stages::enrich::Enrich;
use askance_stages::matcher::{Clause, ClauseKind, Explanation, RuleSet, Scratch, Tri};
use askance_stages::model::{Enriched, Level, Record};
use askance_stages::sigma::ast::Askance;
use clap::Args;
use jiff::Timestamp;

use super::code;
use super::fetch_baseline::fetch_baseline;
use super::scan::tell_problems;
use super::scan_args::RuleArgs;
use super::scan_config::{self, ScanConfig};
use crate::output::clean::clean;
use crate::rulebook;
use crate::runtime::plan;
use crate::sources::files::{Entry, Opener};

/// What can be said to `askance explain`.
#[derive(Debug, Args)]
#[command(after_help = "Without --rule: which rules match the event, and why.\n\
    Exit codes: 0 explained, 2 wrong use, or no such event or rule.")]
pub struct ExplainArgs {
    /// File that holds the event, or - for standard input
    pub file: PathBuf,
    /// The event's eventID
    #[arg(long, value_name = "ID")]
    pub event: String,
    /// Id, name or title of a rule
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// A configuration: tells whether its filter.drop drops the event, and knows what it knows
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RuleArgs,
}

/// Explains; answers the exit code.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let config = match &args.config {
        Some(path) => scan_config::read(path)?,
        None => ScanConfig::default(),
    };
    let failed = |lines: Vec<String>| anyhow::anyhow!(lines.join("\n"));
    let context = config.context.clone().with_held(&fetch_baseline(&config.whole)?);
    let enrich = context.read(Timestamp::now()).map_err(failed)?.enrich;
    let drops = plan::drops(&config.drop).map_err(failed)?;
    let reading = rulebook::read(&config.choice(&args.rules))?;
    if !tell_problems(&reading, args.rules.keep_going) {
        return Ok(code::USE);
    }
    let correlations = Correlations::new(&reading.correlations);
    let rules = rulebook::compile(reading.rules, Level::Informational, &correlations)
        .map_err(|errors| anyhow::anyhow!(errors.join("\n")))?;
    let wanted = match &args.rule {
        Some(name) => vec![find_rule(&rules, name)?],
        None => (0..rules.rules.len()).collect(),
    };
    let mut found = 0;
    let mut text = String::new();
    each_record(args, |index, record| {
        if record.text(&["eventID"]) != Some(args.event.as_str()) {
            return;
        }
        found += 1;
        let enriched = Enriched { record, derive: &enrich };
        text.push_str(&one_event(args, &rules, &wanted, index, enriched));
        if let Some(name) = drops.reason(enriched, &mut Scratch::default()) {
            let name = clean(name);
            text.push_str(&format!(
                "\ndropped by filter.drop \"{name}\": only rules with `always: true` see it\n"
            ));
        }
    })?;
    if found == 0 {
        bail!("there is no event {} in {}", args.event, args.file.display());
    }
    super::print(&text)?;
    Ok(code::OK)
}

fn find_rule(rules: &RuleSet, name: &str) -> anyhow::Result<usize> {
    let is_it = |rule: &askance_stages::sigma::ast::Rule| {
        rule.id == name || rule.name.as_deref() == Some(name) || rule.title == name
    };
    let Some(index) = rules.rules.iter().position(|rule| is_it(&rule.rule)) else {
        let titles = rules.rules.iter().map(|rule| rule.rule.title.as_str());
        let hint = askance_stages::yaml::nearest(name, titles)
            .map_or(String::new(), |title| format!(" (did you mean \"{title}\"?)"));
        bail!("there is no rule \"{name}\"{hint}; `askance rules list` names them");
    };
    Ok(index)
}

fn each_record(args: &ExplainArgs, mut look: impl FnMut(u64, &Record<'_>)) -> anyhow::Result<()> {
    let is_stdin = args.file.as_os_str() == "-";
    let entry = if is_stdin { Entry::Stdin } else { Entry::File(args.file.clone()) };
    let mut rejects = Vec::new();
    let read = Opener::default().open(&entry, &|| false, &mut |_| {}, |input: Input<'_>| {
        askance_stages::flow::each_record(
            input,
            Default::default(),
            &mut |index, record| look(index, record),
            &mut |reject| rejects.push(reject),
        );
    });
    if let Err(why) = read {
        bail!("cannot read {}: {why}", args.file.display());
    }
    for reject in rejects {
        let path = args.file.display();
        let line = format!("askance: {path}: {} at byte {}", reject.reason.words(), reject.offset);
        super::eprintln_line(&clean(&line));
    }
    Ok(())
}

fn one_event(
    args: &ExplainArgs,
    rules: &RuleSet,
    wanted: &[usize],
    index: u64,
    enriched: Enriched<'_, '_, Enrich>,
) -> String {
    let record = enriched.record;
    let field = |path: &[&str]| clean(record.text(path).unwrap_or("unknown"));
    let mut text = format!(
        "event {}: {} {} at {} (record {index} of {})\n",
        clean(&args.event),
        field(&["eventSource"]),
        field(&["eventName"]),
        field(&["eventTime"]),
        clean(&args.file.to_string_lossy()),
    );
    let mut others = 0;
    for at in wanted {
        let explanation = rules.explain(*at, enriched);
        if args.rule.is_none() && explanation.truth == Tri::False {
            others += 1;
            continue;
        }
        let rule = &rules.rules[*at].rule;
        text.push_str(&format!(
            "\nrule \"{}\" ({}): {}\n",
            clean(&rule.title),
            clean(&rule.id),
            word(explanation.truth)
        ));
        render(&explanation, &mut text);
        if let Some(askance) = rule.askance.as_ref().filter(|_| explanation.truth == Tri::True) {
            ask(askance, &mut text);
        }
    }
    if others > 0 {
        text.push_str(&format!(
            "\n{others} other rules do not match; --rule RULE tells why one of them does not\n"
        ));
    }
    text
}

/// What the people concerned are asked, and what the rule's author tells them.
fn ask(askance: &Askance, text: &mut String) {
    let lines = [
        ("asks", &askance.ask_en),
        ("asks (ja)", &askance.ask_ja),
        ("because", &askance.why),
        ("to mend it", &askance.fix),
    ];
    for (label, words) in lines {
        if let Some(words) = words {
            text.push_str(&format!("  {label}: {}\n", clean(words.trim_end())));
        }
    }
}

fn word(truth: Tri) -> &'static str {
    match truth {
        Tri::True => "matches",
        Tri::False => "does not match",
        Tri::Unknown => "cannot be decided: CloudTrail cut the record",
    }
}

fn mark(truth: Tri) -> &'static str {
    match truth {
        Tri::True => "yes",
        Tri::False => "no ",
        Tri::Unknown => "?  ",
    }
}

/// Writes an explanation, a line for each condition, selection and value.
pub fn render(explanation: &Explanation, text: &mut String) {
    for part in &explanation.parts {
        let what = match &part.filter {
            Some(title) => format!("filter \"{}\"", clean(title)),
            None => "condition".to_owned(),
        };
        text.push_str(&format!("  {} {what}: {}\n", mark(part.truth), clean(&part.condition)));
        for (name, clause) in &part.selections {
            text.push_str(&format!("    {} {}\n", mark(clause.truth), clean(name)));
            render_clause(clause, 6, text);
        }
    }
}

fn render_clause(clause: &Clause, indent: usize, text: &mut String) {
    let space = " ".repeat(indent);
    match &clause.kind {
        ClauseKind::All(parts) => {
            for part in parts {
                render_clause(part, indent, text);
            }
        }
        ClauseKind::Any(parts) => {
            text.push_str(&format!("{space}{} one of:\n", mark(clause.truth)));
            for part in parts {
                render_clause(part, indent + 2, text);
            }
        }
        ClauseKind::Line { written, tests, needs_all, is_negated, values, is_absent, is_cut } => {
            let how = match (needs_all, is_negated) {
                (true, false) => " (all of them)",
                (_, true) => " (none of them)",
                (false, false) => "",
            };
            text.push_str(&format!("{space}{} {}{how}\n", mark(clause.truth), clean(written)));
            for (test, truth) in tests {
                text.push_str(&format!("{space}      {} {}\n", mark(*truth), clean(test)));
            }
            let found = match (is_cut, is_absent, values.is_empty()) {
                (true, _, true) => "cut by CloudTrail".to_owned(),
                (_, true, _) => "absent".to_owned(),
                (_, false, true) => "an empty list".to_owned(),
                _ => values.iter().map(|value| clean(value)).collect::<Vec<_>>().join(" | "),
            };
            if !written.starts_with("keywords") {
                text.push_str(&format!("{space}      the record has: {found}\n"));
            }
        }
    }
}
