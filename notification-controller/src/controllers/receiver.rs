//! The Receiver reconciler: checks the filters, reads the token and announces the webhook's path.

use std::sync::Arc;
use std::time::Duration;

use fjord_crds::duration;
use fjord_crds::notification::v1::{Receiver, ReceiverStatus, ReceiverType};
use fjord_runtime::{
    ConditionType, End, EventDraft, Failure, Outcome, Pass, Reconciler, Requeue, Retry, Verdict,
    reasons, summary,
};

use crate::cluster::Cluster;
use crate::hook;
use crate::provider::Secrets;

/// How often a Receiver without an interval is looked at (§1.4).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(600);

reasons! {
    /// Why a Receiver is as it is.
    pub(crate) enum Why {
        Succeeded, Failed, Progressing, TokenNotFound, ValidationFailed, InvalidCELExpression, Unsupported,
    }
}

/// Reconciles Receivers.
pub(crate) struct Receivers {
    pub(crate) cluster: Arc<Cluster>,
}

impl Reconciler for Receivers {
    type Kind = Receiver;
    type Status = ReceiverStatus;

    fn suspended(&self, receiver: &Receiver) -> bool {
        receiver.spec.suspend
    }

    async fn reconcile(
        &self,
        pass: &mut Pass<Receiver, ReceiverStatus>,
    ) -> Result<Outcome, Failure> {
        let receiver = Arc::clone(&pass.object);
        check(&receiver).await?;
        pass.conditions
            .mark_reconciling(Why::Progressing, "Reconciliation in progress");
        let path = match self.path(&receiver).await {
            Ok(path) => path,
            Err(message) => {
                pass.status.webhook_path = None;
                let event = EventDraft::error(Why::Failed, &message);
                return Err(Failure::new(Why::TokenNotFound, message).with_event(event));
            }
        };
        let message = format!("Receiver initialized for path: {path}");
        pass.conditions
            .mark_true(ConditionType::READY, Why::Succeeded, message);
        pass.status.webhook_path = Some(path);
        let interval = receiver
            .spec
            .interval
            .as_ref()
            .map_or(DEFAULT_INTERVAL, |i| i.as_std());
        let text = format!(
            "Reconciliation finished, next run in {}",
            duration::format(interval)
        );
        tracing::info!("{text}");
        pass.event(EventDraft::info(Why::Succeeded, text));
        Ok(Outcome::done(Requeue::After(interval)))
    }

    async fn finalize(
        &self,
        _pass: &mut Pass<Receiver, ReceiverStatus>,
    ) -> Result<Outcome, Failure> {
        Ok(Outcome::done(Requeue::Never))
    }

    fn summarize(&self, pass: &mut Pass<Receiver, ReceiverStatus>, end: End<'_>) -> Verdict {
        let mut verdict = summary::applier(&mut pass.conditions, &end);
        // Parity: a terminal failure pins the generation that it is about.
        verdict.observe_generation |= matches!(end, End::Failed(f) if f.retry == Retry::Never);
        verdict
    }
}

impl Receivers {
    /// Returns the path of the webhook, or why there is none.
    async fn path(&self, receiver: &Receiver) -> Result<String, String> {
        let of = |value: &Option<String>| value.clone().unwrap_or_default();
        let (namespace, name) = (
            of(&receiver.metadata.namespace),
            of(&receiver.metadata.name),
        );
        let reference = receiver
            .spec
            .secret_ref
            .as_ref()
            .map(|reference| reference.name.as_str());
        let secret_name = reference.unwrap_or_default();
        let secret = Secrets::get(&*self.cluster, &namespace, secret_name)
            .await
            .map_err(|error| {
                format!(
                    "unable to read token from secret '{namespace}/{secret_name}' error: {error}"
                )
            })?;
        let token = secret.get("token").ok_or_else(|| {
            format!("invalid '{namespace}/{secret_name}' secret data: required fields 'token'")
        })?;
        Ok(hook::path(token.bytes(), &name, &namespace))
    }
}

/// Makes the checks that only an edit of the Receiver can pass.
async fn check(receiver: &Arc<Receiver>) -> Result<(), Failure> {
    let checked = Arc::clone(receiver);
    // Compiling an expression takes a while and a deep stack.
    let filters = tokio::task::spawn_blocking(move || hook::check_filters(&checked)).await;
    let filters = filters.unwrap_or_else(|error| Err(error.to_string()));
    filters.map_err(|error| terminal(Why::InvalidCELExpression, &error))?;
    let spec = &receiver.spec;
    let oidc = spec.type_ == ReceiverType::GenericOidc;
    let broken = if oidc && spec.oidc_providers.is_empty() {
        Some("generic-oidc receiver requires at least one oidcProvider")
    } else if !oidc && !spec.oidc_providers.is_empty() {
        Some("oidcProviders can only be set when type is generic-oidc")
    } else if oidc && spec.secret_ref.is_some() {
        Some("secretRef cannot be set when type is generic-oidc")
    } else if !oidc && spec.secret_ref.is_none() {
        Some("secretRef is required when type is not generic-oidc")
    } else {
        None
    };
    if let Some(rule) = broken {
        return Err(terminal(Why::ValidationFailed, rule));
    }
    if !hook::SUPPORTED.contains(&spec.type_) {
        let supported: Vec<&str> = hook::SUPPORTED.iter().map(ReceiverType::as_str).collect();
        let text = format!(
            "spec.type '{}' is not supported by this release, which supports {}",
            spec.type_,
            supported.join(", ")
        );
        return Err(terminal(Why::Unsupported, &text));
    }
    Ok(())
}

fn terminal(reason: Why, error: &str) -> Failure {
    let prefix = "Reconciliation failed terminally due to configuration error";
    Failure::new(reason, format!("{prefix}: {error}"))
        .retry(Retry::Never)
        .event()
        .log(prefix)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn refusal(spec: Value) -> Option<(String, String)> {
        let receiver = json!({"metadata": {"name": "r", "namespace": "apps"}, "spec": spec});
        let failure = check(&Arc::new(serde_json::from_value(receiver).unwrap()))
            .await
            .err()?;
        assert_eq!(failure.retry, Retry::Never);
        Some((failure.reason.to_string(), failure.message))
    }

    #[tokio::test]
    async fn what_only_an_edit_can_mend_is_terminal_with_its_reason() {
        let prefix = "Reconciliation failed terminally due to configuration error: ";
        let resources = || json!([{"kind": "GitRepository", "name": "a"}]);
        for (spec, reason, message) in [
            (
                json!({"type": "generic", "resources": resources()}),
                "ValidationFailed",
                "secretRef is required when type is not generic-oidc",
            ),
            (
                json!({"type": "generic-oidc", "resources": resources()}),
                "ValidationFailed",
                "generic-oidc receiver requires at least one oidcProvider",
            ),
            (
                json!({"type": "harbor", "secretRef": {"name": "s"}, "resources": resources()}),
                "Unsupported",
                "spec.type 'harbor' is not supported by this release, which supports generic, generic-hmac, github, gitlab, bitbucket",
            ),
            (
                json!({"type": "generic", "secretRef": {"name": "s"}, "resources": resources(), "resourceFilter": "'x'"}),
                "InvalidCELExpression",
                "invalid resourceFilter expression: CEL expression output type mismatch: expected bool, got string",
            ),
        ] {
            let want = (reason.to_owned(), format!("{prefix}{message}"));
            assert_eq!(refusal(spec).await, Some(want));
        }
        let good = json!({"type": "github", "secretRef": {"name": "s"}, "resources": resources()});
        assert_eq!(refusal(good).await, None);
    }
}
