//! Archives made to do harm: each is refused, and nothing is written outside of its folder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::io::Write;

use fjord_artifact::untar::{Error, Limits, unpack};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// Builds archives entry by entry, with headers as hostile as wanted.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn entry(mut self, kind: EntryType, name: &str, content: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o6777);
        header.set_size(content.len() as u64);
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name_literal(content).unwrap();
            header.set_size(0);
        }
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        if !matches!(kind, EntryType::Symlink | EntryType::Link) {
            self.0.extend_from_slice(content);
            self.0.resize(self.0.len().next_multiple_of(512), 0);
        }
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, name, content)
    }

    fn pax(self, record: &str) -> Self {
        let length = record.len() + 2;
        let length = length + (length + 2).to_string().len();
        let record = format!("{length} {record}");
        self.entry(EntryType::XHeader, "pax", format!("{record}\n").as_bytes())
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.0).unwrap();
        gzip.finish().unwrap()
    }
}

/// Unpacks into a folder inside a folder, and checks that the outer one stays as it was.
fn unpacked(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, Error> {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let result = unpack(bytes, &inner, limits);
    assert_eq!(
        std::fs::read_dir(outer.path()).unwrap().count(),
        1,
        "something escaped"
    );
    let mut names: Vec<_> = std::fs::read_dir(&inner)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    result.map(|_| names)
}

fn refusal(archive: Archive) -> String {
    unpacked(&archive.bytes(), &Limits::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in ["../x", "/etc/x", "a/../../x", "..\\x", "a\\b", "..", "a/.."] {
        let text = refusal(Archive::default().file(name, b"x"));
        assert!(text.starts_with("illegal path"), "{name}: {text}");
        let text = refusal(
            Archive::default()
                .pax(&format!("path={name}"))
                .file("a", b"x"),
        );
        assert!(text.starts_with("illegal path"), "extended {name}: {text}");
        let long = Archive::default().entry(EntryType::GNULongName, "l", name.as_bytes());
        let text = refusal(long.file("a", b"x"));
        assert!(text.starts_with("illegal path"), "long {name}: {text}");
        let text = refusal(Archive::default().entry(EntryType::Directory, name, b""));
        assert!(text.starts_with("illegal path"), "folder {name}: {text}");
    }
    assert_eq!(
        refusal(Archive::default().file("", b"x")),
        "entry with an empty name"
    );
}

#[test]
fn links_lead_nowhere() {
    let archive = Archive::default()
        .entry(EntryType::Symlink, "out", b"..")
        .file("out/x", b"through the link?")
        .file("a", b"a");
    // The symbolic link was left out, so that `out` became a folder of our own.
    assert_eq!(
        unpacked(&archive.bytes(), &Limits::default()).unwrap(),
        ["a", "out"]
    );
    let text = refusal(Archive::default().entry(EntryType::Link, "hard", b"/etc/passwd"));
    assert_eq!(text, "entry 'hard' has the unsupported type '1'");
}

#[test]
fn devices_and_pipes_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let text = refusal(Archive::default().entry(kind, "dev", b""));
        assert!(text.contains("unsupported type"), "{text}");
    }
}

#[test]
fn every_dimension_has_a_limit() {
    let limits = Limits {
        unpacked_bytes: 100_000,
        file_bytes: 10_000,
        entries: 10,
    };
    let bomb = Archive::default().file("zeros", &vec![0; 20_000]);
    assert!(matches!(
        unpacked(&bomb.bytes(), &limits),
        Err(Error::FileTooLarge { .. })
    ));
    let many = |count: usize, size: usize| {
        let file = |archive: Archive, at: usize| archive.file(&at.to_string(), &vec![0; size]);
        (0..count).fold(Archive::default(), file).bytes()
    };
    assert!(matches!(unpacked(&many(9, 0), &limits), Ok(names) if names.len() == 9));
    assert!(matches!(
        unpacked(&many(11, 0), &limits),
        Err(Error::TooManyEntries(10))
    ));
    assert!(matches!(
        unpacked(&many(10, 9999), &limits),
        Err(Error::TooLarge)
    ));
    let name = vec![b'n'; 90_000];
    let long = Archive::default()
        .entry(EntryType::GNULongName, "l", &name)
        .file("a", b"");
    assert!(matches!(
        unpacked(&long.bytes(), &limits),
        Err(Error::HeaderTooLarge)
    ));
}

#[test]
fn a_header_that_lies_about_sizes_is_refused() {
    let text = refusal(Archive::default().pax("size=5").file("a", b"0123456789"));
    assert_eq!(text, "extended header 'size' is not supported");
}

#[test]
fn what_is_no_archive_or_only_half_of_one_is_refused() {
    let whole = Archive::default().file("a", &[7; 4000]).bytes();
    for bytes in [&b"rubbish"[..], &whole[..whole.len() / 2], &[]] {
        assert!(matches!(
            unpacked(bytes, &Limits::default()),
            Err(Error::Malformed(_))
        ));
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_an_error_and_a_repeated_file_is_replaced() {
    let clash = Archive::default().file("a", b"1").file("a/b", b"2");
    assert!(unpacked(&clash.bytes(), &Limits::default()).is_err());
    let twice = Archive::default().file("a", b"1").file("a", b"2");
    assert_eq!(unpacked(&twice.bytes(), &Limits::default()).unwrap(), ["a"]);
}
