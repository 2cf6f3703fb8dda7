//! What happened to each object, and the lines that say so.
//!
//! The texts are Flux's: one `<Kind>/<namespace>/<name> <action>` line per object.

use std::collections::BTreeMap;
use std::fmt;

use crate::object::ObjectId;

/// What was done to one object; `Display` is Flux's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The object is new.
    Created,
    /// The object existed and was changed.
    Configured,
    /// The object was as desired; nothing was written.
    Unchanged,
    /// The object is gone.
    Deleted,
    /// The object was left alone, by its own metadata or because it is not ours.
    Skipped,
    /// What became of the object is not known.
    Unknown,
}

impl Action {
    /// Returns Flux's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    /// Tells whether the action wrote to the cluster, which is what an apply event lists.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Deleted)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was done to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Names the object.
    pub id: ObjectId,
    /// Names the API version without its group.
    pub version: String,
    /// Tells what was done.
    pub action: Action,
}

impl Change {
    /// Builds a change.
    pub fn new(id: ObjectId, version: impl Into<String>, action: Action) -> Self {
        Self {
            id,
            version: version.into(),
            action,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.action)
    }
}

/// What was done to each object of a set, in the order it was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Holds one change per object.
    pub entries: Vec<Change>,
}

impl ChangeSet {
    /// Returns the lines of the objects that were written to, empty when there are none.
    ///
    /// This is the text of Flux's apply event, and what a failed apply appends to its error.
    pub fn changed_lines(&self) -> String {
        lines(
            self.entries
                .iter()
                .filter(|change| change.action.is_change()),
        )
    }

    /// Returns the changes by subject, the `output` field of Flux's apply log line.
    pub fn by_subject(&self) -> BTreeMap<String, &'static str> {
        self.entries
            .iter()
            .map(|c| (c.id.to_string(), c.action.as_str()))
            .collect()
    }

    /// Returns the subjects by action, the `output` field under the gate `GroupChangeLog`.
    pub fn by_action(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut groups: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for change in &self.entries {
            groups
                .entry(change.action.as_str())
                .or_default()
                .push(change.id.to_string());
        }
        groups
    }

    /// Tells whether anything was written.
    pub fn has_changes(&self) -> bool {
        self.entries.iter().any(|change| change.action.is_change())
    }
}

/// Prints one line per object, without a newline at the end.
impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lines(self.entries.iter()))
    }
}

fn lines<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    changes
        .map(Change::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_written_objects_are_listed_as_changed() {
        let change = |id: &str, action| Change::new(id.parse().unwrap(), "v1", action);
        let set = ChangeSet {
            entries: vec![
                change("_app__Namespace", Action::Created),
                change("app_a__ConfigMap", Action::Unchanged),
                change("app_b__ConfigMap", Action::Skipped),
                change("app_web_apps_Deployment", Action::Configured),
            ],
        };
        assert_eq!(
            set.changed_lines(),
            "Namespace/app created\nDeployment/app/web configured"
        );
        assert_eq!(set.to_string().lines().count(), 4);
        assert_eq!(set.by_subject()["ConfigMap/app/b"], "skipped");
        assert_eq!(set.by_action()["created"], ["Namespace/app"]);
    }
}
