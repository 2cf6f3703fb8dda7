//! The outbox as an append-only log on a volume.
//!
//! A header line, then frames of length, checksum and a JSON record. A batch is on disk before
//! [`FileLog::append`] returns. A torn tail, which is what kill -9 or a full disk leaves, is cut off when
//! the log is opened; the log is rewritten through a temporary file when most of it is history.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::entry::{Record, Snapshot};

const HEADER: &[u8] = b"fjord-outbox 1\n";
const CHECKSUM: usize = 8;
/// No record comes near it: an event is at most 3 MiB.
const MAX_FRAME: usize = 16 << 20;
/// Below this size a log is never rewritten.
const REWRITE_FROM: u64 = 1 << 20;

/// An open log; the lock on it lasts as long as this value.
#[derive(Debug)]
pub(super) struct FileLog {
    path: PathBuf,
    file: File,
    length: u64,
    rewrite_from: u64,
}

/// What opening a log found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recovered {
    /// The state after the last whole frame.
    pub(super) snapshot: Snapshot,
    /// The bytes after it that were cut off.
    pub(super) torn: u64,
}

impl FileLog {
    /// Opens or creates the log and replays it.
    pub(super) fn open(path: &Path) -> Result<(Self, Recovered), Error> {
        let at = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(at(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at)?;
        if bytes.is_empty() || HEADER.starts_with(&bytes) {
            // Nothing there yet, or the crash came while the header was written.
            file.set_len(0).map_err(at)?;
            file.seek(SeekFrom::Start(0)).map_err(at)?;
            file.write_all(HEADER)
                .and_then(|()| file.sync_all())
                .map_err(at)?;
            let log = Self {
                path: path.to_owned(),
                file,
                length: HEADER.len() as u64,
                rewrite_from: REWRITE_FROM,
            };
            log.sync_folder().map_err(at)?;
            return Ok((
                log,
                Recovered {
                    snapshot: Snapshot::default(),
                    torn: 0,
                },
            ));
        }
        let Some(mut rest) = bytes.strip_prefix(HEADER) else {
            return Err(Error::Foreign(path.to_owned()));
        };
        let mut snapshot = Snapshot::default();
        while let Some((record, tail)) = unframe(rest) {
            snapshot.apply(record);
            rest = tail;
        }
        let torn = rest.len() as u64;
        let length = bytes.len() as u64 - torn;
        if torn > 0 {
            file.set_len(length)
                .and_then(|()| file.sync_all())
                .map_err(at)?;
        }
        file.seek(SeekFrom::Start(length)).map_err(at)?;
        let log = Self {
            path: path.to_owned(),
            file,
            length,
            rewrite_from: REWRITE_FROM,
        };
        Ok((log, Recovered { snapshot, torn }))
    }

    /// Writes records to disk; on failure the log is as it was.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for record in records {
            frame(&mut bytes, record)?;
        }
        match self
            .file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
        {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(source) => {
                // A half-written batch must not stand before a later whole one.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(Error::Io {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }

    /// Tells whether the log has grown enough since it was last rewritten to be worth a look.
    pub(super) fn is_stale(&self) -> bool {
        self.length >= self.rewrite_from
    }

    /// Rewrites the log when the given state would take a small part of it.
    pub(super) fn rewrite_if_stale(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if self.length < REWRITE_FROM || self.length / 4 < snapshot.size() as u64 {
            self.rewrite_from = self.length.saturating_mul(2).max(REWRITE_FROM);
            return Ok(());
        }
        self.rewrite(snapshot)?;
        self.rewrite_from = self.length.saturating_mul(4).max(REWRITE_FROM);
        Ok(())
    }

    fn rewrite(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let mut bytes = HEADER.to_vec();
        for record in snapshot.records() {
            frame(&mut bytes, &record)?;
        }
        let at = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        let fresh = self.path.with_extension("new");
        let mut file = open(&fresh).map_err(at)?;
        file.set_len(0).map_err(at)?;
        // The new file is locked before it takes the old one's place.
        file.try_lock().map_err(|_| Error::InUse(fresh.clone()))?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(at)?;
        std::fs::rename(&fresh, &self.path).map_err(at)?;
        self.file = file;
        self.length = bytes.len() as u64;
        self.sync_folder().map_err(|source| Error::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn sync_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn frame(out: &mut Vec<u8>, record: &Record) -> Result<(), Error> {
    let payload = serde_json::to_vec(record).map_err(Error::Encode)?;
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= MAX_FRAME);
    let length = length.ok_or(Error::TooLarge(payload.len()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(&payload));
    out.extend_from_slice(&payload);
    Ok(())
}

/// Takes one whole frame off the front; nothing where it is torn or does not match its checksum.
fn unframe(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_FRAME {
        return None;
    }
    let (want, rest) = rest.split_first_chunk::<CHECKSUM>()?;
    let (payload, rest) = rest.split_at_checked(length)?;
    if checksum(payload) != *want {
        return None;
    }
    Some((serde_json::from_slice(payload).ok()?, rest))
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let digest: [u8; 32] = Sha256::digest(payload).into();
    let mut short = [0; CHECKSUM];
    short.copy_from_slice(&digest[..CHECKSUM]);
    short
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("outbox {}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the log.
    #[error("outbox {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file is something else; it is left alone.
    #[error("{} is not an outbox", .0.display())]
    Foreign(PathBuf),
    /// A record is larger than any event can be.
    #[error("outbox record of {0} bytes is too large")]
    TooLarge(usize),
    /// A record cannot be encoded.
    #[error("encode outbox record: {0}")]
    Encode(serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::super::entry::{AlertRef, Entry};
    use super::*;

    fn entry(id: &str) -> Entry {
        Entry {
            id: id.into(),
            alert: AlertRef {
                namespace: "apps".into(),
                name: "a".into(),
                uid: "u".into(),
            },
            provider: "p".into(),
            received: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
            event: "{}".into(),
        }
    }

    fn place(version: &str) -> Record {
        Record::Place(version.into(), jiff::Timestamp::UNIX_EPOCH)
    }

    fn story() -> Vec<Record> {
        vec![
            Record::Put(0, entry("one")),
            Record::Seen("one".into()),
            Record::Put(1, entry("two")),
            place("17"),
            Record::Done(0),
        ]
    }

    fn replayed(records: &[Record]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        records
            .iter()
            .cloned()
            .for_each(|record| snapshot.apply(record));
        snapshot
    }

    #[test]
    fn what_was_appended_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let (mut log, found) = FileLog::open(&path).unwrap();
        assert_eq!(
            found,
            Recovered {
                snapshot: Snapshot::default(),
                torn: 0
            }
        );
        log.append(&story()).unwrap();
        drop(log);
        let (_log, found) = FileLog::open(&path).unwrap();
        assert_eq!(
            found,
            Recovered {
                snapshot: replayed(&story()),
                torn: 0
            }
        );
        assert_eq!(found.snapshot.next, 2);
    }

    #[test]
    fn a_crash_at_any_byte_loses_only_the_frames_not_yet_whole() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        let (mut log, _) = FileLog::open(&whole).unwrap();
        let mut ends = vec![HEADER.len()];
        for record in story() {
            log.append(&[record]).unwrap();
            ends.push(usize::try_from(log.length).unwrap());
        }
        drop(log);
        let bytes = std::fs::read(&whole).unwrap();
        let torn = folder.path().join("torn");
        for cut in 0..=bytes.len() {
            std::fs::write(&torn, &bytes[..cut]).unwrap();
            let survivors = ends.iter().skip(1).filter(|end| **end <= cut).count();
            let (mut log, found) = FileLog::open(&torn).unwrap();
            assert_eq!(
                found.snapshot,
                replayed(&story()[..survivors]),
                "cut at {cut}"
            );
            log.append(&[place("99")]).unwrap();
            drop(log);
            let (_log, again) = FileLog::open(&torn).unwrap();
            assert_eq!(
                (again.snapshot.place.as_deref(), again.torn),
                (Some("99"), 0),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_log_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let (mut log, _) = FileLog::open(&path).unwrap();
        log.append(&[place("1")]).unwrap();
        let good = log.length;
        log.append(&[place("2")]).unwrap();
        drop(log);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (log, found) = FileLog::open(&path).unwrap();
        assert_eq!(found.snapshot.place.as_deref(), Some("1"));
        assert_eq!(log.length, good);
        assert!(found.torn > 0);
    }

    #[test]
    fn rewriting_keeps_the_state_and_drops_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let (mut log, _) = FileLog::open(&path).unwrap();
        let mut records = story();
        records.extend((2..8000).flat_map(|n| [Record::Put(n, entry("x")), Record::Done(n)]));
        log.append(&records).unwrap();
        let before = log.length;
        let state = replayed(&records);
        log.rewrite_if_stale(&state).unwrap();
        assert!(log.length < before / 100, "{} of {before}", log.length);
        log.append(&[place("18")]).unwrap();
        assert!(
            matches!(FileLog::open(&path), Err(Error::InUse(_))),
            "the lock moves along"
        );
        drop(log);
        let (_log, found) = FileLog::open(&path).unwrap();
        assert_eq!(found.snapshot.entries, state.entries);
        assert_eq!(found.snapshot.place.as_deref(), Some("18"));
    }

    #[test]
    fn a_second_process_and_a_foreign_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let (_log, _) = FileLog::open(&path).unwrap();
        assert!(matches!(FileLog::open(&path), Err(Error::InUse(_))));
        let other = folder.path().join("notes");
        std::fs::write(&other, "buy milk").unwrap();
        assert!(matches!(FileLog::open(&other), Err(Error::Foreign(_))));
        assert_eq!(std::fs::read(&other).unwrap(), b"buy milk");
    }
}
