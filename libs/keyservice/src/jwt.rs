//! Signed assertions (RFC 7523): how a service account or an application proves who it is.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

/// The signature algorithms that the two services document.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
}

/// Signs a header and claims with the private key of a PEM text, PKCS #8 or PKCS #1.
pub(crate) fn signed(
    pem: &str,
    algorithm: Algorithm,
    header: &Value,
    claims: &Value,
) -> Result<String, &'static str> {
    let key = rsa_key(pem)?;
    let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
    };
    key.sign(
        padding,
        &SystemRandom::new(),
        token.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "its private key does not sign")?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// Reads the RSA key of a PEM text.
pub(crate) fn rsa_key(pem: &str) -> Result<RsaKeyPair, &'static str> {
    if pem.contains("ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err("its private key is encrypted: give it without a passphrase");
    }
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "it has no private key in PEM form")?;
    match der {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("its private key is not an RSA key"),
    }
    .map_err(|_| "its private key is not an RSA key of 2048 to 8192 bits")
}
