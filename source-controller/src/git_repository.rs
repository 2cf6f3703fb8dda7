//! GitRepository: the story of one pass.
//!
//! What is not built yet is refused by the field's name before anything else happens (`refused`).
//! A pass that finds nothing new costs one listing at the remote and no read from disk but a look
//! at the artifact's file. Surprise: the reason `Unsupported` is ours, not Flux's.

mod artifact;
mod conditions;
mod refused;
mod storage;

use std::path::PathBuf;
use std::time::Duration;

use fjord_artifact::{SafePath, Storage};
use fjord_crds::source::v1::{GitRepository, GitRepositoryStatus};
use fjord_git::{Checkout, Clients, Network, Outcome as Found, Request, Revision, Selector};
use fjord_runtime::{
    End, EventDraft, Failure, ObjectKey, Outcome, Reconciler, Requeue, Retry, Verdict, summary,
};
use kube::Client;
use url::Url;

use crate::{Reason, secrets};
use conditions::{
    ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, FETCH_FAILED, POLARITY, STORAGE_OPERATION_FAILED,
};

type Pass = fjord_runtime::Pass<GitRepository, GitRepositoryStatus>;

/// `spec.timeout` where an object lacks the schema's default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// Work that takes longer than this is announced in the status.
const SLOW: Duration = Duration::from_secs(1);

/// Reconciles GitRepositories.
pub struct GitRepositories {
    /// Reads Secrets.
    pub client: Client,
    /// Keeps the artifacts.
    pub storage: Storage,
    /// Folder of the mirrors, one below it per object.
    pub mirrors: PathBuf,
    /// Reaches the remotes.
    pub clients: Clients,
}

impl Reconciler for GitRepositories {
    type Kind = GitRepository;
    type Status = GitRepositoryStatus;

    fn suspended(&self, object: &GitRepository) -> bool {
        object.spec.suspend
    }

    async fn reconcile(&self, pass: &mut Pass) -> Result<Outcome, Failure> {
        let before = conditions::begin(pass);
        refused::check(&pass.object.spec).map_err(|failure| fetch_failed(pass, failure))?;
        self.check_storage(pass).await?;
        let request = self
            .request(pass)
            .await
            .map_err(|failure| fetch_failed(pass, failure))?;
        let selector = request.selector.clone();
        let found = self
            .fetch(pass, request)
            .await
            .map_err(|failure| fetch_failed(pass, failure))?;
        pass.conditions.delete(FETCH_FAILED);
        match found {
            Fetched::Unchanged(revision) => {
                artifact::is_up_to_date(pass, &selector, &revision);
                before.tell(pass, &revision.to_string());
            }
            Fetched::Commit(checkout) => {
                let subject = artifact::subject(&checkout.message);
                self.store(pass, *checkout).await?;
                before.tell(pass, &subject);
            }
        }
        Ok(Outcome::done(Requeue::Interval(
            pass.object.spec.interval.as_std(),
        )))
    }

    async fn finalize(&self, pass: &mut Pass) -> Result<Outcome, Failure> {
        let failed = |error: String| {
            let text = format!("garbage collection for deleted resource failed: {error}");
            Failure::new(Reason::GarbageCollectionFailed, text).event()
        };
        let folder = folder_of(pass.key()).map_err(|error| failed(error.to_string()))?;
        let (storage, mirror) = (self.storage.clone(), self.mirror_of(pass.key()));
        let removed = tokio::task::spawn_blocking(move || {
            let _ = std::fs::remove_dir_all(mirror);
            storage.remove_folder(&folder)
        });
        let removed = removed.await.map_err(|error| failed(error.to_string()))?;
        if removed.map_err(|error| failed(error.to_string()))? {
            let text = "garbage collected artifacts for deleted resource";
            pass.event(EventDraft::trace(Reason::GarbageCollectionSucceeded, text));
        }
        pass.status.artifact = None;
        Ok(Outcome::done(Requeue::Never))
    }

    fn summarize(&self, pass: &mut Pass, end: End<'_>) -> Verdict {
        summary::source(&mut pass.conditions, &end, &POLARITY)
    }
}

enum Fetched {
    Unchanged(Revision),
    Commit(Box<Checkout>),
}

