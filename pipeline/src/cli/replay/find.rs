//! Lists the bucket into a job's file, and says what was found and what reading it will cost.

use std::path::Path;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cli::eprintln_line;
use crate::cli::summary::{bytes, duration, number, plural};
use crate::replay::{Estimate, Mode, Plan, Spec};
use crate::sources::s3::Bucket;
use crate::sources::s3_replay::{Listed, Lister, ListingWriter, Row, Wanted};

/// Pages that wait to be written.
const WAITING: usize = 64;

/// Folders that could not be listed and are told; the job's file names more.
const TOLD: usize = 5;

/// Lists everything that is asked for into the file.
pub async fn find(
    bucket: &Bucket,
    spec: &Spec,
    listing: &Path,
    stop: &CancellationToken,
    is_quiet: bool,
) -> anyhow::Result<Plan> {
    let filter = spec.filter().map_err(anyhow::Error::msg)?;
    let (from, to) = (filter.from.unwrap_or_default(), filter.to.unwrap_or_default());
    let wanted = Wanted::between(from, to, filter.accounts, filter.regions);
    let mut writer = ListingWriter::create(listing)?;
    let (rows, mut found) = mpsc::channel::<Vec<Row>>(WAITING);
    let bar = spinner(is_quiet);
    let shown = bar.clone();
    let written = tokio::task::spawn_blocking(move || {
        while let Some(rows) = found.blocking_recv() {
            writer.add(&rows)?;
            shown.inc(rows.len() as u64);
        }
        Ok::<_, crate::sources::s3_replay::ListingError>(writer)
    });
    let lister = Lister { bucket, wanted: &wanted, stop };
    let listed = lister.list(&spec.address.prefix, &rows).await;
    drop(rows);
    let writer = written.await.context("the listing could not be written")?;
    bar.finish_and_clear();
    let listed = listed?;
    writer?.finish()?;
    let Listed { objects, bytes, archived, passed_by, requests, unlisted, unlisted_count } = listed;
    Ok(Plan { objects, bytes, archived, passed_by, requests, unlisted, unlisted_count })
}

fn spinner(is_quiet: bool) -> ProgressBar {
    use std::io::IsTerminal as _;
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} listing: {human_pos} objects found");
    bar.set_style(style.unwrap_or(ProgressStyle::default_spinner()));
    bar
}

/// Says what was found, and what reading it costs.
pub fn tell(plan: &Plan, spec: &Spec, threads: usize) {
    let estimate = Estimate::of(plan.objects, plan.bytes, plan.requests, threads);
    let mut lines = vec![format!(
        "plan: {} ({}) in {} for events from {} to {}",
        plural(plan.objects, "object"),
        bytes(plan.bytes),
        spec.address,
        spec.from,
        spec.to
    )];
    if plan.passed_by > 0 {
        lines.push(format!(
            "passed by: {} that hold no events (digests, folder markers, other names)",
            plural(plan.passed_by, "object")
        ));
    }
    if plan.archived > 0 {
        lines.push(format!(
            "in an archive: {}, to be restored in S3 before they can be read",
            plural(plan.archived, "object")
        ));
    }
    for one in plan.unlisted.iter().take(TOLD) {
        lines.push(format!("not listed: {}: {}", one.address, one.why));
    }
    if plan.unlisted_count > TOLD as u64 {
        lines.push(format!(
            "not listed: {} more folders",
            number(plan.unlisted_count - TOLD as u64)
        ));
    }
    let downloads = format!("{} downloads ${:.2}", number(plan.objects), estimate.downloads);
    let queue = match spec.mode {
        Mode::Queue { .. } => format!(", messages ${:.2}", estimate.messages),
        Mode::Report | Mode::Sinks => String::new(),
    };
    lines.push(format!(
        "cost: {} of listing ${:.2} (made), {downloads}{queue}; transfer ${:.2} if this runs outside \
         of the bucket's region (list prices of us-east-1)",
        plural(plan.requests, "request"),
        estimate.listing,
        estimate.transfer,
    ));
    lines.push(format!("time: about {} on this machine", duration(estimate.time)));
    eprintln_line(&lines.join("\n"));
}
