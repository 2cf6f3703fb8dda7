//! One synchronisation: list, compare, fetch, and give access to the commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fjord_semver::{Constraint, Version};
use gix::ObjectId;
use gix::protocol::fetch::Shallow;
use url::Url;

use crate::Error;
use crate::error::Phase;
use crate::http::{Cancel, Clients, Credentials, Network};
use crate::mirror::{CommitInfo, Limits, Mirror, depth_one};
use crate::reference::{Revision, Selector};
use crate::remote::{Address, Reference, Remote};
use crate::tree::Tree;

const PEELED: &str = "^{}";
/// Tags of equal precedence (they differ in build metadata) whose commits are compared by time.
const MAX_TIES: usize = 32;

/// Asks for a repository's state.
pub struct Request {
    /// Its address; user and password in it are used if `credentials` are anonymous.
    pub url: Url,
    /// Its address as messages show it ([`shown`]).
    pub shown: String,
    /// What of it.
    pub selector: Selector,
    /// Who asks.
    pub credentials: Credentials,
    /// How to reach it.
    pub network: Network,
    /// Time that the whole may take.
    pub timeout: Duration,
    /// Revision in the status, if there is an artifact of it.
    pub last_seen: Option<String>,
    /// Whether the commit is needed even if it is the one last seen.
    pub always: bool,
    /// Folder of this repository's mirror, used by nobody else.
    pub mirror: PathBuf,
    /// What it may cost.
    pub limits: Limits,
}

/// Returns an address as its owner spelled it, unless there is a password in it.
pub fn shown(spelled: &str, url: &Url) -> String {
    if url.password().is_none() {
        return spelled.to_owned();
    }
    let mut masked = url.clone();
    let _ = masked.set_password(Some("xxxxx"));
    masked.into()
}

/// Tells a repository's state.
pub enum Outcome {
    /// The remote still has what was last seen; nothing was fetched.
    Unchanged(Revision),
    /// The branch's repository has no commit at all.
    Empty,
    /// The commit is in the mirror.
    Commit(Box<Checkout>),
}

/// Gives access to a commit.
pub struct Checkout {
    /// What to write in the status.
    pub revision: Revision,
    /// The commit's message.
    pub message: String,
    /// The commit's files.
    pub tree: Tree,
}

/// Brings the mirror up to date as far as needed.
///
/// Dropping the future ends the work's wait for the network.
pub async fn sync(clients: &Clients, request: Request) -> Result<Outcome, Error> {
    let clients = clients.clone();
    let guard = CancelOnDrop(Arc::default());
    let cancel = guard.0.clone();
    let work = tokio::task::spawn_blocking(move || run(&clients, &request, cancel));
    let result = work.await;
    drop(guard);
    result.unwrap_or_else(|error| {
        Err(Error::Mirror(format!(
            "synchronisation ended early: {error}"
        )))
    })
}

