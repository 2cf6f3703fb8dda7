//! Remote bases: files and Git repositories that a kustomization names by URL.
//!
//! A [`Session`] serves one build: it is the build's file system with the checkouts of remote bases
//! laid beside the local files, and it fetches what the engine asks for. Checkouts are never written
//! out: files are read from the fetched pack. What is fetched is bounded in size, time, number and
//! hosts, and is gone with the session, so that a later build sees what the server has by then.
//!
//! Over HTTP(S) only, and without submodules; other ways are refused by name. Must be used on a
//! thread that may block, within a tokio runtime.

mod checkout;
mod hosts;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fjord_crds::GoDuration;
use fjord_git::{Clients, Credentials, Network, Outcome, Request, Selector};
use fjord_kustomize::fs::{Error as FsError, Place, clean, join, within};
use fjord_kustomize::{FileSystem, RemoteRoot, RemoteSource, RepositoryUrl};
use reqwest::{Client, Url};
use tokio::runtime::Handle;

use checkout::Checkout;
pub use hosts::Hosts;

/// How long one file may take.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one repository may take where its URL does not say so (kustomize's default).
const REPOSITORY_TIMEOUT: Duration = Duration::from_secs(27);
/// The longest time that a URL may ask for.
const REPOSITORY_TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Bytes of one file.
const FILE_BYTES: usize = 32 << 20;
/// Files and repositories of one build.
const FETCHES: usize = 200;

/// What one repository may cost.
fn limits() -> fjord_git::Limits {
    fjord_git::Limits {
        pack_bytes: 512 << 20,
        object_bytes: FILE_BYTES as u64,
        ..fjord_git::Limits::default()
    }
}

/// Fetches for any number of builds; cheap to clone.
#[derive(Clone)]
pub struct Remotes {
    hosts: Hosts,
    /// Made on first use: most fleets have no remote base, and roots and pools cost memory.
    clients: Arc<OnceLock<Result<Web, String>>>,
}

struct Web {
    files: Client,
    repositories: Clients,
}

impl Remotes {
    /// Fetches from these hosts, with the usual environment variables for proxies and roots.
    pub fn new(hosts: Hosts) -> Self {
        Self {
            hosts,
            clients: Arc::default(),
        }
    }

    fn clients(&self) -> Result<&Web, String> {
        let make = || {
            let files = Client::builder()
                .user_agent(concat!("fjord/", env!("CARGO_PKG_VERSION")))
                .timeout(FILE_TIMEOUT)
                .redirect(self.hosts.clone().redirects())
                .build()
                .map_err(|error| causes(&error))?;
            let repositories = Clients::new().map_err(|error| error.to_string())?;
            Ok(Web {
                files,
                repositories,
            })
        };
        self.clients
            .get_or_init(make)
            .as_ref()
            .map_err(String::clone)
    }

    /// Begins a build over these files.
    pub fn session<'a>(&'a self, local: &'a dyn FileSystem) -> Session<'a> {
        Session {
            remotes: self,
            local,
            scratch: OnceLock::new(),
            state: Mutex::default(),
        }
    }
}

/// The files and remote bases of one build.
pub struct Session<'a> {
    remotes: &'a Remotes,
    local: &'a dyn FileSystem,
    /// Where packs go; most builds need none.
    scratch: OnceLock<Result<tempfile::TempDir, String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetches: usize,
    /// By clone URL and reference.
    checkouts: HashMap<(String, Option<String>), Checkout>,
}

