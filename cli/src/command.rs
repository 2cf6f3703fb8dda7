//! The commands, one file each; this file is only the list.
//!
//! A new command is one file below `command/`, one variant and one line in [`Cli::run`].

mod build;
mod completion;
mod decrypt;
mod dev;
mod events;
mod get;
mod kustomize;
mod reconcile;
mod remote;
mod suspend;
mod template;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::cluster::ClusterArgs;

/// Fjord: GitOps for Kubernetes, compatible with Flux
///
/// Serves the Flux v2 API: `flux` commands and Flux objects work unchanged.
#[derive(Debug, Parser)]
#[command(
    name = "fjord",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(get::GetArgs),
    Reconcile(reconcile::ReconcileArgs),
    Suspend(suspend::SuspendArgs),
    Resume(suspend::ResumeArgs),
    Events(events::EventsArgs),
    Drift(events::DriftArgs),
    Build(build::BuildArgs),
    Kustomize(kustomize::KustomizeArgs),
    Template(Box<template::TemplateArgs>),
    Decrypt(decrypt::DecryptArgs),
    Dev(dev::DevArgs),
    Completion(completion::CompletionArgs),
}

impl Cli {
    /// Reads the command line; on `--help` and mistakes the program ends here.
    pub(crate) fn read() -> Self {
        let alone = std::env::args().nth(1).and_then(|word| alone(&word));
        let matches = alone.unwrap_or_else(Self::command).get_matches();
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        // A namespace that was given is told from the default only by the matches of the innermost command.
        let mut innermost = &matches;
        while let Some((_, below)) = innermost.subcommand() {
            innermost = below;
        }
        cli.cluster.namespace_is_given = matches!(
            innermost.value_source("namespace"),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        cli
    }

    /// Runs the command that was given. Those that only compute start no threads for it.
    pub(crate) fn run(self) -> Result<()> {
        let cluster = &self.cluster;
        match &self.command {
            Command::Get(args) => wait(get::run(args, cluster)),
            Command::Reconcile(args) => wait(reconcile::run(args, cluster)),
            Command::Suspend(args) => wait(suspend::suspend(args, cluster)),
            Command::Resume(args) => wait(suspend::resume(args, cluster)),
            Command::Events(args) => wait(events::run(args, cluster)),
            Command::Drift(args) => wait(events::run_drift(args, cluster)),
            Command::Build(args) => wait(build::run(args, cluster)),
            Command::Kustomize(args) => kustomize::run(args),
            Command::Template(args) => template::run(args, cluster),
            Command::Decrypt(args) => decrypt::run(args),
            Command::Dev(args) => wait(dev::run(args, cluster)),
            Command::Completion(args) => completion::run(args),
        }
    }
}

/// Returns the command line of one that only computes, without the others: a small build would pay for all of them.
fn alone(name: &str) -> Option<clap::Command> {
    let augment = match name {
        "kustomize" => kustomize::KustomizeArgs::augment_args,
        "template" => template::TemplateArgs::augment_args,
        "decrypt" => decrypt::DecryptArgs::augment_args,
        _ => return None,
    };
    let fjord = clap::Command::new("fjord")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true);
    Some(ClusterArgs::augment_args(fjord).subcommand(augment(clap::Command::new(name.to_owned()))))
}

/// Runs a command that waits for others, on a runtime of its own.
fn wait(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_made_alone_is_that_among_the_others() {
        let help = |mut fjord: clap::Command, name: &str| {
            fjord.build();
            let command = fjord.find_subcommand_mut(name).unwrap();
            command.render_long_help().to_string()
        };
        for name in ["kustomize", "template", "decrypt"] {
            let alone = alone(name).unwrap();
            assert_eq!(help(alone, name), help(Cli::command(), name));
        }
        assert!(alone("get").is_none());
    }
}
