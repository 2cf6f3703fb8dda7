//! Why an apply or delete stopped, in Flux's words (fluxcd/pkg `ssa/errors`).

use std::sync::LazyLock;

use regex::Regex;

use crate::changeset::ChangeSet;
use crate::cluster;
use crate::object::ObjectId;

/// Why an apply or delete stopped, and what was done before.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Error {
    /// Lists what was written or settled before the failure. Unlike Flux, this includes what the
    /// failing stage itself wrote, so that nothing created is left untracked.
    pub completed: ChangeSet,
    /// Tells what failed.
    #[source]
    pub cause: Box<Cause>,
}

/// What can fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The API server refused a dry-run, or a new object.
    #[error("{}", dry_run_text(.id, .error))]
    DryRun {
        /// Names the object.
        id: ObjectId,
        /// Holds the refusal.
        error: cluster::Error,
    },
    /// The API server refused what its dry-run had accepted.
    #[error("{id} apply failed: {error}")]
    Apply {
        /// Names the object.
        id: ObjectId,
        /// Holds the refusal.
        error: cluster::Error,
    },
    /// Fields of other managers could not be taken over.
    #[error("{id} metadata.managedFields cleanup failed: {error}")]
    Cleanup {
        /// Names the object.
        id: ObjectId,
        /// Holds the refusal.
        error: cluster::Error,
    },
    /// Managed fields could not be moved to another API version.
    #[error(
        "{id} failed to migrate API version: \
         failed to migrate managed fields API version to {version}: {error}"
    )]
    Migrate {
        /// Names the object.
        id: ObjectId,
        /// Names the API version.
        version: String,
        /// Holds the refusal.
        error: cluster::Error,
    },
    /// An object with an immutable change could not be deleted.
    #[error("{id} immutable field detected, failed to delete object: {error}")]
    ReplaceDelete {
        /// Names the object.
        id: ObjectId,
        /// Holds the refusal.
        error: cluster::Error,
    },
    /// An object with an immutable change was deleted and did not go away.
    #[error("{id} immutable field detected, failed to wait for object to be deleted: {error}")]
    ReplaceWait {
        /// Names the object.
        id: ObjectId,
        /// Tells why.
        error: String,
    },
    /// An object kept changing while it was being applied.
    #[error("{id} apply failed: the object keeps appearing and vanishing")]
    Unsteady {
        /// Names the object.
        id: ObjectId,
    },
    /// Definitions or classes did not become ready.
    #[error("{0}")]
    NotReady(String),
    /// Some objects could not be deleted.
    #[error("delete failed, errors: {}", .0.iter().map(|e| format!("{e};")).collect::<String>())]
    Delete(Vec<String>),
    /// A deleted object is still there.
    #[error("{id} termination timeout: {error}")]
    Termination {
        /// Names the object.
        id: ObjectId,
        /// Tells why.
        error: String,
    },
    /// The API server's kinds could not be read.
    #[error("failed to discover the kinds of the API server: {0}")]
    Discovery(cluster::Error),
}

impl Cause {
    pub(super) fn after(self, completed: ChangeSet) -> Error {
        Error {
            completed,
            cause: Box::new(self),
        }
    }
}

fn dry_run_text(id: &ObjectId, error: &cluster::Error) -> String {
    if error.is_not_found() {
        let what = if id.namespace.is_empty() {
            "namespace not specified"
        } else {
            "not found"
        };
        return format!("{id} {what}: {error}");
    }
    match error.reason() {
        "" => format!("{id} dry-run failed: {error}"),
        reason => format!("{id} dry-run failed ({reason}): {error}"),
    }
}

/// Tells whether a refused change may be one that only a new object can take.
///
/// Parity: as in Flux (and kubectl), any conflict and any invalid value counts.
pub(super) fn is_immutable(error: &cluster::Error) -> bool {
    static TEXTS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"is\simmutable|immutable\sfield").ok());
    matches!(error.reason(), "Conflict" | "Invalid")
        || TEXTS
            .as_ref()
            .is_some_and(|texts| texts.is_match(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn refusal(reason: &str, code: u16, message: &str) -> cluster::Error {
        let status = Status {
            reason: reason.into(),
            code,
            message: message.into(),
            ..Status::default()
        };
        cluster::Error::Api(Box::new(status))
    }

    #[test]
    fn refusals_are_told_as_flux_tells_them() {
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        for (id, error, text) in [
            (
                id("n_svc__Service"),
                refusal("Invalid", 422, "Service \"svc\" is invalid"),
                "Service/n/svc dry-run failed (Invalid): Service \"svc\" is invalid",
            ),
            (
                id("n_web_apps_Deployment"),
                refusal("", 500, "failed to create typed patch object"),
                "Deployment/n/web dry-run failed: failed to create typed patch object",
            ),
            (
                id("n_c__ConfigMap"),
                refusal("NotFound", 404, "namespaces \"n\" not found"),
                "ConfigMap/n/c not found: namespaces \"n\" not found",
            ),
            (
                id("_c__ConfigMap"),
                cluster::Error::NoNamespace,
                "ConfigMap/c namespace not specified: \
                 the server could not find the requested resource",
            ),
        ] {
            assert_eq!(Cause::DryRun { id, error }.to_string(), text);
        }
    }

    #[test]
    fn errors_of_a_delete_are_listed_with_semicolons() {
        let cause = Cause::Delete(vec![
            "a delete failed: x".into(),
            "b delete failed: y".into(),
        ]);
        let text = "delete failed, errors: a delete failed: x;b delete failed: y;";
        assert_eq!(cause.to_string(), text);
    }

    #[test]
    fn conflicts_invalid_values_and_words_count_as_immutable() {
        assert!(is_immutable(&refusal("Invalid", 422, "")));
        assert!(is_immutable(&refusal("Conflict", 409, "")));
        assert!(is_immutable(&refusal(
            "Forbidden",
            403,
            "spec.x is immutable after creation"
        )));
        assert!(!is_immutable(&refusal("Forbidden", 403, "no")));
    }
}
