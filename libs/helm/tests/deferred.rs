//! Files that only templates ask for are read when one does.

#![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

use fjord_gotemplate::Nowhere;
use fjord_helm::capabilities::Capabilities;
use fjord_helm::chart::{Directory, Entry, Kind, Reader};
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, template};
use fjord_helm::{Chart, Limits, Notices, values};
use std::sync::{Arc, Mutex};

const LARGE: usize = 10_000;

/// A folder of a chart with a large definition and a large configuration file.
struct Folder {
    template: &'static str,
    is_gone: bool,
    /// The files that were read later.
    read: Arc<Mutex<Vec<String>>>,
}

impl Directory for Folder {
    fn name(&self) -> String {
        "c".to_owned()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, String> {
        let file = |name: &str, size: usize| Entry {
            name: name.to_owned(),
            kind: Kind::File(size as u64),
        };
        let folder = |name: &str| Entry {
            name: name.to_owned(),
            kind: Kind::Directory,
        };
        Ok(match path {
            "" => vec![
                file("Chart.yaml", 50),
                folder("crds"),
                file("large.txt", LARGE),
                folder("templates"),
            ],
            "crds" => vec![file("a.yaml", LARGE)],
            _ => vec![file("t.yaml", self.template.len())],
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "Chart.yaml" => Ok(b"apiVersion: v2\nname: c\nversion: 1.0.0\n".to_vec()),
            "templates/t.yaml" => Ok(self.template.as_bytes().to_vec()),
            _ => Err("no such file or directory".to_owned()),
        }
    }

    fn defer(&self, path: &str) -> Result<Option<Reader>, String> {
        let (path, read, is_gone) = (path.to_owned(), self.read.clone(), self.is_gone);
        Ok(Some(Box::new(move || {
            read.lock().unwrap().push(path.clone());
            if is_gone {
                return Err("no such file or directory".to_owned());
            }
            Ok(vec![b'x'; LARGE])
        })))
    }
}

/// Renders; returns what was printed and what was read later.
fn render(template_text: &'static str, is_gone: bool) -> (Result<String, String>, Vec<String>) {
    let read = Arc::default();
    let folder = Folder {
        template: template_text,
        is_gone,
        read: Arc::clone(&read),
    };
    let mut notices = Notices::default();
    let mut chart = Chart::from_directory(&folder, &Limits::default(), &mut notices).unwrap();
    let release = Release {
        name: "rel".into(),
        namespace: "default".into(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &Nowhere,
        limits: fjord_gotemplate::Limits::default(),
        strict: false,
        cache: None,
    };
    let given = values::Map::new();
    let rendered = template(
        &mut chart,
        &given,
        &context,
        Options::default(),
        &mut notices,
    );
    let printed = rendered.map(|rendered| rendered.stream(true, true));
    let printed = printed.map_err(|(error, _)| error.to_string());
    let read = read.lock().unwrap().clone();
    (printed, read)
}

#[test]
fn a_render_that_looks_at_no_file_reads_none() {
    let (printed, read) = render("a: {{ .Release.Name }}\n", false);
    assert!(printed.unwrap().contains("a: rel"));
    assert_eq!(read, Vec::<String>::new());
}

#[test]
fn a_file_that_is_asked_for_is_there() {
    let (printed, read) = render("a: {{ len (.Files.Get \"large.txt\") }}\n", false);
    assert!(printed.unwrap().contains("a: 10000"));
    assert!(read.contains(&"large.txt".to_owned()));
}

#[test]
fn a_file_that_vanished_is_an_error_and_not_empty() {
    let (printed, _) = render("a: {{ .Files.Get \"large.txt\" | quote }}\n", true);
    let message = printed.unwrap_err();
    assert!(message.contains("no such file or directory"), "{message}");
}

/// Packs a chart whose large files are told apart by what is in them.
fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    for (path, text) in [
        (
            "c/Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 1.0.0\n".to_owned(),
        ),
        ("c/templates/t.yaml", "a: 1\n".to_owned()),
        ("c/one.txt", "1".repeat(LARGE)),
        ("c/crds/a.yaml", "2".repeat(LARGE)),
        (
            "c/charts/d/Chart.yaml",
            "name: d\nversion: 1.0.0\n".to_owned(),
        ),
        (
            "c/charts/d/two.txt",
            format!("\u{feff}{}", "3".repeat(LARGE)),
        ),
        ("c/small.txt", "4".to_owned()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn files_of_an_archive_are_unpacked_when_they_are_asked_for_in_any_order() {
    let limits = Limits::default();
    let mut notices = Notices::default();
    let chart = Chart::from_archive(archive(), &limits, &mut notices).unwrap();
    let shown = format!("{:?}", chart.files);
    assert_eq!(shown.matches("not read yet").count(), 2, "{shown}");
    let below = &chart.dependencies[0].files[0];
    assert_eq!(*below.data, *"3".repeat(LARGE).as_bytes());
    let other = chart.clone();
    for chart in [&other, &chart] {
        let read: Vec<(&str, usize, u8)> = chart
            .files
            .iter()
            .map(|file| (file.name.as_str(), file.data.len(), file.data[0]))
            .collect();
        let wanted = [
            ("one.txt", LARGE, b'1'),
            ("crds/a.yaml", LARGE, b'2'),
            ("small.txt", 1, b'4'),
        ];
        assert_eq!(read, wanted);
        assert_eq!(chart.unread(), None);
    }
}

#[test]
fn an_archive_that_is_cut_within_a_file_that_nothing_asks_for_is_refused() {
    let bytes = archive();
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*bytes), &mut tar).unwrap();
    let end = tar
        .windows(100)
        .position(|part| part == [b'2'; 100])
        .unwrap();
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut cut, &tar[..end + 100]).unwrap();
    let cut = cut.finish().unwrap();
    let refused = Chart::from_archive(cut, &Limits::default(), &mut Notices::default());
    assert!(refused.is_err());
}
