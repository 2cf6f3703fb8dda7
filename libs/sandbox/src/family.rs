//! Child processes that never outlive this one.
//!
//! Each [`Family`] owns a folder and a set of child processes. Beside them runs
//! one small shell, the reaper, that reads the children's ids from a pipe. When
//! the pipe closes, for whatever reason (drop, panic, SIGKILL), it kills what is
//! left and removes the folder. `PR_SET_PDEATHSIG` would need unsafe code and
//! fires when the starting *thread* ends, which test harnesses do all the time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Child processes and a folder that vanish together.
#[derive(Debug, Clone)]
pub struct Family {
    inner: Arc<Inner>,
}

/// One child process of a [`Family`]; dropped, it is killed.
#[derive(Debug)]
pub struct Member {
    name: String,
    child: Child,
    log: PathBuf,
    family: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    keep: bool,
    reaper: Mutex<Reaper>,
}

#[derive(Debug)]
struct Reaper {
    shell: Child,
    pipe: Option<ChildStdin>,
}

/// Reads `+ PID`, `- PID` and `keep` lines; at the end of input kills the rest.
const REAPER: &str = r#"
trap '' INT TERM HUP
pids=; keep=
while read -r verb value; do
  case $verb in
    +) pids="$pids $value" ;;
    -) left=; for p in $pids; do [ "$p" = "$value" ] || left="$left $p"; done; pids=$left ;;
    keep) keep=1 ;;
  esac
done
for p in $pids; do kill -9 "$p" 2>/dev/null; done
[ -n "$keep" ] || { sleep 0.2; rm -rf -- "$1"; }
"#;

impl Family {
    /// Makes a new folder under the temporary directory and starts its reaper.
    ///
    /// With `FJORD_KEEP=1` in the environment the folder, logs included, stays.
    pub fn new(name: &str) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("fjord-{name}-"))
            .tempdir()
            .map_err(|source| Error::Folder {
                path: std::env::temp_dir(),
                source,
            })?
            .keep();
        let mut shell = Command::new("/bin/sh")
            .args(["-c", REAPER, "fjord-reaper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: "/bin/sh".into(),
                source,
            })?;
        let pipe = shell.stdin.take();
        let keep = std::env::var_os("FJORD_KEEP").is_some_and(|value| value == "1");
        let inner = Inner {
            folder,
            keep,
            reaper: Mutex::new(Reaper { shell, pipe }),
        };
        if keep {
            inner.tell("keep");
        }
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Returns the family's own folder.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Starts a child whose output is appended to `<name>.log` in the folder.
    pub fn spawn(&self, name: &str, mut command: Command) -> Result<Member, Error> {
        let log = self.inner.folder.join(format!("{name}.log"));
        let output = append(&log)?;
        let errors = output.try_clone().map_err(|source| Error::Folder {
            path: log.clone(),
            source,
        })?;
        // A group of its own: Ctrl-C in a terminal must reach us first.
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: command.get_program().into(),
                source,
            })?;
        self.inner.tell(&format!("+ {}", child.id()));
        Ok(Member {
            name: name.to_owned(),
            child,
            log,
            family: Arc::clone(&self.inner),
        })
    }
}

impl Member {
    /// Returns the name the child was started under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the file its output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the last lines of its output.
    pub fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Tells whether the child has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the child with SIGKILL and waits for it.
    pub fn kill(&mut self) {
        if self.child.kill().is_ok() {
            // The only error left is that it was waited for before.
            let _ = self.child.wait();
        }
        self.family.tell(&format!("- {}", self.child.id()));
    }

    /// Asks the child to end with SIGTERM, and kills it after `patience`.
    ///
    /// Returns whether it ended by itself.
    pub async fn stop(&mut self, patience: Duration) -> bool {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended already: then there is nobody to tell.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + patience;
        while !self.has_ended() {
            if Instant::now() > deadline {
                self.kill();
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.family.tell(&format!("- {}", self.child.id()));
        true
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Inner {
    /// Best effort: without a reaper only an unclean end leaves something behind.
    fn tell(&self, line: &str) {
        if let Some(pipe) = self.lock().pipe.as_mut() {
            let _ = writeln!(pipe, "{line}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reaper> {
        self.reaper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let keep = self.keep;
        let mut reaper = self.lock();
        drop(reaper.pipe.take());
        let _ = reaper.shell.wait();
        if keep {
            tracing::info!(folder = %self.folder.display(), "kept for inspection");
        }
    }
}

fn append(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| Error::Folder {
            path: path.to_owned(),
            source,
        })
}

/// Why a child process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be written.
    #[error("cannot write {path}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program cannot be started.
    #[error("cannot start {program:?}")]
    Spawn {
        /// The program as it was named.
        program: std::ffi::OsString,
        /// What the system said.
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_running(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok()
    }

    #[test]
    fn dropping_a_family_removes_its_folder() {
        let family = Family::new("drop").unwrap();
        let folder = family.folder().to_owned();
        drop(family);
        assert!(!folder.exists());
    }

    #[test]
    fn children_of_a_killed_process_die_with_it() {
        let family = Family::new("orphan").unwrap();
        let mut sleep = Command::new("sleep");
        sleep.arg("60");
        let member = family.spawn("sleep", sleep).unwrap();
        let (pid, folder) = (member.id(), family.folder().to_owned());
        // What SIGKILL leaves: no destructor runs, only the pipe closes.
        let pipe = family.inner.lock().pipe.take();
        std::mem::forget(member);
        assert!(is_running(pid));
        drop(pipe);
        let deadline = Instant::now() + Duration::from_secs(5);
        while (is_running(pid) || folder.exists()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!is_running(pid), "the child survived");
        assert!(!folder.exists(), "the folder survived");
    }

    #[tokio::test]
    async fn stop_waits_for_a_clean_end_and_kills_after_patience() {
        let family = Family::new("stop").unwrap();
        let mut polite = Command::new("sleep");
        polite.arg("60");
        assert!(
            family
                .spawn("polite", polite)
                .unwrap()
                .stop(Duration::from_secs(5))
                .await
        );
        let mut stubborn = Command::new("sh");
        stubborn.args([
            "-c",
            "trap '' TERM; echo ready; while :; do sleep 0.1; done",
        ]);
        let mut stubborn = family.spawn("stubborn", stubborn).unwrap();
        while stubborn.tail(1) != "ready" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!stubborn.stop(Duration::from_millis(200)).await);
    }
}
