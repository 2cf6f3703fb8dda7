//! The files of a commit, read from the object database in the order of their paths.

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{FindExt, FindHeader};

use crate::Error;
use crate::mirror::Mirror;

const MAX_DEPTH: usize = 128;

/// Gives access to the files of one commit.
pub struct Tree {
    mirror: Mirror,
    root: ObjectId,
}

/// Describes one file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the root with `/` between components, as the repository spells it.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    id: ObjectId,
}

/// Says what an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link.
    Link,
    /// Another repository's commit, an empty folder when not checked out.
    Submodule,
}

impl Tree {
    pub(crate) fn new(mirror: Mirror, root: ObjectId) -> Self {
        Self { mirror, root }
    }

    /// Lists everything, each folder before what is in it, sorted by name within a folder.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        self.list(self.root, "", 0, &mut entries)?;
        Ok(entries)
    }

    /// Reads a file.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        let limit = self.mirror.limits.object_bytes;
        let header = self
            .mirror
            .objects
            .try_header(&entry.id)
            .map_err(|error| self.mirror.broken(&error))?;
        if header.is_some_and(|header| header.size > limit) {
            return Err(Error::TooLarge {
                what: "bytes in one file",
                limit,
            });
        }
        let mut buffer = Vec::new();
        self.mirror
            .objects
            .find_blob(&entry.id, &mut buffer)
            .map_err(|error| self.mirror.broken(&error))?;
        Ok(buffer)
    }

    fn list(
        &self,
        tree: ObjectId,
        folder: &str,
        depth: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooLarge {
                what: "nested folders",
                limit: MAX_DEPTH as u64,
            });
        }
        let mut buffer = Vec::new();
        let tree = self.mirror.objects.find_tree(&tree, &mut buffer);
        let mut children = Vec::new();
        for child in tree.map_err(|error| self.mirror.broken(&error))?.entries {
            let name = std::str::from_utf8(child.filename)
                .map_err(|_| Error::FileName(format!("{:?} in '{folder}'", child.filename)))?;
            let kind = match child.mode.kind() {
                EntryKind::Tree => Kind::Folder,
                EntryKind::Blob => Kind::File { executable: false },
                EntryKind::BlobExecutable => Kind::File { executable: true },
                EntryKind::Link => Kind::Link,
                EntryKind::Commit => Kind::Submodule,
            };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            children.push(Entry {
                path,
                kind,
                id: child.oid.to_owned(),
            });
        }
        // Git sorts a folder as if its name ended in a slash; a file system walk does not.
        children.sort_by(|left, right| left.path.cmp(&right.path));
        for child in children {
            if entries.len() >= self.mirror.limits.entries {
                let limit = self.mirror.limits.entries as u64;
                return Err(Error::TooLarge {
                    what: "files",
                    limit,
                });
            }
            let below = (child.kind == Kind::Folder).then(|| (child.id, child.path.clone()));
            entries.push(child);
            if let Some((id, path)) = below {
                self.list(id, &path, depth + 1, entries)?;
            }
        }
        Ok(())
    }
}
