//! `helm_render CHART N [VALUES]`: renders a chart N times with different values and prints what that took as JSON;
//! for 0 times it prints the files of one render.
//!
//! What `helm-oracle bench` does with the real Helm's library, for benchmarks and for profiles.

use anyhow::{Context as _, anyhow};
use fjord_gotemplate::{Failure, Host, KeyAlgorithm, Limits, generate_key, random};
use fjord_helm::capabilities::Capabilities;
use fjord_helm::chart::{Directory, Entry, Kind, Reader};
use fjord_helm::render::{Cache, Context, Release, render};
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::{Chart, Notices, dependencies, schema, values};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

struct Folder(PathBuf);

impl Directory for Folder {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.0.join(path)).map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| error.to_string())?;
            let kind = fs::metadata(entry.path()).map_err(|error| error.to_string())?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: if kind.is_dir() {
                    Kind::Directory
                } else {
                    Kind::File(kind.len())
                },
            });
        }
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }

    fn defer(&self, path: &str) -> Result<Option<Reader>, String> {
        let path = self.0.join(path);
        fs::File::open(&path).map_err(|error| error.to_string())?;
        Ok(Some(Box::new(move || {
            fs::read(&path).map_err(|error| error.to_string())
        })))
    }
}

/// A clock that stands, and this machine's randomness.
struct Machine;

impl Host for Machine {
    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Failure> {
        random(buffer)
    }

    fn private_key(&self, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
        generate_key(algorithm)
    }
}

fn load(path: &Path) -> anyhow::Result<Chart> {
    let (limits, mut notices) = (fjord_helm::Limits::default(), Notices::default());
    if path.is_file() {
        return Ok(Chart::from_archive(fs::read(path)?, &limits, &mut notices)?);
    }
    let folder = Folder(path.to_owned());
    Ok(Chart::from_directory(&folder, &limits, &mut notices)?)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .context("usage: helm_render CHART N [VALUES]")
    };
    let (path, count) = (next()?, next()?.parse::<u32>()?);
    let given = match next() {
        Ok(path) => values::parse(&fs::read(path)?).map_err(|error| anyhow!("{error}"))?,
        Err(_) => values::Map::new(),
    };
    let loaded = load(Path::new(&path))?;
    let release = Release {
        name: "rel".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let cache = Cache::default();
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &Machine,
        limits: Limits::default(),
        strict: false,
        cache: Some(&cache),
    };
    let rendered = |run: u32| -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let mut notices = Notices::default();
        let mut chart = loaded.clone();
        let mut given = given.clone();
        given.insert("fjordRun".to_owned(), run.into());
        dependencies::process(&mut chart, &given, &mut notices)?;
        let coalesced = coalesce(&chart, &given, Nulls::Delete, &mut notices)?;
        schema::validate(&chart, &coalesced, &mut notices)?;
        Ok(render(&chart, &coalesced, &context)?)
    };
    if count == 0 {
        let files = rendered(0)?.into_iter();
        let texts: BTreeMap<String, String> = files
            .map(|(path, text)| (path, String::from_utf8_lossy(&text).into_owned()))
            .collect();
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&texts)?)?;
        return Ok(());
    }
    let start = Instant::now();
    let mut bytes = 0;
    for run in 0..count {
        let files = rendered(run)?;
        bytes += files.values().map(Vec::len).sum::<usize>();
    }
    let wall = start.elapsed().as_secs_f64();
    let report = serde_json::json!({"wall": wall, "bytes": bytes});
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}
