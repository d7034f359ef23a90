//! The report of a backtest: a table for people, one JSON object for programs.

use std::io::{self, Write};
use std::time::Duration;

use askance_stages::model::Level;
use serde_json::{Value, json};

use crate::backtest::{Change, Comparison, Counts, OfRule, Pair, Questions, Sample};
use crate::cli::summary::{bytes, duration, not_counted, number, plural};
use crate::output::clean::clean;

/// Days and accounts of a rule that the table shows; JSON has all.
const SHOWN: usize = 10;

/// Rules whose time the table shows, the most expensive ones.
const SHOWN_TIMES: usize = 10;

const CHANGES: [Change; 4] = [Change::Same, Change::Changed, Change::Added, Change::Removed];

/// What is reported.
pub struct Report<'r> {
    /// The two sets.
    pub pair: &'r Pair,
    /// What they found.
    pub comparison: &'r Comparison<'r>,
    /// How long it took.
    pub took: Duration,
}

impl Report<'_> {
    /// For people.
    pub fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.comparison;
        let tally = &all.tally;
        writeln!(
            out,
            "{}, {} of text, {} in {}",
            plural(all.objects, "file"),
            bytes(tally.bytes_text),
            plural(tally.records, "record"),
            duration(self.took)
        )?;
        let changes = CHANGES.map(|change| (change, self.pair.count(change)));
        let words = |of: fn((usize, usize)) -> usize| {
            let each = changes
                .map(|(change, counts)| format!("{} {}", number(of(counts) as u64), change.name()));
            each.join(", ")
        };
        writeln!(out, "rules      {}", words(|(rules, _)| rules))?;
        if changes.iter().any(|(_, (_, correlations))| *correlations > 0) {
            writeln!(out, "correlations {}", words(|(_, correlations)| correlations))?;
        }
        writeln!(
            out,
            "alerts     {}",
            line(all.all.before(), all.all.after(), all.all.new, all.all.gone)
        )?;
        self.distinct(out, "questions", &all.questions)?;
        self.distinct(out, "people", &all.people)?;
        if all.forgot() {
            writeln!(
                out,
                "           events that were read twice may count twice: there were too many alerts"
            )?;
        }
        if tally.rejected.total() > 0 {
            writeln!(out, "unread     {} damaged or unreadable", number(tally.rejected.total()))?;
        }
        if let Some(words) = not_counted(tally.untimed, &all.kept) {
            writeln!(out, "{words}")?;
        }
        let mut is_any = false;
        for (id, named) in &self.pair.named {
            let nothing = OfRule::default();
            let of = all.rules.get(id).unwrap_or(&nothing);
            if named.change == Change::Same {
                continue;
            }
            is_any = true;
            self.rule(out, id, of)?;
        }
        if !is_any {
            writeln!(out, "\nboth sets of rules say the same")?;
        }
        self.times(out)
    }

    fn distinct(&self, out: &mut dyn Write, label: &str, of: &Questions) -> io::Result<()> {
        let (before, after) = of.totals();
        let (new, gone) = of.changes();
        let more = if of.is_full() { " (and more: too many to tell apart)" } else { "" };
        writeln!(out, "{label:<10} {}{more}", line(before, after, new, gone))
    }

    fn rule(&self, out: &mut dyn Write, id: &str, of: &OfRule) -> io::Result<()> {
        let Some(named) = self.pair.named.get(id) else { return Ok(()) };
        writeln!(out)?;
        writeln!(out, "{}", clean(&format!("{} {} ({id})", named.change.name(), named.title)))?;
        if let (Some(before), Some(after)) = named.levels
            && before != after
        {
            writeln!(out, "  level      {} before, {} after", before.name(), after.name())?;
        }
        let Counts { new, gone, .. } = of.all;
        writeln!(out, "  alerts     {}", line(of.all.before(), of.all.after(), new, gone))?;
        let (before, after) = of.questions.totals();
        let (more, less) = of.questions.changes();
        writeln!(out, "  questions  {}", line(before, after, more, less))?;
        for (label, places) in [("day", &of.days), ("account", &of.accounts)] {
            let changed = places.iter().filter(|(_, counts)| counts.new + counts.gone > 0);
            for (name, counts) in changed.clone().take(SHOWN) {
                let line = line(counts.before(), counts.after(), counts.new, counts.gone);
                writeln!(out, "  {}", clean(&format!("{label:<10} {name}: {line}")))?;
            }
            let more = changed.count().saturating_sub(SHOWN);
            if more > 0 {
                writeln!(out, "  {label:<10} and {more} more (--format json has all)")?;
            }
        }
        for (label, samples) in [("new", &of.new), ("gone", &of.gone)] {
            for sample in samples {
                writeln!(out, "  {}", clean(&format!("{label:<10} {}", told(sample))))?;
            }
        }
        Ok(())
    }

    /// The rules that took the most time.
    fn times(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rules: Vec<(&String, (u64, u64))> =
            self.comparison.rules.iter().map(|(id, of)| (id, of.nanoseconds)).collect();
        rules.retain(|(_, (before, after))| before + after > 0);
        rules.sort_by_key(|(_, (before, after))| std::cmp::Reverse((*before).max(*after)));
        if rules.is_empty() {
            return Ok(());
        }
        writeln!(out, "\ntime in rules, estimated from one parsed record in 64 (before, after)")?;
        for (id, (before, after)) in rules.into_iter().take(SHOWN_TIMES) {
            let title = self.pair.title(id);
            let (before, after) = (Duration::from_nanos(before), Duration::from_nanos(after));
            let line = format!("  {:>9} {:>9}  {title}", duration(before), duration(after));
            writeln!(out, "{}", clean(&line))?;
        }
        Ok(())
    }

    /// For programs.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.comparison;
        let changes = |of: fn((usize, usize)) -> usize| -> Value {
            let counts = CHANGES.map(|it| (it.name().to_owned(), of(self.pair.count(it)).into()));
            Value::Object(counts.into_iter().collect())
        };
        let rules: Vec<Value> = self
            .pair
            .named
            .keys()
            .filter_map(|id| {
                let nothing = OfRule::default();
                let of = all.rules.get(id).unwrap_or(&nothing);
                self.rule_json(id, of)
            })
            .collect();
        let report = json!({
            "schema_version": 1,
            "files": all.objects,
            "bytes": all.tally.bytes_in,
            "text_bytes": all.tally.bytes_text,
            "records": all.tally.records,
            "rejected": all.tally.rejected.total(),
            "seconds": self.took.as_secs_f64(),
            "rules": changes(|(rules, _)| rules),
            "correlations": changes(|(_, correlations)| correlations),
            "correlated": {
                "events": all.kept.entries,
                "untimed": all.tally.untimed,
                "given_up": all.kept.steps.given_up,
                "groups": all.kept.groups,
                "groups_let_go": all.kept.let_go,
            },
            "alerts": counts(all.all),
            "questions": distinct(&all.questions),
            "people": distinct(&all.people),
            "may_count_twice": all.forgot(),
            "by_rule": rules,
        });
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)
    }

    /// A rule that was changed, found something or took time; others are not worth a line.
    fn rule_json(&self, id: &str, of: &OfRule) -> Option<Value> {
        let named = self.pair.named.get(id)?;
        let is_silent = of.all == Counts::default() && of.nanoseconds == (0, 0);
        if named.change == Change::Same && is_silent {
            return None;
        }
        let seconds = |nanoseconds: u64| Duration::from_nanos(nanoseconds).as_secs_f64();
        Some(json!({
            "id": id,
            "title": named.title,
            "is_correlation": named.is_correlation,
            "change": named.change.name(),
            "level": {
                "baseline": named.levels.0.map(Level::name),
                "candidate": named.levels.1.map(Level::name),
            },
            "alerts": counts(of.all),
            "questions": distinct(&of.questions),
            "days": of.days,
            "accounts": of.accounts,
            "samples": {"new": of.new, "gone": of.gone},
            "rule_seconds": {
                "baseline": seconds(of.nanoseconds.0),
                "candidate": seconds(of.nanoseconds.1),
            },
        }))
    }
}

