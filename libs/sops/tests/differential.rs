//! Random commented YAML decrypts to the real library's bytes (`tests/oracle/sops`).
//!
//! Needs the oracle: `SOPS_ORACLE` names it. `SOPS_DIFFERENTIAL` is the number of documents, `SOPS_SEED` the first seed.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::{AgeIdentities, Format, Mac, decrypt};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

struct Writer {
    random: Random,
    out: String,
    keys: u32,
    lists: bool,
}

impl Writer {
    fn comments(&mut self, indent: usize) {
        while self.random.one_in(4) {
            let comment = self.random.pick(&[
                "# one",
                "#two",
                "#  three",
                "#",
                "## four",
                "# grün: x",
                "# enc: me",
                "# plain: me",
                "#- a: b",
            ]);
            let off = if self.random.one_in(6) {
                usize::try_from(self.random.below(6)).unwrap()
            } else {
                indent
            };
            writeln!(self.out, "{:off$}{comment}", "").unwrap();
            if self.random.one_in(3) {
                self.out.push('\n');
            }
        }
        if self.random.one_in(8) {
            self.out.push('\n');
        }
    }

    fn inline(&mut self) {
        if self.random.one_in(4) {
            let comment = self.random.pick(&[" # behind", "  #b", " # enc: me", " #"]);
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// A collection in brackets over several lines.
    fn flow(&mut self, indent: usize) {
        let (open, close) = if self.random.one_in(2) {
            (" [", "]")
        } else {
            (" {", "}")
        };
        self.out.push_str(open);
        self.inline();
        for index in 0..self.random.below(4) {
            self.comments(indent + 2);
            let item = self.random.pick(&["x", "'y'", "[z]", "{}", "\"w\""]);
            let key = if open == " {" {
                format!("f{index}: ")
            } else {
                String::new()
            };
            write!(self.out, "{:1$}{key}{item}", "", indent + 2).unwrap();
            if !self.random.one_in(4) {
                self.out.push(',');
                self.inline();
            } else {
                self.inline();
                break;
            }
        }
        self.comments(indent + 2);
        write!(self.out, "{:1$}{close}", "", indent + 1).unwrap();
        self.inline();
    }

    fn scalar(&mut self, indent: usize) {
        if self.random.one_in(8) {
            return self.flow(indent);
        }
        let scalar = self.random.pick(&[
            "x",
            "12",
            "1.5",
            "true",
            "null",
            "\"\"",
            "'a # b'",
            "two words",
            "\"a\\tb\"",
            "2026-01-02",
            "~",
            "|",
            ">-",
            "|+",
            "[]",
            "{}",
            "[a, b]",
            "{a: b}",
            "",
        ]);
        if !scalar.is_empty() {
            self.out.push(' ');
            self.out.push_str(scalar);
        }
        self.inline();
        if scalar.starts_with(['|', '>']) {
            writeln!(self.out, "{:indent$}  line", "").unwrap();
            if self.random.one_in(2) {
                writeln!(self.out, "{:indent$}  # no comment", "").unwrap();
            }
            if self.random.one_in(3) {
                self.out.push('\n');
            }
        }
    }

    fn map(&mut self, indent: usize, depth: u32) {
        for _ in 0..=self.random.below(3) {
            self.comments(indent);
            self.entry(indent, depth);
        }
        self.comments(indent);
    }

    fn entry(&mut self, indent: usize, depth: u32) {
        self.keys += 1;
        let suffix = self.random.pick(&["", "", "_unencrypted", "_secret"]);
        write!(self.out, "{:indent$}k{}{suffix}:", "", self.keys).unwrap();
        self.value(indent, depth, false);
    }

    fn value(&mut self, indent: usize, depth: u32, in_list: bool) {
        let step = usize::try_from(2 + 2 * self.random.below(2)).unwrap();
        match self.random.below(if depth > 3 { 1 } else { 5 }) {
            3 => {
                self.inline();
                self.map(indent + step, depth + 1);
            }
            4 if self.lists => {
                self.inline();
                let step = if !in_list && self.random.one_in(3) {
                    0
                } else {
                    step
                };
                for _ in 0..=self.random.below(3) {
                    self.comments(indent + step);
                    write!(self.out, "{:1$}-", "", indent + step).unwrap();
                    if self.random.one_in(4) {
                        self.out.push(' ');
                        let from = self.out.len();
                        self.entry(indent + step + 2, depth + 1);
                        let blank = from + indent + step + 2;
                        self.out.replace_range(from..blank, "");
                        if self.random.one_in(2) {
                            self.comments(indent + step + 2);
                            self.entry(indent + step + 2, depth + 1);
                        }
                    } else {
                        self.value(indent + step, depth + 1, true);
                    }
                }
                self.comments(indent + step);
            }
            _ => self.scalar(indent),
        }
    }
}

fn document(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        random.below(2);
    }
    let lists = !random.one_in(3);
    let mut writer = Writer {
        random,
        out: String::new(),
        keys: 0,
        lists,
    };
    writer.map(0, 0);
    while writer.random.one_in(5) {
        writer.out.push_str("---\n");
        writer.map(0, 0);
    }
    match writer.random.below(8) {
        0 => writer.out.replace('\n', "\r\n"),
        1 => writer.out.trim_end().to_owned(),
        // Behind text only: at the beginning of a line, a tab is refused (docs/deviations.md).
        2 => writer
            .out
            .lines()
            .map(|line| match line.trim_start().starts_with('#') {
                true => line.to_owned() + "\n",
                false => line.replace(" #", "\t#") + "\n",
            })
            .collect(),
        _ => writer.out,
    }
}

struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
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

#[test]
fn random_commented_documents_decrypt_to_what_sops_decrypts_them_to() {
    let Ok(program) = std::env::var("SOPS_ORACLE") else {
        eprintln!("SKIPPED: SOPS_ORACLE does not name the program of tests/oracle/sops");
        return;
    };
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/keys/first.age");
    let key = std::fs::read_to_string(key).unwrap();
    let recipient = key
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "))
        .unwrap()
        .to_owned();
    let mut keys = AgeIdentities::default();
    keys.add_lines(&key).unwrap();
    let mut child = Command::new(program)
        .env("SOPS_AGE_KEY", &key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut oracle = Oracle {
        input: child.stdin.take().unwrap(),
        output: BufReader::new(child.stdout.take().unwrap()),
        child,
    };
    // An encrypted file whose values are all plain: its metadata make any document one to read and write.
    let none = json!({"op": "encrypt", "format": "yaml", "recipient": recipient, "rule": "encrypted_regex", "value": "^never$",
        "text": STANDARD.encode("a: b\n")});
    let metadata = String::from_utf8(oracle.ask(&none).unwrap()).unwrap();
    let metadata = &metadata[metadata.find("sops:").unwrap()..];
    let rules = [
        ("", ""),
        ("unencrypted_comment_regex", "plain: me"),
        ("encrypted_comment_regex", "enc: me"),
        ("encrypted_suffix", "_secret"),
        ("unencrypted_regex", "^k[0-9]*[02468]"),
    ];
    let first = number("SOPS_SEED", 1);
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for seed in first..first + number("SOPS_DIFFERENTIAL", 300) {
        let plain = document(seed);
        let (rule, value) = rules[usize::try_from(seed % 5).unwrap()];
        let ignored = seed % 3 == 0;
        let encrypted = oracle.ask(&json!({"op": "encrypt", "format": "yaml", "recipient": recipient, "rule": rule, "value": value,
            "mac_only_encrypted": seed % 2 == 0, "text": STANDARD.encode(&plain)}));
        let mut texts = vec![format!("{metadata}{plain}").into_bytes()];
        texts.extend(encrypted);
        for text in texts {
            let ignored = ignored || text.starts_with(b"sops:");
            let theirs = oracle.ask(&json!({"op": "decrypt", "format": "yaml", "ignore_mac": ignored, "text": STANDARD.encode(&text)}));
            let mac = if ignored { Mac::Skip } else { Mac::Verify };
            let ours =
                decrypt(&text, Format::Yaml, &keys, mac).and_then(|done| done.write(Format::Yaml));
            match (theirs, ours) {
                (Ok(theirs), Ok(ours)) if theirs == *ours => same += 1,
                (Err(_), Err(_)) => refused += 1,
                (theirs, ours) => wrong.push(format!(
                    "seed {seed}\n=== text\n{}\n=== sops\n{}\n=== fjord\n{}",
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
    eprintln!(
        "{same} the same, {refused} refused by both, {} differ",
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ, the first three:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n\n")
    );
}
