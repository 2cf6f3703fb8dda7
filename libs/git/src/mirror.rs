//! The bare mirror of one repository on disk: nothing but packs.
//!
//! It has no references: what a source needs is named by the remote at each synchronisation, and a
//! pack in the mirror holds everything that its commits reach (thin packs are completed), so that a
//! commit that is present is present whole. Bounded: with too many packs or bytes, or another
//! address, it is emptied and the next fetch starts anew, shallow as ever.

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::objs::{Exists, FindExt, Kind};
use gix::odb::pack::bundle::write;
use gix::protocol::fetch::Shallow;

use crate::Error;
use crate::error::chain;

const PACKS: &str = "objects/pack";
const SHALLOW: &str = "shallow";
const SHALLOW_LOCK: &str = "shallow.lock";
const ADDRESS: &str = "url";
const TIPS: &str = "tips";
const MAX_TIPS: usize = 32;
const MAX_TAG_CHAIN: usize = 8;

/// Bounds what a repository may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one pack as received.
    pub pack_bytes: u64,
    /// Bytes of all packs above which the mirror is emptied.
    pub mirror_bytes: u64,
    /// Packs above which the mirror is emptied.
    pub mirror_packs: usize,
    /// Bytes of one file or other object.
    pub object_bytes: u64,
    /// Files and folders of one tree.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 2 << 30,
            mirror_bytes: 4 << 30,
            mirror_packs: 64,
            object_bytes: 512 << 20,
            entries: 500_000,
        }
    }
}

/// Gives access to the mirror of one repository.
pub(crate) struct Mirror {
    folder: PathBuf,
    pub(crate) objects: gix::odb::Handle,
    pub(crate) limits: Limits,
}

/// A commit as far as a source needs it.
pub(crate) struct CommitInfo {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
    pub(crate) message: String,
    pub(crate) committed: i64,
}

impl Mirror {
    /// Opens the mirror of the repository at `url`, creating or emptying it where necessary.
    pub(crate) fn open(folder: &Path, url: &str, limits: Limits) -> Result<Self, Error> {
        let packs = folder.join(PACKS);
        let is_ours = fs::read(folder.join(ADDRESS)).is_ok_and(|known| known == url.as_bytes());
        if !is_ours || exceeds(&packs, &limits)? {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            fs::create_dir_all(&packs)?;
            fs::write(folder.join(ADDRESS), url)?;
        }
        // Left by a killed process; nobody else uses this folder.
        let _ = fs::remove_file(folder.join(SHALLOW_LOCK));
        let objects = gix::odb::at(folder.join("objects"), gix::hash::Kind::Sha1)?;
        Ok(Self {
            folder: folder.to_owned(),
            objects,
            limits,
        })
    }

    pub(crate) fn contains(&self, id: &ObjectId) -> bool {
        self.objects.exists(id)
    }

    /// Returns the commits that fetches may build upon: the ends of what was fetched before.
    pub(crate) fn known_commits(&self) -> Vec<ObjectId> {
        let text = fs::read_to_string(self.folder.join(TIPS)).unwrap_or_default();
        let ids = text
            .lines()
            .filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok());
        ids.filter(|id| self.contains(id)).collect()
    }

    /// Notes what was fetched, for the next fetch to build upon.
    pub(crate) fn remember(&self, fetched: &[ObjectId]) -> Result<(), Error> {
        let commits = fetched
            .iter()
            .filter_map(|id| Some(self.peel(*id).ok()?.id));
        let mut tips: Vec<ObjectId> = commits.chain(self.known_commits()).collect();
        tips.truncate(MAX_TIPS);
        let text: String = tips.iter().map(|id| format!("{id}\n")).collect();
        Ok(fs::write(self.folder.join(TIPS), text)?)
    }

    pub(crate) fn shallow_file(&self) -> PathBuf {
        self.folder.join(SHALLOW)
    }

    /// Stores a pack that is being received.
    pub(crate) fn receive(
        &self,
        pack: &mut dyn io::BufRead,
        progress: &mut dyn gix::DynNestedProgress,
        interrupt: &AtomicBool,
    ) -> gix::Result<()> {
        let options = write::Options {
            alloc_limit_bytes: usize::try_from(self.limits.object_bytes).ok(),
            ..write::Options::default()
        };
        let outcome = gix::odb::pack::Bundle::write_to_directory(
            pack,
            Some(&self.folder.join(PACKS)),
            progress,
            interrupt,
            Some(self.objects.clone()),
            gix::hash::Kind::Sha1,
            options,
        )?;
        if let Some(keep) = outcome.keep_path {
            let _ = fs::remove_file(keep);
        }
        Ok(())
    }

    /// Makes the next synchronisation start anew, as what is on disk may be the cause of a failure.
    pub(crate) fn distrust(&self) {
        let _ = fs::remove_file(self.folder.join(ADDRESS));
    }

    /// Says that an object that must be there cannot be read.
    pub(crate) fn broken(&self, error: &gix::Error) -> Error {
        self.distrust();
        Error::Mirror(chain(error))
    }

    /// Follows tags from `id` to a commit.
    pub(crate) fn peel(&self, id: ObjectId) -> Result<CommitInfo, Error> {
        let mut id = id;
        let mut buffer = Vec::new();
        for _ in 0..MAX_TAG_CHAIN {
            let object = self
                .objects
                .find(&id, &mut buffer)
                .map_err(|error| self.broken(&error))?;
            match object.kind {
                Kind::Tag => {
                    let tag = self.objects.find_tag(&id, &mut buffer);
                    id = tag.map_err(|error| self.broken(&error))?.target();
                }
                Kind::Commit => {
                    let commit = self.objects.find_commit(&id, &mut buffer);
                    let commit = commit.map_err(|error| self.broken(&error))?;
                    return Ok(CommitInfo {
                        id,
                        tree: commit.tree(),
                        message: String::from_utf8_lossy(commit.message).into_owned(),
                        committed: commit.time().map(|time| time.seconds).unwrap_or_default(),
                    });
                }
                Kind::Tree | Kind::Blob => {
                    return Err(Error::Mirror(format!("object {id} is no commit")));
                }
            }
        }
        Err(Error::Mirror(format!(
            "object {id} is a tag of a tag of a tag"
        )))
    }
}

/// Asks for the newest commit only.
pub(crate) fn depth_one() -> Shallow {
    Shallow::DepthAtRemote(NonZeroU32::MIN)
}

/// Tells whether the packs are more than they may be; left-overs of a killed fetch are removed.
fn exceeds(packs: &Path, limits: &Limits) -> Result<bool, Error> {
    let (mut count, mut bytes) = (0, 0);
    let entries = match fs::read_dir(packs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("pack" | "idx") => {
                bytes += entry.metadata()?.len();
                count += usize::from(path.extension().is_some_and(|e| e == "pack"));
            }
            _ => fs::remove_file(&path)?,
        }
    }
    Ok(count > limits.mirror_packs || bytes > limits.mirror_bytes)
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Mirror(error.to_string())
    }
}
