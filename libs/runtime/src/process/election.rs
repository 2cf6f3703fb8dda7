//! Leader election by Lease, with client-go's rules.
//!
//! A candidate tries every retry period; it takes a lease over when it has not seen it renewed for the lease's duration
//! by its own clock. A leader that could not renew within the deadline stops writing at once and ends the process. On
//! shutdown the lease is released after the controllers have stopped, so that the next replica need not wait.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, api::PostParams};
use rand::Rng;
use sha2::{Digest, Sha256};

use super::{CommonArgs, Error, Process};

mod decide;

use decide::{Observed, Step};

/// Candidates wait up to this factor longer between tries (client-go's `JitterFactor`).
const JITTER: f64 = 1.2;

/// How long a release may take; the lease expires by itself anyway.
const RELEASE: Duration = Duration::from_secs(2);

/// Waits until this replica leads, then renews in the background.
pub(super) async fn campaign(process: &Process) -> Result<(), Error> {
    let args = process.common();
    check(args)?;
    let selector = process
        .reconcile_args()
        .map_or("", |args| args.watch_label_selector.as_str());
    let name = lease_name(process.program().name, selector);
    let namespace = namespace(process.client());
    let gauge = process.metrics().leader.with_label_values(&[name.as_str()]);
    gauge.set(0);
    let identity = format!("{}_{}", super::hostname(), super::new_id());
    let mut election = Election {
        api: Api::namespaced(process.client().clone(), &namespace),
        name,
        identity,
        duration: args.leader_election_lease_duration,
        observed: None,
    };
    tracing::info!(
        "attempting to acquire leader lease {namespace}/{}...",
        election.name
    );
    let won = process
        .shutdown()
        .run_until_cancelled(election.acquire(args.leader_election_retry_period))
        .await;
    if won.is_none() {
        return Ok(());
    }
    tracing::info!("successfully acquired lease {namespace}/{}", election.name);
    gauge.set(1);
    let (process, release) = (process.clone(), args.leader_election_release_on_cancel);
    process.clone().inner.election.spawn(async move {
        let args = process.common();
        let keep = election.keep(
            args.leader_election_renew_deadline,
            args.leader_election_retry_period,
        );
        if process
            .inner
            .retire
            .run_until_cancelled(keep)
            .await
            .is_some()
        {
            gauge.set(0);
            tracing::error!(error = "failed to renew lease", "leader election lost");
            process.depose();
        } else if release {
            gauge.set(0);
            election.release().await;
        }
    });
    Ok(())
}

/// Returns the lease's name; shards have their own (first 8 hex of the selector's SHA-256).
pub(super) fn lease_name(program: &str, selector: &str) -> String {
    let base = format!("{program}-leader-election");
    if selector.is_empty() {
        return base;
    }
    let hash = hex::encode(Sha256::digest(selector.as_bytes()));
    format!("{base}-{}", &hash[..8])
}

fn namespace(client: &Client) -> String {
    let runtime = std::env::var("RUNTIME_NAMESPACE")
        .ok()
        .filter(|namespace| !namespace.is_empty());
    runtime.unwrap_or_else(|| client.default_namespace().to_owned())
}

/// Refuses times with which two replicas could lead (client-go's checks).
fn check(args: &CommonArgs) -> Result<(), Error> {
    if args.leader_election_lease_duration <= args.leader_election_renew_deadline {
        return Err(Error::Election(
            "leaseDuration must be greater than renewDeadline".to_owned(),
        ));
    }
    if args.leader_election_renew_deadline <= args.leader_election_retry_period.mul_f64(JITTER) {
        return Err(Error::Election(
            "renewDeadline must be greater than retryPeriod*JitterFactor".to_owned(),
        ));
    }
    if args.leader_election_retry_period.is_zero() {
        return Err(Error::Election(
            "retryPeriod must be greater than zero".to_owned(),
        ));
    }
    Ok(())
}

struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    duration: Duration,
    observed: Option<Observed>,
}

