//! `askance scan`: reads files, writes alerts, says what was done.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::{Context, bail};
use askance_stages::correlate::{Correlations, Keeper, KeeperLimits};
use askance_stages::enrich::{Enrich, Sessions, Tables};
use askance_stages::filter::FilterConfig;
use askance_stages::flow::{Detect, DetectConfig, Output, Unknown};
use askance_stages::matcher::RuleSet;
use askance_stages::model::{Alert, Level, Reason, Reject};
use askance_stages::sigma::{Reading, Severity};
use jiff::Timestamp;

use super::fetch_baseline::fetch_baseline;
use super::progress::Progress;
use super::scan_args::{Format, ScanArgs};
use super::scan_config::{self, ScanConfig};
use super::summary::Totals;
use super::{code, eprintln_line, times};
use crate::context::BaselineFrom;
use crate::output::clean::clean;
use crate::output::{
    AlertWriter, CsvWriter, JsonArrayWriter, JsonLinesWriter, Out, TableStyle, TableWriter,
};
use crate::rulebook;
use crate::runtime::plan;
use crate::runtime::pool::{self, Control, Event};
use crate::runtime::seen::Seen;
use crate::sources::files::Files;

/// Rejects of one reason that are told line by line, for each file; the rest is counted.
const TOLD_FOR_EACH_FILE: u64 = 5;

/// Runs a scan; answers the exit code.
pub fn scan(args: &ScanArgs) -> anyhow::Result<u8> {
    let started = Instant::now();
    let config = match &args.config {
        Some(path) => scan_config::read(path)?,
        None => ScanConfig::default(),
    };
    let filter = filter(args, &config)?;
    let mut totals = Totals::default();
    let level = config.min_level.map_or(args.level.into(), |level| level.max(args.level.into()));
    let Some(enrich) = enrich(args, &config) else { return Ok(code::USE) };
    let loaded = load_rules(args, &config, (level, &enrich.tables), &mut totals)?;
    let Some((rules, correlations)) = loaded else {
        return Ok(code::USE);
    };
    let drops = match plan::drops(&config.drop) {
        Ok(drops) => drops,
        Err(lines) => {
            tell("askance", &lines);
            return Ok(code::USE);
        }
    };
    // The process ends soon: freeing thousands of rules one by one would only take time.
    let detect = ManuallyDrop::new(Detect {
        rules,
        correlations,
        enrich,
        drops,
        config: DetectConfig {
            filter,
            limits: config.limits,
            without_event: args.no_event || matches!(args.format, Format::Table | Format::Csv),
            with_days: args.stats,
            with_given: config.with_sessions,
            without_prefilter: args.no_prefilter,
            ..DetectConfig::default()
        },
    });
    refuse_to_overwrite(args)?;
    let out = open_output(args.output.as_deref())?;
    let control = Arc::new(Control::default());
    let was_interrupted = on_interrupt(&control)?;
    let progress = Progress::start(&control, &args.paths, !args.quiet);
    let is_shared = args.output.is_none() && io::stdout().is_terminal();
    let mut receiver = Receiver {
        writer: writer(args.format, args.output.is_some(), out),
        totals,
        seen: Seen::default(),
        keeper: Some(Keeper::new(&detect.correlations, KeeperLimits::default())),
        sessions: Sessions::default(),
        enrich: &detect.enrich,
        progress: is_shared.then_some(&progress),
        show_unknown: args.show_unknown,
        path: String::new(),
        told: Vec::new(),
        failure: None,
    };
    let threads = args
        .threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    pool::run(&detect, Files::new(args.paths.clone()), threads, &control, |event| {
        receiver.take(event)
    });
    receiver.episodes();
    let finished = receiver.writer.finish();
    progress.finish();
    let (totals, failure) = (receiver.totals, receiver.failure);
    if let Some(error) = failure.or(finished.err())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let place = args.output.as_ref().map_or("standard output".into(), |p| p.to_string_lossy());
        bail!("cannot write alerts to {place}: {error}");
    }
    let is_interrupted = was_interrupted.load(Ordering::Relaxed);
    if !args.quiet {
        eprintln_line(&totals.write(started.elapsed(), is_interrupted));
    }
    Ok(exit_code(args, &totals, is_interrupted))
}

