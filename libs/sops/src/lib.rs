//! Decryption of what teams commit to Git, with no external program and no plaintext on disk.
//!
//! So far Bitnami SealedSecrets ([`sealed_secret`]); files of SOPS are not read yet. Pure and synchronous:
//! no file, no clock, no network; whoever calls hands over texts and keys.

pub mod sealed_secret;
