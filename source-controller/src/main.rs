//! The source-controller program.

use std::process::ExitCode;

use fjord_source_controller::{Args, PROGRAM, run};

fn main() -> ExitCode {
    fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
}
