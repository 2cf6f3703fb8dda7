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
//!     process.stopped().await?;
//!     Ok(())
//! }
//!
//! // main.rs
//! fn main() -> std::process::ExitCode {
//!     fjord_runtime::process::main(&PROGRAM, |args: &Args| &args.common, run)
//! }
//! ```

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::Client;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::EventRecorder;

pub mod args;
mod client;
mod election;
mod gates;
mod log;
mod main;
pub mod metrics;
mod server;

pub use args::{CommonArgs, ReconcileArgs};
pub use main::main;
pub use metrics::Metrics;
pub use server::listen_on;

/// How long the last events may take after the controllers have stopped.
const DRAIN: Duration = Duration::from_secs(2);

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
    /// The lease cannot be used at all.
    #[error("failed to set up leader election: {0}")]
    Election(String),
    /// A port is taken or an address is not one.
    #[error("failed to listen on {address}")]
    Listen {
        /// The flag's value.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A metric's name is taken twice.
    #[error("failed to register metrics")]
    Metrics(#[from] prometheus::Error),
    /// The event recorder cannot be set up.
    #[error(transparent)]
    Events(#[from] crate::event::Error),
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
    metrics: Metrics,
    gates: BTreeMap<&'static str, bool>,
    namespace: Option<String>,
    deposed: AtomicBool,
    /// Ends when the election's task has released the lease.
    election: tokio_util::task::TaskTracker,
    /// Is cancelled once the controllers have stopped, so that the lease outlives their last write.
    retire: CancellationToken,
}

impl Process {
    /// Starts probes, metrics and the event recorder; `reconcile` is absent for notification-controller.
    pub async fn start(
        program: &Program,
        common: &CommonArgs,
        reconcile: Option<&ReconcileArgs>,
        client: Client,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        let gates = gates::parse(program.gates, &common.feature_gates)?;
        common.warn();
        let metrics = Metrics::new()?;
        let client = client::counted(client, metrics.requests.clone(), program.name);
        let namespace = common.watched_namespace()?;
        let events_addr = reconcile.map_or("", |args| args.events_addr.as_str());
        let dropped = metrics.events_dropped.clone();
        let retire = CancellationToken::new();
        let recorder =
            EventRecorder::start(program.name, client.clone(), events_addr, dropped, &retire)?;
        server::probes(&common.health_addr, &shutdown).await?;
        server::metrics(&common.metrics_addr, metrics.clone(), &shutdown).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                program: *program,
                common: common.clone(),
                reconcile: reconcile.cloned(),
                client,
                shutdown,
                recorder,
                metrics,
                gates,
                namespace,
                deposed: AtomicBool::new(false),
                election: tokio_util::task::TaskTracker::new(),
                retire,
            }),
        })
    }

    /// Waits until this replica leads (at once without `--enable-leader-election`) or is shut down.
    pub async fn elected(&self) -> Result<(), Error> {
        if self.inner.common.enable_leader_election {
            election::campaign(self).await
        } else {
            Ok(())
        }
    }

    /// Delivers the last events and releases the lease; call it when the controllers have stopped.
    ///
    /// An error says that the lease was lost.
    pub async fn stopped(&self) -> Result<(), Error> {
        if !self.is_deposed() {
            self.inner.recorder.drain(DRAIN).await;
        }
        self.inner.retire.cancel();
        self.inner.election.close();
        self.inner.election.wait().await;
        if self.is_deposed() {
            Err(Error::LeaseLost)
        } else {
            Ok(())
        }
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

    /// Returns the flags of the sharded controllers.
    pub fn reconcile_args(&self) -> Option<&ReconcileArgs> {
        self.inner.reconcile.as_ref()
    }

    /// Returns the event recorder.
    pub fn recorder(&self) -> &EventRecorder {
        &self.inner.recorder
    }

    /// Returns the metrics, to register a controller's own.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
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
    pub fn namespace(&self) -> Option<&str> {
        self.inner.namespace.as_deref()
    }

    /// Returns the name of the lease that this program and shard are elected by.
    pub fn lease_name(&self) -> String {
        let selector = self
            .reconcile_args()
            .map_or("", |args| args.watch_label_selector.as_str());
        election::lease_name(self.inner.program.name, selector)
    }

    /// Returns how many passes may run at once per kind.
    pub fn concurrency(&self) -> usize {
        self.inner
            .common
            .concurrent
            .unwrap_or(self.inner.program.concurrent)
            .max(1)
    }

    /// Spreads an interval by `--interval-jitter-percentage`, evenly to both sides.
    pub fn jitter(&self, interval: Duration) -> Duration {
        let percentage = self
            .inner
            .reconcile
            .as_ref()
            .map_or(0, |args| args.interval_jitter_percentage);
        let share = f64::from(percentage) / 100.0;
        if share == 0.0 {
            return interval;
        }
        let seconds = interval.as_secs_f64() * rand::rng().random_range(1.0 - share..=1.0 + share);
        Duration::try_from_secs_f64(seconds).unwrap_or(interval)
    }

    /// Shortens a pause at random, so that many that began together do not end together.
    pub(crate) fn spread(&self, pause: Duration) -> Duration {
        pause.mul_f64(rand::rng().random_range(0.5..1.0))
    }

    /// Tells whether the lease was lost: nothing may be written any more.
    pub fn is_deposed(&self) -> bool {
        self.inner.deposed.load(Ordering::SeqCst)
    }

    fn depose(&self) {
        self.inner.deposed.store(true, Ordering::SeqCst);
        self.inner.shutdown.cancel();
    }
}

/// Returns the name of this pod or machine.
pub(crate) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        std::env::var("HOSTNAME").unwrap_or_default()
    } else {
        name.to_owned()
    }
}

/// Returns a random UUID (version 4).
pub(crate) fn new_id() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
