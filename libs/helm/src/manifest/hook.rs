//! Hooks: documents that are applied at certain moments instead of with the rest.

use super::{Excerpt, Head};

/// The annotation that makes a document a hook.
pub(super) const EVENTS: &str = "helm.sh/hook";

/// A document that is applied at the moments it names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hook {
    /// The name of the object.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The path of its template.
    pub path: String,
    /// Its text.
    pub manifest: Excerpt,
    /// When it is applied.
    pub events: Vec<Event>,
    /// Its place among the hooks of a moment; lower ones go first.
    pub weight: i64,
    /// When it is deleted again, as it says.
    pub delete_policies: Vec<String>,
    /// When its logs are shown, as it says.
    pub output_log_policies: Vec<String>,
}

/// A moment in the life of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Before it is installed.
    PreInstall,
    /// After it was installed.
    PostInstall,
    /// Before it is uninstalled.
    PreDelete,
    /// After it was uninstalled.
    PostDelete,
    /// Before it is upgraded.
    PreUpgrade,
    /// After it was upgraded.
    PostUpgrade,
    /// Before it is rolled back.
    PreRollback,
    /// After it was rolled back.
    PostRollback,
    /// When it is tested.
    Test,
}

impl Event {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

impl Hook {
    /// Makes a hook; none if one of its moments is unknown.
    pub(super) fn new(path: &str, head: &Head, manifest: Excerpt, events: &str) -> Option<Self> {
        let events = values(events)
            .iter()
            .map(|event| Event::parse(event))
            .collect::<Option<_>>()?;
        let annotation = |name: &str| head.annotations.get(name);
        let weight = annotation("helm.sh/hook-weight").and_then(|weight| weight.parse().ok());
        let policies = |name: &str| {
            annotation(name)
                .map(|text| values(text))
                .unwrap_or_default()
        };
        Some(Self {
            name: head.name.clone(),
            kind: head.kind.clone(),
            path: path.to_owned(),
            manifest,
            events,
            weight: weight.unwrap_or_default(),
            delete_policies: policies("helm.sh/hook-delete-policy"),
            output_log_policies: policies("helm.sh/hook-output-log-policy"),
        })
    }

    /// Says whether the hook is applied at the moment.
    pub fn runs_at(&self, event: Event) -> bool {
        self.events.contains(&event)
    }
}

fn values(text: &str) -> Vec<String> {
    text.split(',')
        .map(|value| value.trim().to_lowercase())
        .collect()
}
