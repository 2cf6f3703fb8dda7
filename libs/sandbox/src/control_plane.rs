//! One real control plane: etcd, the API server and, if wanted, the controller
//! manager, the scheduler and kwok.
//!
//! Owns their folder, ports, certificates, users and audit log. Any number of
//! them run side by side. The API server can be killed and brought back at the
//! same address, which is how outages are made. Fsync is off: nothing here
//! outlives the process, so nothing needs to survive a power cut.

mod audit;
mod files;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::family::{self, Family, Member};
use crate::programs::{self, Program, Programs};

pub use audit::Request as AuditedRequest;
pub use files::User;

/// The user of group `system:masters` that every control plane has.
pub const ADMIN: &str = "admin";
/// How often a start is tried again when another process took a free port.
const PORT_TRIES: usize = 3;
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// What a control plane is to have.
#[derive(Debug, Clone)]
pub struct Options {
    /// Users beside [`ADMIN`].
    pub users: Vec<User>,
    /// Whether the built-in controllers run (garbage collection, Deployments,
    /// namespace deletion, ...).
    pub controllers: bool,
    /// Whether pods are scheduled on a made-up node and become Ready.
    pub pods: bool,
    /// Logs that `kubectl logs` and the like show of pods; needs [`Options::pods`].
    pub logs: Vec<PodLog>,
    /// Whether requests are recorded for [`ControlPlane::requests`].
    pub audit: bool,
}

/// What a pod has logged.
#[derive(Debug, Clone)]
pub struct PodLog {
    /// The namespace of the pod.
    pub namespace: String,
    /// Its name; every container shows the same.
    pub pod: String,
    /// The file, in the format of container runtimes: `2026-01-02T03:04:05Z stderr F line`. It may come and grow later.
    pub file: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            controllers: true,
            pods: false,
            logs: Vec::new(),
            audit: false,
        }
    }
}

/// A running control plane; dropped, it is gone.
#[derive(Debug)]
pub struct ControlPlane {
    programs: Programs,
    options: Options,
    port: u16,
    etcd_port: u16,
    credentials: files::Credentials,
    api_server: Option<Member>,
    others: Vec<Member>,
    family: Family,
}

impl ControlPlane {
    /// Starts a control plane and waits until it is ready.
    pub async fn start(programs: &Programs, options: Options) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::try_start(programs, options.clone()).await {
                Err(Error::PortTaken { program, log }) if attempt < PORT_TRIES => {
                    tracing::warn!(program, log, attempt, "a port was taken, trying others");
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_start(programs: &Programs, options: Options) -> Result<Self, Error> {
        let family = Family::new("control-plane")?;
        let (port, etcd_port, peer_port) = (free_port()?, free_port()?, free_port()?);
        let credentials = files::Credentials::write(family.folder(), port, &options)?;
        let mut plane = Self {
            programs: programs.clone(),
            options,
            port,
            etcd_port,
            credentials,
            api_server: None,
            others: Vec::new(),
            family,
        };
        plane.start_etcd(peer_port)?;
        plane.start_api_server().await?;
        if plane.options.controllers || plane.options.pods {
            plane.start_controller_manager()?;
        }
        if plane.options.pods {
            plane.start_pods().await?;
        }
        Ok(plane)
    }

    /// Returns the API server's address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Lists the processes that run, by name and process id.
    pub fn processes(&self) -> Vec<(String, u32)> {
        let members = self.api_server.iter().chain(&self.others);
        members
            .map(|member| (member.name().to_owned(), member.id()))
            .collect()
    }

    /// Returns the folder with its files and logs.
    pub fn folder(&self) -> &Path {
        self.family.folder()
    }

    /// Returns the processes' family, for more processes that belong to it.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Returns the kubeconfig file of `user`.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.credentials.kubeconfig(user)
    }

    /// Returns where kubectl is.
    pub fn kubectl(&self) -> &Path {
        self.programs.path(Program::Kubectl)
    }

    /// Returns a kubectl command that runs as `user`.
    pub fn kubectl_as(&self, user: &str) -> Command {
        let mut command = Command::new(self.kubectl());
        command
            .env("KUBECONFIG", self.kubeconfig(user))
            .env("KUBECTL_KUBERC", "false");
        command
    }

    /// Returns a client configuration for `user`.
    pub async fn config(&self, user: &str) -> Result<Config, Error> {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig(user))?;
        Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
    }

