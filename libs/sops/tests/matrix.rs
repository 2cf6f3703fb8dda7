//! The table of formats, kinds of keys and options has no empty cell (`tests/oracle/sops/generate-table.sh`).
//!
//! Whether a cell's case decrypts to the real sops's bytes is `table.rs`'s to say; this says that there is one.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

const FORMATS: [&str; 5] = ["yaml", "json", "dotenv", "ini", "binary"];
const KINDS: [&str; 7] = [
    "age",
    "ssh-ed25519",
    "ssh-rsa",
    "pgp-rsa",
    "pgp-ecc",
    "several",
    "groups",
];
const OPTIONS: [&str; 6] = [
    "plain",
    "shamir",
    "rotated",
    "commented",
    "multi-document",
    "multi-key",
];

/// What a cell of the table holds.
enum Cell {
    /// The name of a case.
    Case(String),
    /// What the real sops says when it is asked to make it.
    Refused(String),
}

fn cells() -> BTreeMap<(String, String, String), Cell> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/table.tsv");
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let [format, kind, option, case] = fields.first_chunk().unwrap();
            let cell = match fields.get(4) {
                Some(error) if case == "-" => Cell::Refused(error.clone()),
                _ => Cell::Case(case.clone()),
            };
            ((format.clone(), kind.clone(), option.clone()), cell)
        })
        .collect()
}

#[test]
fn every_cell_has_a_case_that_decrypts_or_what_sops_says_against_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/cases");
    let cells = cells();
    let mut empty = Vec::new();
    let mut refusals = BTreeMap::new();
    let mut full = BTreeMap::new();
    for format in FORMATS {
        print!("{format:8}");
        OPTIONS.iter().for_each(|option| print!(" {option:>14}"));
        println!();
        for kind in KINDS {
            print!("{kind:>12}");
            for option in OPTIONS {
                let place = (format.to_owned(), kind.to_owned(), option.to_owned());
                let shown = match cells.get(&place) {
                    Some(Cell::Case(case)) if cases.join(case).join("expected").is_file() => {
                        *full.entry(option).or_insert(0) += 1;
                        "a case"
                    }
                    Some(Cell::Refused(error)) if !error.is_empty() => {
                        refusals.insert((format, option), error.clone());
                        "refused"
                    }
                    _ => {
                        empty.push(place);
                        "EMPTY"
                    }
                };
                print!(" {shown:>14}");
            }
            println!();
        }
    }
    for ((format, option), error) in &refusals {
        println!("{format} {option}: sops says: {error}");
    }
    assert!(empty.is_empty(), "empty cells: {empty:?}");
    for option in OPTIONS {
        assert!(full[option] >= 3, "{option}: {} cases", full[option]);
    }
    // Three formats cannot hold what an option asks for, and no more.
    assert_eq!(refusals.len(), 3, "{refusals:?}");
}
