//! Broken trees: whatever the input, a build ends in objects or an error, and never in a panic.
//!
//! Generated trees get bytes changed, cut, doubled and swapped. `FJORD_TREES` says how many,
//! `FJORD_SEED` where to start.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

// The grammar is shared with the differential test, which uses more of it.
#[allow(dead_code)]
#[path = "differential/mod.rs"]
mod differential;

use differential::grammar::Tree;
use differential::random::Random;
use fjord_kustomize::{LoadRestrictor, MemoryFs, Options, build};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Text that has surprised parsers before.
const ODD: [&str; 24] = [
    "\0",
    "\u{7f}",
    "\u{feff}",
    "---",
    "...",
    "<<: *x",
    "&x",
    "*x",
    "!!int ",
    "!<tag>",
    "%YAML 1.1",
    "- - -",
    "? ",
    ": ",
    "[]",
    "{}",
    "null",
    "~",
    "[name=",
    "$(",
    "\t",
    "|2",
    "'",
    "\u{2028}",
];

fn damage(text: &str, r: &mut Random) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + r.below(4) {
        let at = r.below(bytes.len().max(1)).min(bytes.len());
        match r.below(7) {
            0 if at < bytes.len() => bytes[at] = (r.next() & 0xFF) as u8,
            1 => bytes.truncate(at),
            3 => {
                let end = (at + r.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = r.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            4 => {
                let end = (at + r.below(30)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                // Indentation and lists are where structure lives.
                let lines: Vec<usize> = bytes
                    .iter()
                    .enumerate()
                    .filter(|(_, b)| **b == b'\n')
                    .map(|(i, _)| i)
                    .collect();
                if let Some(&line) = lines.get(r.below(lines.len().max(1))) {
                    drop(bytes.splice(line + 1..line + 1, *b"  "));
                }
            }
            _ => drop(bytes.splice(at..at, r.pick(&ODD).bytes())),
        }
    }
    bytes
}

#[test]
fn damaged_trees_end_in_an_error_or_a_build() {
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_TREES", 400));
    let (mut built, mut failed) = (0, 0);
    for seed in first..first + count {
        let tree = Tree::generate(seed);
        let mut r = Random::new(seed ^ 0x5EED);
        let mut fs = MemoryFs::new();
        let victim = r.below(tree.files.len());
        for (i, (path, text)) in tree.files.iter().enumerate() {
            if i == victim || r.one_in(6) {
                fs.write(path, damage(text, &mut r));
            } else {
                fs.write(path, text);
            }
        }
        let options = Options {
            load_restrictor: LoadRestrictor::None,
            ..Options::default()
        };
        eprint!("\r{seed}");
        match build(&fs, &format!("/{}", tree.top), &options).and_then(|built| built.to_yaml()) {
            Ok(_) => built += 1,
            Err(error) => {
                assert!(!error.message().is_empty());
                failed += 1;
            }
        }
    }
    eprintln!("\r{count} damaged trees: {built} build, {failed} are refused");
}

#[test]
fn random_texts_are_refused_and_not_feared() {
    let mut r = Random::new(number("FJORD_SEED", 1));
    for _ in 0..2000 {
        let parts: Vec<String> = (0..r.below(12))
            .map(|_| match r.below(3) {
                0 => (*r.pick(&ODD)).to_owned(),
                1 => (*r.pick(&["\n", " ", "a", "a: ", "- ", "\"", "#", ",", "\\", "0x", "é"]))
                    .to_owned(),
                _ => char::from_u32((r.next() % 0x300) as u32)
                    .map(String::from)
                    .unwrap_or_default(),
            })
            .collect();
        let text = parts.concat();
        let mut fs = MemoryFs::new();
        fs.write("/kustomization.yaml", "resources: [a.yaml]\n");
        fs.write(
            "/a.yaml",
            format!("kind: A\nmetadata: {{name: a}}\nx: {text}"),
        );
        let _ = build(&fs, "/", &Options::default()).and_then(|built| built.to_yaml());
        fs.write("/kustomization.yaml", &text);
        let _ = build(&fs, "/", &Options::default());
    }
}
