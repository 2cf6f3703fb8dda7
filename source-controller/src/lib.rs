//! Git sources to checksummed, immutable artifacts served over HTTP.
//!
//! One reconciler per kind ([`git_repository`]), one storage and one file server for all of them.
//! Kinds that are not built yet (OCIRepository, HelmRepository, HelmChart, Bucket) are not watched:
//! their objects stay as they are.

mod args;
pub mod git_repository;
mod reason;
mod secrets;
mod server;

use fjord_artifact::Storage;
use fjord_git::Clients;
use fjord_runtime::process::Gate;
use fjord_runtime::{Controller, Process, Program};
use kube::Client;
use tokio_util::sync::CancellationToken;

pub use args::Args;
use git_repository::GitRepositories;
pub use reason::Reason;

/// Folder below the storage root that holds the mirrors; the file server does not serve it.
const MIRRORS: &str = ".git-mirrors";

/// What distinguishes this program from the other controllers.
pub const PROGRAM: Program = Program {
    name: "source-controller",
    field_manager: "source-controller",
    concurrent: 2,
    gates: &[
        Gate {
            name: "CacheSecretsAndConfigMaps",
            default: false,
            built: false,
        },
        Gate {
            name: "ObjectLevelWorkloadIdentity",
            default: false,
            built: false,
        },
    ],
};

/// Runs the controller until `shutdown`.
pub async fn run(args: Args, client: Client, shutdown: CancellationToken) -> anyhow::Result<()> {
    args.check()?;
    let storage = Storage::open(
        &args.storage_path,
        &args.advertised_address(),
        args.artifact_digest_algo,
        args.retention(),
    )?;
    let process = Process::start(
        &PROGRAM,
        &args.common,
        Some(&args.reconcile),
        client,
        shutdown,
    )
    .await?;
    process.elected().await?;
    // Only the leader serves: the Service's readiness probe then leads consumers to it alone.
    let server = server::start(&args.storage_addr, storage.router(), process.shutdown()).await?;
    let reconciler = GitRepositories {
        client: process.client().clone(),
        mirrors: storage.root().join(MIRRORS),
        clients: Clients::new()?,
        storage,
    };
    let ended = Controller::new(&process, |_, _| reconciler).run().await;
    server.stop().await;
    process.stopped().await?;
    Ok(ended?)
}
