//! What a replay says at its end: its alerts, and what was done.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use askance_stages::model::Level;

use super::args::ReplayArgs;
use super::read::SOURCE;
use crate::cli::alerts::{pages, parse};
use crate::cli::open_store::wait;
use crate::cli::scan::{open_output, writer};
use crate::cli::scan_args::Format;
use crate::cli::summary::{bytes, duration, number, plural};
use crate::replay::Plan;
use crate::sources::s3_replay::Unread;
use crate::store::{AlertChoice, Store};

/// Rejects that are read at once.
const PAGE: usize = 1000;

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Objects that are done, by this and earlier runs.
    pub objects: u64,
    /// Bytes of them, packed.
    pub bytes: u64,
    /// Objects that were done by earlier runs.
    pub known: u64,
    /// Objects that could not be fetched, by reason.
    pub refused: BTreeMap<&'static str, Unread>,
    /// What was damaged in objects that were read, by reason.
    pub damaged: BTreeMap<String, u64>,
    /// Alerts by level, least first; `None` where they went to people.
    pub alerts: Option<[u64; Level::ALL.len()]>,
    /// Messages that still wait for their sinks.
    pub waiting: u64,
    /// How often S3 asked for fewer requests.
    pub slowed: u64,
}

impl Outcome {
    /// Alerts of all levels.
    pub fn alert_count(&self) -> Option<u64> {
        self.alerts.map(|by_level| by_level.iter().sum())
    }

    /// Something could not be read.
    pub fn has_gaps(&self) -> bool {
        !self.refused.is_empty() || !self.damaged.is_empty()
    }

    /// A line for each kind of thing that there is something to say of.
    pub fn write(&self, job: &str, plan: &Plan, took: Duration) -> String {
        let seconds = took.as_secs_f64().max(0.001);
        let mut lines = vec![format!(
            "job {job}: {} ({}) in {}",
            plural(self.objects, "object"),
            bytes(self.bytes),
            duration(took)
        )];
        if self.known > 0 {
            lines[0].push_str(&format!(", {} of them by earlier runs", number(self.known)));
        } else {
            let rate = bytes((self.bytes as f64 / seconds) as u64);
            lines[0].push_str(&format!(" ({rate}/s)"));
        }
        if let (Some(total), Some(by_level)) = (self.alert_count(), self.alerts) {
            let named = by_level.iter().zip(Level::ALL).rev().filter(|(count, _)| **count > 0);
            let named: Vec<String> = named
                .map(|(count, level)| format!("{} {}", number(*count), level.name()))
                .collect();
            lines.push(match total {
                0 => "no alerts".to_owned(),
                total => format!("{}: {}", plural(total, "alert"), named.join(", ")),
            });
        }
        for (reason, unread) in &self.refused {
            let count = number(unread.count);
            lines.push(format!(
                "could not be fetched: {count} {reason}; the first: {}",
                unread.first
            ));
        }
        if !self.damaged.is_empty() {
            let damaged = self.damaged.iter();
            let all: Vec<String> =
                damaged.map(|(reason, count)| format!("{} {reason}", number(*count))).collect();
            lines.push(format!("could not be read: {}", all.join(", ")));
        }
        if plan.unlisted_count > 0 {
            lines.push(format!(
                "not read, since they could not be listed: {}",
                plural(plan.unlisted_count, "folder")
            ));
        }
        if self.slowed > 0 {
            lines.push(format!("S3 asked for fewer requests {} times", number(self.slowed)));
        }
        if self.waiting > 0 {
            lines.push(format!(
                "still to be sent: {}, which wait in the store for askance run",
                plural(self.waiting, "message")
            ));
        }
        lines.join("\n")
    }
}

/// Writes all alerts of the job's store, the latest first; answers how many of each level.
pub fn alerts(args: &ReplayArgs, store: &dyn Store) -> anyhow::Result<[u64; Level::ALL.len()]> {
    let mut writer =
        writer(args.format, args.output.is_some(), open_output(args.output.as_deref())?);
    let without_event = args.no_event || matches!(args.format, Format::Table | Format::Csv);
    let mut by_level = [0; Level::ALL.len()];
    let mut is_closed = false;
    pages(store, AlertChoice::default(), None, |stored| {
        let mut alert = parse(stored)?;
        by_level[alert.level as usize] += 1;
        if without_event {
            alert.event = None;
        }
        if !is_closed {
            is_closed = is_pipe_closed(writer.alert(&alert))?;
        }
        Ok(true)
    })?;
    if !is_closed {
        is_pipe_closed(writer.finish())?;
    }
    Ok(by_level)
}

fn is_pipe_closed(written: std::io::Result<()>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(false),
        // Whoever read has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error).context("cannot write alerts"),
    }
}

/// What was damaged in objects that were read, by reason; `refused` are the reasons not to fetch one.
pub fn damaged(
    store: &dyn Store,
    fetched: impl Fn(&str) -> bool,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut damaged = BTreeMap::new();
    let mut after = 0;
    loop {
        let rows = wait(store.rejects(after, PAGE))?;
        let Some((last, _)) = rows.last() else { return Ok(damaged) };
        after = *last;
        for (_, row) in rows {
            if row.source == SOURCE && fetched(&row.reason) {
                *damaged.entry(row.reason).or_default() += 1;
            }
        }
    }
}
