//! The `main` of the four programs.

use std::{future::Future, process::ExitCode};

use clap::{CommandFactory, FromArgMatches};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{CommonArgs, Program, log};

/// Runs a program: flags, logs, runtime, signals, client, `run`; exits 1 on any error.
pub fn main<A, F>(
    program: &Program,
    common: fn(&A) -> &CommonArgs,
    run: fn(A, Client, CancellationToken) -> F,
) -> ExitCode
where
    A: CommandFactory + FromArgMatches,
    F: Future<Output = Result<(), anyhow::Error>>,
{
    let args = parse::<A>(program);
    log::init(common(&args));
    match start(args, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                logger = "setup",
                error = format!("{error:#}"),
                "problem running manager"
            );
            ExitCode::FAILURE
        }
    }
}

/// Parses the flags as Go's pflag does: a repeated one is last-wins.
fn parse<A: CommandFactory + FromArgMatches>(program: &Program) -> A {
    let mut command = A::command()
        .name(program.name)
        .version(env!("CARGO_PKG_VERSION"))
        .args_override_self(true);
    let matches = command.clone().get_matches();
    match A::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => error.format(&mut command).exit(),
    }
}

fn start<A, F>(args: A, run: fn(A, Client, CancellationToken) -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), anyhow::Error>>,
{
    // Only fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        watch_signals(&shutdown)?;
        let config = kube::Config::infer().await?;
        run(args, Client::try_from(config)?, shutdown).await
    });
    // Blocking work (a build, an unpacking) is killable at any instruction.
    runtime.shutdown_background();
    result
}

/// Cancels on the first SIGTERM or SIGINT, ends the process on the second.
fn watch_signals(shutdown: &CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if shutdown.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("Stopping and waiting for running reconciles");
            shutdown.cancel();
        }
    });
    Ok(())
}
