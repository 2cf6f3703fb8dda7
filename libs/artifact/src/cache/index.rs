//! What an unpacked artifact holds: path to content hash, in memory and as the file beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::{Digest, SafePath};

/// Maps each regular file of an artifact to the SHA-256 of its content.
///
/// Two artifacts in which a path has the same hash have the same file there; the executable bit is
/// not part of it, since no build reads it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Index {
    files: BTreeMap<SafePath, Digest>,
}

impl Index {
    /// Returns the hash of a file, or nothing if there is no such regular file.
    pub fn get(&self, path: &SafePath) -> Option<&Digest> {
        self.files.get(path)
    }

    /// Iterates over all files by path.
    pub fn iter(&self) -> impl Iterator<Item = (&SafePath, &Digest)> {
        self.files.iter()
    }

    /// Iterates over the files below `folder`, by path.
    pub fn below(&self, folder: &SafePath) -> impl Iterator<Item = (&SafePath, &Digest)> {
        let prefix = if folder.is_root() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let start = folder.clone();
        self.files
            .range(start..)
            .skip_while({
                let prefix = prefix.clone();
                move |(path, _)| !path.as_str().starts_with(&prefix) && path.as_str() < &*prefix
            })
            .take_while(move |(path, _)| path.as_str().starts_with(&prefix))
    }

    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Tells whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(super) fn save(&self, file: &Path, bytes: u64) -> io::Result<()> {
        let mut writer = io::BufWriter::new(fs::File::create(file)?);
        writeln!(writer, "{bytes} {}", self.files.len())?;
        for (path, digest) in &self.files {
            write!(writer, "{digest} {}\0", path.as_str())?;
        }
        writer.flush()
    }

    /// Reads the bytes and the number of files that the index speaks of, without the files.
    pub(super) fn load_size(file: &Path) -> io::Result<u64> {
        let mut first = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(fs::File::open(file)?), &mut first)?;
        Ok(parse_first(first.trim_end())
            .ok_or(io::ErrorKind::InvalidData)?
            .0)
    }

    pub(super) fn load(file: &Path) -> io::Result<(Self, u64)> {
        let text = fs::read_to_string(file)?;
        let parsed = text.split_once('\n').and_then(|(first, rest)| {
            let (bytes, count) = parse_first(first)?;
            let mut files = BTreeMap::new();
            for line in rest.split_terminator('\0') {
                let (digest, path) = line.split_once(' ')?;
                files.insert(SafePath::parse(path).ok()?, digest.parse().ok()?);
            }
            (files.len() == count).then_some((Self { files }, bytes))
        });
        parsed.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn parse_first(line: &str) -> Option<(u64, usize)> {
    let (bytes, count) = line.split_once(' ')?;
    Some((bytes.parse().ok()?, count.parse().ok()?))
}

impl From<BTreeMap<SafePath, Digest>> for Index {
    fn from(files: BTreeMap<SafePath, Digest>) -> Self {
        Self { files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    fn index(paths: &[&str]) -> Index {
        let entry = |path: &&str| {
            (
                SafePath::parse(path).unwrap(),
                Digest::of(Algorithm::Sha256, path.as_bytes()),
            )
        };
        Index::from(paths.iter().map(entry).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn an_index_survives_the_way_to_disk_and_a_cut_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index");
        let saved = index(&["a b", "c/ü\nx", "d"]);
        saved.save(&file, 42).unwrap();
        assert_eq!(Index::load(&file).unwrap(), (saved, 42));
        assert_eq!(Index::load_size(&file).unwrap(), 42);
        let text = fs::read(&file).unwrap();
        fs::write(&file, &text[..text.len() - 80]).unwrap();
        assert!(Index::load(&file).is_err());
    }

    #[test]
    fn files_below_a_folder_are_found_and_no_namesakes() {
        let index = index(&["a", "a-b/x", "a.txt", "a/x", "a/y/z", "ab/x", "b"]);
        let below = |folder: &str| {
            let folder = SafePath::parse(folder).unwrap();
            index
                .below(&folder)
                .map(|(path, _)| path.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(below("a"), ["a/x", "a/y/z"]);
        assert_eq!(below("a/y"), ["a/y/z"]);
        assert_eq!(below("nothing"), [""; 0]);
        assert_eq!(below("").len(), 7);
    }
}
