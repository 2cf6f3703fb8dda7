//! What a GitRepository may ask for and this version does not do: refused by the field's name.

use fjord_crds::source::v1::{GitProvider, GitRepositorySpec};
use fjord_runtime::{Failure, Retry};

use crate::Reason;

/// Refuses the first field that selects what is not built; the object is stalled until it changes.
pub(super) fn check(spec: &GitRepositorySpec) -> Result<(), Failure> {
    let provider = spec.provider.as_ref();
    let asked = [
        (
            spec.url.starts_with("ssh://"),
            "spec.url with the scheme 'ssh'",
        ),
        (
            provider.is_some_and(|provider| *provider != GitProvider::Generic),
            "spec.provider other than 'generic'",
        ),
        (
            spec.service_account_name.is_some(),
            "spec.serviceAccountName",
        ),
        (spec.verify.is_some(), "spec.verify"),
        (!spec.include.is_empty(), "spec.include"),
        (spec.recurse_submodules, "spec.recurseSubmodules"),
        (!spec.sparse_checkout.is_empty(), "spec.sparseCheckout"),
    ];
    match asked.into_iter().find(|(is_asked, _)| *is_asked) {
        Some((_, field)) => {
            let text = format!("{field} is not supported by this version of source-controller");
            Err(Failure::new(Reason::Unsupported, text).retry(Retry::Never))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refusal(changes: Value) -> Option<String> {
        let mut spec = json!({"interval": "1h", "url": "https://example.com/app"});
        for (field, value) in changes.as_object().unwrap() {
            spec[field] = value.clone();
        }
        check(&serde_json::from_value(spec).unwrap())
            .err()
            .map(|failure| {
                assert_eq!(failure.retry, Retry::Never);
                failure.message
            })
    }

    #[test]
    fn each_field_that_is_not_built_is_refused_by_name() {
        for (changes, field) in [
            (
                json!({"url": "ssh://git@example.com/app"}),
                "spec.url with the scheme 'ssh'",
            ),
            (
                json!({"provider": "github"}),
                "spec.provider other than 'generic'",
            ),
            (
                json!({"provider": "aws"}),
                "spec.provider other than 'generic'",
            ),
            (
                json!({"serviceAccountName": "x"}),
                "spec.serviceAccountName",
            ),
            (
                json!({"verify": {"secretRef": {"name": "keys"}}}),
                "spec.verify",
            ),
            (
                json!({"include": [{"repository": {"name": "lib"}}]}),
                "spec.include",
            ),
            (json!({"recurseSubmodules": true}), "spec.recurseSubmodules"),
            (json!({"sparseCheckout": ["apps"]}), "spec.sparseCheckout"),
        ] {
            let text = format!("{field} is not supported by this version of source-controller");
            assert_eq!(refusal(changes), Some(text));
        }
    }

    #[test]
    fn values_that_ask_for_nothing_are_accepted() {
        for changes in [
            json!({}),
            json!({"provider": "generic"}),
            json!({"recurseSubmodules": false, "include": [], "sparseCheckout": []}),
        ] {
            assert_eq!(refusal(changes), None);
        }
    }
}
