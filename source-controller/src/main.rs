//! The source-controller program.

use std::process::ExitCode;

use fjord_source_controller::{Args, PROGRAM, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
}