impl GitRepositories {
    /// Builds the request: proxy, address, credentials, and what was seen before.
    async fn request(&self, pass: &mut Pass) -> Result<Request, Failure> {
        let spec = &pass.object.spec;
        let namespace = &pass.key().namespace;
        let proxy = match &spec.proxy_secret_ref {
            Some(secret) => Some(secrets::proxy(&self.client, namespace, &secret.name).await?),
            None => None,
        };
        let url = Url::parse(&spec.url).map_err(|error| {
            let text = format!("failed to parse url '{0}': parse {0:?}: {error}", spec.url);
            Failure::new(Reason::URLInvalid, text).retry(Retry::Never)
        })?;
        let (credentials, network) = match &spec.secret_ref {
            Some(secret) => {
                secrets::authentication(&self.client, namespace, &secret.name, &url).await?
            }
            None => (secrets::from_address(&url)?, Network::default()),
        };
        let is_stored = pass.conditions.is_true(ARTIFACT_IN_STORAGE);
        let artifact = pass.status.artifact.as_ref().filter(|_| is_stored);
        Ok(Request {
            shown: fjord_git::shown(&spec.url, &url),
            url,
            selector: selector_of(&pass.object),
            credentials,
            network: Network { proxy, ..network },
            timeout: spec
                .timeout
                .as_ref()
                .map_or(DEFAULT_TIMEOUT, |timeout| timeout.as_std()),
            last_seen: artifact.map(|artifact| artifact.revision.clone()),
            always: artifact::is_configured_differently(&pass.object, &pass.status),
            mirror: self.mirror_of(pass.key()),
            limits: fjord_git::Limits::default(),
        })
    }

    /// Asks the remote, and announces in the status what takes long.
    async fn fetch(&self, pass: &mut Pass, request: Request) -> Result<Fetched, Failure> {
        pass.conditions.delete(ARTIFACT_OUTDATED);
        let work = fjord_git::sync(&self.clients, request);
        let found = announced_if_slow(pass, work).await?.map_err(|error| {
            let text = format!("failed to checkout and determine revision: {error}");
            Failure::new(Reason::GitOperationFailed, text)
        })?;
        match found {
            Found::Unchanged(revision) => Ok(Fetched::Unchanged(revision)),
            Found::Commit(checkout) => Ok(Fetched::Commit(checkout)),
            Found::Empty => Err(Failure::new(
                Reason::EmptyGitRepository,
                "git repository is empty",
            )),
        }
    }

    /// The name may hold dots but no slash, so that it is one folder.
    fn mirror_of(&self, key: &ObjectKey) -> PathBuf {
        self.mirrors.join(&*key.namespace).join(&*key.name)
    }
}

/// Waits for `work`, and patches the status meanwhile if that takes long.
async fn announced_if_slow<T>(
    pass: &mut Pass,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::pin!(work);
    match tokio::time::timeout(SLOW, &mut work).await {
        Ok(done) => Ok(done),
        Err(_) => {
            pass.publish().await?;
            Ok(work.await)
        }
    }
}

fn selector_of(object: &GitRepository) -> Selector {
    let reference = object.spec.reference.clone().unwrap_or_default();
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Selector::from_fields(
        &text(&reference.branch),
        &text(&reference.tag),
        &text(&reference.semver),
        &text(&reference.name),
        &text(&reference.commit),
    )
}

/// Returns the object's folder in the storage.
fn folder_of(key: &ObjectKey) -> Result<SafePath, fjord_artifact::safe_path::Error> {
    SafePath::parse(&format!("gitrepository/{}/{}", key.namespace, key.name))
}

fn fetch_failed(pass: &mut Pass, failure: Failure) -> Failure {
    pass.conditions
        .mark_true(FETCH_FAILED, failure.reason.clone(), &failure.message);
    failure.event()
}

fn storage_failed(pass: &mut Pass, reason: Reason, message: String) -> Failure {
    pass.conditions
        .mark_true(STORAGE_OPERATION_FAILED, reason, &message);
    Failure::new(reason, message).event()
}

impl From<secrets::Error> for Failure {
    fn from(error: secrets::Error) -> Self {
        Self::new(error.reason, error.message)
    }
}
