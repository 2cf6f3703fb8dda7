//! Generated files of every format and what the real sops made of them: `sops/formats/*.jsonl`.
//!
//! `differential.rs` writes them again: `SOPS_ORACLE=... SOPS_SEED=20090 SOPS_DIFFERENTIAL=40 SOPS_RECORD=...`, the last an
//! absolute path.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use fjord_sops::{AgeIdentities, Format, Mac, decrypt};
use serde_json::Value;

fn format(name: &str) -> Format {
    match name {
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        "ini" => Format::Ini,
        "dotenv" => Format::Dotenv,
        _ => panic!("no format is called {name}"),
    }
}

#[test]
fn generated_files_decrypt_to_what_sops_decrypted_them_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops");
    let mut keys = AgeIdentities::default();
    let key = std::fs::read_to_string(folder.join("keys/first.age")).unwrap();
    keys.add_lines(&key).unwrap();
    for name in ["yaml", "json", "ini", "dotenv"] {
        let rows = folder.join("formats").join(format!("{name}.jsonl"));
        let rows = std::fs::read_to_string(rows).unwrap();
        assert!(rows.lines().count() > 40, "few rows of {name}");
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let text = |key: &str| row[key].as_str().unwrap();
            let mac = match row["ignore_mac"].as_bool().unwrap() {
                true => Mac::Skip,
                false => Mac::Verify,
            };
            let seed = &row["seed"];
            let decrypted = decrypt(text("text").as_bytes(), format(name), &keys, mac)
                .unwrap_or_else(|error| panic!("{name} {seed}: {error}"));
            let written = decrypted.write(format(text("output"))).unwrap();
            let written = String::from_utf8_lossy(&written);
            assert_eq!(written, text("expected"), "{name} {seed}");
        }
    }
}
