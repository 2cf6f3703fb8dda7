//! What the fuzz targets found worth keeping, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_sops::Format;

#[path = "../fuzz/checks/keys.rs"]
mod keys;
#[path = "../../../tests/shared/replay.rs"]
mod replay;
#[path = "../fuzz/checks/sealed_secret.rs"]
mod sealed_secret;
#[path = "../fuzz/checks/sops.rs"]
mod sops;

use replay::replay;

#[test]
fn seeds_of_yaml_hold() {
    replay("yaml", |text| sops::check(text, Format::Yaml));
}

#[test]
fn seeds_of_json_hold() {
    replay("json", |text| sops::check(text, Format::Json));
}

#[test]
fn seeds_of_dotenv_hold() {
    replay("dotenv", |text| sops::check(text, Format::Dotenv));
}

#[test]
fn seeds_of_ini_hold() {
    replay("ini", |text| sops::check(text, Format::Ini));
}

#[test]
fn seeds_of_binary_hold() {
    replay("binary", |text| sops::check(text, Format::Binary));
}

#[test]
fn seeds_of_keys_hold() {
    replay("keys", keys::check);
}

#[test]
fn seeds_of_sealed_secrets_hold() {
    replay("sealed_secret", sealed_secret::check);
}
