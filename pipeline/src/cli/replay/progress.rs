//! How far a replay is: a bar on a terminal, nothing in a pipe.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::replay::Plan;
use crate::sources::s3_replay::Progress;

/// A bar that follows a replay by itself; taken away when dropped.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// Follows a replay of that plan, if standard error is a terminal and `is_wanted`.
    pub fn follow(plan: &Plan, progress: &Arc<Progress>, is_wanted: bool) -> Self {
        if !is_wanted || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let style = "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {msg}, \
                     {decimal_bytes_per_sec}, {eta} left";
        let bar = ProgressBar::with_draw_target(Some(plan.bytes), ProgressDrawTarget::stderr());
        // The template is a constant that indicatif accepts, as a test sees.
        bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
        let (shown, progress, total) = (bar.clone(), Arc::clone(progress), plan.objects);
        std::thread::spawn(move || {
            while !shown.is_finished() {
                shown.set_position(progress.bytes.load(Ordering::Relaxed));
                let objects = progress.objects.load(Ordering::Relaxed);
                // Correlations are evaluated once all is read, which may take a while.
                shown.set_message(if objects < total {
                    format!("{objects} of {total} objects")
                } else {
                    "all objects are read, correlations are evaluated".to_owned()
                });
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Self(Some(bar))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one() {
        let style = "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {msg}, \
                     {decimal_bytes_per_sec}, {eta} left";
        assert!(ProgressStyle::with_template(style).is_ok());
    }
}
