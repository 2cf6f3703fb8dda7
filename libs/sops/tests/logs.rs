//! No library below this one logs keys or what they open, whatever logger a program installs.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Mutex;

use fjord_sops::{AgeIdentities, Format, KeyService, Mac, PgpKeys, decrypt};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Keep;

impl log::Log for Keep {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        LINES.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

#[test]
fn loading_keys_and_decrypting_log_nothing_of_them() {
    log::set_logger(&Keep).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    log::info!("the logger works");

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops");
    let mut pgp = PgpKeys::default();
    pgp.add(&std::fs::read(folder.join("keys/pgp_ecc.asc")).unwrap())
        .unwrap();
    let mut age = AgeIdentities::default();
    age.add_lines(&std::fs::read_to_string(folder.join("keys/first.age")).unwrap())
        .unwrap();
    let keys: Vec<Box<dyn KeyService>> = vec![Box::new(age), Box::new(pgp)];
    for case in ["yaml-simple-pgp-ecc", "yaml-simple-age"] {
        let file = folder.join("cases").join(case).join("encrypted.yaml");
        let text = std::fs::read(file).unwrap();
        assert!(decrypt(&text, Format::Yaml, &keys, Mac::Verify).is_ok());
    }

    assert_eq!(*LINES.lock().unwrap(), ["INFO the logger works"]);
}
