//! HMAC signatures over raw bodies: making them (`generic-hmac` providers) and checking them in constant
//! time (`generic-hmac` and `github` receivers).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Returns the value of `X-Signature` for a body: `sha256=<hex>`.
pub fn sign(body: &[u8], key: &[u8]) -> String {
    format!("sha256={}", hex::encode(mac::<Hmac<Sha256>>(body, key)))
}

/// Checks a `<algorithm>=<hex>` signature over a body (go-github's `ValidateSignature`).
pub fn verify(signature: &str, body: &[u8], key: &[u8]) -> Result<(), Error> {
    if signature.is_empty() {
        return Err(Error::Missing);
    }
    let Some((algorithm, digest)) = signature.split_once('=') else {
        return Err(Error::Malformed);
    };
    let matches = match algorithm {
        "sha1" => check::<Hmac<Sha1>>(body, key, digest)?,
        "sha256" => check::<Hmac<Sha256>>(body, key, digest)?,
        "sha512" => check::<Hmac<Sha512>>(body, key, digest)?,
        _ => return Err(Error::UnknownAlgorithm),
    };
    if matches {
        Ok(())
    } else {
        Err(Error::Mismatch)
    }
}

fn check<M: Mac + KeyInit>(body: &[u8], key: &[u8], digest: &str) -> Result<bool, Error> {
    let want = hex::decode(digest).map_err(|_| Error::Malformed)?;
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| Error::Malformed)?;
    mac.update(body);
    Ok(mac.verify_slice(&want).is_ok())
}

fn mac<M: Mac + KeyInit>(body: &[u8], key: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length; the error of the trait cannot happen.
    match <M as KeyInit>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(body);
            mac.finalize().into_bytes().to_vec()
        }
        Err(_) => Vec::new(),
    }
}

/// Why a signature was not accepted; no variant repeats what the caller sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// There is none.
    #[error("missing signature")]
    Missing,
    /// It is not `<algorithm>=<hex>`.
    #[error("error parsing signature")]
    Malformed,
    /// The algorithm is none of sha1, sha256 and sha512.
    #[error("unknown hash type prefix")]
    UnknownAlgorithm,
    /// It was made with another key or over another body.
    #[error("payload signature check failed")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "sha256=515aae133b435d4000956731f68ae5cf5eb85d4f0dc6a546d2bfcd3595ec1ae1";

    #[test]
    fn the_signature_made_here_is_the_one_openssl_makes() {
        assert_eq!(sign(b"body", b"key"), SHA256);
    }

    #[test]
    fn three_algorithms_are_accepted() {
        for signature in [
            SHA256,
            "sha1=70bbf6819d1037aa94ca7e7f537cbea25fe49283",
            "sha512=b71e82b42ece244182aae00f5c418d84b5b0ac844874765e658e91b26261b32df39e9fcbf44424d0e3b53bab192e78a4936224ec940cf953164b70aacdd4c845",
        ] {
            assert_eq!(verify(signature, b"body", b"key"), Ok(()), "{signature}");
        }
    }

    #[test]
    fn any_change_is_refused() {
        assert_eq!(verify(SHA256, b"Body", b"key"), Err(Error::Mismatch));
        assert_eq!(verify(SHA256, b"body", b"kez"), Err(Error::Mismatch));
        assert_eq!(
            verify(&SHA256[..SHA256.len() - 2], b"body", b"key"),
            Err(Error::Mismatch)
        );
        assert_eq!(verify("sha256=", b"body", b"key"), Err(Error::Mismatch));
    }

    #[test]
    fn malformed_signatures_are_told_apart_without_repeating_them() {
        assert_eq!(verify("", b"body", b"key"), Err(Error::Missing));
        assert_eq!(verify("nonsense", b"body", b"key"), Err(Error::Malformed));
        assert_eq!(verify("sha256=zz", b"body", b"key"), Err(Error::Malformed));
        assert_eq!(
            verify("sha256=aa=bb", b"body", b"key"),
            Err(Error::Malformed)
        );
        assert_eq!(
            verify("md5=aa", b"body", b"key"),
            Err(Error::UnknownAlgorithm)
        );
    }
}