fn exit_code(args: &ScanArgs, totals: &Totals, is_interrupted: bool) -> u8 {
    if is_interrupted {
        return code::INTERRUPTED;
    }
    if totals.tally.rejected.total() > 0 && !args.allow_unreadable {
        return code::UNREADABLE;
    }
    let is_found = args.fail_on.is_some_and(|level| totals.has_at_least(level.into()));
    if is_found { code::FOUND } else { code::OK }
}

fn filter(args: &ScanArgs, config: &ScanConfig) -> anyhow::Result<FilterConfig> {
    // What the command line names replaces what the configuration does.
    let or = |said: &[String], written: &[String]| {
        if said.is_empty() { written.to_vec() } else { said.to_vec() }
    };
    let now = Timestamp::try_from(SystemTime::now()).context("cannot read the clock")?;
    let (from, to) = times::range(args.from.as_deref(), args.to.as_deref(), now)?;
    Ok(FilterConfig {
        from,
        to,
        accounts: or(&args.account, &config.accounts),
        regions: or(&args.region, &config.regions),
    })
}

/// What is known besides the records; `None` if that can't be used, which has been told.
fn enrich(args: &ScanArgs, config: &ScanConfig) -> Option<Enrich> {
    let mut context = config.context.clone();
    context.accounts = args.own_accounts.clone().or(context.accounts);
    match args.baseline.clone() {
        Some(path) => context.baseline = Some(BaselineFrom::File(path)),
        None => match fetch_baseline(&config.whole) {
            Ok(held) => context = context.with_held(&held),
            Err(why) => {
                tell("askance", &[why]);
                return None;
            }
        },
    }
    match context.read(Timestamp::now()) {
        Ok(known) => {
            tell("askance: warning", &known.ended);
            Some(known.enrich)
        }
        Err(lines) => {
            tell("askance", &lines);
            None
        }
    }
}

/// Tells each on a line of its own.
fn tell(who: &str, what: &[impl Display]) {
    what.iter().for_each(|it| eprintln_line(&clean(&format!("{who}: {it}"))));
}

/// Reads and compiles the rules; `None` if they can't be used, which has been told.
fn load_rules(
    args: &ScanArgs,
    config: &ScanConfig,
    (level, tables): (Level, &Tables),
    totals: &mut Totals,
) -> anyhow::Result<Option<(RuleSet, Correlations)>> {
    let is_named = !args.rules.rule_paths.is_empty();
    let mut reading = rulebook::read(&config.choice(&args.rules))?;
    apply(config, &mut reading)?;
    if !tell_problems(&reading, args.rules.keep_going) {
        return Ok(None);
    }
    for rule in &reading.not_run {
        let title = rule.title.as_deref().unwrap_or(&rule.id);
        let line = format!(
            "askance: warning: {}: not run: {title}: it counts in its condition; write a correlation instead",
            rule.place
        );
        eprintln_line(&clean(&line));
    }
    tell("askance: warning", &reading.ended);
    totals.old_correlations = reading.not_run.len();
    totals.rules_left_out = reading
        .left_out
        .iter()
        .map(|rule| format!("{} ({})", rule.title.as_deref().unwrap_or(&rule.id), rule.place))
        .collect();
    // A file that is no YAML has no rule to name.
    for problem in reading.problems.iter().filter(|problem| problem.severity == Severity::Error) {
        let file = &problem.place.file;
        let is_named = reading.left_out.iter().any(|rule| rule.place.file == *file);
        let words = format!("what {file} holds");
        if !is_named && !totals.rules_left_out.contains(&words) {
            totals.rules_left_out.push(words);
        }
    }
    // The built-in rules' own cases are no news.
    let is_news = |place: &str| !place.starts_with("rules/") || is_named;
    for skipped in reading.skipped.iter().filter(|skipped| is_news(&skipped.place.file)) {
        *totals.rules_skipped.entry(skipped.why.clone()).or_default() += 1;
    }
    if reading.rules.is_empty() {
        eprintln_line("askance: warning: there is no rule to run, so nothing can be found");
    }
    if !tables.has_baseline() {
        totals.rules_of_baseline = rulebook::without_baseline(&mut reading);
    }
    totals.rules_of_lists = rulebook::without_lists(&mut reading, tables);
    let correlations = rulebook::correlations(&mut reading, level);
    match rulebook::compile(reading.rules, level, &correlations) {
        Ok(rules) => {
            (totals.rules, totals.feeding_rules) = rules.counts();
            totals.correlations = correlations.told_ids().count();
            Ok(Some((rules, correlations)))
        }
        Err(errors) => {
            errors.iter().for_each(|error| eprintln_line(error));
            Ok(None)
        }
    }
}

