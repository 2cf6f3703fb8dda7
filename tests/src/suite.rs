//! A suite of controllers as child processes on a real control plane: ours, or the real Flux's.
//!
//! Each controller is its own API user, so that the audit log tells who asked for what. Both
//! suites take the same flags and are reached the same way; what differs is the folder of programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fjord_sandbox::{
    ControlPlane, Family, Member, Options, Programs, User, definitions, free_port,
};
use kube::Client;

/// The controllers a suite can have, in the order in which they are started.
pub const CONTROLLERS: [&str; 3] = [
    "source-controller",
    "kustomize-controller",
    "notification-controller",
];

/// How long a program may take to answer its health probe.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A control plane with controllers on it; dropped, all is gone.
pub struct Suite {
    /// The control plane.
    pub plane: ControlPlane,
    /// A client of the administrator.
    pub client: Client,
    programs: PathBuf,
    flags: BTreeMap<&'static str, Vec<String>>,
    running: BTreeMap<&'static str, Running>,
    ports: Ports,
    family: Family,
}

struct Running {
    member: Member,
    metrics: u16,
}

#[derive(Clone, Copy)]
struct Ports {
    storage: u16,
    events: u16,
    receiver: u16,
}

impl Suite {
    /// Starts a control plane with the Flux CRDs on it, and no controller yet.
    pub async fn new(programs: PathBuf, options: Options) -> Result<Self> {
        let mut options = options;
        options
            .users
            .extend(CONTROLLERS.iter().map(|name| User::master(name)));
        let control_plane =
            tokio::task::spawn_blocking(|| Programs::ready(|line| eprintln!("{line}"))).await??;
        let plane = ControlPlane::start(&control_plane, options).await?;
        let client = plane.client(fjord_sandbox::ADMIN).await?;
        let definitions = fjord_crds::manifest::definitions()?;
        definitions::install(&client, "fjord-tests", &definitions).await?;
        let ports = Ports {
            storage: free_port()?,
            events: free_port()?,
            receiver: free_port()?,
        };
        Ok(Self {
            client,
            programs,
            flags: BTreeMap::new(),
            running: BTreeMap::new(),
            ports,
            family: Family::new("suite")?,
            plane,
        })
    }

