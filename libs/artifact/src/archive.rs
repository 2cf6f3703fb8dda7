//! Writing an artifact's archive: gzip over tar whose bytes depend on content and paths only.
//!
//! Rules (source-controller.md §3.2): the first entry is the root, named `.`; a folder comes before
//! what is in it; modes are forced (folder 0750, file 0600, executable 0700); owners and times are
//! zero. Names too long for the plain header are carried by an extended one, as Go does.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

use crate::SafePath;

const DIR_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o600;
const EXECUTABLE_MODE: u32 = 0o700;
/// What marks "unknown" in a gzip header's field for the operating system.
const UNKNOWN_SYSTEM: u8 = 255;

/// Writes entries in the order given, which must be parents first and by name.
pub struct ArchiveWriter<W: Write> {
    tar: GzEncoder<W>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive with its root entry.
    pub fn new(writer: W) -> io::Result<Self> {
        let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
        let mut archive = Self {
            tar: gzip.write(writer, Compression::default()),
        };
        archive.dir(&SafePath::root())?;
        Ok(archive)
    }

    /// Adds a folder.
    pub fn dir(&mut self, path: &SafePath) -> io::Result<()> {
        self.header(EntryType::Directory, &path.to_string(), DIR_MODE, 0)
    }

    /// Adds a regular file.
    pub fn file(&mut self, path: &SafePath, executable: bool, content: &[u8]) -> io::Result<()> {
        let mode = if executable {
            EXECUTABLE_MODE
        } else {
            FILE_MODE
        };
        self.header(
            EntryType::Regular,
            path.as_str(),
            mode,
            content.len() as u64,
        )?;
        self.padded(content)
    }

    /// Ends the archive and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.tar.write_all(&[0; 1024])?;
        self.tar.finish()
    }

    fn header(&mut self, kind: EntryType, name: &str, mode: u32, size: u64) -> io::Result<()> {
        let mut header = Header::new_ustar();
        // Parity: non-ASCII names go into an extended header too, as Go's writer does.
        if !name.is_ascii() || header.set_path(name).is_err() {
            self.extended_name(name)?;
            let short: String = name.chars().filter(char::is_ascii).take(100).collect();
            set_name(&mut header, &short);
        }
        set_plain(&mut header, kind, mode, size);
        self.tar.write_all(header.as_bytes())
    }

    fn extended_name(&mut self, name: &str) -> io::Result<()> {
        let record = pax_record("path", name);
        let mut header = Header::new_ustar();
        set_name(&mut header, "PaxHeaders.0/path");
        set_plain(&mut header, EntryType::XHeader, 0, record.len() as u64);
        self.tar.write_all(header.as_bytes())?;
        self.padded(record.as_bytes())
    }

    fn padded(&mut self, content: &[u8]) -> io::Result<()> {
        self.tar.write_all(content)?;
        let rest = content.len() % 512;
        if rest > 0 {
            self.tar.write_all(&[0; 512][rest..])
        } else {
            Ok(())
        }
    }
}

/// Writes the name as it is: `Header::set_path` would normalise `.` and refuse long names.
fn set_name(header: &mut Header, name: &str) {
    let field = &mut header.as_old_mut().name;
    field.fill(0);
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
}

fn set_plain(header: &mut Header, kind: EntryType, mode: u32, size: u64) {
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
}

/// Builds `<length> <key>=<value>\n`, whose length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let body = format!(" {key}={value}\n");
    let mut length = body.len() + 1;
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    format!("{length}{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SafePath {
        SafePath::parse(text).unwrap()
    }

    fn an_archive() -> Vec<u8> {
        let mut archive = ArchiveWriter::new(Vec::new()).unwrap();
        archive.dir(&path("deploy")).unwrap();
        archive
            .file(&path("deploy/app.yaml"), false, b"kind: ConfigMap\n")
            .unwrap();
        archive
            .file(
                &path(&format!("deploy/{}/ü.yaml", "x".repeat(200))),
                false,
                b"u",
            )
            .unwrap();
        archive.file(&path("run.sh"), true, &[7; 512]).unwrap();
        archive.finish().unwrap()
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        assert_eq!(an_archive(), an_archive());
    }

    #[test]
    fn entries_carry_forced_modes_and_no_owner_or_time() {
        let bytes = an_archive();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
                let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                (header.mode().unwrap(), name, header.entry_type().is_dir())
            })
            .collect();
        let long = format!("deploy/{}/ü.yaml", "x".repeat(200));
        let expected = [
            (0o750, ".".to_owned(), true),
            (0o750, "deploy".to_owned(), true),
            (0o600, "deploy/app.yaml".to_owned(), false),
            (0o600, long, false),
            (0o700, "run.sh".to_owned(), false),
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn the_length_of_an_extended_record_counts_itself() {
        assert_eq!(pax_record("path", "a"), "9 path=a\n");
        for length in 80..120 {
            let record = pax_record("path", &"v".repeat(length));
            let (number, _) = record.split_once(' ').unwrap();
            assert_eq!(number.parse::<usize>().unwrap(), record.len());
        }
    }
}
