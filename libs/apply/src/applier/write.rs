//! Writes what was planned for one object.
//!
//! A new object is created by a server-side apply that names a resource version no object has: the
//! API server then creates it where there is none and refuses with a conflict where there is one,
//! so that nobody's object is ever overwritten unseen. One request, no read, no dry-run.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::plan::{Recorded, Step, desired_hash};
use super::{Applier, Cause, Done, Policies};
use crate::changeset::{Action, Change};
use crate::cluster::{self, ApplyRequest, Kind};
use crate::live::Baseline;
use crate::object::{Object, ObjectId};
use crate::order;

/// A resource version that no stored object has.
const NEVER: &str = "1";

/// How long a replaced object may take to go away, finalizers included. Flux waits for ever.
const REPLACE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often an object may appear or vanish under our hands before we give up.
const ATTEMPTS: usize = 3;

impl Applier {
    pub(super) async fn write(&self, step: Step, policies: &Policies) -> Result<Done, Cause> {
        let mut step = step;
        for _ in 0..ATTEMPTS {
            let id = step.id();
            match self.try_write(step, policies).await? {
                Written::Done(done) => return Ok(*done),
                Written::Again(next) => {
                    tracing::debug!(object = %id, "object changed while it was applied");
                    step = *next;
                }
            }
        }
        Err(Cause::Unsteady { id: step.id() })
    }

    async fn try_write(&self, step: Step, policies: &Policies) -> Result<Written, Cause> {
        match step {
            Step::Settled(done, recorded) => {
                if let (Some(Recorded { object }), Some(live)) = (recorded, &done.live) {
                    self.record(&object, live, policies);
                }
                Ok(Written::Done(done))
            }
            Step::Create { kind, object } => self.create(kind, object, policies).await,
            Step::Update {
                kind,
                object,
                payload,
                takeover,
            } => {
                let id = object.id();
                let baseline = self.release(&id);
                if let Some(patch) = takeover {
                    let manager = &self.owner.field_manager;
                    match self.cluster.json_patch(&kind, &id, &patch, manager).await {
                        Ok(_) => {}
                        // Gone, or edited meanwhile: look again.
                        Err(error) if error.is_not_found() || error.is_conflict() => {
                            self.restore(&id, baseline);
                            return self.again(kind, object, policies).await;
                        }
                        Err(error) => {
                            self.restore(&id, baseline);
                            return Err(Cause::Cleanup { id, error });
                        }
                    }
                }
                match self.cluster.apply(&kind, &payload, self.for_real()).await {
                    Ok(live) => Ok(self.done(Action::Configured, &object, live, policies)),
                    Err(error) => {
                        self.restore(&id, baseline);
                        Err(Cause::Apply { id, error })
                    }
                }
            }
            Step::Replace { kind, object, uid } => {
                let id = object.id();
                let baseline = self.release(&id);
                if let Err(error) = self.cluster.delete(&kind, &id, &uid).await {
                    self.restore(&id, baseline);
                    return Err(Cause::ReplaceDelete { id, error });
                }
                self.wait_until_gone(&kind, &id, &uid).await?;
                Ok(Written::Again(Box::new(Step::Create { kind, object })))
            }
        }
    }

    async fn create(
        &self,
        kind: Kind,
        object: Object,
        policies: &Policies,
    ) -> Result<Written, Cause> {
        let mut payload = object.clone();
        payload.set(&["metadata", "resourceVersion"], NEVER.into());
        let mut waits = DISCOVERY_WAITS.iter();
        loop {
            match self.cluster.apply(&kind, &payload, self.for_real()).await {
                Ok(live) => {
                    if order::is_crd(&object) {
                        self.cluster.learn(&object);
                    }
                    return Ok(self.done(Action::Created, &object, live, policies));
                }
                Err(error) if error.is_conflict() => {
                    return self.again(kind, object, policies).await;
                }
                Err(error) if is_not_served_yet(&error) && waits.len() > 0 => {
                    // A CRD that was just established is served a moment later.
                    sleep(waits.next().copied().unwrap_or_default()).await;
                }
                Err(error) => {
                    if is_not_served_yet(&error) {
                        self.cluster.forget(&kind.gvk.group_kind());
                    }
                    return Err(Cause::DryRun {
                        id: object.id(),
                        error,
                    });
                }
            }
        }
    }

    /// Looks at an object again that is not as it was planned for.
    async fn again(
        &self,
        kind: Kind,
        object: Object,
        policies: &Policies,
    ) -> Result<Written, Cause> {
        let step = self.plan_by_asking(kind, object, policies).await?;
        Ok(Written::Again(Box::new(step)))
    }

    fn done(&self, action: Action, object: &Object, live: Object, policies: &Policies) -> Written {
        self.record(object, &live, policies);
        let change = Change::new(object.id(), object.version(), action);
        Written::Done(Box::new(Done {
            change,
            live: Some(live),
        }))
    }

    /// Tells the index how an object was left.
    fn record(&self, object: &Object, live: &Object, policies: &Policies) {
        if let Some(index) = &self.index {
            index.record(
                &self.owner.key(),
                object,
                desired_hash(object, policies),
                live,
            );
        }
    }

    /// Tells the index that what happens to an object next is our own doing.
    pub(super) fn release(&self, id: &ObjectId) -> Option<Baseline> {
        self.index.as_ref().and_then(|index| index.release(id))
    }

    pub(super) fn restore(&self, id: &ObjectId, baseline: Option<Baseline>) {
        if let (Some(index), Some(baseline)) = (&self.index, baseline) {
            index.restore(id, baseline);
        }
    }

    fn for_real(&self) -> ApplyRequest<'_> {
        ApplyRequest {
            field_manager: &self.owner.field_manager,
            dry_run: false,
        }
    }

    async fn wait_until_gone(&self, kind: &Kind, id: &ObjectId, uid: &str) -> Result<(), Cause> {
        let deadline = Instant::now() + REPLACE_TIMEOUT;
        let mut pause = Duration::from_millis(50);
        loop {
            let failed = |error: String| Cause::ReplaceWait {
                id: id.clone(),
                error,
            };
            match self.cluster.get_metadata(kind, id).await {
                Ok(Some(live)) if live.uid() == uid => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(failed(error.to_string())),
            }
            if Instant::now() >= deadline {
                return Err(failed("context deadline exceeded".to_owned()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

enum Written {
    Done(Box<Done>),
    Again(Box<Step>),
}

/// How long a kind that discovery already names may still be unserved.
const DISCOVERY_WAITS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// Tells a path nobody serves from a namespace that does not exist.
fn is_not_served_yet(error: &cluster::Error) -> bool {
    match error {
        cluster::Error::Api(status) => {
            status.code == 404
                && status
                    .details
                    .as_ref()
                    .is_none_or(|details| details.name.is_empty())
        }
        _ => false,
    }
}
