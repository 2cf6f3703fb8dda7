//! Builds the control plane into the cache, with its progress on stderr.

use fjord_sandbox::{Program, Programs};

fn main() -> anyhow::Result<()> {
    let programs = Programs::ready(|line| eprintln!("{line}"))?;
    for program in Program::ALL {
        println!("{}", programs.path(program).display());
    }
    Ok(())
}
