//! The artifact step: from a commit's tree to a stored archive.

use fjord_artifact::sourceignore::{self, Matcher};
use fjord_artifact::{SafePath, Stored};
use fjord_crds::Artifact;
use fjord_crds::source::v1::{GitRepository, GitRepositoryStatus};
use fjord_git::{Checkout, Kind, Revision, Selector, Tree};
use fjord_runtime::{EventDraft, Failure};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED};
use super::{GitRepositories, Pass, announced_if_slow, folder_of, storage_failed};
use crate::Reason;

/// Characters of a commit's subject that an event shows.
const MAX_SUBJECT: usize = 50;

impl GitRepositories {
    /// Stores the commit unless the artifact already is of it and built alike.
    pub(super) async fn store(&self, pass: &mut Pass, checkout: Checkout) -> Result<(), Failure> {
        let revision = checkout.revision.clone();
        let is_new =
            pass.status.artifact.as_ref().map(|a| &a.revision) != Some(&revision.to_string());
        if !is_new && !is_configured_differently(&pass.object, &pass.status) {
            tell_up_to_date(pass, &revision);
            return Ok(());
        }
        if is_new {
            let text = format!("new upstream revision '{revision}'");
            if pass.status.artifact.is_some() {
                pass.conditions
                    .mark_true(ARTIFACT_OUTDATED, Reason::NewRevision, &text);
            }
            let text = format!("building artifact: {text}");
            pass.conditions.mark_progressing(Reason::Progressing, text);
        }
        let archived = |pass: &mut Pass, error: String| {
            let text = format!("unable to archive artifact to storage: {error}");
            storage_failed(pass, Reason::ArchiveOperationFailed, text)
        };
        let path =
            folder_of(pass.key()).and_then(|f| f.join(&format!("{}.tar.gz", revision.commit)));
        let path = path.map_err(|error| archived(pass, error.to_string()))?;
        let (storage, target) = (self.storage.clone(), path.clone());
        let ignore = pass.object.spec.ignore.clone();
        let work = tokio::task::spawn_blocking(move || -> Result<Stored, Error> {
            archive(&storage, &target, &checkout.tree, ignore.as_deref())
        });
        let stored = announced_if_slow(pass, work)
            .await?
            .map_err(|error| archived(pass, error.to_string()))?
            .map_err(|error| archived(pass, error.to_string()))?;
        let now = Timestamp::now();
        pass.status.artifact = Some(Artifact {
            digest: stored.digest.to_string(),
            last_update_time: Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
            metadata: Default::default(),
            url: self.storage.url(&path),
            path: path.to_string(),
            revision: revision.to_string(),
            size: i64::try_from(stored.size).ok(),
        });
        record_configuration(&pass.object, &mut pass.status);
        mark_stored(pass, &revision);
        Ok(())
    }
}

/// Ends a pass that found nothing new.
pub(super) fn is_up_to_date(pass: &mut Pass, selector: &Selector, revision: &Revision) {
    if !selector.is_listed_first() {
        return tell_up_to_date(pass, revision);
    }
    let text = format!("no changes since last reconciliation: observed revision '{revision}'");
    pass.event(EventDraft::trace(Reason::GitOperationSucceeded, text));
    mark_stored(pass, revision);
}

/// Tells whether the artifact was built with other settings than the spec now has.
pub(super) fn is_configured_differently(
    object: &GitRepository,
    status: &GitRepositoryStatus,
) -> bool {
    object.spec.ignore != status.observed_ignore
        || object.spec.recurse_submodules != status.observed_recurse_submodules
        || object.spec.include != status.observed_include
        || object.spec.sparse_checkout != status.observed_sparse_checkout
        || !status.included_artifacts.is_empty()
}

/// Returns the first line of a commit's message, cut as Flux cuts it.
pub(super) fn subject(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(MAX_SUBJECT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

fn tell_up_to_date(pass: &mut Pass, revision: &Revision) {
    let text = format!("artifact up-to-date with remote revision: '{revision}'");
    pass.event(EventDraft::trace(Reason::ArtifactUpToDate, text));
    mark_stored(pass, revision);
}

fn mark_stored(pass: &mut Pass, revision: &Revision) {
    pass.conditions.delete(ARTIFACT_OUTDATED);
    let text = format!("stored artifact for revision '{revision}'");
    pass.conditions
        .mark_true(ARTIFACT_IN_STORAGE, Reason::Succeeded, text);
}

fn record_configuration(object: &GitRepository, status: &mut GitRepositoryStatus) {
    status.observed_ignore.clone_from(&object.spec.ignore);
    status.observed_recurse_submodules = object.spec.recurse_submodules;
    status.observed_include.clone_from(&object.spec.include);
    status
        .observed_sparse_checkout
        .clone_from(&object.spec.sparse_checkout);
    status.included_artifacts.clear();
    status.source_verification_mode = None;
}

/// Writes what the ignore rules leave of the tree; links are left out as in Flux.
fn archive(
    storage: &fjord_artifact::Storage,
    target: &SafePath,
    tree: &Tree,
    ignore: Option<&str>,
) -> Result<Stored, Error> {
    let entries = tree.entries()?;
    let mut rules = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::File { .. }))
    {
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        if name == sourceignore::FILE_NAME {
            rules.push((
                folder,
                String::from_utf8_lossy(&tree.read(entry)?).into_owned(),
            ));
        }
    }
    let rules = rules.iter().map(|(folder, text)| (*folder, text.as_str()));
    let matcher = Matcher::for_source(rules, ignore);
    storage.write(target, |archive| {
        for entry in &entries {
            let is_dir = matches!(entry.kind, Kind::Folder | Kind::Submodule);
            if entry.kind == Kind::Link || matcher.excludes(&entry.path, is_dir) {
                continue;
            }
            let path = SafePath::parse(&entry.path)?;
            match entry.kind {
                Kind::File { executable } => archive.file(&path, executable, &tree.read(entry)?)?,
                // Parity: a submodule that is not fetched is an empty folder.
                Kind::Folder | Kind::Submodule => archive.dir(&path)?,
                Kind::Link => {}
            }
        }
        Ok(())
    })
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Git(#[from] fjord_git::Error),
    #[error(transparent)]
    Path(#[from] fjord_artifact::safe_path::Error),
    #[error(transparent)]
    Storage(#[from] fjord_artifact::storage::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_subject_is_the_first_line_cut_to_fifty_characters() {
        assert_eq!(subject("Second\n\nwith a body"), "Second");
        assert_eq!(
            subject("Add the deployment and a very long subject line that goes on"),
            "Add the deployment and a very long subject line th..."
        );
        assert_eq!(subject(&"ü".repeat(60)), format!("{}...", "ü".repeat(50)));
        assert_eq!(subject(""), "");
    }
}
