//! askance: reads what was done in AWS accounts and asks whether it was meant.

#[cfg(test)]
mod builtin_tests;
mod cases;
mod aws;
mod cli;
mod config;
mod output;
mod rulebook;
mod runtime;
mod sinks;
mod sources;
mod store;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
