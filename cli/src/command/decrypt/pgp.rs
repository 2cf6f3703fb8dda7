//! OpenPGP keys at hand: `--pgp-key`, and the exports in GnuPG's folder.
//!
//! The surprise: GnuPG's own store (`private-keys-v1.d`) is not read, as its format is GnuPG's own business and needs its agent.
//! Where a key is looked for in vain and that store is there, the message says how to export it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fjord_sops::PgpKeys;
use fjord_sops::keys::PgpKeysError;

use super::read;

/// What is in the way of a key that GnuPG has.
#[derive(Debug, Default)]
pub(super) struct Hint(Option<PathBuf>);

impl Hint {
    /// Says how to come by a key that was not found; none where that is no help.
    pub(super) fn text(&self, error: &fjord_sops::Error) -> Option<String> {
        let folder = self.0.as_ref()?;
        let fjord_sops::Error::NoKey { tried, .. } = error else {
            return None;
        };
        let lost = tried
            .iter()
            .filter_map(|line| line.strip_prefix("pgp "))
            .find_map(|line| line.strip_suffix(": no such key is at hand"))?;
        Some(format!(
            "GnuPG's store in {} is not read; if it has the key: gpg --export-secret-keys --armor {lost} > team.asc, and then --pgp-key team.asc",
            folder.display()
        ))
    }
}

/// Loads the keys of `--pgp-key` and those of GnuPG's folder.
pub(super) fn load(files: &[PathBuf]) -> Result<(PgpKeys, Hint)> {
    let mut keys = PgpKeys::default();
    for path in files {
        keys.add(&read(path)?)
            .with_context(|| path.display().to_string())?;
    }
    let folder = std::env::var_os("GNUPGHOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".gnupg")));
    let mut hint = Hint::default();
    if let Some(folder) = folder {
        for path in exports(&folder) {
            let file = read(&path)?;
            if !may_hold_keys(&file) {
                continue;
            }
            match keys.add(&file) {
                // Rings and exports of public keys lie about there as well.
                Ok(()) | Err(PgpKeysError::Public) => {}
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
        let store = folder.join("private-keys-v1.d");
        hint.0 = store.is_dir().then_some(folder);
    }
    Ok((keys, hint))
}

/// Lists what may hold exported keys: the rings that sops reads, and armored files.
fn exports(folder: &Path) -> Vec<PathBuf> {
    let secret = folder.join("secring.gpg");
    // Parity: sops looks into the ring of public keys only where there is no other.
    let ring = if secret.exists() {
        secret
    } else {
        folder.join("pubring.gpg")
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "asc"))
        .collect();
    found.sort();
    found.extend(ring.is_file().then_some(ring));
    found
}

/// Says whether a file is binary or has private keys; other armored ones are none of our business.
fn may_hold_keys(file: &[u8]) -> bool {
    const MARK: &[u8] = b"BEGIN PGP PRIVATE KEY BLOCK";
    !file.is_ascii() || file.windows(MARK.len()).any(|window| window == MARK)
}
