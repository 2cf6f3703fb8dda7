//! `fjord decrypt`: what a file of SOPS or a SealedSecret holds, and whether a tree can be decrypted at all.
//!
//! Keys come from the environment variables that `sops` takes them from (`age`, `pgp`, `remote`). Nothing decrypted is written
//! anywhere but to standard output; `--check` prints none of it.

mod age;
mod check;
mod pgp;
mod remote;
mod ring;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fjord_sops::{Format, Mac};

use self::ring::Ring;
use crate::output;

/// Decrypt a file of SOPS or a SealedSecret, or check that a folder can be decrypted
///
/// Keys are taken from where sops takes them: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD,
/// SOPS_AGE_SSH_PRIVATE_KEY_FILE, SOPS_AGE_SSH_PRIVATE_KEY_CMD, ~/.config/sops/age/keys.txt, ~/.ssh/id_ed25519 and
/// ~/.ssh/id_rsa; VAULT_TOKEN and ~/.vault-token; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; GOOGLE_CREDENTIALS,
/// GOOGLE_OAUTH_ACCESS_TOKEN and GOOGLE_APPLICATION_CREDENTIALS; AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET
/// or AZURE_CLIENT_CERTIFICATE_PATH. OpenPGP keys are taken from --pgp-key, and from the *.asc files, secring.gpg or pubring.gpg
/// in GNUPGHOME (~/.gnupg). Identities of machines are not used.
///
/// Examples:
///   fjord decrypt secrets/database.enc.yaml
///   fjord decrypt --pgp-key team.asc secrets/database.enc.yaml
///   fjord decrypt --sealed-secrets-key main.key sealed.yaml
///   fjord decrypt --check ./clusters
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DecryptArgs {
    /// The file
    #[arg(required_unless_present = "check")]
    file: Option<PathBuf>,
    /// Check every encrypted file below a folder, print a table, and fail if one cannot be decrypted
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    check: Option<PathBuf>,
    /// Format of the file: yaml, json, dotenv, ini or binary; its name tells by default
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    input_type: Option<Format>,
    /// Format to print; that of the file by default
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    output_type: Option<Format>,
    /// Decrypt although the checksum does not match
    #[arg(long)]
    ignore_mac: bool,
    /// Private key of the sealed-secrets controller: a PEM file, or the Secret that holds it
    #[arg(long, value_name = "FILE")]
    sealed_secrets_key: Vec<PathBuf>,
    /// Private OpenPGP keys without a passphrase, as gpg --export-secret-keys writes them, armored or not
    #[arg(long, value_name = "FILE")]
    pgp_key: Vec<PathBuf>,
}

/// Runs `fjord decrypt`.
pub(crate) fn run(args: &DecryptArgs) -> Result<()> {
    let ring = Ring::load(args)?;
    if let Some(folder) = &args.check {
        return check::run(folder, &ring);
    }
    let Some(path) = &args.file else {
        bail!("a file or --check is required");
    };
    let text = read(path)?;
    let format = args.input_type.unwrap_or_else(|| format_of(path));
    let failed = || format!("decrypting {}", path.display());
    if args.input_type.is_none() && is_sealed(&text, format) {
        return output::emit(&ring.unseal(&text).with_context(failed)?);
    }
    let mac = if args.ignore_mac {
        Mac::Skip
    } else {
        Mac::Verify
    };
    let decrypted = ring.decrypt(&text, format, mac).with_context(failed)?;
    let plain = decrypted
        .write(args.output_type.unwrap_or(format))
        .with_context(failed)?;
    output::emit_bytes(&plain)
}

fn format(name: &str) -> Result<Format, String> {
    Format::parse(name).ok_or_else(|| "not one of yaml, json, dotenv, ini, binary".to_owned())
}

fn format_of(path: &Path) -> Format {
    Format::of_path(&path.to_string_lossy())
}

/// Returns a variable that is set to something.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Reads a file, of which more than the limit would be refused anyway.
fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("reading {}", path.display());
    let size = std::fs::metadata(path).with_context(failed)?.len();
    if size > fjord_sops::MAX_BYTES as u64 {
        bail!(
            "{} has {size} bytes; the limit is {}",
            path.display(),
            fjord_sops::MAX_BYTES
        );
    }
    std::fs::read(path).with_context(failed)
}

fn is_sealed(text: &[u8], format: Format) -> bool {
    const MARK: &[u8] = b"bitnami.com/v1alpha1";
    matches!(format, Format::Yaml | Format::Json)
        && text.windows(MARK.len()).any(|window| window == MARK)
        && text.windows(12).any(|window| window == b"SealedSecret")
}
