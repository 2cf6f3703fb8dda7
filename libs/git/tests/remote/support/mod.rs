//! A real Git server for tests: `git http-backend` behind a small HTTP server that can demand
//! credentials, answer with errors, be slow, and count what it was asked.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;

pub(crate) mod tls;

static COMMITS: AtomicU32 = AtomicU32::new(0);

/// Says how the server behaves; shared with the running server.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// Exact value of the `Authorization` header that is demanded.
    pub(crate) authorization: Option<String>,
    /// Answer given instead of Git's.
    pub(crate) respond: Option<(u16, &'static str)>,
    /// Where to redirect everything below `/moved/`.
    pub(crate) redirect_to: Option<String>,
    /// Whether the server knows only the first version of the protocol.
    pub(crate) is_old: bool,
    /// Time before each answer.
    pub(crate) delay: Duration,
    /// Method and path of each request, with the Git command in its body.
    pub(crate) requests: Vec<String>,
    /// `Authorization` headers seen.
    pub(crate) seen_authorization: Vec<Option<String>>,
}

/// Serves the repositories below a temporary folder.
pub(crate) struct GitServer {
    pub(crate) root: tempfile::TempDir,
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
    pub(crate) address: String,
    scheme: &'static str,
}

impl GitServer {
    /// Starts a server; nothing, with a loud message, where there is no `git`.
    pub(crate) async fn start() -> Option<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (server, app) = Self::prepare(address, "http")?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Some(server)
    }

    /// Starts a server with TLS.
    pub(crate) async fn start_tls(config: Arc<rustls::ServerConfig>) -> Option<Self> {
        let listener = tls::Listener::bind(config).await;
        let address = format!("localhost:{}", listener.port());
        let (server, app) = Self::prepare(address, "https")?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Some(server)
    }

    fn prepare(address: String, scheme: &'static str) -> Option<(Self, Router)> {
        if Command::new("git").arg("--version").output().is_err() {
            eprintln!("SKIPPED: this test needs the program `git`, which is not installed");
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        let behaviour: Arc<Mutex<Behaviour>> = Arc::default();
        let state = (behaviour.clone(), root.path().to_owned());
        let app = Router::new().fallback(answer).with_state(state);
        Some((
            Self {
                root,
                behaviour,
                address,
                scheme,
            },
            app,
        ))
    }

    /// Returns the address of a repository.
    pub(crate) fn url(&self, path: &str) -> url::Url {
        format!("{}://{}/{path}", self.scheme, self.address)
            .parse()
            .unwrap()
    }

    /// Creates an empty repository with a work tree, served as `/<name>.git`.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        let folder = self.root.path().join(format!("{name}.git"));
        std::fs::create_dir_all(&folder).unwrap();
        let repository = Repository { folder };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.lock().unwrap().requests)
    }
}

pub(crate) struct Repository {
    pub(crate) folder: PathBuf,
}

impl Repository {
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        // Each command is a second later than the one before, as the clock of tests is too coarse.
        let date = format!(
            "@{} +0000",
            1_600_000_000 + COMMITS.fetch_add(1, Ordering::Relaxed)
        );
        let output = Command::new("git")
            .args(arguments)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs([
                ("GIT_AUTHOR_NAME", "a"),
                ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "c"),
                ("GIT_COMMITTER_EMAIL", "c@example.com"),
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes files, commits them and returns the commit's id.
    pub(crate) fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            let path = self.folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

type AppState = (Arc<Mutex<Behaviour>>, PathBuf);

async fn answer(State((behaviour, root)): State<AppState>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let authorization = parts
        .headers
        .get(header::AUTHORIZATION)
        .map(|v| v.to_str().unwrap().to_owned());
    let (delay, early, is_old) = {
        let mut behaviour = behaviour.lock().unwrap();
        let command = String::from_utf8_lossy(&body);
        let command = command
            .get(4..)
            .and_then(|text| text.strip_prefix("command="));
        let command = command
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        let line = format!("{} {} {command}", parts.method, parts.uri.path());
        behaviour.requests.push(line.trim_end().to_owned());
        behaviour.seen_authorization.push(authorization.clone());
        let early = if let Some((status, text)) = behaviour.respond {
            Some((StatusCode::from_u16(status).unwrap(), text).into_response())
        } else if behaviour.authorization.is_some() && behaviour.authorization != authorization {
            Some((StatusCode::UNAUTHORIZED, "unauthorized\n").into_response())
        } else if let (Some(path), Some(to)) = (
            parts.uri.path().strip_prefix("/moved"),
            &behaviour.redirect_to,
        ) {
            let to = format!("{to}{path}?{}", parts.uri.query().unwrap_or_default());
            Some((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response())
        } else {
            None
        };
        (behaviour.delay, early, behaviour.is_old)
    };
    tokio::time::sleep(delay).await;
    if let Some(early) = early {
        return early;
    }
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let version = if is_old { "" } else { header("git-protocol") };
    let environment = [
        ("GIT_PROJECT_ROOT", root.to_str().unwrap().to_owned()),
        ("PATH_INFO", parts.uri.path().to_owned()),
        (
            "QUERY_STRING",
            parts.uri.query().unwrap_or_default().to_owned(),
        ),
        ("REQUEST_METHOD", parts.method.to_string()),
        ("CONTENT_TYPE", header("content-type").to_owned()),
        ("GIT_PROTOCOL", version.to_owned()),
    ];
    tokio::task::spawn_blocking(move || http_backend(&root, &environment, &body))
        .await
        .unwrap()
}

fn http_backend(root: &Path, environment: &[(&str, String)], body: &Bytes) -> Response<Body> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .envs([
            ("GIT_HTTP_EXPORT_ALL", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ])
        .env("CONTENT_LENGTH", body.len().to_string())
        .envs([
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
        ])
        .env("GIT_CONFIG_VALUE_0", "*")
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let content = body.clone();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&content)));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let split = output
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..split]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap()),
            name => response.header(name, value),
        };
    }
    response
        .body(Body::from(output[split + 4..].to_vec()))
        .unwrap()
}
