//! Generated files of every format decrypt to the real library's bytes (`tests/oracle/sops`), in that format and in others.
//!
//! Needs the oracle: `SOPS_ORACLE` names it. `SOPS_DIFFERENTIAL` is the number of documents, `SOPS_SEED` the first seed;
//! `SOPS_RECORD` names a folder for what the oracle answered, which `formats.rs` replays without it.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "differential/dotenv.rs"]
mod dotenv;
#[path = "differential/ini.rs"]
mod ini;
#[path = "differential/json.rs"]
mod json;
#[path = "differential/random.rs"]
mod random;
#[path = "differential/yaml.rs"]
mod yaml;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::{AgeIdentities, Format, Mac, decrypt};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[test]
fn random_commented_documents_decrypt_to_what_sops_decrypts_them_to() {
    compare(&Input {
        format: Format::Yaml,
        name: "yaml",
        document: yaml::document,
        plain: "a: b\n",
        with_metadata: |plain, encrypted| {
            let metadata = &encrypted[encrypted.find("sops:").unwrap()..];
            format!("{metadata}{plain}")
        },
    });
}

#[test]
fn random_ini_decrypts_to_what_sops_decrypts_it_to() {
    compare(&Input {
        format: Format::Ini,
        name: "ini",
        document: ini::document,
        plain: "[a]\nb = c\n",
        with_metadata: |plain, encrypted| {
            let metadata = &encrypted[encrypted.find("[sops]").unwrap()..];
            format!("{plain}\n{metadata}")
        },
    });
}

#[test]
fn random_dotenv_decrypts_to_what_sops_decrypts_it_to() {
    compare(&Input {
        format: Format::Dotenv,
        name: "dotenv",
        document: dotenv::document,
        plain: "A=b\n",
        with_metadata: |plain, encrypted| {
            let metadata = &encrypted[encrypted.find("sops_").unwrap()..];
            format!("{plain}\n{metadata}")
        },
    });
}

#[test]
fn random_json_decrypts_to_what_sops_decrypts_it_to() {
    compare(&Input {
        format: Format::Json,
        name: "json",
        document: json::document,
        plain: "{\"a\": 1}",
        with_metadata: |plain, encrypted| {
            let metadata = &encrypted[encrypted.find("\"sops\":").unwrap()..];
            let metadata = metadata.trim_end().strip_suffix('}').unwrap();
            let rest = plain.strip_prefix('{').unwrap();
            let comma = if rest.trim_start().starts_with('}') {
                ""
            } else {
                ","
            };
            format!("{{{metadata}{comma}{rest}")
        },
    });
}

/// Documents of one format.
struct Input {
    format: Format,
    name: &'static str,
    document: fn(u64) -> String,
    /// A document whose encrypted form has metadata to borrow.
    plain: &'static str,
    /// Makes a plain document one to decrypt, with the metadata of a file whose values are all plain.
    with_metadata: fn(&str, &str) -> String,
}

const OUTPUTS: [(Format, &str); 4] = [
    (Format::Yaml, "yaml"),
    (Format::Json, "json"),
    (Format::Ini, "ini"),
    (Format::Dotenv, "dotenv"),
];

fn compare(input: &Input) {
    let Ok(program) = std::env::var("SOPS_ORACLE") else {
        eprintln!("SKIPPED: SOPS_ORACLE does not name the program of tests/oracle/sops");
        return;
    };
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/keys/first.age");
    let key = std::fs::read_to_string(key).unwrap();
    let recipient = key
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    let recipient = recipient.unwrap().to_owned();
    let mut keys = AgeIdentities::default();
    keys.add_lines(&key).unwrap();
    let mut oracle = Oracle::start(&program, &key);
    let encrypt = |plain: &str, rule: &str, value: &str, mac_only: bool| {
        json!({"op": "encrypt", "format": input.name, "recipient": recipient, "rule": rule, "value": value,
            "mac_only_encrypted": mac_only, "text": STANDARD.encode(plain)})
    };
    let none = encrypt(input.plain, "encrypted_regex", "^never$", false);
    let none = String::from_utf8(oracle.ask(&none).unwrap()).unwrap();
    let rules = [
        ("", ""),
        ("unencrypted_comment_regex", "plain: me"),
        ("encrypted_comment_regex", "enc: me"),
        ("encrypted_suffix", "_secret"),
        ("unencrypted_regex", "^k[0-9]*[02468]"),
    ];
    let first = number("SOPS_SEED", 1);
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    let mut recorded = Vec::new();
    for seed in first..first + number("SOPS_DIFFERENTIAL", 300) {
        let plain = (input.document)(seed);
        let (rule, value) = rules[usize::try_from(seed % 5).unwrap()];
        let encrypted = oracle.ask(&encrypt(&plain, rule, value, seed % 2 == 0));
        let borrowed = (input.with_metadata)(&plain, &none).into_bytes();
        let texts = [(borrowed, true)].into_iter();
        for (text, ignored) in texts.chain(encrypted.into_iter().map(|text| (text, seed % 3 == 0)))
        {
            let (format, name) = match seed % 4 {
                0 => OUTPUTS[usize::try_from(seed / 4 % 4).unwrap()],
                _ => (input.format, input.name),
            };
            let theirs = oracle.ask(&json!({"op": "decrypt", "format": input.name, "output": name, "ignore_mac": ignored,
                "text": STANDARD.encode(&text)}));
            if let Ok(theirs) = &theirs {
                recorded.push(json!({"seed": seed, "output": name, "ignore_mac": ignored,
                    "text": String::from_utf8_lossy(&text), "expected": String::from_utf8_lossy(theirs)}));
            }
            let mac = if ignored { Mac::Skip } else { Mac::Verify };
            let ours = decrypt(&text, input.format, &keys, mac).and_then(|done| done.write(format));
            match (theirs, ours) {
                (Ok(theirs), Ok(ours)) if theirs == *ours => same += 1,
                (Err(_), Err(_)) => refused += 1,
                // Where sops dies, anything is better.
                (Err(reason), Ok(_)) if reason.starts_with("panic") => refused += 1,
                // docs/deviations.md: sops writes how Go shows a map.
                (Ok(_), Err(reason))
                    if name == "ini" && reason.to_string().contains(" holds a ") =>
                {
                    refused += 1;
                }
                (theirs, ours) => wrong.push(format!(
                    "seed {seed} to {name}\n=== text\n{}\n=== sops\n{}\n=== fjord\n{}",
                    String::from_utf8_lossy(&text),
                    theirs.map_or_else(
                        |error| error,
                        |text| String::from_utf8_lossy(&text).into_owned()
                    ),
                    ours.map_or_else(
                        |error| error.to_string(),
                        |text| String::from_utf8_lossy(&text).into_owned()
                    ),
                )),
            }
        }
    }
    if let Ok(folder) = std::env::var("SOPS_RECORD") {
        let lines: String = recorded.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(
            Path::new(&folder).join(format!("{}.jsonl", input.name)),
            lines,
        )
        .unwrap();
    }
    eprintln!(
        "{}: {same} the same, {refused} refused by both or under a rule, {} differ",
        input.name,
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n\n")
    );
}

struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start(program: &str, key: &str) -> Self {
        let mut child = Command::new(program)
            .env("SOPS_AGE_KEY", key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn ask(&mut self, request: &Value) -> Result<Vec<u8>, String> {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(STANDARD
                .decode(answer["text"].as_str().unwrap_or_default())
                .unwrap()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
