//! Entry point of the kustomize-controller.

use std::process::ExitCode;

use fjord_kustomize_controller::args::{Args, PROGRAM};
use fjord_kustomize_controller::run;

fn main() -> ExitCode {
    fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
}