fn counts(counts: Counts) -> Value {
    json!({
        "baseline": counts.before(), "candidate": counts.after(),
        "kept": counts.kept, "new": counts.new, "gone": counts.gone,
    })
}

fn distinct(of: &Questions) -> Value {
    let ((before, after), (new, gone)) = (of.totals(), of.changes());
    json!({
        "baseline": before, "candidate": after, "new": new, "gone": gone,
        "is_complete": !of.is_full(),
    })
}

/// `12 before, 14 after (+3, -1)`.
fn line(before: u64, after: u64, new: u64, gone: u64) -> String {
    let [before, after, new, gone] = [before, after, new, gone].map(number);
    format!("{before} before, {after} after (+{new}, -{gone})")
}

fn told(sample: &Sample) -> String {
    let unknown = || "unknown".to_owned();
    let [time, account, actor] = [&sample.time, &sample.account, &sample.actor]
        .map(|text| text.clone().unwrap_or_else(unknown));
    let on = match sample.resources.as_slice() {
        [] => String::new(),
        [one] => format!(" on {one}"),
        [one, rest @ ..] => format!(" on {one} and {} more", rest.len()),
    };
    let place = format!("record {} of {}", sample.index, sample.origin);
    let Some(events) = sample.events else {
        return format!("{time} {account} {actor}{on} ({place})");
    };
    let group = sample.group.iter().map(|group| match &group.value {
        Some(value) => format!(", {}={value}", group.field),
        None => format!(", without {}", group.field),
    });
    // What its events do not share is not known of an episode.
    let who = [&sample.account, &sample.actor]
        .map(|text| text.as_ref().map_or_else(String::new, |text| format!(" {text}")));
    let (who, group) = (who.concat(), group.collect::<String>());
    format!("{time}{who}{on}: {}{group} (from {place})", plural(events, "event"))
}
