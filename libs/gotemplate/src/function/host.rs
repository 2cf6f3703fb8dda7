//! What functions may ask of the world: time, chance, the cluster, names.

use crate::Text;
use crate::function::Failure;
use crate::value::{Map, Value};

/// The source of everything that is not pure; one that gives fixed answers makes a render repeatable.
pub trait Host {
    /// Returns the time as seconds and nanoseconds since 1970.
    fn now(&self) -> (i64, u32);

    /// Fills the buffer with random bytes fit for keys.
    ///
    /// # Errors
    /// There is no randomness here.
    fn random(&self, buffer: &mut [u8]) -> Result<(), Failure>;

    /// Makes a private key, as PKCS#8 in DER; [`generate_key`](crate::generate_key) does it with the system's
    /// randomness.
    ///
    /// # Errors
    /// Keys cannot be made here.
    fn private_key(&self, _algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
        Err("no private keys can be made here".into())
    }

    /// Returns the object of `lookup`, a list where the name is empty, or an empty map where there is none.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be asked.
    fn lookup(
        &self,
        _api_version: &Text,
        _kind: &Text,
        _namespace: &Text,
        _name: &Text,
    ) -> Result<Value, Failure> {
        Ok(Value::Map(Map::empty()))
    }

    /// Returns an address of a host name, empty where there is none or names may not be asked for.
    fn resolve(&self, _name: &Text) -> Text {
        Text::default()
    }
}

/// The private keys that templates ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA of 2048 bits, for certificates.
    Rsa2048,
    /// RSA of 4096 bits, which `genPrivateKey "rsa"` makes.
    Rsa4096,
    /// ECDSA on P-256.
    EcdsaP256,
    /// Ed25519.
    Ed25519,
}

/// A world that stands still: the epoch, no chance, no cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Host for Nowhere {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self, _buffer: &mut [u8]) -> Result<(), Failure> {
        Err("there is no randomness here".into())
    }
}
