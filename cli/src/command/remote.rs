//! The flags that say where remote bases may come from, for every command that builds.

use clap::Args;
use fjord_kustomize::{RemoteRoot, RemoteSource};
use fjord_kustomize_controller::remote::{Hosts, Remotes, Session};
use tokio::runtime::Runtime;

use crate::late_runtime::LateRuntime;

/// Where remote bases may come from.
#[derive(Debug, Args)]
pub(crate) struct RemoteArgs {
    /// Refuse remote bases, files over HTTP included
    #[arg(long)]
    no_remote_bases: bool,
    /// Hosts that remote bases may come from (`*.example.com` for all below one); by default any
    #[arg(long, value_delimiter = ',', value_name = "HOST")]
    remote_base_hosts: Vec<String>,
}

impl RemoteArgs {
    /// Returns what fetches remote bases, unless they are refused.
    pub(crate) fn remotes(&self) -> Option<Remotes> {
        let hosts = || Hosts::new(self.remote_base_hosts.iter().cloned());
        (!self.no_remote_bases).then(|| Remotes::new(hosts()))
    }
}

/// Fetches for a command that else only computes: threads are started once there is something to fetch.
pub(crate) struct OnDemand<'s, 'f> {
    session: &'s Session<'f>,
    runtime: LateRuntime,
}

impl<'s, 'f> OnDemand<'s, 'f> {
    pub(crate) fn new(session: &'s Session<'f>) -> Self {
        Self {
            session,
            runtime: LateRuntime::default(),
        }
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        let started = self.runtime.get();
        started.map_err(|error| format!("starting a thread to fetch with: {error}"))
    }
}

impl RemoteSource for OnDemand<'_, '_> {
    fn file(&self, url: &str) -> Result<Vec<u8>, String> {
        let _entered = self.runtime()?.enter();
        self.session.file(url)
    }

    fn repository(&self, url: &str) -> Result<RemoteRoot, String> {
        let _entered = self.runtime()?.enter();
        self.session.repository(url)
    }
}
