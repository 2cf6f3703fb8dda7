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
