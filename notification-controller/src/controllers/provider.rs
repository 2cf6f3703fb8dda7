//! The Provider reconciler: keeps the finalizer and says early when a type is not built.

use std::sync::{Arc, OnceLock};

use fjord_crds::metadata::FINALIZER;
use fjord_crds::notification::v1beta3::{Provider, ProviderType};
use fjord_runtime::store::Builder;
use fjord_runtime::{
    End, EventDraft, Failure, NoStatus, ObjectKey, Outcome, Pass, Priority, Reason, Reconciler,
    Requeue, Store, Verdict, Waker,
};

use crate::provider::SUPPORTED;

/// Reconciles Providers.
pub(crate) struct Providers;

/// Watches Providers so that a finalizer taken off by hand comes back.
pub(crate) fn watched(waker: &Arc<OnceLock<Waker>>) -> Builder<Provider> {
    let waker = Arc::clone(waker);
    Store::watch().on_change(
        move |before: Option<&Arc<Provider>>, after: Option<&Arc<Provider>>| {
            let (Some(_), Some(provider), Some(waker)) = (before, after, waker.get()) else {
                return;
            };
            let meta = &provider.metadata;
            let kept = meta
                .finalizers
                .iter()
                .flatten()
                .any(|finalizer| finalizer == FINALIZER);
            if !kept && meta.deletion_timestamp.is_none() {
                waker.wake(&ObjectKey::of(&**provider), Priority::Request);
            }
        },
    )
}

impl Reconciler for Providers {
    type Kind = Provider;
    type Status = NoStatus;

    /// Parity: `spec.suspend` stops deliveries, not the finalizer.
    fn suspended(&self, _provider: &Provider) -> bool {
        false
    }

    async fn reconcile(&self, pass: &mut Pass<Provider, NoStatus>) -> Result<Outcome, Failure> {
        let kind = &pass.object.spec.type_;
        if !SUPPORTED.contains(kind) {
            let supported: Vec<&str> = SUPPORTED.iter().map(ProviderType::as_str).collect();
            let text = format!(
                "provider {kind} not supported: this release sends to {} only, and alerts of this provider are not delivered",
                supported.join(" and ")
            );
            tracing::warn!("{text}");
            pass.event(EventDraft::error(Reason::new("Unsupported"), text));
        }
        Ok(Outcome::done(Requeue::Never))
    }

    async fn finalize(&self, _pass: &mut Pass<Provider, NoStatus>) -> Result<Outcome, Failure> {
        Ok(Outcome::done(Requeue::Never))
    }

    fn summarize(&self, _pass: &mut Pass<Provider, NoStatus>, _end: End<'_>) -> Verdict {
        Verdict::default()
    }
}
