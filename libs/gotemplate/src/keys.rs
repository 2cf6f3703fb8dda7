//! Private keys: made by aws-lc, and their encodings, as Go writes and reads them.
//!
//! Inside they are PKCS#8. The surprise is what Go puts into PEM: RSA keys as PKCS#1, EC keys as SEC 1 with their curve,
//! and only Ed25519 keys as PKCS#8.

pub(crate) mod der;
pub(crate) mod pem;

use crate::function::{Failure, KeyAlgorithm};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rand::TryRngCore as _;

/// Makes a private key of the system's randomness, as PKCS#8 in DER: what a [`Host`](crate::Host) of a real machine
/// answers.
///
/// # Errors
/// The system has no randomness.
pub fn generate_key(algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
    let failed = |_| Failure::new("no key could be made");
    let random = SystemRandom::new();
    let rsa = |size| -> Result<Vec<u8>, Failure> {
        let key = aws_lc_rs::rsa::KeyPair::generate(size).map_err(failed)?;
        let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
        Ok(der.as_ref().to_vec())
    };
    match algorithm {
        KeyAlgorithm::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyAlgorithm::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyAlgorithm::EcdsaP256 => {
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
                .map_err(failed)?;
            Ok(der.as_ref().to_vec())
        }
        KeyAlgorithm::Ed25519 => {
            let der = Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failed)?;
            Ok(der.as_ref().to_vec())
        }
    }
}

/// Fills a buffer with the system's randomness.
///
/// # Errors
/// The system has none.
pub fn random(buffer: &mut [u8]) -> Result<(), Failure> {
    // The cryptographic library spends 30 ms on its first bytes, more than the whole render of a chart.
    let filled = rand::rngs::OsRng.try_fill_bytes(buffer);
    filled.map_err(|_| Failure::new("the system has no randomness"))
}

/// Writes a PKCS#8 key as Go's PEM of it.
pub(crate) fn to_pem(pkcs8: &[u8]) -> Result<String, Failure> {
    let malformed = || Failure::new("a private key is malformed");
    let key = der::PrivateKey::parse(pkcs8).ok_or_else(malformed)?;
    Ok(match key.algorithm {
        der::Algorithm::Rsa => pem::encode("RSA PRIVATE KEY", key.inner),
        der::Algorithm::Ec(curve) => {
            let inner = der::with_curve(key.inner, curve).ok_or_else(malformed)?;
            pem::encode("EC PRIVATE KEY", &inner)
        }
        der::Algorithm::Other => pem::encode("PRIVATE KEY", pkcs8),
    })
}

/// Reads a PEM key into PKCS#8, with the errors of sprig.
pub(crate) fn from_pem(text: &[u8]) -> Result<Vec<u8>, String> {
    let block = pem::decode(text).ok_or("no PEM data in input")?;
    if block.label == "PRIVATE KEY" {
        der::PrivateKey::parse(&block.data)
            .ok_or("decoding PEM as PKCS#8: asn1: structure error: malformed key")?;
        return Ok(block.data);
    }
    let Some(kind) = block.label.strip_suffix(" PRIVATE KEY") else {
        return Err(format!(
            "no private key data in PEM block of type {}",
            block.label
        ));
    };
    match kind {
        "RSA" => Ok(der::rsa_to_pkcs8(&block.data)),
        "EC" => der::ec_to_pkcs8(&block.data).ok_or_else(|| {
            "parsing EC private key from PEM: x509: failed to parse EC private key".to_owned()
        }),
        "DSA" => Err("DSA private keys are not supported".to_owned()),
        kind => Err(format!("invalid private key type {kind}")),
    }
}
