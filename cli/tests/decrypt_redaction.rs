//! What `fjord decrypt` says of damaged files, at its most talkative: never a value, never a key.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A value of every file below, and its base64.
const SHOWN_BY_NONE: [&str; 2] = ["p4ss", "cDRzc"];

/// The cases whose files hold that value, by the name that each file needs.
const CASES: [(&str, &str); 4] = [
    ("yaml-simple-age", "encrypted.yaml"),
    ("env-simple-age", "encrypted.env"),
    ("ini-simple-age", "encrypted.ini"),
    ("table-json-age-plain", "encrypted.json"),
];

fn sops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/sops/tests/sops")
}

fn decrypt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fjord"))
        .arg("decrypt")
        .args(arguments)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .env("SOPS_AGE_KEY_FILE", sops().join("keys/first.age"))
        .output()
        .unwrap()
}

/// Everything that a run says without being asked for the value.
fn said(output: &Output, asked: bool) -> String {
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !asked {
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    said
}

fn assert_silent(said: &str) {
    let key = std::fs::read_to_string(sops().join("keys/first.age")).unwrap();
    let key = key.lines().find(|line| line.starts_with("AGE-")).unwrap();
    for secret in SHOWN_BY_NONE.into_iter().chain([key, &key[15..40]]) {
        assert!(!said.contains(secret), "a secret is shown in: {said}");
    }
}

/// Changes one byte in each of about so many places, to another that is as likely in such a file.
fn damaged(text: &[u8], places: usize) -> impl Iterator<Item = Vec<u8>> {
    let step = (text.len() / places).max(1);
    (0..text.len()).step_by(step).map(move |at| {
        let mut text = text.to_vec();
        text[at] = match text[at] {
            b'A' => b'B',
            b'\n' => b' ',
            b'=' => b':',
            b'0'..=b'9' => b'x',
            _ => b'A',
        };
        text
    })
}

#[test]
fn nothing_that_is_said_of_a_damaged_file_shows_a_value_or_a_key() {
    let folder = tempfile::tempdir().unwrap();
    for (case, name) in CASES {
        let text = std::fs::read(sops().join("cases").join(case).join(name)).unwrap();
        let (_, extension) = name.split_once('.').unwrap();
        let sound = folder.path().join(format!("{case}.{extension}"));
        std::fs::write(&sound, &text).unwrap();
        let output = decrypt(&[sound.to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output, true));
        assert!(String::from_utf8_lossy(&output.stdout).contains("p4ss"));
        assert_silent(&said(&output, true));
        for (index, text) in damaged(&text, 150).enumerate() {
            let file = folder.path().join(format!("{case}-{index}.{extension}"));
            std::fs::write(&file, text).unwrap();
            if index % 10 == 0 {
                let output = decrypt(&[file.to_str().unwrap()]);
                assert_silent(&said(&output, output.status.success()));
                let output = decrypt(&["--ignore-mac", file.to_str().unwrap()]);
                assert_silent(&said(&output, output.status.success()));
            }
        }
    }
    let output = decrypt(&["--check", folder.path().to_str().unwrap()]);
    assert!(!output.status.success());
    let said = said(&output, false);
    let rows = said.lines().filter(|line| line.contains("-age-")).count();
    assert!(rows > 400, "{rows} damaged files are in the table: {said}");
    assert_silent(&said);
}
