//! A suite of controllers as child processes on a real control plane: ours, or the real Flux's.
//!
//! Each controller is its own API user, so that the audit log tells who asked for what. Both
//! suites take the same flags and are reached the same way; what differs is the folder of programs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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

/// A leader that died is succeeded after three seconds and not after Flux's 35.
const ELECTION: [&str; 4] = [
    "--enable-leader-election=true",
    "--leader-election-lease-duration=3s",
    "--leader-election-renew-deadline=2s",
    "--leader-election-retry-period=500ms",
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
    running: BTreeMap<Replica, Running>,
    ports: BTreeMap<Replica, Ports>,
    family: Family,
    elects: bool,
}

/// One process of a controller: its name, and its number among the replicas.
pub type Replica = (&'static str, usize);

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

impl Ports {
    fn free() -> Result<Self> {
        Ok(Self {
            storage: free_port()?,
            events: free_port()?,
            receiver: free_port()?,
        })
    }
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
        let mut ports = BTreeMap::new();
        for controller in CONTROLLERS {
            ports.insert((controller, 0), Ports::free()?);
        }
        Ok(Self {
            client,
            programs,
            flags: BTreeMap::new(),
            running: BTreeMap::new(),
            ports,
            elects: false,
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

    /// Lets controllers started from now on elect a leader, with leases short enough for a test.
    pub fn elect(&mut self) {
        self.elects = true;
    }

    /// Starts controllers and waits until each answers its probe.
    pub async fn start(&mut self, controllers: &[&'static str]) -> Result<()> {
        for controller in controllers {
            self.start_replica((controller, 0)).await?;
        }
        Ok(())
    }

    /// Starts one replica, which shares neither ports nor folders with the others.
    pub async fn start_replica(&mut self, replica: Replica) -> Result<()> {
        if let Entry::Vacant(place) = self.ports.entry(replica) {
            place.insert(Ports::free()?);
        }
        let (metrics, health) = (free_port()?, free_port()?);
        let command = self.command(replica, metrics, health)?;
        let member = self.family.spawn(&file_name("", replica), command)?;
        self.running.insert(replica, Running { member, metrics });
        self.until_healthy(replica, health).await
    }

    /// Kills a controller with SIGKILL.
    pub fn kill(&mut self, controller: &'static str) {
        self.kill_replica((controller, 0));
    }

    /// Kills a replica with SIGKILL.
    pub fn kill_replica(&mut self, replica: Replica) {
        self.running.remove(&replica);
    }

    /// Asks a controller to stop, and returns whether it did so by itself.
    pub async fn stop(&mut self, controller: &'static str) -> bool {
        match self.running.remove(&(controller, 0)) {
            Some(mut running) => running.member.stop(Duration::from_secs(15)).await,
            None => true,
        }
    }

    /// Returns the replica that leads, if one says so.
    pub async fn leader(&self, controller: &'static str) -> Option<Replica> {
        let replicas = self
            .running
            .iter()
            .filter(|((name, _), _)| *name == controller);
        for (replica, running) in replicas {
            let url = format!("http://127.0.0.1:{}/metrics", running.metrics);
            let Ok(answer) = reqwest::get(url).await else {
                continue;
            };
            let text = answer.text().await.unwrap_or_default();
            let mut lines = text.lines();
            if lines.any(|line| {
                line.starts_with("leader_election_master_status{") && line.ends_with(" 1")
            }) {
                return Some(*replica);
            }
        }
        None
    }

    /// Returns what a controller logged so far.
    pub fn log(&self, controller: &'static str) -> Result<String> {
        let running = self.running(controller)?;
        Ok(std::fs::read_to_string(running.member.log())?)
    }

    /// Returns the address of a controller's metrics.
    pub fn metrics_url(&self, controller: &'static str) -> Result<String> {
        let running = self.running(controller)?;
        Ok(format!("http://127.0.0.1:{}/metrics", running.metrics))
    }

    /// Returns the address that takes events by POST.
    pub fn events_url(&self) -> Result<String> {
        let ports = self.ports(("notification-controller", 0))?;
        Ok(format!("http://127.0.0.1:{}/", ports.events))
    }

    /// Returns the address of the Receivers' server.
    pub fn receiver_url(&self) -> Result<String> {
        let ports = self.ports(("notification-controller", 0))?;
        Ok(format!("http://127.0.0.1:{}", ports.receiver))
    }

    /// Returns what a controller used so far.
    pub fn usage(&self, controller: &'static str) -> Result<Usage> {
        Usage::of(self.running(controller)?.member.id())
    }

    fn running(&self, controller: &'static str) -> Result<&Running> {
        let running = self.running.get(&(controller, 0));
        running.context("the controller does not run")
    }

    fn ports(&self, replica: Replica) -> Result<Ports> {
        let ports = self.ports.get(&replica);
        ports.copied().context("this replica was never started")
    }

    fn command(&self, replica: Replica, metrics: u16, health: u16) -> Result<Command> {
        let (controller, ports) = (replica.0, self.ports(replica)?);
        let program = self.programs.join(controller);
        ensure!(
            program.is_file(),
            "no {controller} in {}",
            self.programs.display()
        );
        let mut command = Command::new(program);
        let folder = self.family.folder();
        let temporary = folder.join(file_name("tmp-", replica));
        std::fs::create_dir_all(&temporary)?;
        command
            .env("KUBECONFIG", self.plane.kubeconfig(controller))
            .env("RUNTIME_NAMESPACE", "flux-system")
            .env("TMPDIR", &temporary)
            .arg(format!("--metrics-addr=127.0.0.1:{metrics}"))
            .arg(format!("--health-addr=127.0.0.1:{health}"))
            .arg("--log-encoding=json")
            .args(if self.elects {
                &ELECTION[..]
            } else {
                &["--enable-leader-election=false"]
            });
        match controller {
            "source-controller" => {
                let storage = folder.join(file_name("storage-", replica));
                std::fs::create_dir_all(&storage)?;
                command
                    .arg(format!("--storage-path={}", storage.display()))
                    .arg(format!("--storage-addr=127.0.0.1:{}", ports.storage))
                    .arg(format!("--storage-adv-addr=127.0.0.1:{}", ports.storage));
            }
            "notification-controller" => {
                command
                    .arg(format!("--events-addr=127.0.0.1:{}", ports.events))
                    .arg(format!("--receiverAddr=127.0.0.1:{}", ports.receiver));
            }
            _ => {}
        }
        command.args(self.flags.get(controller).into_iter().flatten());
        Ok(command)
    }

    async fn until_healthy(&mut self, replica: Replica, port: u16) -> Result<()> {
        let url = format!("http://127.0.0.1:{port}/readyz");
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        loop {
            if reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return Ok(());
            }
            let running = self.running.get_mut(&replica).context("just started")?;
            if running.member.has_ended() || tokio::time::Instant::now() > deadline {
                bail!("{} did not start:\n{}", replica.0, running.member.tail(20));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn file_name(prefix: &str, (controller, number): Replica) -> String {
    match number {
        0 => format!("{prefix}{controller}"),
        number => format!("{prefix}{controller}-{number}"),
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
    /// Reads what a process used so far.
    pub fn of(pid: u32) -> Result<Self> {
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