/// Applies `rules.disable` and `rules.levels`.
fn apply(config: &ScanConfig, reading: &mut Reading) -> anyhow::Result<()> {
    for id in config.disable.iter().chain(config.levels.keys()) {
        if !rulebook::names(reading, id) {
            bail!("the configuration names the rule \"{id}\", and there is none of that id");
        }
    }
    rulebook::adjust(reading, &config.disable, |id| config.levels.get(id).copied());
    Ok(())
}

/// Tells every error and how many warnings there are; false if the rules can't be used.
pub fn tell_problems(reading: &Reading, keep_going: bool) -> bool {
    let errors: Vec<_> =
        reading.problems.iter().filter(|p| p.severity == Severity::Error).collect();
    if errors.is_empty() {
        return true;
    }
    for error in &errors {
        eprintln_line(&clean(&error.to_string()));
    }
    if keep_going {
        return true;
    }
    eprintln_line(&format!(
        "askance: {} in rules; mend them, or leave the rules out with --keep-going",
        super::summary::plural(errors.len() as u64, "error")
    ));
    false
}

/// What is read must not be written over, and what is written must not be read.
fn refuse_to_overwrite(args: &ScanArgs) -> anyhow::Result<()> {
    let Some(output) = &args.output else { return Ok(()) };
    // What is not there yet is known by its folder; what cannot be found fails when it is opened.
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let place = output.canonicalize().or_else(|_| folder.unwrap_or(Path::new(".")).canonicalize());
    let Ok(place) = place else { return Ok(()) };
    for input in args.paths.iter().filter(|input| input.as_os_str() != "-") {
        if input.canonicalize().is_ok_and(|input| place.starts_with(input)) {
            let (output, input) = (output.display(), input.display());
            bail!("cannot write alerts to {output}: it is, or is in, {input}, which is to be read");
        }
    }
    Ok(())
}

pub(super) fn open_output(path: Option<&Path>) -> anyhow::Result<Out> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::with_capacity(64 << 10, io::stdout())));
    };
    let file =
        File::create(path).with_context(|| format!("cannot write alerts to {}", path.display()))?;
    Ok(Box::new(BufWriter::with_capacity(64 << 10, file)))
}

pub(super) fn writer(format: Format, is_file: bool, out: Out) -> Box<dyn AlertWriter> {
    match format {
        Format::Jsonl => Box::new(JsonLinesWriter::new(out)),
        Format::Json => Box::new(JsonArrayWriter::new(out)),
        Format::Csv => Box::new(CsvWriter::new(out)),
        Format::Table => {
            let style = if is_file { TableStyle::default() } else { TableStyle::of_stdout() };
            Box::new(TableWriter::new(out, style))
        }
    }
}

/// The first Ctrl-C ends the scan with what there is, the second at once.
pub(super) fn on_interrupt(control: &Arc<Control>) -> anyhow::Result<Arc<AtomicBool>> {
    let was_interrupted = Arc::new(AtomicBool::new(false));
    let (control, flag) = (Arc::clone(control), Arc::clone(&was_interrupted));
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            exit(i32::from(code::INTERRUPTED));
        }
        control.stop.store(true, Ordering::Relaxed);
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(was_interrupted)
}

