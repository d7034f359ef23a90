//! askance: reads what was done in AWS accounts and asks whether it was meant.

mod alert_formats;
mod aws;
mod backtest;
mod baseline;
#[cfg(test)]
mod builtin_resource_tests;
#[cfg(test)]
mod builtin_tests;
mod cases;
mod causes;
mod cli;
mod config;
mod context;
mod coverage;
#[cfg(test)]
mod fields_page;
mod geo;
mod host;
mod lists;
mod organization;
mod output;
mod replay;
#[cfg(test)]
mod rule_pages;
mod rulebook;
mod runtime;
mod secrets;
mod sinks;
mod sources;
mod store;
mod subject;
#[cfg(test)]
#[allow(dead_code, reason = "the program's own tests use more of it")]
#[path = "../tests/support/mod.rs"]
mod support;
mod telemetry;

use std::process::ExitCode;

/// Texts of records are many and short, and bodies of objects large; both are made on one thread and
/// let go of on another. Measured: a twentieth of a scan with correlations and of a replay, and a third
/// of a replay's memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::main()
}
