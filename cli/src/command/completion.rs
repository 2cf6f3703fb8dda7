//! `fjord completion`: the script a shell loads to complete commands and flags.

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print the completion script of a shell
///
/// Examples:
///   source <(fjord completion bash)
///   fjord completion zsh > "${fpath[1]}/_fjord"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionArgs {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs `fjord completion`.
pub(crate) fn run(args: &CompletionArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "fjord", &mut script);
    crate::output::emit(&String::from_utf8(script)?)
}
