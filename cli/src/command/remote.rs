//! The flags that say where remote bases may come from, for every command that builds.

use clap::Args;
use fjord_kustomize_controller::remote::{Hosts, Remotes};

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