    /// Returns a client for `user`.
    pub async fn client(&self, user: &str) -> Result<Client, Error> {
        Ok(Client::try_from(self.config(user).await?)?)
    }

    /// Returns every request that `user` made so far, oldest first.
    ///
    /// Needs [`Options::audit`].
    pub fn requests(&self, user: &str) -> Result<Vec<AuditedRequest>, Error> {
        let mut all = audit::read(&self.credentials.audit_log)?;
        all.retain(|request| request.user == user);
        Ok(all)
    }

    /// Kills the API server with SIGKILL, as an outage would.
    pub fn kill_api_server(&mut self) {
        self.api_server = None;
    }

    /// Starts the API server, at the same address as before, and waits for it.
    pub async fn start_api_server(&mut self) -> Result<(), Error> {
        let mut command = Command::new(self.programs.path(Program::ApiServer));
        command
            .arg(format!(
                "--etcd-servers=http://127.0.0.1:{}",
                self.etcd_port
            ))
            .arg(format!("--secure-port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"])
            // Pods start without service-account volumes, which nothing would fill.
            .arg("--disable-admission-plugins=ServiceAccount")
            .args([
                "--service-cluster-ip-range=10.0.0.0/16",
                "--profiling=false",
            ])
            .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
            .args(self.credentials.api_server_flags(self.options.audit));
        let member = self.family.spawn("kube-apiserver", command)?;
        let member = self.wait_until_ready(member).await?;
        self.api_server = Some(member);
        Ok(())
    }

