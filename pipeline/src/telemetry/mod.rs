//! What the program tells of itself: counters for Prometheus, health, logs.

mod counter;
pub mod families;
mod health;
pub mod http;
mod kinesis;
mod logs;
#[cfg(test)]
mod page;
mod points;
mod sinks;
mod sources;

pub use counter::Counter;
pub use families::Families;
pub use health::{Health, Part};
pub use kinesis::KinesisMetrics;
pub use logs::{LogFormat, start_logs, start_quiet_logs};
pub use points::point;
pub use sinks::SinkMetrics;
pub use sources::SourceMetrics;

/// A number that goes up and down.
pub type Gauge = prometheus::IntGauge;

/// A gauge that nobody looks at.
#[cfg(test)]
pub fn gauge_for_tests() -> Gauge {
    Gauge::new("askance_test", "for tests").expect("the name is valid")
}
