//! The story of a Kustomization: source, dependencies, artifact, build, apply, prune, health.
//!
//! Each step takes what the one before gave. A step that fails says its reason and whether trying
//! again helps; how that becomes conditions, events and a requeue is the frame's. What did not
//! change costs nothing: a known build is not repeated, an object the index knows is not touched.

mod finalize;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use fjord_apply::{Applier, Cluster, LiveIndex, Options};
use fjord_artifact::Cache;
use fjord_crds::kustomize::v1::{Kustomization, KustomizationStatus};
use fjord_crds::source::v1::GitRepository;
use fjord_runtime::{
    ConditionType, End, Failure, ObjectKey, Outcome, Priority, Reconciler, Requeue, Resumption,
    Retry, Store, Verdict, summary,
};
use tokio::sync::Semaphore;

use crate::closed;
use crate::dependencies::Dependencies;
use crate::drift::{owner_key, owner_of};
use crate::health::Check;
use crate::journal::Journal;
use crate::manifests::Memory;
use crate::reason::Reason;
use crate::remote::Remotes;
use crate::run::{KsPass, Run, Step};
use crate::sources::{self, Source};
use crate::substitute::Strictness;
use steps::{Fetched, Refetch};

/// What flags and gates decide for every Kustomization.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether an unset variable is an error (gate `StrictPostBuildSubstitutions`).
    pub(crate) strictness: Strictness,
    /// Whether the first failed object ends a health check (not gate `DisableFailFastBehavior`).
    pub(crate) fail_fast: bool,
    /// Whether sources of other namespaces are refused (`--no-cross-namespace-refs`).
    pub(crate) no_cross_namespace_refs: bool,
    /// Whether logs group objects by what was done (gate `GroupChangeLog`).
    pub(crate) group_change_log: bool,
    /// How often a fetch is tried again (`--http-retry`).
    pub(crate) http_retry: u32,
    /// What messages say about the next look at a dependency (`--requeue-dependency`).
    pub(crate) requeue_dependency: Duration,
}

/// Reconciles Kustomizations.
pub(crate) struct Kustomizations {
    /// The sources, watched.
    pub(crate) sources: Store<GitRepository>,
    /// All Kustomizations as dependencies, those of other shards included.
    pub(crate) dependencies: Dependencies,
    /// The unpacked artifacts.
    pub(crate) cache: Cache,
    /// The cluster that is applied to.
    pub(crate) cluster: Cluster,
    /// What is known of the applied objects.
    pub(crate) index: LiveIndex,
    /// How objects are applied.
    pub(crate) options: Options,
    /// The last builds.
    pub(crate) memory: Memory,
    /// Where remote bases come from (not with `--no-remote-bases`).
    pub(crate) remotes: Option<Remotes>,
    /// What first applies are about to create.
    pub(crate) journal: Journal,
    /// How many builds run at once: one per core.
    pub(crate) builds: Arc<Semaphore>,
    /// What flags and gates decide.
    pub(crate) settings: Settings,
}

impl Reconciler for Kustomizations {
    type Kind = Kustomization;
    type Status = KustomizationStatus;

    fn suspended(&self, ks: &Kustomization) -> bool {
        ks.spec.suspend
    }

    async fn reconcile(&self, pass: &mut KsPass) -> Result<Outcome, Failure> {
        if let Some(mut wait) = pass.resumed::<Check>() {
            wait.state.restore(pass);
            let knows = self
                .memory
                .get(pass.key())
                .is_some_and(|r| r.manifests.is_some());
            if wait.why != Resumption::Superseded && knows {
                return self.check_health(pass, wait.state).await;
            }
            self.index.rest(&owner_key(pass.key()));
        }
        let refetch = pass.resumed::<Refetch>();
        let refetch = refetch.filter(|wait| wait.why != Resumption::Superseded);
        let tries = refetch.map_or(0, |wait| wait.state.tries);
        let ks = pass.object.clone();
        if let Some(field) = closed::unsupported_field(&ks.spec) {
            let message = closed::refusal(field);
            return Err(Failure::new(Reason::Unsupported, message)
                .retry(Retry::Never)
                .event());
        }
        let source = sources::resolve(&self.sources, &ks, &self.settings)?;
        self.dependencies.ready(&ks, &source, &self.settings)?;
        if self.is_settled(pass, &source) {
            return Ok(Outcome::Done(Requeue::Interval(ks.spec.interval.as_std())));
        }

        let mut run = Run::new(pass, source);
        run.at(Step::Fetch, &mut pass.conditions);
        let artifact = match self.fetch(pass, &run, tries).await? {
            Fetched::Artifact(artifact) => artifact,
            Fetched::Later(wait) => return Ok(Outcome::Waiting(wait)),
        };
        let built = self.build(pass, &mut run, &artifact).await?;
        let applied = self.apply(pass, &run, &built).await?;
        self.prune(pass, &run, &applied).await?;
        match self.await_health(pass, &run, &applied) {
            Some(check) => self.check_health(pass, check).await,
            None => Ok(self.succeed(pass, &run)),
        }
    }

    async fn finalize(&self, pass: &mut KsPass) -> Result<Outcome, Failure> {
        self.finalize_objects(pass).await
    }

    fn summarize(&self, pass: &mut KsPass, end: End<'_>) -> Verdict {
        if pass.object.metadata.deletion_timestamp.is_some() {
            // Parity: a deletion that fails leaves Ready as it was.
            pass.conditions.mark_retrying();
            return Verdict::default();
        }
        let is_refused = matches!(&end, End::Failed(failure)
            if failure.reason == Reason::Unsupported.into());
        let mut verdict = summary::applier(&mut pass.conditions, &end);
        // The refusal is final for this generation; AccessDenied, as in Flux, is not observed.
        verdict.observe_generation |= is_refused;
        verdict
    }

    fn forget(&self, key: &ObjectKey) {
        self.memory.forget(key);
        self.dependencies.forget(key);
        self.index.disown(&owner_key(key));
    }
}

impl Kustomizations {
    /// Whether a watch woke an object that is where the watch wants it, by a pass that was under way.
    fn is_settled(&self, pass: &KsPass, source: &Source) -> bool {
        let woken = matches!(pass.cause(), Priority::NewRevision | Priority::Dependency);
        let applied = pass.status.last_applied_revision.as_deref() == Some(source.revision());
        let observed = pass
            .object
            .status
            .as_ref()
            .map(|status| status.observed_generation);
        let known = self
            .memory
            .get(pass.key())
            .is_some_and(|known| known.manifests.is_some());
        woken
            && !pass.is_requested()
            && applied
            && observed == pass.object.metadata.generation
            && pass.conditions.is_true(ConditionType::READY)
            && known
    }

    fn applier(&self, key: &ObjectKey) -> Applier {
        Applier::new(self.cluster.clone(), owner_of(key), self.options.clone())
            .with_index(self.index.clone())
    }
}
