//! `askance replay jobs`: what jobs there are, and one of them as a whole.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::cli::open_store::wait;
use crate::cli::summary::{bytes, number, plural};
use crate::cli::{code, print};
use crate::output::clean::clean;
use crate::replay::{Done, Job, Mode, State};
use crate::store::Store as _;
use crate::store::sqlite::SqliteStore;

/// Lists jobs, or shows one; answers the exit code.
pub fn jobs(folder: &Path, name: Option<&str>, is_json: bool) -> anyhow::Result<u8> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => Job::names(folder)?,
    };
    let mut text = String::new();
    if names.is_empty() && !is_json {
        text = format!("no jobs in {}\n", folder.display());
    }
    if name.is_none() && !is_json && !names.is_empty() {
        text.push_str(&format!("{:<28} {:<12} {:<22} {}\n", "JOB", "STATE", "DONE", "WHAT"));
    }
    for one in &names {
        let state = Job::look(folder, one)?;
        let row = Row::of(folder, one, &state)?;
        text.push_str(&match (is_json, name) {
            (true, _) => format!("{}\n", row.json(one, &state)),
            (false, None) => row.line(one, &state),
            (false, Some(_)) => row.card(one, &state),
        });
    }
    print(&text)?;
    Ok(code::OK)
}

/// How far a job is.
struct Row {
    state: &'static str,
    /// Objects that are read or enqueued; `None` where the store is not the job's own.
    objects: Option<u64>,
    alerts: Option<u64>,
}

impl Row {
    fn of(folder: &Path, name: &str, state: &State) -> anyhow::Result<Self> {
        let stage = match (&state.done, Job::is_running(folder, name), &state.plan) {
            (Some(_), _, _) => "done",
            (None, true, None) => "listing",
            (None, true, Some(_)) => "running",
            (None, false, _) => "interrupted",
        };
        if let Some(Done { objects, alerts, .. }) = &state.done {
            return Ok(Self { state: stage, objects: Some(*objects), alerts: *alerts });
        }
        let path = crate::replay::store_of(&folder.join(name));
        if state.spec.mode == Mode::Sinks || !path.is_file() {
            let none = (state.spec.mode != Mode::Sinks).then_some(0);
            return Ok(Self { state: stage, objects: none, alerts: none });
        }
        let stats = wait(async { SqliteStore::open_beside(&path).await?.stats().await })
            .with_context(|| format!("cannot tell how far job {name} is"))?;
        let alerts = stats.alerts.values().sum();
        Ok(Self { state: stage, objects: Some(stats.objects), alerts: Some(alerts) })
    }

    fn json(&self, name: &str, state: &State) -> String {
        json!({
            "job": name, "state": self.state, "created": state.created, "asked": state.spec,
            "plan": state.plan, "objects": self.objects, "alerts": self.alerts, "done": state.done,
        })
        .to_string()
    }

    fn line(&self, name: &str, state: &State) -> String {
        let done = match (self.objects, &state.plan) {
            (Some(objects), Some(plan)) => {
                format!("{} of {}", number(objects), number(plan.objects))
            }
            _ => "-".to_owned(),
        };
        let spec = &state.spec;
        let what = format!("{} {} to {}", spec.address, spec.from, spec.to);
        clean(&format!("{name:<28} {:<12} {done:<22} {what}", self.state)) + "\n"
    }

    fn card(&self, name: &str, state: &State) -> String {
        let spec = &state.spec;
        let mut lines = vec![
            format!("job      {name}, {}", self.state),
            format!("made     {}", state.created),
            format!("reads    {}", spec.address),
            format!("events   {} to {}", spec.from, spec.to),
        ];
        let mut list = |label: &str, names: &[String]| {
            if !names.is_empty() {
                lines.push(format!("{label:<8} {}", names.join(", ")));
            }
        };
        list("accounts", &spec.accounts);
        list("regions", &spec.regions);
        lines.push(match &spec.mode {
            Mode::Report => "into     a report".to_owned(),
            Mode::Sinks => "into     the sinks of the configuration".to_owned(),
            Mode::Queue { url } => format!("into     queue {url}"),
        });
        match &state.plan {
            Some(plan) => {
                let found = plural(plan.objects, "object");
                lines.push(format!("found    {found}, {}", bytes(plan.bytes)));
                for one in &plan.unlisted {
                    lines.push(format!("unlisted {}: {}", one.address, one.why));
                }
            }
            None => lines.push("found    the bucket is not listed yet".to_owned()),
        }
        if let Some(objects) = self.objects {
            lines.push(format!("done     {}", plural(objects, "object")));
        }
        if let (Some(alerts), Mode::Report | Mode::Sinks) = (self.alerts, &spec.mode) {
            lines.push(format!("alerts   {}", number(alerts)));
        }
        if let Some(done) = &state.done {
            for (reason, count) in &done.refused {
                lines.push(format!("unread   {} {reason}", number(*count)));
            }
            lines.push(format!("ended    {}", done.at));
        } else {
            lines.push(format!("go on    askance replay --job {name}"));
        }
        lines.iter().map(|line| clean(line) + "\n").collect()
    }
}