    async fn wait_until_ready(&mut self, mut member: Member) -> Result<Member, Error> {
        let client = self.client(ADMIN).await?;
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            if let Some(etcd) = self.others.iter_mut().find(|other| other.name() == "etcd")
                && etcd.has_ended()
            {
                return Err(ended(etcd));
            }
            if member.has_ended() {
                return Err(ended(&member));
            }
            let ask = client.request_text(request(Method::GET, "/readyz", ""));
            if tokio::time::timeout(Duration::from_secs(5), ask)
                .await
                .is_ok_and(|r| r.is_ok())
            {
                return Ok(member);
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    seconds: READY_TIMEOUT.as_secs(),
                    log: tail(&member),
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn start_etcd(&mut self, peer_port: u16) -> Result<(), Error> {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{peer_port}");
        let mut command = Command::new(self.programs.path(Program::Etcd));
        command
            .arg(format!(
                "--data-dir={}",
                self.family.folder().join("etcd").display()
            ))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=default={peer}"))
            .args(["--unsafe-no-fsync", "--log-level=error"]);
        let member = self.family.spawn("etcd", command)?;
        self.others.push(member);
        Ok(())
    }

    fn start_controller_manager(&mut self) -> Result<(), Error> {
        let mut command = Command::new(self.programs.path(Program::ControllerManager));
        command
            .arg(format!("--kubeconfig={}", self.kubeconfig(ADMIN).display()))
            .arg(format!("--service-account-private-key-file={}", self.credentials.key.display()))
            .arg(format!("--root-ca-file={}", self.credentials.ca.display()))
            .args(["--use-service-account-credentials", "--leader-elect=false"])
            .args(["--bind-address=127.0.0.1", "--secure-port=0", "--profiling=false"])
            // With its default of 20 requests a second it is what a benchmark of a fleet measures.
            .args(["--kube-api-qps=500", "--kube-api-burst=1000"])
            .arg("--controllers=*,-nodeipam,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle");
        let member = self.family.spawn("kube-controller-manager", command)?;
        self.others.push(member);
        Ok(())
    }

    async fn start_pods(&mut self) -> Result<(), Error> {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig(ADMIN).display());
        let mut scheduler = Command::new(self.programs.path(Program::Scheduler));
        scheduler.arg(&kubeconfig).args([
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            "--profiling=false",
        ]);
        self.others
            .push(self.family.spawn("kube-scheduler", scheduler)?);
        let mut kwok = Command::new(self.programs.path(Program::Kwok));
        kwok.arg(&kubeconfig)
            .args(["--manage-all-nodes=true", "--cidr=10.99.0.0/16"])
            .args(self.kubelet_flags()?)
            .env("HOME", self.family.folder())
            .env("TMPDIR", self.family.folder());
        self.others.push(self.family.spawn("kwok", kwok)?);
        let client = self.client(ADMIN).await?;
        client
            .request_text(request(Method::POST, "/api/v1/nodes", files::NODE))
            .await?;
        Ok(())
    }
    /// Returns the flags that make kwok answer for the kubelet of the made-up node where logs are to be shown.
    fn kubelet_flags(&self) -> Result<Vec<String>, Error> {
        if self.options.logs.is_empty() {
            return Ok(vec!["--server-address=".to_owned()]);
        }
        let folder = self.family.folder();
        let config = folder.join("logs.yaml");
        files::put(&config, &files::pod_logs(&self.options.logs))?;
        let port = free_port()?;
        Ok(vec![
            format!("--server-address=127.0.0.1:{port}"),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--node-port={port}"),
            format!("--tls-cert-file={}", folder.join("server.crt").display()),
            format!(
                "--tls-private-key-file={}",
                folder.join("server.key").display()
            ),
            // The long form would keep our program from adding its stages.
            format!("-c={}", config.display()),
        ])
    }
}

/// Returns a port of 127.0.0.1 that nobody listens on right now.
pub fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::NoPort)?;
    Ok(listener.local_addr().map_err(Error::NoPort)?.port())
}

fn request(method: Method, path: &str, body: &str) -> Request<Vec<u8>> {
    let mut request = Request::new(body.as_bytes().to_vec());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

fn ended(member: &Member) -> Error {
    let log = tail(member);
    let program = member.name().to_owned();
    if log.contains("address already in use") {
        Error::PortTaken { program, log }
    } else if log.contains("no space left on device") {
        Error::DiskFull { program }
    } else {
        Error::Ended { program, log }
    }
}

fn tail(member: &Member) -> String {
    member.tail(15)
}

/// Why a control plane could not be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is missing.
    #[error(transparent)]
    Programs(#[from] programs::Error),
    /// A process could not be started.
    #[error(transparent)]
    Family(#[from] family::Error),
    /// No port is free.
    #[error("no free port on 127.0.0.1: is the range of local ports used up?")]
    NoPort(#[source] std::io::Error),
    /// Another process took a port between our look and the program's start.
    #[error("{program} found its port taken by another process; its last words:\n{log}")]
    PortTaken {
        /// The program.
        program: String,
        /// Its last lines.
        log: String,
    },
    /// The disk is full.
    #[error(
        "{program} ended because the disk of the temporary folder is full: free some, or set TMPDIR to another disk"
    )]
    DiskFull {
        /// The program.
        program: String,
    },
    /// A program ended by itself.
    #[error("{program} ended; its last words:\n{log}")]
    Ended {
        /// The program.
        program: String,
        /// Its last lines.
        log: String,
    },
    /// The API server does not become ready.
    #[error("the API server was not ready after {seconds} s; its last words:\n{log}")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// Its last lines.
        log: String,
    },
    /// A certificate could not be made.
    #[error("cannot make the certificates")]
    Certificates(#[from] rcgen::Error),
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The kubeconfig does not work.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The API server refused.
    #[error(transparent)]
    Api(#[from] kube::Error),
}
