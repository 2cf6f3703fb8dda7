//! `make bench-decrypt`: files with one age key, and with one OpenPGP key, decrypted by this library and by the real sops in the
//! same run.
//!
//! `decrypt_bench SOPS [COUNT]`: lets SOPS encrypt COUNT files (500) for each of the throw-away keys of the tests, then decrypts
//! each with both. Every file has a data key of its own, so that each is unwrapped. What sops needs includes its start, and that
//! of gpg, as in every pipeline that runs it per file.

use std::error::Error;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fjord_sops::{AgeIdentities, Format, KeyService, Mac, PgpKeys, decrypt};

type Failure = Box<dyn Error>;

/// Makes keys of what a file holds.
type Load = fn(&[u8]) -> Result<Box<dyn KeyService>, Failure>;

/// A kind of key: how it is loaded here, and what sops is told.
struct Kind {
    name: &'static str,
    /// The file of the private key.
    key: PathBuf,
    /// What `sops encrypt` is told: `--age age1...`.
    recipient: [String; 2],
    load: Load,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let sops = arguments
        .next()
        .ok_or("usage: decrypt_bench SOPS [COUNT]")?;
    let count: usize = arguments.next().map_or(Ok(500), |count| count.parse())?;
    let folder = tempfile::Builder::new().prefix("bench").tempdir()?;
    let home = folder.path().join("gnupg");
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/keys");

    let age = keys.join("first.age");
    let pgp = keys.join("pgp_rsa.asc");
    let kinds = [
        Kind {
            name: "age",
            recipient: ["--age".to_owned(), age_recipient(&age)?],
            key: age,
            load: |file| {
                let mut keys = AgeIdentities::default();
                keys.add_lines(std::str::from_utf8(file)?)?;
                Ok(Box::new(keys))
            },
        },
        Kind {
            name: "OpenPGP (RSA, 2048 bits)",
            recipient: ["--pgp".to_owned(), import(&home, &pgp)?],
            key: pgp,
            load: |file| {
                let mut keys = PgpKeys::default();
                keys.add(file)?;
                Ok(Box::new(keys))
            },
        },
    ];
    for kind in &kinds {
        compare(&sops, kind, folder.path(), &home, count)?;
    }
    Command::new("gpgconf")
        .args(["--kill", "all"])
        .env("GNUPGHOME", &home)
        .status()?;
    Ok(())
}

fn compare(
    sops: &str,
    kind: &Kind,
    folder: &Path,
    home: &Path,
    count: usize,
) -> Result<(), Failure> {
    eprintln!("{}: encrypting {count} files ...", kind.name);
    let files = encrypt(sops, kind, folder, home, count)?;

    eprintln!("{}: decrypting ...", kind.name);
    let start = Instant::now();
    let keys = (kind.load)(&std::fs::read(&kind.key)?)?;
    let mut ours = Vec::new();
    for file in &files {
        let decrypted = decrypt(&std::fs::read(file)?, Format::Yaml, &*keys, Mac::Verify)?;
        ours.push(decrypted.write(Format::Yaml)?);
    }
    let our_time = start.elapsed();

    let start = Instant::now();
    for (file, ours) in files.iter().zip(&ours) {
        let output = Command::new(sops)
            .arg("decrypt")
            .arg(file)
            .env("SOPS_AGE_KEY_FILE", &kind.key)
            .env("GNUPGHOME", home)
            .stderr(Stdio::inherit())
            .output()?;
        if output.stdout != **ours {
            return Err(format!("{} decrypts to something else", file.display()).into());
        }
    }
    report(kind.name, count, our_time, start.elapsed());
    Ok(())
}

fn age_recipient(key: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(key)?;
    let recipient = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    Ok(recipient
        .ok_or("the key file names no public key")?
        .to_owned())
}

/// Imports a key into a GnuPG of its own and returns its fingerprint.
fn import(home: &Path, key: &Path) -> Result<String, Failure> {
    std::fs::create_dir(home)?;
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700))?;
    let gpg = |arguments: &[&str]| {
        Command::new("gpg")
            .args(["--batch", "--quiet", "--with-colons"])
            .args(arguments)
            .env("GNUPGHOME", home)
            .output()
    };
    gpg(&["--import", &key.to_string_lossy()])?;
    let listed = String::from_utf8(gpg(&["--list-keys"])?.stdout)?;
    let print = listed
        .lines()
        .find_map(|line| line.strip_prefix("fpr:"))
        .and_then(|line| line.split(':').find(|field| !field.is_empty()));
    Ok(print.ok_or("gpg lists no key")?.to_owned())
}

fn encrypt(
    sops: &str,
    kind: &Kind,
    folder: &Path,
    home: &Path,
    count: usize,
) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for index in 0..count {
        let file = folder.join(format!("secret{}-{index}.yaml", kind.recipient[0]));
        let values: String = (0..8)
            .map(|value| format!("  key-{value}: value {value} of file {index}\n"))
            .collect();
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{index}\nstringData:\n{values}"
        );
        std::fs::write(&file, text)?;
        let status = Command::new(sops)
            .args(["encrypt", "--in-place"])
            .args(&kind.recipient)
            .args(["--encrypted-regex", "^(data|stringData)$"])
            .arg(&file)
            .env("GNUPGHOME", home)
            .status()?;
        if !status.success() {
            return Err(format!("sops encrypt: {status}").into());
        }
        files.push(file);
    }
    Ok(files)
}

fn report(name: &str, count: usize, ours: Duration, theirs: Duration) {
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / count as f64;
    println!("{count} files, {name}, the same bytes from both");
    println!("  fjord {:9.3} ms a file", each(ours));
    println!("  sops  {:9.3} ms a file", each(theirs));
    println!(
        "  ratio {:9.1} x (aim 20)",
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
