//! The private keys at hand, and what they open.

use anyhow::{Context as _, Result};
use fjord_sops::sealed_secret::{self, Keys};
use fjord_sops::{Decrypted, Format, KeyService, Mac, Unbuilt};
use fjord_yaml::{Limits, Merge, parse_all};

use super::age::Age;
use super::remote::Remote;
use super::{DecryptArgs, pgp, read};

/// The private keys at hand.
pub(super) struct Ring {
    pub(super) sops: Vec<Box<dyn KeyService>>,
    sealing: Keys,
    hint: pgp::Hint,
}

impl Ring {
    pub(super) fn load(args: &DecryptArgs) -> Result<Self> {
        let mut sealing = Keys::default();
        for path in &args.sealed_secrets_key {
            sealing
                .add(&read(path)?)
                .with_context(|| path.display().to_string())?;
        }
        let (pgp, hint) = pgp::load(&args.pgp_key)?;
        Ok(Self {
            sops: vec![
                Box::new(Age::load()),
                Box::new(pgp),
                Box::new(Remote::default()),
                Box::new(Unbuilt),
            ],
            sealing,
            hint,
        })
    }

    /// Decrypts a file of SOPS.
    pub(super) fn decrypt(&self, text: &[u8], format: Format, mac: Mac) -> Result<Decrypted> {
        let failed = |error| match self.hint.text(&error) {
            Some(hint) => anyhow::anyhow!("{error}; {hint}"),
            None => error.into(),
        };
        fjord_sops::decrypt(text, format, &self.sops, mac).map_err(failed)
    }

    /// Unseals every document of a file.
    pub(super) fn unseal(&self, text: &[u8]) -> Result<String> {
        let mut out = String::new();
        for document in parse_all(text, Merge::V2, &Limits::default())? {
            let object = document.to_json()?;
            let manifest = if sealed_secret::is_sealed_secret(&object) {
                sealed_secret::unseal(&object, &self.sealing)?.to_manifest()
            } else {
                object
            };
            if !out.is_empty() {
                out.push_str("---\n");
            }
            out.push_str(&fjord_yaml::json_to_v2(&manifest)?);
        }
        Ok(out)
    }
}
