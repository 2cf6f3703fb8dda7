//! A work tree and its remote, driven by the real `git` program.
//!
//! Every commit is pushed at once, by path and not by address: a test that
//! locks the server, or runs it on the same thread, can still commit.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::git_server::GitServer;

/// A clone whose commits go straight to the server.
#[derive(Debug)]
pub struct Repository {
    tree: tempfile::TempDir,
    url: String,
    bare: PathBuf,
}

impl Repository {
    /// Makes an empty repository `<name>.git` on `server`, and a clone of it.
    pub fn create(server: &GitServer, name: &str) -> Result<Self, Error> {
        let bare = server.folder().join(format!("{name}.git"));
        let io = |source| Error::Folder {
            path: bare.clone(),
            source,
        };
        let tree = tempfile::Builder::new()
            .prefix("fjord-tree-")
            .tempdir()
            .map_err(io)?;
        let url = server.repository_url(name);
        let repository = Self { tree, url, bare };
        let bare = repository.bare.as_os_str();
        repository.git([
            OsStr::new("init"),
            "--quiet".as_ref(),
            "--bare".as_ref(),
            bare,
        ])?;
        repository.git(["init", "--quiet", "--initial-branch=main"])?;
        repository.git([
            OsStr::new("remote"),
            "add".as_ref(),
            "origin".as_ref(),
            bare,
        ])?;
        repository.git([
            "--git-dir",
            &repository.bare.to_string_lossy(),
            "symbolic-ref",
            "HEAD",
            "refs/heads/main",
        ])?;
        Ok(repository)
    }

    /// Returns the address that a GitRepository takes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the work tree.
    pub fn tree(&self) -> &Path {
        self.tree.path()
    }

    /// Writes (`Some`) or removes (`None`) files, commits, pushes, and returns
    /// the commit's id.
    pub fn commit(&self, message: &str, files: &[(&str, Option<&str>)]) -> Result<String, Error> {
        let commit = self.commit_only(message, files)?;
        self.push()?;
        Ok(commit)
    }

    /// Commits as [`Self::commit`] does, and leaves the push to the caller.
    pub fn commit_only(
        &self,
        message: &str,
        files: &[(&str, Option<&str>)],
    ) -> Result<String, Error> {
        for (path, content) in files {
            let path = self.tree().join(path);
            let io = |source| Error::Folder {
                path: path.clone(),
                source,
            };
            match content {
                Some(content) => {
                    let folder = path.parent().unwrap_or(self.tree());
                    std::fs::create_dir_all(folder).map_err(io)?;
                    std::fs::write(&path, content).map_err(io)?;
                }
                None => std::fs::remove_file(&path).map_err(io)?,
            }
        }
        self.git(["add", "--all"])?;
        self.git(["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.head()
    }

    /// Pushes the current branch and all tags, over whatever is there.
    pub fn push(&self) -> Result<(), Error> {
        self.git(["push", "--quiet", "--force", "--tags", "origin", "HEAD"])
            .map(drop)
    }

    /// Returns the current commit's id.
    pub fn head(&self) -> Result<String, Error> {
        self.git(["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree and returns what it printed.
    pub fn git<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, Error> {
        let mut command = Command::new("git");
        // Nobody's own configuration: no signing, no hooks, no credential helper.
        command
            .args([
                "-c",
                "user.name=Fjord",
                "-c",
                "user.email=fjord@example.com",
            ])
            .args([
                "-c",
                "commit.gpgSign=false",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(arguments)
            .current_dir(self.tree())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null());
        let output = command.output().map_err(Error::NoGit)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::Git { words });
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Why a repository could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no git.
    #[error("cannot run git: is it installed?")]
    NoGit(#[source] std::io::Error),
    /// Git said no.
    #[error("git: {words}")]
    Git {
        /// What it said.
        words: String,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
