//! `fjord decrypt` with OpenPGP keys: where it finds them, and what it says where it does not.

#![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/sops/tests/sops")
}

/// Runs the command with a folder of GnuPG's.
fn decrypt(gnupg: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fjord"))
        .arg("decrypt")
        .args(arguments)
        .env("GNUPGHOME", gnupg)
        .env("HOME", gnupg)
        .env_remove("SOPS_AGE_KEY")
        .env_remove("SOPS_AGE_KEY_FILE")
        .env_remove("SOPS_AGE_SSH_PRIVATE_KEY_FILE")
        .output()
        .unwrap()
}

fn case(name: &str) -> (String, Vec<u8>) {
    let case = sops().join("cases").join(name);
    let file = case.join("encrypted.yaml").display().to_string();
    (file, fs::read(case.join("expected")).unwrap())
}

#[test]
fn keys_come_from_the_flag_and_from_exports_in_gnupghome() {
    let (file, expected) = case("yaml-simple-pgp-ecc");
    let folder = tempfile::tempdir().unwrap();
    let key = sops().join("keys/pgp_ecc.asc");

    let by_flag = decrypt(
        folder.path(),
        &["--pgp-key", &key.display().to_string(), &file],
    );
    assert_eq!(by_flag.stdout, expected);

    // Other armored files and public rings lie there as well.
    fs::copy(&key, folder.path().join("team.asc")).unwrap();
    fs::copy(
        sops().join("keys/public.asc"),
        folder.path().join("other.asc"),
    )
    .unwrap();
    fs::write(folder.path().join("note.asc"), "no key at all").unwrap();
    let by_folder = decrypt(folder.path(), &[&file]);
    assert_eq!(by_folder.stdout, expected);

    fs::remove_file(folder.path().join("team.asc")).unwrap();
    assert!(!decrypt(folder.path(), &[&file]).status.success());
    fs::copy(
        sops().join("keys/pgp_p256.gpg"),
        folder.path().join("secring.gpg"),
    )
    .unwrap();
    let (file, expected) = case("pgp-key-p256");
    assert_eq!(decrypt(folder.path(), &[&file]).stdout, expected);
}

#[test]
fn a_key_that_only_gnupg_has_is_named_with_the_way_to_export_it() {
    let (file, _) = case("pgp-key-p256");
    let folder = tempfile::tempdir().unwrap();
    let before = decrypt(folder.path(), &[&file]);
    let said = String::from_utf8(before.stderr).unwrap();
    assert!(said.contains("no such key is at hand"), "{said}");
    assert!(!said.contains("--pgp-key"), "{said}");

    fs::create_dir(folder.path().join("private-keys-v1.d")).unwrap();
    let said = String::from_utf8(decrypt(folder.path(), &[&file]).stderr).unwrap();
    let print = fs::read_to_string(&file).unwrap();
    let print = print.split("fp: ").nth(1).unwrap().lines().next().unwrap();
    let way = format!("gpg --export-secret-keys --armor {print}");
    assert!(said.contains(&way) && said.contains("--pgp-key"), "{said}");
}

#[test]
fn a_file_that_holds_no_private_key_is_refused_with_its_name() {
    let (file, _) = case("pgp-key-p256");
    let folder = tempfile::tempdir().unwrap();
    let key = sops().join("keys/public.asc").display().to_string();
    let output = decrypt(folder.path(), &["--pgp-key", &key, &file]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        said.contains("public.asc: no private OpenPGP key"),
        "{said}"
    );
}

#[test]
fn a_folder_is_checked_with_openpgp_keys_and_shows_who_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("clusters");
    fs::create_dir(&tree).unwrap();
    fs::copy(case("yaml-simple-pgp-ecc").0, tree.join("ours.yaml")).unwrap();
    let key = sops().join("keys/pgp_ecc.asc").display().to_string();
    let tree_name = tree.display().to_string();
    let arguments = ["--check", &tree_name, "--pgp-key", &key];
    let whole = decrypt(folder.path(), &arguments);
    assert!(whole.status.success());
    fs::copy(case("pgp-key-p256").0, tree.join("theirs.yaml")).unwrap();
    let output = decrypt(folder.path(), &arguments);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(table.contains("ours.yaml     SOPS   ok"), "{table}");
    assert!(table.contains("no such key is at hand"), "{table}");
}
