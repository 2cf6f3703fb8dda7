//! Decryption of what teams commit to Git, with no external program and no plaintext on disk.
//!
//! Files of SOPS ([`decrypt`]) and Bitnami SealedSecrets ([`sealed_secret`]). Pure and synchronous: no file, no clock, no
//! network; whoever calls hands over texts and a [`KeyService`]. The surprise: a checksum is verified only where the caller
//! says so, because kustomize changes documents after SOPS signed them.

mod cipher;
mod decrypt;
mod error;
mod format;
pub mod keys;
mod metadata;
pub mod sealed_secret;
mod shamir;
mod store;
mod tree;

pub use decrypt::{Decrypted, MAX_BYTES, Mac, decrypt};
pub use error::Error;
pub use format::Format;
pub use keys::{
    AgeIdentities, Ask, IdentityError, KeyError, KeyService, PgpKeys, Recipient, Unbuilt,
};
pub use tree::{Branch, Comment, Key, Node};