    /// Adds flags to every later start of a controller.
    pub fn flags<'a>(
        &mut self,
        controller: &'static str,
        flags: impl IntoIterator<Item = &'a str>,
    ) {
        self.flags
            .entry(controller)
            .or_default()
            .extend(flags.into_iter().map(str::to_owned));
    }

    /// Takes the programs of later starts from another folder.
    pub fn use_programs(&mut self, folder: PathBuf) {
        self.programs = folder;
    }

    /// Starts controllers and waits until each answers its probe.
    pub async fn start(&mut self, controllers: &[&'static str]) -> Result<()> {
        for controller in controllers {
            let (metrics, health) = (free_port()?, free_port()?);
            let member = self
                .family
                .spawn(controller, self.command(controller, metrics, health)?)?;
            self.running.insert(controller, Running { member, metrics });
            self.until_healthy(controller, health).await?;
        }
        Ok(())
    }

    /// Kills a controller with SIGKILL.
    pub fn kill(&mut self, controller: &str) {
        self.running.remove(controller);
    }

    /// Asks a controller to stop, and returns whether it did so by itself.
    pub async fn stop(&mut self, controller: &str) -> bool {
        match self.running.remove(controller) {
            Some(mut running) => running.member.stop(Duration::from_secs(15)).await,
            None => true,
        }
    }

    /// Returns what a controller logged so far.
    pub fn log(&self, controller: &str) -> Result<String> {
        let running = self
            .running
            .get(controller)
            .context("the controller does not run")?;
        Ok(std::fs::read_to_string(running.member.log())?)
    }

    /// Returns the address of a controller's metrics.
    pub fn metrics_url(&self, controller: &str) -> Result<String> {
        let running = self
            .running
            .get(controller)
            .context("the controller does not run")?;
        Ok(format!("http://127.0.0.1:{}/metrics", running.metrics))
    }

    /// Returns the address that takes events by POST.
    pub fn events_url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.ports.events)
    }

    /// Returns the address of the Receivers' server.
    pub fn receiver_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.receiver)
    }

    /// Returns what a controller used so far.
    pub fn usage(&self, controller: &str) -> Result<Usage> {
        let running = self
            .running
            .get(controller)
            .context("the controller does not run")?;
        Usage::of(running.member.id())
    }

    fn command(&self, controller: &str, metrics: u16, health: u16) -> Result<Command> {
        let program = self.programs.join(controller);
        ensure!(
            program.is_file(),
            "no {controller} in {}",
            self.programs.display()
        );
        let mut command = Command::new(program);
        let folder = self.family.folder();
        let temporary = folder.join("tmp");
        std::fs::create_dir_all(&temporary)?;
        command
            .env("KUBECONFIG", self.plane.kubeconfig(controller))
            .env("RUNTIME_NAMESPACE", "flux-system")
            .env("TMPDIR", &temporary)
            .arg(format!("--metrics-addr=127.0.0.1:{metrics}"))
            .arg(format!("--health-addr=127.0.0.1:{health}"))
            .args(["--log-encoding=json", "--enable-leader-election=false"]);
        match controller {
            "source-controller" => {
                let storage = folder.join("storage");
                std::fs::create_dir_all(&storage)?;
                command
                    .arg(format!("--storage-path={}", storage.display()))
                    .arg(format!("--storage-addr=127.0.0.1:{}", self.ports.storage))
                    .arg(format!(
                        "--storage-adv-addr=127.0.0.1:{}",
                        self.ports.storage
                    ));
            }
            "notification-controller" => {
                command
                    .arg(format!("--events-addr=127.0.0.1:{}", self.ports.events))
                    .arg(format!("--receiverAddr=127.0.0.1:{}", self.ports.receiver));
            }
            _ => {}
        }
        command.args(self.flags.get(controller).into_iter().flatten());
        Ok(command)
    }

    async fn until_healthy(&mut self, controller: &str, port: u16) -> Result<()> {
        let url = format!("http://127.0.0.1:{port}/readyz");
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        loop {
            if reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            let running = self.running.get_mut(controller).context("just started")?;
            if running.member.has_ended() || tokio::time::Instant::now() > deadline {
                bail!("{controller} did not start:\n{}", running.member.tail(20));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What a process used since its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// The most memory it ever held, in bytes.
    pub peak: u64,
    /// The memory it holds now, in bytes.
    pub resident: u64,
}

impl Usage {
    fn of(pid: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name may hold spaces; the fields after it do not.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .context("stat")?
            .1
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kilobytes = |key: &str| -> Result<u64> {
            let line = status
                .lines()
                .find(|line| line.starts_with(key))
                .context("status")?;
            Ok(line
                .split_whitespace()
                .nth(1)
                .context("value")?
                .parse::<u64>()?
                * 1024)
        };
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Self {
            cpu: Duration::from_secs_f64(ticks as f64 / per_second as f64),
            peak: kilobytes("VmHWM:")?,
            resident: kilobytes("VmRSS:")?,
        })
    }
}

/// Returns the folder of the programs under test: the one that `FJORD_BIN_DIR` names, or the one
/// that `cargo build --bins` fills, seen from a test or program of this crate.
pub fn built_programs() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("FJORD_BIN_DIR") {
        return Ok(folder.into());
    }
    let own = std::env::current_exe()?;
    let folder = own
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("source-controller").is_file())
        .context(
            "no controllers beside this program: run `cargo build --workspace --bins` first",
        )?;
    Ok(folder.to_owned())
}

/// Returns the folder of the real Flux controllers, where `FLUX_BIN_DIR` names one.
pub fn flux_programs() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("FLUX_BIN_DIR")?);
    Path::is_file(&folder.join("kustomize-controller")).then_some(folder)
}
