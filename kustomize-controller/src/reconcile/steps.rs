//! The steps of a reconcile, in their order.
//!
//! An apply that creates objects is announced in the stored inventory first, so that nothing a
//! killed pass created is left untracked; a first apply has nothing stored that could be lost.

use std::time::Duration;

use fjord_apply::status::Status;
use fjord_apply::{ChangeSet, Entry, Inventory, Object, ObjectId};
use fjord_artifact::cache;
use fjord_artifact::sourceignore::Matcher;
use fjord_crds::duration::format;
use fjord_crds::{ResourceInventory, ResourceRef};
use fjord_runtime::outcome::chain;
use fjord_runtime::reason::PROGRESSING;
use fjord_runtime::{ConditionType, Failure, Outcome, Requeue, Retry, Severity, Wait};
use jiff::Timestamp;

use super::Kustomizations;
use crate::build::{self, Task};
use crate::drift::owner_key;
use crate::health::{self, Check, Verdict};
use crate::manifests::Remembered;
use crate::policies::{self, stored_inventory};
use crate::reason::Reason;
use crate::run::{self, KsPass, Run, Step};

/// How long a health check runs before the status says so.
const QUIET: Duration = Duration::from_secs(1);
/// How often objects that no watch covers are read.
const UNWATCHED: Duration = Duration::from_secs(5);

/// The first pause between two tries to fetch an artifact; it doubles.
const FETCH_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause.
const FETCH_PAUSE_MAX: Duration = Duration::from_secs(30);

/// Where a fetch stands.
pub(super) enum Fetched {
    /// The artifact is there.
    Artifact(cache::Handle),
    /// It is tried again after a wait.
    Later(Wait),
}

/// What a fetch remembers between its tries.
#[derive(Debug)]
pub(super) struct Refetch {
    /// How often it was tried.
    pub(super) tries: u32,
}

/// What an apply left.
#[derive(Debug)]
pub(super) struct Applied {
    /// What was done to each object.
    changes: ChangeSet,
    /// What the owner had before.
    before: Inventory,
    /// Jobs that delete themselves.
    may_be_gone: Vec<ObjectId>,
}

impl Kustomizations {
    /// Fetches the artifact; between tries no worker is held.
    pub(super) async fn fetch(
        &self,
        pass: &mut KsPass,
        run: &Run,
        tries: u32,
    ) -> Result<Fetched, Failure> {
        let artifact = &run.source.artifact;
        match self.cache.get(&artifact.url, &artifact.digest).await {
            Ok(handle) => Ok(Fetched::Artifact(handle)),
            Err(cache::Error::NotFound(_)) => {
                let after = self.settings.requeue_dependency;
                let message = format!(
                    "Source is not ready, artifact not found, retrying in {}",
                    format(after)
                );
                tracing::info!("{message}");
                Err(Failure::new(Reason::ArtifactFailed, message)
                    .retry(Retry::After(after))
                    .silent())
            }
            Err(error) if is_transient(&error) && tries < self.settings.http_retry => {
                tracing::info!(tries, "artifact not fetched yet: {error}");
                if tries > 0 {
                    Run::unfinished(&mut pass.conditions);
                }
                let pause = FETCH_PAUSE
                    .saturating_mul(1 << tries.min(8))
                    .min(FETCH_PAUSE_MAX);
                let wait = Wait::new(Refetch { tries: tries + 1 }, pause);
                // The first trouble is mostly over before anybody could read of it.
                Ok(Fetched::Later(if tries > 0 { wait } else { wait.quiet() }))
            }
            Err(error) => Err(run.failure(Reason::ArtifactFailed, error.to_string())),
        }
    }

    pub(super) async fn build(
        &self,
        pass: &mut KsPass,
        run: &mut Run,
        artifact: &cache::Handle,
    ) -> Result<Remembered, Failure> {
        let version = (
            run.ks.metadata.uid.clone().unwrap_or_default(),
            pass.generation(),
        );
        let known = self.memory.get(&run.key).filter(|known| {
            known.manifests.is_some()
                && known.version == version
                && known.inputs.hold_for(artifact.index())
        });
        let built = match known {
            Some(known) => known,
            None => match self.build_anew(run, artifact.clone()).await? {
                Ok(built) => self.memory.keep(&run.key, version, built),
                Err(error @ build::Error::PathNotFound(_)) => {
                    return Err(run.failure(Reason::ArtifactFailed, error.to_string()));
                }
                Err(error) => {
                    self.attempt(pass, run);
                    return Err(run.failure(Reason::BuildFailed, chain(&error)));
                }
            },
        };
        self.attempt(pass, run);
        run.digest = Some(built.digest.clone());
        Ok(built)
    }