impl Session<'_> {
    /// Whether anything was asked of a server, so that the same files may build to something else
    /// tomorrow.
    pub fn was_remote(&self) -> bool {
        self.state().fetches > 0
    }

    fn scratch(&self) -> Result<&Path, String> {
        let make = || tempfile::Builder::new().prefix("kustomize-").tempdir();
        let made = self
            .scratch
            .get_or_init(|| make().map_err(|error| error.to_string()));
        match made {
            Ok(folder) => Ok(folder.path()),
            Err(error) => Err(format!("no place for a remote base: {error}")),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a fetch and checks where it goes.
    fn admit(&self, url: &Url) -> Result<usize, String> {
        let host = url.host_str().unwrap_or_default();
        if !self.remotes.hosts.allow(host) {
            return Err(Hosts::refusal(host));
        }
        let mut state = self.state();
        state.fetches += 1;
        if state.fetches > FETCHES {
            return Err(format!(
                "more than {FETCHES} remote files and bases in one build"
            ));
        }
        Ok(state.fetches)
    }

    /// Runs `look` on the checkout that a path lies in, if it lies in one.
    fn in_checkout<T>(&self, path: &str, look: impl FnOnce(&Checkout) -> T) -> Option<T> {
        let state = self.state();
        let found = state.checkouts.values().find(|c| within(path, c.folder()));
        found.map(look)
    }

    async fn download(&self, url: Url) -> Result<Vec<u8>, String> {
        let failed = |error: reqwest::Error| format!("Get {:?}: {}", masked(&url), causes(&error));
        let client = &self.remotes.clients()?.files;
        let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
        let status = answer.status();
        if !status.is_success() {
            let reason = status.canonical_reason().unwrap_or_default();
            let text = format!("HTTP Error: status code {} ({reason})", status.as_u16());
            // Parity: an address that is also a repository's is tried as one.
            let repository = RepositoryUrl::parse(url.as_str()).is_some();
            return Err(if repository {
                "URL is a git repository".to_owned()
            } else {
                text
            });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > FILE_BYTES {
                return Err(format!(
                    "{:?} has more than {FILE_BYTES} bytes",
                    masked(&url)
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn clone(
        &self,
        wanted: &RepositoryUrl,
        url: Url,
        number: usize,
    ) -> Result<Checkout, String> {
        let (scratch, repositories) = (self.scratch()?, &self.remotes.clients()?.repositories);
        let mut last = String::new();
        for selector in selectors(wanted.reference.as_deref()) {
            let request = Request {
                shown: fjord_git::shown(&wanted.clone_url, &url),
                url: url.clone(),
                selector,
                credentials: Credentials::Anonymous,
                network: Network::default(),
                timeout: timeout(wanted),
                last_seen: None,
                always: true,
                mirror: scratch.join(number.to_string()),
                limits: limits(),
            };
            match fjord_git::sync(repositories, request).await {
                Ok(Outcome::Commit(found)) => {
                    let folder = clean(&format!("{}/base-{number}", scratch.display()));
                    return Checkout::new(folder, found.tree, wanted.submodules);
                }
                Ok(_) => return Err(format!("'{}' has no commit", masked(&url))),
                Err(error @ fjord_git::Error::RefNotFound { .. }) => last = error.to_string(),
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(last)
    }
}

impl RemoteSource for Session<'_> {
    fn file(&self, url: &str) -> Result<Vec<u8>, String> {
        let url = Url::parse(url).map_err(|error| format!("parse {url:?}: {error}"))?;
        self.admit(&url)?;
        Handle::current().block_on(self.download(url))
    }

    fn repository(&self, text: &str) -> Result<RemoteRoot, String> {
        let wanted =
            RepositoryUrl::parse(text).ok_or_else(|| format!("'{text}' is no repository"))?;
        let key = (wanted.clone_url.clone(), wanted.reference.clone());
        let known = self
            .state()
            .checkouts
            .get(&key)
            .map(|c| c.folder().to_owned());
        let folder = match known {
            Some(folder) => folder,
            None => {
                let url = over_http(&wanted)?;
                let number = self.admit(&url)?;
                let found = Handle::current().block_on(self.clone(&wanted, url, number))?;
                let folder = found.folder().to_owned();
                self.state().checkouts.insert(key, found);
                folder
            }
        };
        let root = match self.resolve(&join(&folder, &wanted.path)) {
            Ok(Place::Dir(root)) => root,
            Ok(Place::File(..)) => return Err(format!("'{}' is a file of {text}", wanted.path)),
            Err(error) => return Err(format!("no folder '{}' in {text}: {error}", wanted.path)),
        };
        Ok(RemoteRoot {
            clone_dir: folder,
            root,
        })
    }
}

impl FileSystem for Session<'_> {
    fn resolve(&self, path: &str) -> Result<Place, FsError> {
        let inside = self.in_checkout(path, |checkout| checkout.resolve(path));
        inside.unwrap_or_else(|| self.local.resolve(path))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, FsError> {
        let inside = self.in_checkout(path, |checkout| checkout.read(path));
        inside.unwrap_or_else(|| self.local.read(path))
    }
}

fn over_http(wanted: &RepositoryUrl) -> Result<Url, String> {
    let clone_url = &wanted.clone_url;
    if !clone_url.starts_with("https://") && !clone_url.starts_with("http://") {
        return Err(format!(
            "remote base '{clone_url}' is not supported yet: only http:// and https:// are"
        ));
    }
    Url::parse(clone_url).map_err(|error| format!("parse {clone_url:?}: {error}"))
}

/// What a `ref` may mean, in the order in which Git tries it.
fn selectors(reference: Option<&str>) -> Vec<Selector> {
    match reference {
        None => vec![Selector::Name("HEAD".to_owned())],
        Some(name) if name.starts_with("refs/") || name == "HEAD" => {
            vec![Selector::Name(name.to_owned())]
        }
        Some(name) if name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let id = name.to_ascii_lowercase();
            vec![Selector::Commit { id, branch: None }]
        }
        Some(name) => vec![
            Selector::Tag(name.to_owned()),
            Selector::Branch(name.to_owned()),
        ],
    }
}

/// Parity: a number counts seconds, anything else is a Go duration; what cannot be read counts not.
fn timeout(wanted: &RepositoryUrl) -> Duration {
    let asked = wanted
        .timeout
        .as_deref()
        .and_then(|text| match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => text
                .parse::<GoDuration>()
                .ok()
                .map(|duration| duration.as_std()),
        });
    let asked = asked.filter(|duration| !duration.is_zero());
    asked
        .unwrap_or(REPOSITORY_TIMEOUT)
        .min(REPOSITORY_TIMEOUT_MAX)
}

/// Shows an address without its password.
fn masked(url: &Url) -> String {
    fjord_git::shown(url.as_str(), url)
}

fn causes(error: &reqwest::Error) -> String {
    // The address is told before, its password masked.
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() {
        text.push_str(if error.is_timeout() {
            "timed out"
        } else {
            "request failed"
        });
    }
    text
}

#[cfg(test)]
mod tests;
