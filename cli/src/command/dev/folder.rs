//! A folder of this machine as a Git repository that follows it.
//!
//! The folder itself is not touched, also where it is a work tree already: the repository lives with
//! the Git server, and `.gitignore` files count as always.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use fjord_sandbox::GitServer;
use tokio::process::Command;

/// Name of the repository on the server.
pub(super) const REPOSITORY: &str = "dev";
/// Its only branch.
pub(super) const BRANCH: &str = "main";
/// A folder with more files is hardly meant: looking at all of them all the time would cost.
const MOST_FILES: usize = 50_000;

/// A folder that can be served.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A folder that is served.
#[derive(Debug)]
pub(super) struct Served {
    path: PathBuf,
    repository: PathBuf,
    seen: Fingerprint,
}

/// What is looked at to notice a change: size and time of each file.
type Fingerprint = BTreeMap<PathBuf, (u64, SystemTime)>;

impl Folder {
    /// Finds the folder.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let path = path
            .canonicalize()
            .with_context(|| format!("opening {}", path.display()))?;
        ensure!(path.is_dir(), "{} is no folder", path.display());
        Ok(Self { path })
    }

    /// Makes the first commit.
    pub(super) async fn serve(self, server: &GitServer) -> Result<Served> {
        let repository = server.folder().join(format!("{REPOSITORY}.git"));
        let mut served = Served {
            path: self.path,
            repository,
            seen: Fingerprint::new(),
        };
        let path = served.repository.to_string_lossy().into_owned();
        let mut init = Command::new("git");
        init.args([
            "init",
            "--quiet",
            "--bare",
            "--initial-branch",
            BRANCH,
            &path,
        ]);
        finish(init).await?;
        served.seen = fingerprint(&served.path)?;
        served.commit().await?;
        Ok(served)
    }
}

impl Served {
    /// Commits what changed since the last look, and returns the commit if there is one.
    pub(super) async fn commit_changes(&mut self) -> Result<Option<String>> {
        let now = fingerprint(&self.path)?;
        if now == self.seen {
            return Ok(None);
        }
        self.seen = now;
        self.commit().await
    }

    async fn commit(&self) -> Result<Option<String>> {
        self.git(&["add", "--all", "."]).await?;
        let tree = self.git(&["write-tree"]).await?;
        let head = self
            .git(&["rev-parse", "--quiet", "--verify", "HEAD"])
            .await
            .ok();
        if let Some(head) = &head
            && self
                .git(&["rev-parse", &format!("{head}^{{tree}}")])
                .await?
                == tree
        {
            return Ok(None);
        }
        let mut arguments = vec!["commit-tree", &tree, "-m", "fjord dev"];
        if let Some(head) = &head {
            arguments.extend(["-p", head]);
        }
        let commit = self.git(&arguments).await?;
        self.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &commit])
            .await?;
        Ok(Some(commit))
    }

    /// Runs git on the repository with the folder as its work tree.
    async fn git(&self, arguments: &[&str]) -> Result<String> {
        let identity = "fjord dev";
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(&self.path)
            .env("GIT_DIR", &self.repository)
            .env("GIT_WORK_TREE", &self.path)
            .envs([
                ("GIT_AUTHOR_NAME", identity),
                ("GIT_COMMITTER_NAME", identity),
            ])
            .envs([
                ("GIT_AUTHOR_EMAIL", "dev@localhost"),
                ("GIT_COMMITTER_EMAIL", "dev@localhost"),
            ]);
        finish(command).await
    }
}

/// Runs a git command and returns what it printed.
async fn finish(mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .context("running git: is it installed?")?;
    if !output.status.success() {
        bail!("git: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn fingerprint(root: &Path) -> Result<Fingerprint> {
    let mut found = Fingerprint::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        // What vanishes while we look will be seen next time.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else {
                continue;
            };
            if entry.file_name() == ".git" {
                continue;
            }
            if metadata.is_dir() {
                folders.push(path);
            } else {
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.insert(path, (metadata.len(), modified));
            }
        }
        ensure!(
            found.len() <= MOST_FILES,
            "{} holds more than {MOST_FILES} files: name a folder with manifests only",
            root.display()
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjord_sandbox::GitServerOptions;

    #[tokio::test]
    async fn each_change_is_one_commit_and_no_change_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "a: 1\n").unwrap();
        std::fs::write(folder.path().join(".gitignore"), "*.tmp\n").unwrap();
        let server = GitServer::start(GitServerOptions::default()).await.unwrap();
        let mut served = Folder::open(folder.path())
            .unwrap()
            .serve(&server)
            .await
            .unwrap();
        let first = served.git(&["rev-parse", "HEAD"]).await.unwrap();
        assert_eq!(served.commit_changes().await.unwrap(), None);

        std::fs::write(folder.path().join("ignored.tmp"), "x").unwrap();
        assert_eq!(served.commit_changes().await.unwrap(), None);
        std::fs::remove_file(folder.path().join("a.yaml")).unwrap();
        std::fs::write(folder.path().join("b.yaml"), "b: 2\n").unwrap();
        let second = served.commit_changes().await.unwrap().unwrap();
        let listed = served
            .git(&["ls-tree", "--name-only", &second])
            .await
            .unwrap();
        assert_eq!(listed, ".gitignore\nb.yaml");
        assert_eq!(served.git(&["rev-parse", "HEAD^"]).await.unwrap(), first);
    }
}
