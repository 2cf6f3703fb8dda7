//! What the fuzz targets do, on stable and in seconds: own cases, damaged at random, end in a result or an error.
//!
//! `FJORD_ROUNDS` says how often each is damaged, `FJORD_SEED` where to start.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_helm::capabilities::Capabilities;
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, template};
use fjord_helm::values::{self, Map, Sources};
use fjord_helm::{Chart, File, Limits, Notices};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

mod machine;

/// What has a meaning in the languages read here.
const MARKS: &[u8] = b"{}[]|:-.\"'\n\\$( )%0\xff";

/// Numbers that look random and come again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Flips, cuts, doubles and moves pieces of a text.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(16)).min(bytes.len());
            let to = self.below(bytes.len());
            match self.below(4) {
                _ if bytes.is_empty() => bytes.push(b'{'),
                0 => bytes[at] = MARKS[self.below(MARKS.len())],
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(to..to, piece);
                }
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn files_below(folder: &Path, name: &str, files: &mut Vec<File>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = format!("{name}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files_below(&path, &format!("{name}/"), files);
        } else {
            files.push(File::new(name, fs::read(&path).unwrap()));
        }
    }
}

fn own_charts() -> Vec<Vec<File>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("chart"))
        .collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let mut files = Vec::new();
        files_below(&folder, "", &mut files);
        files
    };
    folders.into_iter().map(read).collect()
}

fn render(chart: &mut Chart) -> Result<String, String> {
    let release = Release {
        name: "rel".into(),
        namespace: "ns".into(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &machine::Machine,
        limits: fjord_gotemplate::Limits {
            steps: 50_000,
            output: 1 << 20,
            ..fjord_gotemplate::Limits::default()
        },
        strict: false,
        cache: None,
    };
    let (mut notices, options) = (Notices::default(), Options::default());
    match template(chart, &Map::new(), &context, options, &mut notices) {
        Ok(rendered) => Ok(rendered.stream(true, true)),
        Err((error, _)) => Err(error.to_string()),
    }
}

#[test]
fn damaged_charts_render_or_fail_the_same_way_twice() {
    let mut chance = Chance(number("FJORD_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let (mut rendered, mut failed) = (0, 0);
    for files in own_charts() {
        for _ in 0..number("FJORD_ROUNDS", 2) {
            let mut files = files.clone();
            let at = chance.below(files.len());
            let mut data = files[at].data.to_vec();
            chance.damage(&mut data);
            files[at] = File::new(files[at].name.clone(), data);
            let run = || {
                let mut notices = Notices::default();
                let chart = Chart::from_files(files.clone(), &Limits::default(), &mut notices);
                chart
                    .map_err(|error| error.to_string())
                    .and_then(|mut chart| render(&mut chart))
            };
            let first = run();
            rendered += usize::from(first.is_ok());
            failed += usize::from(first.is_err());
            assert_eq!(first, run(), "not the same twice");
        }
    }
    println!("damaged charts: {rendered} render, {failed} fail");
}

#[test]
fn damaged_archives_load_or_are_refused() {
    let mut chance = Chance(number("FJORD_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for files in own_charts() {
        let mut archive = tar::Builder::new(Vec::new());
        for file in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(file.data.len() as u64);
            let name = format!("chart/{}", file.name);
            archive
                .append_data(&mut header, name, &file.data[..])
                .unwrap();
        }
        let bytes = archive.into_inner().unwrap();
        for round in 0..number("FJORD_ROUNDS", 2) {
            let (mut bytes, mut outer) = (bytes.clone(), Vec::new());
            chance.damage(&mut bytes);
            let mut gzip =
                flate2::write::GzEncoder::new(&mut outer, flate2::Compression::default());
            gzip.write_all(&bytes).unwrap();
            gzip.finish().unwrap();
            if round % 3 == 2 {
                chance.damage(&mut outer);
            }
            let mut notices = Notices::default();
            let _ = Chart::from_archive(outer, &Limits::default(), &mut notices);
        }
    }
}

#[test]
fn damaged_expressions_of_set_parse_or_fail() {
    const SEEDS: [&str; 6] = [
        "a.b[2].c=1,d={x,y,z},e=null",
        "a\\.b=c\\,d,list[0][1]=true",
        "j={\"a\":[1,2.5,null]},k=[1]",
        "deep.er[65536].x=12345678901",
        "x={a,{b}},y=",
        "=,[0]=1,a[-1]=2",
    ];
    let mut chance = Chance(number("FJORD_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for round in 0..number("FJORD_ROUNDS", 2) * 200 {
        let mut bytes = SEEDS[round as usize % SEEDS.len()].as_bytes().to_vec();
        chance.damage(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut sources = Sources::default();
        match chance.below(5) {
            0 => sources.json.push(text),
            1 => sources.strings.push(text),
            2 => sources.literals.push(text),
            3 => sources.contents.push(text),
            _ => sources.typed.push(text),
        }
        let _ = sources.merge(&mut |path| Ok(path.as_bytes().to_vec()));
        let _ = values::parse(&bytes);
    }
}