/// Takes results in the order of the inputs.
struct Receiver<'p> {
    writer: Box<dyn AlertWriter>,
    totals: Totals,
    seen: Seen,
    /// What correlations have been fed; `None` once they are told.
    keeper: Option<Keeper<'p>>,
    /// Keys that were given, as far as was read.
    sessions: Sessions,
    enrich: &'p Enrich,
    /// Where alerts share the terminal with a progress bar.
    progress: Option<&'p Progress>,
    show_unknown: bool,
    /// The file whose rejects are being told, and how many of each reason were.
    path: String,
    told: Vec<(Reason, u64)>,
    failure: Option<io::Error>,
}

impl Receiver<'_> {
    /// False if no more is wanted.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Output(Output::Alert(mut alert)) => {
                self.sessions.complete(&mut alert);
                return self.alert(&alert);
            }
            Event::Output(Output::Given(given)) => self.sessions.note(*given),
            Event::Output(Output::Entry(entry)) => {
                if let Some(keeper) = &mut self.keeper {
                    keeper.take(*entry);
                }
            }
            Event::Output(Output::Unknown(unknown)) => self.unknown(&unknown),
            Event::Output(Output::Reject(_)) => {}
            Event::Reject(path, reject) => self.reject(path, &reject),
            Event::Skipped => self.totals.skipped_files += 1,
            Event::Done(tally) => {
                self.totals.files += 1;
                self.totals.tally.add(&tally);
                self.end_of_file();
            }
        }
        true
    }

    fn alert(&mut self, alert: &Alert) -> bool {
        if !self.seen.is_new(&alert.id) {
            self.totals.repeats += 1;
            return true;
        }
        self.totals.forgot = self.seen.forgot();
        let written = match self.progress {
            Some(progress) => {
                progress.suspend(|| self.writer.alert(alert).and_then(|()| io::stdout().flush()))
            }
            None => self.writer.alert(alert),
        };
        if let Err(error) = written {
            self.failure = Some(error);
            return false;
        }
        self.totals.alerts[alert.level as usize] += 1;
        true
    }

    /// Tells the episodes of correlations, now that all is read.
    fn episodes(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        let (tells, counts) = keeper.finish();
        self.totals.kept = counts;
        for mut tell in tells {
            self.enrich.place(&mut tell.alert);
            self.sessions.complete(&mut tell.alert);
            if self.failure.is_some() || !self.alert(&tell.alert) {
                return;
            }
        }
    }

    fn say(&self, line: &str) {
        match self.progress {
            Some(progress) => progress.suspend(|| eprintln_line(line)),
            None => eprintln_line(line),
        }
    }

    fn unknown(&mut self, unknown: &Unknown) {
        if self.show_unknown {
            let event = unknown.event_id.as_deref().unwrap_or("without an id");
            self.say(&clean(&format!(
                "could not be decided: rule \"{}\" ({}) on event {event} (record {} of {}): \
                 CloudTrail cut the record",
                unknown.title, unknown.rule, unknown.index, unknown.path
            )));
        }
    }

    fn reject(&mut self, path: String, reject: &Reject) {
        if self.path != path {
            self.path = path;
            self.told.clear();
        }
        let count = match self.told.iter_mut().find(|(reason, _)| *reason == reject.reason) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.told.push((reject.reason, 1));
                1
            }
        };
        if count > TOLD_FOR_EACH_FILE {
            return;
        }
        let detail = match reject.detail.as_str() {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        // What concerns a file as a whole has no place in it.
        let place = match reject.reason {
            Reason::Unreadable | Reason::Empty | Reason::Internal => String::new(),
            _ => format!(" at byte {}", reject.offset),
        };
        let line = format!("askance: {}: {}{place}{detail}", self.path, reject.reason.words());
        self.say(&clean(&line));
    }

    fn end_of_file(&mut self) {
        for (reason, count) in std::mem::take(&mut self.told) {
            if count > TOLD_FOR_EACH_FILE {
                let more = count - TOLD_FOR_EACH_FILE;
                let line = format!("askance: {}: {} {more} more times", self.path, reason.words());
                self.say(&clean(&line));
            }
        }
    }
}
