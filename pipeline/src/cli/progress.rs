//! A progress bar on a terminal, nothing in a pipe.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::runtime::pool::Control;
use crate::sources::files::{Entry, Files};

/// How long a scan must take before a bar is shown.
const PATIENCE: Duration = Duration::from_millis(400);

/// Shows how far a scan is; updated from its counters by a thread of its own.
pub struct Progress {
    bar: Option<ProgressBar>,
    control: Arc<Control>,
}

impl Progress {
    /// Begins to show progress if standard error is a terminal and `is_wanted`.
    pub fn start(control: &Arc<Control>, paths: &[PathBuf], is_wanted: bool) -> Self {
        let control = Arc::clone(control);
        let has_stdin = paths.iter().any(|path| path.as_os_str() == "-");
        if !is_wanted || !std::io::stderr().is_terminal() {
            return Self { bar: None, control };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let moving = "{spinner} {decimal_bytes} read, {decimal_bytes_per_sec}";
        let known = "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, \
                     {eta} left";
        // Both templates are constants that indicatif accepts, as a test sees.
        bar.set_style(ProgressStyle::with_template(moving).unwrap_or(ProgressStyle::default_bar()));
        let total = Arc::new(AtomicU64::new(0));
        if !has_stdin {
            let (total, paths, stop) = (Arc::clone(&total), paths.to_vec(), Arc::clone(&control));
            std::thread::spawn(move || count(paths, &total, &stop));
        }
        let (shown, counters) = (bar.clone(), Arc::clone(&control));
        std::thread::spawn(move || {
            // What is over at once needs no bar.
            std::thread::sleep(PATIENCE);
            if !shown.is_finished() {
                shown.set_draw_target(ProgressDrawTarget::stderr());
            }
            while !shown.is_finished() {
                shown.set_position(counters.bytes.load(Ordering::Relaxed));
                let length = total.load(Ordering::Relaxed);
                if length > 0 && shown.length().is_none() {
                    shown.set_length(length);
                    if let Ok(style) = ProgressStyle::with_template(known) {
                        shown.set_style(style);
                    }
                }
                shown.tick();
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { bar: Some(bar), control }
    }

    /// Runs `write` with the bar out of the way.
    pub fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.control.bytes.load(Ordering::Relaxed));
            bar.finish_and_clear();
        }
    }
}

/// Adds up the sizes of all files, so that the time left can be told.
fn count(paths: Vec<PathBuf>, total: &AtomicU64, control: &Control) {
    let mut sum = 0;
    for entry in Files::new(paths) {
        if control.stop.load(Ordering::Relaxed) {
            return;
        }
        if let Entry::File(path) = entry {
            sum += std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        }
    }
    total.store(sum, Ordering::Relaxed);
}
