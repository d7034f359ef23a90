//! askance: reads what was done in AWS accounts and asks whether it was meant.

#[cfg(test)]
mod builtin_tests;
mod cases;
mod cli;
mod output;
mod rulebook;
mod runtime;
mod sources;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