struct CancelOnDrop(Arc<Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What the selector led to.
struct Target {
    /// Objects to choose from; mostly one.
    candidates: Vec<Candidate>,
}

struct Candidate {
    /// What to fetch, possibly a tag object.
    object: ObjectId,
    revision: Revision,
}

fn run(clients: &Clients, request: &Request, cancel: Arc<Cancel>) -> Result<Outcome, Error> {
    if let Selector::Commit { id, branch } = &request.selector
        && let Some(outcome) = run_commit_offline(request, id, branch.as_deref())?
    {
        return Ok(outcome);
    }
    check_name(&request.selector)?;
    let range = match &request.selector {
        Selector::Semver(range) => Some(Constraint::parse(range)?),
        _ => None,
    };
    // Parity: only what is asked about something seen before is told as listing.
    let is_list = match &request.selector {
        Selector::Name(_) => true,
        selector => selector.is_listed_first() && request.last_seen.is_some(),
    };
    let address = Address {
        url: &request.url,
        shown: &request.shown,
        credentials: &request.credentials,
        network: &request.network,
        clients,
        deadline: Instant::now() + request.timeout,
        cancel,
    };
    let phase = if is_list { Phase::List } else { Phase::Clone };
    let mut remote = Remote::connect(&address, &request.limits, phase)?;
    let Some(target) = resolve(&mut remote, request, range.as_ref(), is_list)? else {
        return Ok(Outcome::Empty);
    };
    remote.enter(Phase::Clone);
    if let [only] = target.candidates.as_slice()
        && !request.always
        && request
            .last_seen
            .as_deref()
            .is_some_and(|seen| only.revision.is_written_as(seen))
    {
        return Ok(Outcome::Unchanged(only.revision.clone()));
    }
    let mirror = Mirror::open(
        &request.mirror,
        request.url.as_str(),
        request.limits.clone(),
    )?;
    if let Selector::Commit { id, branch } = &request.selector {
        fetch_commit(remote, &address, &mirror, &target, id, branch.as_deref())?;
    } else {
        let missing: Vec<ObjectId> = target
            .candidates
            .iter()
            .map(|candidate| candidate.object)
            .filter(|object| !mirror.contains(object))
            .collect();
        fetch(&mut remote, &mirror, &missing)?;
    }
    let (candidate, commit) = newest(&mirror, target)?;
    let seen = request.last_seen.as_deref();
    if !request.always && seen.is_some_and(|seen| candidate.revision.is_written_as(seen)) {
        return Ok(Outcome::Unchanged(candidate.revision));
    }
    Ok(checkout(mirror, candidate.revision, commit))
}

/// A pinned commit that was seen or fetched before cannot have changed.
fn run_commit_offline(
    request: &Request,
    id: &str,
    branch: Option<&str>,
) -> Result<Option<Outcome>, Error> {
    let revision = commit_revision(id, branch);
    let is_seen = request
        .last_seen
        .as_deref()
        .is_some_and(|seen| revision.is_written_as(seen));
    if is_seen && !request.always {
        return Ok(Some(Outcome::Unchanged(revision)));
    }
    let object = parse_id(id)?;
    let mirror = Mirror::open(
        &request.mirror,
        request.url.as_str(),
        request.limits.clone(),
    )?;
    if !is_seen || !mirror.contains(&object) {
        return Ok(None);
    }
    let commit = mirror.peel(object)?;
    Ok(Some(checkout(mirror, revision, commit)))
}

fn commit_revision(id: &str, branch: Option<&str>) -> Revision {
    Revision {
        pointer: branch.unwrap_or_default().to_owned(),
        commit: id.to_owned(),
    }
}

fn checkout(mirror: Mirror, revision: Revision, commit: CommitInfo) -> Outcome {
    let tree = Tree::new(mirror, commit.tree);
    Outcome::Commit(Box::new(Checkout {
        revision,
        message: commit.message,
        tree,
    }))
}

fn check_name(selector: &Selector) -> Result<(), Error> {
    match selector {
        Selector::Name(name) if name.starts_with('/') || name.ends_with('/') => {
            Err(Error::InvalidName(name.clone()))
        }
        _ => Ok(()),
    }
}

fn parse_id(id: &str) -> Result<ObjectId, Error> {
    ObjectId::from_hex(id.as_bytes()).map_err(|_| Error::CommitNotFound(id.to_owned()))
}

/// Finds what the selector names at the remote; nothing if a branch's repository is empty.
fn resolve(
    remote: &mut Remote,
    request: &Request,
    range: Option<&Constraint>,
    is_list: bool,
) -> Result<Option<Target>, Error> {
    let missing = |reference: &str| Error::RefNotFound {
        url: request.shown.clone(),
        reference: reference.to_owned(),
    };
    match &request.selector {
        Selector::Branch(branch) => {
            let name = format!("refs/heads/{branch}");
            let found = find(remote, &name)?;
            if found.is_none() && is_empty(remote)? {
                return match is_list {
                    true => Err(Error::ListedEmpty(request.shown.clone())),
                    false => Ok(None),
                };
            }
            let found = found.ok_or_else(|| missing(&name))?;
            Ok(Some(Target::one(found.target, branch, found.peeled)))
        }
        Selector::Tag(tag) => {
            let name = format!("refs/tags/{tag}");
            let found = match find(remote, &name)? {
                Some(found) => found,
                None if is_empty(remote)? => return Err(empty(request, is_list)),
                None => return Err(missing(&name)),
            };
            Ok(Some(Target::one(found.target, tag, found.peeled)))
        }
        Selector::Name(name) => {
            let plain = name.strip_suffix(PEELED).unwrap_or(name);
            let found = match find(remote, plain)? {
                Some(found) => found,
                None if is_empty(remote)? => return Err(empty(request, is_list)),
                None => return Err(Error::NameNotFound(name.clone())),
            };
            Ok(Some(Target::one(found.target, name, found.peeled)))
        }
        Selector::Semver(text) => {
            let tags = remote.list(&["refs/tags/"])?;
            if tags.is_empty() && is_empty(remote)? {
                return Err(empty(request, is_list));
            }
            let target = range
                .map(|range| highest(tags, range))
                .filter(|t| !t.candidates.is_empty());
            target.map(Some).ok_or_else(|| Error::NoMatch(text.clone()))
        }
        Selector::Commit { id, branch } => {
            let object = parse_id(id)?;
            let revision = commit_revision(id, branch.as_deref());
            Ok(Some(Target {
                candidates: vec![Candidate { object, revision }],
            }))
        }
    }
}

fn empty(request: &Request, is_list: bool) -> Error {
    let url = request.shown.clone();
    if is_list {
        Error::ListedEmpty(url)
    } else {
        Error::Empty(url)
    }
}

fn find(remote: &mut Remote, name: &str) -> Result<Option<Reference>, Error> {
    Ok(remote
        .list(&[name])?
        .into_iter()
        .find(|reference| reference.name == name))
}

/// Asked only when something is missing, to tell an empty repository from a wrong name.
fn is_empty(remote: &mut Remote) -> Result<bool, Error> {
    Ok(remote.list(&["HEAD", "refs/"])?.is_empty())
}

impl Target {
    fn one(object: ObjectId, pointer: &str, commit: ObjectId) -> Self {
        let revision = Revision {
            pointer: pointer.to_owned(),
            commit: commit.to_string(),
        };
        Self {
            candidates: vec![Candidate { object, revision }],
        }
    }
}

/// Returns the tags with the highest version in the range.
fn highest(tags: Vec<Reference>, range: &Constraint) -> Target {
    let mut best: Option<Version> = None;
    let mut candidates = Vec::new();
    for tag in tags {
        let name = tag.name.strip_prefix("refs/tags/").unwrap_or(&tag.name);
        let Some(version) = Version::parse_tag(name) else {
            continue;
        };
        if !range.accepts(&version) || best.as_ref().is_some_and(|best| version < *best) {
            continue;
        }
        if best.as_ref().is_none_or(|best| version > *best) {
            candidates.clear();
            best = Some(version);
        }
        let revision = Revision {
            pointer: name.to_owned(),
            commit: tag.peeled.to_string(),
        };
        candidates.push(Candidate {
            object: tag.target,
            revision,
        });
    }
    candidates.truncate(MAX_TIES);
    Target { candidates }
}

/// Chooses by commit time where versions are equal.
fn newest(mirror: &Mirror, target: Target) -> Result<(Candidate, CommitInfo), Error> {
    let mut best: Option<(Candidate, CommitInfo)> = None;
    for candidate in target.candidates {
        let commit = mirror.peel(candidate.object)?;
        if best
            .as_ref()
            .is_none_or(|(_, best)| commit.committed >= best.committed)
        {
            best = Some((candidate, commit));
        }
    }
    let (mut candidate, commit) =
        best.ok_or_else(|| Error::Mirror("nothing was fetched".into()))?;
    candidate.revision.commit = commit.id.to_string();
    Ok((candidate, commit))
}

fn fetch(remote: &mut Remote, mirror: &Mirror, missing: &[ObjectId]) -> Result<(), Error> {
    if missing.is_empty() {
        return Ok(());
    }
    let shallow = if remote.can_be_shallow() {
        depth_one()
    } else {
        Shallow::NoChange
    };
    remote.fetch(missing, mirror, shallow)
}

/// Fetches a pinned commit: by its id, which nearly every server allows, else with the history of
/// its branch (or of all branches).
fn fetch_commit(
    mut remote: Remote,
    address: &Address<'_>,
    mirror: &Mirror,
    target: &Target,
    id: &str,
    branch: Option<&str>,
) -> Result<(), Error> {
    let Some(candidate) = target.candidates.first() else {
        return Ok(());
    };
    if mirror.contains(&candidate.object) {
        return Ok(());
    }
    match fetch(&mut remote, mirror, &[candidate.object]) {
        Ok(()) if mirror.contains(&candidate.object) => return Ok(()),
        // The server refused the id or does not have it.
        Ok(()) | Err(Error::Protocol { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut remote = Remote::connect(address, &mirror.limits, Phase::Clone)?;
    let prefix = format!("refs/heads/{}", branch.unwrap_or_default());
    let mut tips = remote.list(&[&prefix])?;
    tips.retain(|tip| branch.is_none() || tip.name == prefix);
    if tips.is_empty() {
        let url = address.shown.to_owned();
        return Err(match branch {
            Some(_) if !is_empty(&mut remote)? => Error::RefNotFound {
                url,
                reference: prefix,
            },
            _ => Error::Empty(url),
        });
    }
    let tips: Vec<ObjectId> = tips.into_iter().map(|tip| tip.target).collect();
    remote.fetch(&tips, mirror, Shallow::undo())?;
    if mirror.contains(&candidate.object) {
        return Ok(());
    }
    Err(Error::CommitNotFound(id.to_owned()))
}
