//! `fjord decrypt` with keys from where sops takes them, and what it says where there are none.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn sops(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("../libs/sops/tests").join(path)
}

/// Runs `fjord decrypt` without a terminal, in a home of its own, with these variables alone.
fn decrypt(home: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fjord"))
        .arg("decrypt")
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    text.into_owned()
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn age_keys_come_from_variables_commands_and_the_users_home() {
    let key = path(&sops("sops/keys/first.age"));
    let text = std::fs::read_to_string(&key).unwrap();
    let secret = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
    let second = std::fs::read_to_string(sops("sops/keys/second.age")).unwrap();
    let second = second.lines().find(|line| line.starts_with("AGE-"));
    let two = format!("{} {secret}", second.unwrap());
    let ssh = path(&sops("sops/keys/ssh_ed25519"));
    let age = path(&sops("sops/cases/yaml-simple-age/encrypted.yaml"));
    let by_ssh = path(&sops("sops/cases/yaml-simple-ssh-ed25519/encrypted.yaml"));
    let expected = std::fs::read(sops("sops/cases/yaml-simple-age/expected")).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let (cat_key, cat_ssh) = (format!("cat '{key}'"), format!("cat '{ssh}'"));
    for (variable, value, file) in [
        ("SOPS_AGE_KEY", secret, &age),
        ("SOPS_AGE_KEY", &two, &age),
        ("SOPS_AGE_KEY_FILE", &key, &age),
        ("SOPS_AGE_KEY_CMD", &cat_key, &age),
        ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &ssh, &by_ssh),
        ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", &cat_ssh, &by_ssh),
    ] {
        let output = decrypt(empty.path(), &[(variable, value)], &[file]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, expected, "{variable}: {error}");
    }
    let recipient = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    let only = format!(
        "sh -c 'test \"$SOPS_AGE_RECIPIENT\" = {} && cat {key}'",
        recipient.unwrap()
    );
    let output = decrypt(empty.path(), &[("SOPS_AGE_KEY_CMD", &only)], &[&age]);
    assert_eq!(output.stdout, expected, "the command is told the recipient");

    let home = tempfile::tempdir().unwrap();
    for (source, target, file) in [
        (&key, ".config/sops/age/keys.txt", &age),
        (&ssh, ".ssh/id_ed25519", &by_ssh),
    ] {
        let target = home.path().join(target);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(source, target).unwrap();
        let output = decrypt(home.path(), &[], &[file]);
        assert_eq!(output.stdout, expected);
    }
}

#[test]
fn what_cannot_be_used_is_named_once_a_file_needs_it() {
    let age = path(&sops("sops/cases/yaml-simple-age/encrypted.yaml"));
    let home = tempfile::tempdir().unwrap();
    let locked = path(&sops("age/locked.key"));
    for (variables, words) in [
        (&[][..], "no such key is at hand"),
        (
            &[("SOPS_AGE_KEY", "AGE-PLUGIN-X-1QQ")],
            "SOPS_AGE_KEY: line 1: identities of age plugins are not supported",
        ),
        (
            &[("SOPS_AGE_KEY", "AGE-SECRET-KEY-1PLANTED")],
            "SOPS_AGE_KEY: line 1 is no age identity",
        ),
        (
            &[("SOPS_AGE_KEY_FILE", "/nowhere/at.all")],
            "SOPS_AGE_KEY_FILE: reading /nowhere/at.all",
        ),
        (
            &[("SOPS_AGE_KEY_CMD", "false PLANTED")],
            "SOPS_AGE_KEY_CMD: false ended with exit status: 1",
        ),
        (&[("SOPS_AGE_KEY_CMD", "'")], "its quotes do not match"),
        (&[("SOPS_AGE_KEY_FILE", locked.as_str())], "passphrase"),
    ] {
        let said = said(&decrypt(home.path(), variables, &[&age]));
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("PLANTED"), "{said}");
    }
    // A broken source does no harm where another has the key.
    let key = path(&sops("sops/keys/first.age"));
    let variables = [
        ("SOPS_AGE_KEY", "AGE-PLUGIN-X-1QQ"),
        ("SOPS_AGE_KEY_FILE", &key),
    ];
    assert!(decrypt(home.path(), &variables, &[&age]).status.success());
}

#[test]
fn keys_of_clouds_need_credentials_that_are_given_outright() {
    let home = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/keyservice/tests/sops");
    for (case, words) in [
        ("vault-yaml", "no credentials for Vault: set VAULT_TOKEN"),
        ("aws-yaml", "the identity of the machine are not used"),
        (
            "gcp-yaml",
            "no credentials for GCP KMS: set GOOGLE_CREDENTIALS",
        ),
        (
            "azure-yaml",
            "no credentials for Azure Key Vault: set AZURE_TENANT_ID",
        ),
    ] {
        let file = path(&root.join(case).join("encrypted.yaml"));
        let variables = [("AWS_PROFILE", "p"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/x")];
        let said = said(&decrypt(home.path(), &variables, &[&file]));
        assert!(said.contains(words), "{said}");
    }
    // A file that a variable names and that is not there is told, not passed over.
    for (case, words) in [
        ("vault-yaml", "VAULT_CACERT: reading /nowhere/at.all"),
        (
            "gcp-yaml",
            "GOOGLE_APPLICATION_CREDENTIALS: reading /nowhere/at.all",
        ),
    ] {
        let file = path(&root.join(case).join("encrypted.yaml"));
        let variables = [
            ("VAULT_CACERT", "/nowhere/at.all"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at.all"),
        ];
        let said = said(&decrypt(home.path(), &variables, &[&file]));
        assert!(said.contains(words), "{said}");
    }
    let file = path(&root.join("vault-yaml/encrypted.yaml"));
    let variables = [
        ("VAULT_TOKEN", "hvs.PLANTED"),
        ("SOPS_HC_VAULT_ALLOWLIST", "none"),
    ];
    let said = said(&decrypt(home.path(), &variables, &[&file]));
    assert!(
        said.contains("is not one that tokens may be sent to"),
        "{said}"
    );
    assert!(!said.contains("PLANTED"), "{said}");
}

#[test]
fn a_check_prints_a_table_and_no_value() {
    let key = path(&sops("sops/keys/first.age"));
    let home = tempfile::tempdir().unwrap();
    let tree = tempfile::tempdir().unwrap();
    for case in [
        "yaml-simple-age",
        "yaml-tampered-value",
        "yaml-key-not-at-hand",
    ] {
        let file = sops("sops/cases").join(case).join("encrypted.yaml");
        std::fs::copy(file, tree.path().join(format!("{case}.yaml"))).unwrap();
    }
    let tree = path(tree.path());
    let output = decrypt(
        home.path(),
        &[("SOPS_AGE_KEY_FILE", &key)],
        &["--check", &tree],
    );
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[1].contains("no such key is at hand"), "{table}");
    assert!(lines[2].ends_with("ok"), "{table}");
    assert!(lines[3].contains("does not decrypt"), "{table}");
    assert!(said(&output).contains("2 of 3 encrypted files"), "{table}");
    assert!(
        !table.contains("p4ss") && !table.contains("admin"),
        "{table}"
    );
}
