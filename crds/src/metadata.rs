//! Names of labels, annotations and finalizers that Flux and Fjord agree on.
//!
//! Only names that more than one crate needs live here; field managers and condition reasons
//! belong to their controllers.

/// Finalizer on every reconciled object.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// Annotation whose change asks for a reconcile at once; its value is echoed in
/// `status.lastHandledReconcileAt`.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Annotation that, together with an equal [`REQUESTED_AT`], forces one Helm install or upgrade.
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";

/// Annotation that, together with an equal [`REQUESTED_AT`], resets Helm's failure counters.
pub const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// Label of Secrets and ConfigMaps whose change wakes the objects that refer to them.
pub const WATCH_LABEL: &str = "reconcile.fluxcd.io/watch";

/// Value of [`WATCH_LABEL`].
pub const WATCH_ENABLED: &str = "Enabled";

/// Label that assigns an object to one shard of the controllers.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";

/// Group of the prefix under which objects carry metadata into their events.
pub const EVENT_GROUP: &str = "event.toolkit.fluxcd.io";

/// The value that turns a control such as [`owner::Keys::prune`] off.
pub const DISABLED: &str = "disabled";

/// The value that turns a control such as [`owner::Keys::force`] on.
pub const ENABLED: &str = "enabled";

/// Annotation of Fjord that takes an object, or all objects of an owner, out of drift correction.
pub const DRIFT: &str = "fjord.dev/drift";

/// API groups of the kinds.
pub mod group {
    /// Group of the sources.
    pub const SOURCE: &str = "source.toolkit.fluxcd.io";
    /// Group of Kustomization.
    pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
    /// Group of HelmRelease.
    pub const HELM: &str = "helm.toolkit.fluxcd.io";
    /// Group of Alert, Provider and Receiver.
    pub const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
}

/// Keys under the group of an applier, on the objects that it applies.
pub mod owner {
    /// The keys of one applier group (kustomize-controller.md §1.4).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Keys {
        /// Label: name of the owner.
        pub name: &'static str,
        /// Label: namespace of the owner.
        pub namespace: &'static str,
        /// Control: `disabled` leaves the object alone.
        pub reconcile: &'static str,
        /// Control: how to apply (`Override`, `Merge`, `IfNotPresent`, `Ignore`).
        pub ssa: &'static str,
        /// Control: `enabled` allows to delete and create again.
        pub force: &'static str,
        /// Control: `disabled` keeps the object when it leaves the source.
        pub prune: &'static str,
        /// Annotation: `disabled` keeps the object out of decryption.
        pub decrypt: &'static str,
        /// Control: `disabled` keeps the object out of variable substitution.
        pub substitute: &'static str,
    }

    macro_rules! keys {
        ($group:literal) => {
            Keys {
                name: concat!($group, "/name"),
                namespace: concat!($group, "/namespace"),
                reconcile: concat!($group, "/reconcile"),
                ssa: concat!($group, "/ssa"),
                force: concat!($group, "/force"),
                prune: concat!($group, "/prune"),
                decrypt: concat!($group, "/decrypt"),
                substitute: concat!($group, "/substitute"),
            }
        };
    }

    /// Keys of kustomize-controller.
    pub const KUSTOMIZE: Keys = keys!("kustomize.toolkit.fluxcd.io");
    /// Keys of helm-controller; Flux uses the first two.
    pub const HELM: Keys = keys!("helm.toolkit.fluxcd.io");
}