    fn attempt(&self, pass: &mut KsPass, run: &Run) {
        pass.status.last_attempted_revision = Some(run.revision().to_owned());
        run.at(Step::Build, &mut pass.conditions);
    }

    async fn build_anew(
        &self,
        run: &Run,
        artifact: cache::Handle,
    ) -> Result<Result<build::Built, build::Error>, Failure> {
        let _turn = self.builds.acquire().await;
        let (run_copy, strictness) = (run.clone(), self.settings.strictness);
        let remotes = self.remotes.clone();
        let work = move || {
            build::run(Task {
                key: &run_copy.key,
                uid: run_copy.ks.metadata.uid.as_deref().unwrap_or_default(),
                spec: run_copy.spec(),
                artifact: artifact.root(),
                digest: &run_copy.source.artifact.digest,
                index: artifact.index(),
                strictness,
                ignore: &Matcher::default(),
                mask: false,
                remotes: remotes.as_ref(),
            })
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            let message = format!("recovered from kustomize build panic: {error}");
            run.failure(Reason::BuildFailed, message)
        })
    }

    pub(super) async fn apply(
        &self,
        pass: &mut KsPass,
        run: &Run,
        built: &Remembered,
    ) -> Result<Applied, Failure> {
        run.at(Step::Apply, &mut pass.conditions);
        let before = self.inventory_before(pass);
        let stored_status = pass.status.clone();
        let refuse = |pass: &mut KsPass, message: String| {
            run.record(&mut pass.status, Reason::ReconciliationFailed);
            run.failure(Reason::ReconciliationFailed, message)
        };
        if let Some(id) = &built.encrypted {
            let message = format!(
                "{id} is SOPS encrypted, configuring decryption is required for this secret to be \
                 reconciled"
            );
            return Err(refuse(pass, message));
        }
        let policies = match policies::of(run.spec()) {
            Ok(policies) => policies,
            Err(error) => return Err(refuse(pass, format!("{error}\n"))),
        };
        let objects: Vec<Object> = built
            .manifests
            .as_ref()
            .map(|manifests| manifests.objects())
            .unwrap_or_default();
        let may_be_gone = health::may_be_gone(&objects);
        let applier = self.applier(&run.key).with_previous(&before);
        // What cannot be told yet, an object of a CRD in the same build say, is not announced; what is
        // wrong with it the apply says better.
        let intended = applier.intend(&objects).await.unwrap_or_default();
        if let Err(error) = self.announce(pass, &before, &intended).await? {
            return Err(refuse(
                pass,
                format!("cannot announce what is applied: {error}"),
            ));
        }
        match applier.apply(objects, &policies).await {
            Ok(changes) => {
                self.tell(pass, run, &changes);
                let inventory = Inventory::from_changes(&changes);
                pass.status.inventory = Some(to_stored(&inventory));
                Ok(Applied {
                    changes,
                    before,
                    may_be_gone,
                })
            }
            Err(error) => {
                // What was only announced is told no more: it was not created, or is among the completed.
                let stored = stored_inventory(&stored_status);
                let mut inventory = before;
                inventory
                    .entries
                    .retain(|entry| stored.contains(&entry.id) || !intended.contains(&entry.id));
                let written = |entry: &&fjord_apply::Change| entry.action.is_change();
                inventory.merge(
                    error
                        .completed
                        .entries
                        .iter()
                        .filter(written)
                        .map(|change| Entry {
                            id: change.id.clone(),
                            version: change.version.clone(),
                        }),
                );
                if stored_status.inventory.is_some() || !inventory.entries.is_empty() {
                    pass.status.inventory = Some(to_stored(&inventory));
                }
                self.index.own(&owner_key(&run.key), &inventory);
                let lines = error.completed.changed_lines();
                Err(refuse(pass, format!("{}\n{lines}", chain(&*error.cause))))
            }
        }
    }

    /// Opens the watches for what is about to be applied, and stores what is about to be created.
    async fn announce(
        &self,
        pass: &mut KsPass,
        before: &Inventory,
        intended: &Inventory,
    ) -> Result<std::io::Result<()>, Failure> {
        let mut all = before.clone();
        all.merge(intended.entries.iter().cloned());
        self.index.own(&owner_key(pass.key()), &all);
        if all.entries.len() == before.entries.len() {
            return Ok(Ok(()));
        }
        if pass.status.inventory.is_none() {
            return Ok(self.journal.write(uid(pass), &all));
        }
        pass.status.inventory = Some(to_stored(&all));
        Run::unfinished(&mut pass.conditions);
        pass.publish().await?;
        Ok(Ok(()))
    }

    /// Returns what this Kustomization may have applied so far.
    pub(super) fn inventory_before(&self, pass: &KsPass) -> Inventory {
        if pass.status.inventory.is_some() {
            self.journal.clear(uid(pass));
            return stored_inventory(&pass.status);
        }
        self.journal.read(uid(pass))
    }

    fn tell(&self, pass: &mut KsPass, run: &Run, changes: &ChangeSet) {
        let output = if self.settings.group_change_log {
            serde_json::to_string(&changes.by_action())
        } else {
            serde_json::to_string(&changes.by_subject())
        };
        if changes.has_changes() {
            let output = output.unwrap_or_default();
            tracing::info!(
                revision = run.revision(),
                output,
                "server-side apply completed"
            );
            let text = changes.changed_lines();
            pass.event(run.event(Severity::Info, PROGRESSING, text));
        }
    }

    pub(super) async fn prune(
        &self,
        pass: &mut KsPass,
        run: &Run,
        applied: &Applied,
    ) -> Result<(), Failure> {
        let mut inventory = Inventory::from_changes(&applied.changes);
        let stale = applied.before.stale(&inventory);
        if run.spec().prune && !stale.is_empty() {
            let (deleted, failure) = match self.applier(&run.key).delete(&stale).await {
                Ok(deleted) => (deleted, None),
                Err(error) => (error.completed, Some(chain(&*error.cause))),
            };
            if let Some(message) = failure {
                inventory.merge(Inventory::survivors(&stale, &deleted));
                pass.status.inventory = Some(to_stored(&inventory));
                run.record(&mut pass.status, Reason::PruneFailed);
                return Err(run.failure(Reason::PruneFailed, message));
            }
            if !deleted.entries.is_empty() {
                let text = deleted.to_string();
                tracing::info!(
                    revision = run.revision(),
                    "garbage collection completed: {text}"
                );
                pass.event(run.event(Severity::Info, PROGRESSING, text));
            }
        }
        self.index.own(&owner_key(&run.key), &inventory);
        Ok(())
    }

    /// Begins a health check, where one is asked for.
    pub(super) fn await_health(
        &self,
        pass: &mut KsPass,
        run: &Run,
        applied: &Applied,
    ) -> Option<Check> {
        let ids = health::awaited(&run.ks, &applied.changes);
        if ids.is_empty() {
            pass.conditions.delete(ConditionType::HEALTHY);
            return None;
        }
        let was_healthy = pass.conditions.is_true(ConditionType::HEALTHY);
        let is_new = pass.status.last_applied_revision.as_deref() != Some(run.revision());
        let announce = !was_healthy || (is_new && applied.changes.has_changes());
        Some(Check::new(
            run.clone(),
            ids,
            applied.may_be_gone.clone(),
            announce,
        ))
    }

    /// Looks at a health check: it passes, fails, or is looked at again when something changes.
    pub(super) async fn check_health(
        &self,
        pass: &mut KsPass,
        mut check: Check,
    ) -> Result<Outcome, Failure> {
        let owner = owner_key(pass.key());
        // Told first, so that no change between the look and the wait is missed.
        let unwatched = self.index.await_health(&owner, &check.ids);
        let statuses = self.statuses(&check, &unwatched).await;
        let now = Timestamp::now();
        let run = check.run.clone();
        match check.judge(&statuses, now, self.settings.fail_fast) {
            Verdict::Healthy => {
                self.index.rest(&owner);
                if check.announce {
                    let text = format!(
                        "Health check passed in {}",
                        format(run::elapsed(check.began))
                    );
                    pass.conditions
                        .mark_true(ConditionType::HEALTHY, Reason::Succeeded, &text);
                    let event = run.event(Severity::Info, PROGRESSING, text);
                    pass.event(event.identity(run.occurrence("healthy")));
                }
                Ok(self.succeed(pass, &run))
            }
            Verdict::Failed(why) => {
                self.index.rest(&owner);
                let took = format(run::elapsed(check.began));
                let message = format!("health check failed after {took}: {why}");
                run.at(Step::Health, &mut pass.conditions);
                pass.conditions
                    .mark_false(ConditionType::HEALTHY, Reason::HealthCheckFailed, why);
                run.record(&mut pass.status, Reason::HealthCheckFailed);
                let mut failure = run.failure(Reason::HealthCheckFailed, message);
                failure.event = failure
                    .event
                    .map(|event| event.identity(run.occurrence("unhealthy")));
                Err(failure)
            }
            Verdict::Pending => {
                let mut timeout = check.remaining(now);
                if !unwatched.is_empty() {
                    timeout = timeout.min(UNWATCHED);
                }
                let spent = run::elapsed(check.began);
                if spent < QUIET && !check.published {
                    timeout = timeout.min(QUIET.saturating_sub(spent));
                    check.remember(pass);
                    return Ok(Outcome::Waiting(Wait::new(check, timeout).quiet()));
                }
                if !check.published {
                    check.published = true;
                    run.at(Step::Health, &mut pass.conditions);
                    Run::unfinished(&mut pass.conditions);
                    let text = pass
                        .conditions
                        .message(ConditionType::RECONCILING)
                        .to_owned();
                    pass.conditions
                        .mark_unknown(ConditionType::HEALTHY, PROGRESSING, text);
                }
                Ok(Outcome::Waiting(Wait::new(check, timeout)))
            }
        }
    }

    async fn statuses(&self, check: &Check, unwatched: &[ObjectId]) -> Vec<(ObjectId, Status)> {
        let watched = check.ids.iter().filter(|id| !unwatched.contains(id));
        let mut statuses: Vec<(ObjectId, Status)> = watched
            .map(|id| (id.clone(), self.index.status(id).unwrap_or(Status::Unknown)))
            .collect();
        if !unwatched.is_empty() {
            statuses.extend(self.applier(&check.run.key).statuses(unwatched).await);
        }
        let place = |id: &ObjectId| check.ids.iter().position(|other| other == id);
        statuses.sort_by_key(|(id, _)| place(id));
        statuses
    }

    pub(super) fn succeed(&self, pass: &mut KsPass, run: &Run) -> Outcome {
        let revision = run.revision();
        pass.status.last_applied_revision = Some(revision.to_owned());
        let origin = run.source.origin_revision();
        pass.status.last_applied_origin_revision = (!origin.is_empty()).then(|| origin.to_owned());
        let text = format!("Applied revision: {revision}");
        pass.conditions
            .mark_true(ConditionType::READY, Reason::ReconciliationSucceeded, text);
        run.record(&mut pass.status, Reason::ReconciliationSucceeded);
        let interval = run.spec().interval.as_std();
        let text = format!(
            "Reconciliation finished in {}, next run in {}",
            format(run.elapsed()),
            format(interval)
        );
        tracing::info!(revision, "{text}");
        let event = run
            .event(Severity::Info, Reason::ReconciliationSucceeded, text)
            .meta("commit_status", "update");
        pass.event(event.identity(run.occurrence("finished")));
        Outcome::Done(Requeue::Interval(interval))
    }
}

/// Whether asking the server again can help.
fn is_transient(error: &cache::Error) -> bool {
    match error {
        cache::Error::Fetch(cache::FetchError::Status { status, .. }) => {
            status.is_server_error() || status.as_u16() == 429
        }
        cache::Error::Fetch(
            cache::FetchError::Request(_) | cache::FetchError::Truncated { .. },
        ) => true,
        _ => false,
    }
}

fn uid(pass: &KsPass) -> &str {
    pass.object.metadata.uid.as_deref().unwrap_or_default()
}

fn to_stored(inventory: &Inventory) -> ResourceInventory {
    let entry = |entry: &Entry| ResourceRef {
        id: entry.id.to_inventory(),
        v: entry.version.clone(),
    };
    ResourceInventory {
        entries: inventory.entries.iter().map(entry).collect(),
    }
}
