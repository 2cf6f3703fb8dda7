//! A real Git server over HTTP(S): `git http-backend` behind a small front.
//!
//! Owns access control (basic, bearer, client certificates), and the troubles
//! that tests want to see (delays, refusals). What Git says comes from Git
//! itself. Repositories are bare folders directly under [`GitServer::folder`],
//! and whoever may read may also push.

mod backend;
mod tls;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Who may read and push.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Everyone.
    #[default]
    Anyone,
    /// Whoever sends this user name and password.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: String,
    },
    /// Whoever sends this token.
    Bearer(String),
}

/// How a server is reached.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Speaks TLS with a certificate for `127.0.0.1` and `localhost`.
    pub tls: bool,
    /// Asks for a client certificate too; needs `tls`.
    pub client_certificates: bool,
}

/// A running Git server; dropped, it answers no more.
#[derive(Debug)]
pub struct GitServer {
    folder: tempfile::TempDir,
    url: String,
    identity: Option<tls::Identity>,
    behaviour: Arc<Behaviour>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Behaviour {
    root: PathBuf,
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    access: Access,
    delay: Duration,
    refusal: Option<StatusCode>,
    seen: Vec<String>,
}

impl GitServer {
    /// Starts a server on a free port of 127.0.0.1.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("fjord-git-").tempdir()?;
        let behaviour = Arc::new(Behaviour {
            root: folder.path().to_owned(),
            now: RwLock::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&behaviour));
        let (scheme, identity, task) = if options.tls {
            let identity = tls::Identity::new()?;
            let listener = tls::Listener::new(listener, &identity, options.client_certificates)?;
            let task = tokio::spawn(async move {
                // axum's accept loop never returns an error.
                let _ = axum::serve(listener, app).await;
            });
            ("https", Some(identity), task)
        } else {
            let task = tokio::spawn(async move {
                let _ = axum::serve(listener, app).await;
            });
            ("http", None, task)
        };
        let url = format!("{scheme}://127.0.0.1:{port}");
        Ok(Self {
            folder,
            url,
            identity,
            behaviour,
            task,
        })
    }

    /// Returns the folder whose bare repositories are served.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address of one repository.
    pub fn repository_url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.url)
    }

    /// Returns the PEM of the authority that signed the server's certificate.
    pub fn ca(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.ca.as_str())
    }

    /// Returns the PEMs of a client's certificate and key that the server takes.
    pub fn client_certificate(&self) -> Option<(&str, &str)> {
        let identity = self.identity.as_ref()?;
        Some((&identity.client_certificate, &identity.client_key))
    }

    /// Changes who may read and push from now on.
    pub fn set_access(&self, access: Access) {
        self.behaviour.write().access = access;
    }

    /// Waits this long before each answer from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.behaviour.write().delay = delay;
    }

    /// Answers everything with this status from now on; `None` ends it.
    pub fn set_refusal(&self, status: Option<StatusCode>) {
        self.behaviour.write().refusal = status;
    }

    /// Returns method and path of each request so far, and forgets them.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.write().seen)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Behaviour {
    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Now> {
        self.now
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes the request and decides: how long to wait, and what to say if not
    /// what Git says.
    fn decide(&self, request: &Request) -> (Duration, Option<StatusCode>) {
        let mut now = self.write();
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        now.seen.push(format!("{} {path}", request.method()));
        let verdict = match now.refusal {
            None if !now.access.admits(request.headers()) => Some(StatusCode::UNAUTHORIZED),
            other => other,
        };
        (now.delay, verdict)
    }
}

impl Access {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let wanted = match self {
            Self::Anyone => return true,
            Self::Basic { username, password } => {
                let pair = format!("{username}:{password}");
                format!(
                    "Basic {}",
                    base64::engine::general_purpose::STANDARD.encode(pair)
                )
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        };
        let sent = headers
            .get(header::AUTHORIZATION)
            .map_or(&b""[..], HeaderValue::as_bytes);
        wanted.as_bytes().ct_eq(sent).into()
    }
}

async fn answer(State(behaviour): State<Arc<Behaviour>>, request: Request) -> Response {
    let (delay, verdict) = behaviour.decide(&request);
    tokio::time::sleep(delay).await;
    match verdict {
        Some(StatusCode::UNAUTHORIZED) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
            (StatusCode::UNAUTHORIZED, challenge, "unauthorized\n").into_response()
        }
        Some(status) => (status, format!("{status}\n")).into_response(),
        None => backend::run(&behaviour.root, request)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "git http-backend");
                (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response()
            }),
    }
}

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder or port.
    #[error("cannot start the Git server")]
    Start(#[from] std::io::Error),
    /// The certificates.
    #[error("cannot make the Git server's certificates")]
    Certificates(#[from] rcgen::Error),
    /// The TLS set-up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The client certificate verifier.
    #[error("cannot set up the check of client certificates")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}
