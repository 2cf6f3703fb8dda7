//! Entry point of the notification-controller.

use std::process::ExitCode;

use fjord_notification_controller::args::{Args, PROGRAM};
use fjord_notification_controller::run;

fn main() -> ExitCode {
    fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
}