impl Election {
    async fn acquire(&mut self, retry: Duration) {
        let patience = self.duration;
        while !tokio::time::timeout(patience, self.tried())
            .await
            .unwrap_or_default()
        {
            let pause = retry.mul_f64(rand::rng().random_range(1.0..1.0 + JITTER));
            tokio::time::sleep(pause).await;
        }
    }

    /// Renews until it has failed for the deadline; returns only then.
    async fn keep(&mut self, deadline: Duration, retry: Duration) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(retry).await;
            let left = deadline.saturating_sub(renewed.elapsed());
            if tokio::time::timeout(left, self.tried())
                .await
                .unwrap_or_default()
            {
                renewed = Instant::now();
            } else if renewed.elapsed() >= deadline || self.is_foreign() {
                return;
            }
        }
    }

    async fn release(&mut self) {
        let Some(mut lease) = self.observed.take().map(|observed| observed.lease) else {
            return;
        };
        if let Some(spec) = &mut lease.spec {
            let now = MicroTime(Timestamp::now());
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(now.clone());
            spec.acquire_time = Some(now);
        }
        let replace = self.replace(&lease);
        match tokio::time::timeout(RELEASE, replace).await {
            Ok(Ok(_)) => tracing::info!("released lease {}", self.name),
            Ok(Err(error)) => tracing::error!(
                error = crate::outcome::chain(&error),
                "failed to release lease"
            ),
            Err(_) => tracing::error!(error = "timed out", "failed to release lease"),
        }
    }

    /// Tries to take or renew the lease once; tells whether it is ours now.
    async fn tried(&mut self) -> bool {
        match self.attempt().await {
            Ok(ours) => ours,
            Err(error) => {
                tracing::debug!(
                    error = crate::outcome::chain(&error),
                    "failed to take or renew lease"
                );
                false
            }
        }
    }

    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        let now = Timestamp::now();
        // A leader with a valid lease needs no read.
        let read = match &self.observed {
            Some(seen) if seen.holder() == self.identity && seen.at.elapsed() < self.duration => {
                None
            }
            _ => Some(self.api.get_opt(&self.name).await?),
        };
        match read {
            Some(None) => {
                let lease = self.lease(decide::first(&self.identity, self.duration, now));
                let created = self.api.create(&PostParams::default(), &lease).await?;
                self.observed = Some(Observed::new(created));
                return Ok(true);
            }
            Some(Some(lease)) => Observed::update(&mut self.observed, lease),
            None => {}
        }
        let Some(seen) = &self.observed else {
            return Ok(false);
        };
        let spec = match decide::step(seen, &self.identity, self.duration, now) {
            Step::Wait => return Ok(false),
            Step::Write(spec) => spec,
        };
        let lease = Lease {
            spec: Some(spec),
            ..seen.lease.clone()
        };
        match self.replace(&lease).await {
            Ok(lease) => {
                self.observed = Some(Observed::new(lease));
                Ok(true)
            }
            Err(error) => {
                // Someone else wrote: look again next time.
                let lease = self.api.get_opt(&self.name).await?;
                if let Some(lease) = lease {
                    Observed::update(&mut self.observed, lease);
                }
                Err(error)
            }
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, kube::Error> {
        self.api
            .replace(&self.name, &PostParams::default(), lease)
            .await
    }

    fn lease(&self, spec: LeaseSpec) -> Lease {
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            ..ObjectMeta::default()
        };
        Lease {
            metadata,
            spec: Some(spec),
        }
    }

    /// Tells whether another replica holds the lease by what was last seen.
    fn is_foreign(&self) -> bool {
        self.observed
            .as_ref()
            .is_some_and(|seen| !seen.holder().is_empty() && seen.holder() != self.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_has_its_own_lease() {
        assert_eq!(
            lease_name("kustomize-controller", ""),
            "kustomize-controller-leader-election"
        );
        // printf %s sharding.fluxcd.io/key=shard1 | sha256sum
        assert_eq!(
            lease_name("source-controller", "sharding.fluxcd.io/key=shard1"),
            "source-controller-leader-election-73fdc1be"
        );
    }
}
