//! The `fjord` command.
//!
//! Data goes to standard output, everything said to a person goes to standard error, and the exit
//! code is 1 on any error.

mod cluster;
mod command;
mod kinds;
mod late_runtime;
mod output;
mod readiness;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    match command::Cli::read().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("✗ {error:#}");
            ExitCode::FAILURE
        }
    }
}
