//! Builds the control plane with Go, once, into the cache.
//!
//! Several test programs may ask at the same time: a lock file lets one build
//! while the others wait. A half-made binary never gets its final name.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock, statvfs};

use super::{MODULE, Program};

/// The Kubernetes version of the module, which the linker writes into the
/// binary: `kubectl version` would read `v0.0.0-master` otherwise.
const KUBERNETES: &str = "v1.36.3";
/// What a build writes into Go's caches and here, with room to spare.
const NEEDED_BYTES: u64 = 6 << 30;
const NEEDED_GO: (u32, u32) = (1, 26);
/// About how many packages a first build compiles; only for the progress line.
const PACKAGES: usize = 2000;

/// Returns the folder with the programs under `cache`, building them if needed.
pub(super) fn ensure(
    cache: &Path,
    key: &str,
    mut progress: impl FnMut(&str),
) -> Result<PathBuf, Error> {
    let folder = cache.join(key);
    if is_complete(&folder) {
        point_current(cache, key)?;
        return Ok(folder);
    }
    let write = |source| Error::Write {
        path: folder.clone(),
        source,
    };
    fs::create_dir_all(&folder).map_err(write)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(write)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        progress("another process builds the control plane: waiting for it");
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| write(e.into()))?;
    }
    if !is_complete(&folder) {
        check_go()?;
        check_disk(&folder)?;
        build(&folder, &mut progress)?;
    }
    point_current(cache, key)?;
    drop::<File>(lock);
    Ok(folder)
}

fn is_complete(folder: &Path) -> bool {
    Program::ALL
        .iter()
        .all(|program| folder.join(program.name()).is_file())
}

fn check_go() -> Result<(), Error> {
    let output = Command::new("go").args(["env", "GOVERSION"]).output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        _ => return Err(Error::NoGo),
    };
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut parts = found
        .trim_start_matches("go")
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    let version: (u32, u32) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < NEEDED_GO {
        Err(Error::OldGo { found })
    } else {
        Ok(())
    }
}

fn check_disk(folder: &Path) -> Result<(), Error> {
    // Where the system cannot tell, the build itself will.
    let Ok(stat) = statvfs(folder) else {
        return Ok(());
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < NEEDED_BYTES {
        return Err(Error::DiskFull {
            path: folder.to_owned(),
            free_mib: free >> 20,
        });
    }
    Ok(())
}

fn build(folder: &Path, progress: &mut impl FnMut(&str)) -> Result<(), Error> {
    let write = |source| Error::Write {
        path: folder.to_owned(),
        source,
    };
    let sources = folder.join("src");
    fs::create_dir_all(&sources).map_err(write)?;
    for (name, content) in MODULE {
        fs::write(sources.join(name), content).map_err(write)?;
    }
    let partial = folder.join("controlplane.partial");
    progress(&format!(
        "building the control plane (Kubernetes {KUBERNETES}), once; about 7 minutes on two cores"
    ));
    let started = Instant::now();
    let mut go = Command::new("go")
        .args([
            "build",
            "-v",
            "-buildvcs=false",
            "-ldflags",
            &linker_flags(),
            "-o",
        ])
        .arg(&partial)
        .arg(".")
        .current_dir(&sources)
        .env("GOFLAGS", "")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| Error::NoGo)?;
    let words = go
        .stderr
        .take()
        .map(|pipe| report(pipe, started, progress))
        .unwrap_or_default();
    let status = go.wait().map_err(write)?;
    if !status.success() {
        return Err(if words.contains("no space left on device") {
            Error::DiskFull {
                path: folder.to_owned(),
                free_mib: 0,
            }
        } else {
            Error::Go { words }
        });
    }
    fs::rename(&partial, folder.join("controlplane")).map_err(write)?;
    for program in Program::ALL {
        link(Path::new("controlplane"), &folder.join(program.name()))?;
    }
    progress(&format!(
        "built the control plane in {} s",
        started.elapsed().as_secs()
    ));
    Ok(())
}

fn linker_flags() -> String {
    let minor = KUBERNETES.split('.').nth(1).unwrap_or_default();
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].iter().fold(
        String::from("-s -w"),
        |flags, package| {
            flags
                + &format!(
                    " -X {package}.gitVersion={KUBERNETES} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}"
                )
        },
    )
}

/// Turns Go's list of compiled packages into a line every ten seconds, and
/// returns the last lines that are not about packages.
fn report(pipe: impl Read, started: Instant, progress: &mut impl FnMut(&str)) -> String {
    let mut packages = 0_usize;
    let mut words: Vec<String> = Vec::new();
    let mut last = Instant::now();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if line.starts_with("go: downloading") {
            words.clear();
        } else if line.contains([' ', ':']) {
            words.push(line);
            if words.len() > 20 {
                words.remove(0);
            }
        } else {
            packages += 1;
        }
        if last.elapsed() > Duration::from_secs(10) {
            last = Instant::now();
            progress(&format!(
                "building the control plane: {packages} of about {PACKAGES} packages, {} s",
                started.elapsed().as_secs()
            ));
        }
    }
    words.join("\n")
}

/// Keeps `current` pointing at the newest build, for people and scripts.
fn point_current(cache: &Path, key: &str) -> Result<(), Error> {
    let current = cache.join("current");
    match fs::read_link(&current) {
        Ok(target) if target == Path::new(key) => Ok(()),
        _ => link(Path::new(key), &current),
    }
}

/// Makes or replaces a symbolic link in one step.
fn link(target: &Path, path: &Path) -> Result<(), Error> {
    let write = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(write(error)),
        _ => {}
    }
    std::os::unix::fs::symlink(target, &fresh).map_err(write)?;
    fs::rename(&fresh, path).map_err(write)
}

/// Why the control plane could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Go.
    #[error(
        "the control plane is built with Go, and there is no `go` in PATH: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and kwok"
    )]
    NoGo,
    /// Go is too old.
    #[error("the control plane needs Go 1.26 or newer, and `go` is {found}: update it")]
    OldGo {
        /// The version found.
        found: String,
    },
    /// The disk is full, or nearly.
    #[error(
        "the disk of {path} has {free_mib} MiB left, and building the control plane needs about 6 GiB: free some, or set XDG_CACHE_HOME and GOCACHE to another disk"
    )]
    DiskFull {
        /// The folder of the build.
        path: PathBuf,
        /// What is left, in MiB.
        free_mib: u64,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Go said no.
    #[error("go could not build the control plane:\n{words}")]
    Go {
        /// Its last lines.
        words: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_in_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("current");
        link(Path::new("one"), &path).unwrap();
        link(Path::new("two"), &path).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("two"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_module_names_the_version_that_is_linked_in() {
        let module = MODULE[0].1;
        assert!(module.contains(&format!("k8s.io/kubernetes {KUBERNETES}\n")));
    }

    #[test]
    fn words_of_go_are_kept_and_package_names_are_not() {
        let text = "go: downloading k8s.io/x v1\nk8s.io/x\n# k8s.io/y\ny.go:1:2: undefined: z\n";
        let words = report(text.as_bytes(), Instant::now(), &mut |_: &str| ());
        assert_eq!(words, "# k8s.io/y\ny.go:1:2: undefined: z");
    }
}
