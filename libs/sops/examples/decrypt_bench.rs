//! `make bench-decrypt`: files with one age key, decrypted by this library and by the real sops in the same run.
//!
//! `decrypt_bench SOPS [COUNT]`: lets SOPS encrypt COUNT files (500) for a throw-away key of the tests, then decrypts each with
//! both. What sops needs includes its start, as in every pipeline that runs it per file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fjord_sops::{AgeIdentities, Format, Mac, decrypt};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let sops = arguments
        .next()
        .ok_or("usage: decrypt_bench SOPS [COUNT]")?;
    let count: usize = arguments.next().map_or(Ok(500), |count| count.parse())?;
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/keys/first.age");
    let folder = tempfile::tempdir()?;
    eprintln!("encrypting {count} files ...");
    let files = encrypt(&sops, &key, folder.path(), count)?;

    eprintln!("decrypting ...");
    let start = Instant::now();
    let mut keys = AgeIdentities::default();
    keys.add_lines(&std::fs::read_to_string(&key)?)?;
    let mut ours = Vec::new();
    for file in &files {
        let decrypted = decrypt(&std::fs::read(file)?, Format::Yaml, &keys, Mac::Verify)?;
        ours.push(decrypted.write(Format::Yaml)?);
    }
    let our_time = start.elapsed();

    let start = Instant::now();
    for (file, ours) in files.iter().zip(&ours) {
        let output = Command::new(&sops)
            .arg("decrypt")
            .arg(file)
            .env("SOPS_AGE_KEY_FILE", &key)
            .stderr(Stdio::inherit())
            .output()?;
        if output.stdout != **ours {
            return Err(format!("{} decrypts to something else", file.display()).into());
        }
    }
    report(count, our_time, start.elapsed());
    Ok(())
}

fn encrypt(
    sops: &str,
    key: &Path,
    folder: &Path,
    count: usize,
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let text = std::fs::read_to_string(key)?;
    let recipient = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "))
        .ok_or("the key file names no public key")?;
    let mut files = Vec::new();
    for index in 0..count {
        let file = folder.join(format!("secret-{index}.yaml"));
        let values: String = (0..8)
            .map(|value| format!("  key-{value}: value {value} of file {index}\n"))
            .collect();
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{index}\nstringData:\n{values}"
        );
        std::fs::write(&file, text)?;
        let status = Command::new(sops)
            .args(["encrypt", "--in-place", "--age", recipient])
            .args(["--encrypted-regex", "^(data|stringData)$"])
            .arg(&file)
            .status()?;
        if !status.success() {
            return Err(format!("sops encrypt: {status}").into());
        }
        files.push(file);
    }
    Ok(files)
}

fn report(count: usize, ours: Duration, theirs: Duration) {
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / count as f64;
    println!("{count} files, age, the same bytes from both");
    println!("  fjord {:9.3} ms a file", each(ours));
    println!("  sops  {:9.3} ms a file", each(theirs));
    println!(
        "  ratio {:9.1} x (aim 20)",
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
