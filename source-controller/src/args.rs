//! The program's flags (source-controller.md §8.1).

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Parser;
use fjord_artifact::{Algorithm, Retention};
use fjord_runtime::process::args::go_duration;
use fjord_runtime::{CommonArgs, ReconcileArgs};

/// Flags of the source-controller, with Flux's names and defaults.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "source-controller",
    version,
    about = "Brings Git repositories into the cluster"
)]
pub struct Args {
    /// What all controllers have.
    #[command(flatten)]
    pub common: CommonArgs,
    /// What the sharded controllers have.
    #[command(flatten)]
    pub reconcile: ReconcileArgs,
    /// The local storage path.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub storage_path: PathBuf,
    /// The address the static file server binds to.
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    pub storage_addr: String,
    /// The advertised address of the static file server.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub storage_adv_addr: String,
    /// The duration of time that artifacts from previous reconciliations are kept in storage.
    #[arg(long, default_value = "1m", value_parser = go_duration)]
    pub artifact_retention_ttl: Duration,
    /// The maximum number of artifacts to be kept in storage.
    #[arg(long, default_value = "2")]
    pub artifact_retention_records: usize,
    /// The algorithm to use to calculate the digest of artifacts.
    #[arg(long, default_value = "sha256")]
    pub artifact_digest_algo: Algorithm,
    /// The list of key exchange algorithms for SSH (SSH is not built yet).
    #[arg(long, value_delimiter = ',')]
    pub ssh_kex_algos: Vec<String>,
    /// The list of host key algorithms for SSH (SSH is not built yet).
    #[arg(long, value_delimiter = ',')]
    pub ssh_hostkey_algos: Vec<String>,
    /// The max allowed size in bytes of a Helm repository index file (without a meaning here).
    #[arg(long, default_value = "52428800")]
    pub helm_index_max_size: i64,
    /// The max allowed size in bytes of a Helm chart file (without a meaning here).
    #[arg(long, default_value = "10485760")]
    pub helm_chart_max_size: i64,
    /// The max allowed size in bytes of a file in a Helm chart (without a meaning here).
    #[arg(long, default_value = "5242880")]
    pub helm_chart_file_max_size: i64,
    /// The maximum size of the Helm index cache (without a meaning here).
    #[arg(long, default_value = "0")]
    pub helm_cache_max_size: i64,
    /// The time-to-live of an index in the Helm index cache (without a meaning here).
    #[arg(long, default_value = "15m")]
    pub helm_cache_ttl: String,
    /// The interval at which the Helm index cache is purged (without a meaning here).
    #[arg(long, default_value = "1m")]
    pub helm_cache_purge_interval: String,
}

impl Args {
    /// Refuses what selects an identity or a key algorithm and is not built yet.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !self.common.default_service_account.is_empty() {
            bail!("--default-service-account is not supported yet");
        }
        if !self.ssh_kex_algos.is_empty() || !self.ssh_hostkey_algos.is_empty() {
            bail!("--ssh-kex-algos and --ssh-hostkey-algos are not supported yet");
        }
        Ok(())
    }

    /// Returns the address that consumers are told: the flag, or the host name with our port.
    pub(crate) fn advertised_address(&self) -> String {
        if !self.storage_adv_addr.is_empty() {
            return self.storage_adv_addr.clone();
        }
        let (host, port) = self
            .storage_addr
            .rsplit_once(':')
            .unwrap_or((&self.storage_addr, ""));
        let host = match host {
            "" => "localhost".to_owned(),
            "0.0.0.0" => host_name(),
            host => host.to_owned(),
        };
        format!("{host}:{port}")
    }

    pub(crate) fn retention(&self) -> Retention {
        Retention {
            ttl: self.artifact_retention_ttl,
            records: self.artifact_retention_records,
        }
    }
}

fn host_name() -> String {
    let name = std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty());
    let kernels = || std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.or_else(|| kernels().ok())
        .map_or_else(|| "localhost".into(), |name| name.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(flags: &[&str]) -> Args {
        Args::parse_from(["source-controller"].iter().chain(flags))
    }

    #[test]
    fn the_advertised_address_follows_flux() {
        assert_eq!(args(&[]).advertised_address(), "localhost:9090");
        assert_eq!(
            args(&["--storage-addr=1.2.3.4:80"]).advertised_address(),
            "1.2.3.4:80"
        );
        assert_eq!(
            args(&["--storage-adv-addr=source.flux."]).advertised_address(),
            "source.flux."
        );
        let own = args(&["--storage-addr=0.0.0.0:80"]).advertised_address();
        assert!(own.ends_with(":80") && !own.starts_with("0.0.0.0"), "{own}");
    }

    #[test]
    fn flags_that_select_what_is_not_built_stop_the_start() {
        assert!(args(&[]).check().is_ok());
        assert!(args(&["--default-service-account=x"]).check().is_err());
        assert!(
            args(&["--ssh-kex-algos=curve25519-sha256"])
                .check()
                .is_err()
        );
        let unknown = ["source-controller", "--artifact-digest-algo=md5"];
        assert!(Args::try_parse_from(unknown).is_err());
    }
}
