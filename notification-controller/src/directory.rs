//! What the event pipeline needs from the cluster, as a trait, so that it runs in tests without one.

use std::future::Future;
use std::sync::Arc;

use fjord_crds::notification::v1beta3::{Alert, Provider};

use crate::matching::Labels;
use crate::metadata::Conflict;
use crate::outbox::{AlertRef, ProviderKey};
use crate::provider::Secrets;

/// Alerts, providers and Secrets, and a way to tell an alert's owner what is wrong.
pub trait Directory: Labels + Secrets + Send + Sync + 'static {
    /// Returns all alerts.
    fn alerts(&self) -> Vec<Arc<Alert>>;

    /// Returns a provider; an error means that the API server could not say.
    fn provider(
        &self,
        key: &ProviderKey,
    ) -> impl Future<Output = Result<Option<Arc<Provider>>, String>> + Send;

    /// Records a Warning event on an alert.
    fn warn(&self, alert: &AlertRef, reason: &'static str, message: &str);

    /// Records a Warning event about metadata that several sources supply.
    fn warn_conflicts(&self, alert: &AlertRef, conflicts: &[Conflict]);
}

/// The reason of the event for a notification that was not sent.
pub const DISPATCH_FAILED: &str = "NotificationDispatchFailed";
