//! Passwords and ciphers.

mod password;

use super::arguments::{STRING, text};
use super::encoding::decode_base64;
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::types::Type;
use crate::value::Value;
use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptionContext, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;

pub(super) const TABLE: &[Function] = &[
    function("bcrypt", &[STRING], bcrypt),
    function("decryptAES", &[STRING, STRING], decrypt_aes),
    function(
        "derivePassword",
        &[Type::Uint32, STRING, STRING, STRING, STRING],
        derive_password,
    ),
    function("encryptAES", &[STRING, STRING], encrypt_aes),
    function("htpasswd", &[STRING, STRING], htpasswd),
];

type Result_ = Result<Value, Failure>;

/// Hashes a password with a salt of the host's.
fn hashed(scope: &Scope<'_>, password: &Text) -> Result<String, Failure> {
    const COST: u32 = 10;
    if password.len() > 72 {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
                .to_owned(),
        );
    }
    let mut salt = [0; 16];
    scope.host().random(&mut salt)?;
    Ok(
        match bcrypt::hash_with_salt(password.as_bytes(), COST, salt) {
            Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
            Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
        },
    )
}

fn bcrypt(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::from(hashed(scope, &text(arguments, 0))?))
}

fn htpasswd(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let user = text(arguments, 0);
    if user.as_bytes().contains(&b':') {
        return Ok(Value::from(format!("invalid username: {user}")));
    }
    let mut line = user.as_bytes().to_vec();
    line.push(b':');
    line.extend(hashed(scope, &text(arguments, 1))?.into_bytes());
    Ok(Value::string(line))
}

fn derive_password(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let counter = match arguments.first() {
        Some(Value::Uint64(counter)) => u32::try_from(*counter).unwrap_or(u32::MAX),
        _ => 0,
    };
    let kind = text(arguments, 1);
    let derived = password::derive(
        counter,
        &kind.to_str(),
        text(arguments, 2).as_bytes(),
        text(arguments, 3).as_bytes(),
        text(arguments, 4).as_bytes(),
    );
    Ok(Value::from(derived.unwrap_or_else(|| {
        format!("cannot find password template {kind}")
    })))
}

/// Pads a password with zeros to the key, or cuts it.
fn key(password: &Text) -> Result<UnboundCipherKey, Failure> {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password.as_bytes()[..length]);
    UnboundCipherKey::new(&AES_256, &key).map_err(|_| broken())
}

fn broken() -> Failure {
    Failure::new("the cipher failed")
}

fn encrypt_aes(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let plain = text(arguments, 1);
    if plain.is_empty() {
        return Ok(Value::from(""));
    }
    let mut iv = [0; 16];
    scope.host().random(&mut iv)?;
    let key =
        PaddedBlockEncryptingKey::cbc_pkcs7(key(&text(arguments, 0))?).map_err(|_| broken())?;
    let mut data = plain.as_bytes().to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(&mut data, context)
        .map_err(|_| broken())?;
    let all = [iv.as_slice(), &data].concat();
    Ok(Value::from(
        base64::engine::general_purpose::STANDARD.encode(all),
    ))
}

fn decrypt_aes(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    const BLOCK: usize = 16;
    let encrypted = text(arguments, 1);
    if encrypted.is_empty() {
        return Ok(Value::from(""));
    }
    let data = decode_base64(encrypted.as_bytes())
        .map_err(|at| Failure::new(format!("illegal base64 data at input byte {at}")))?;
    let Some((iv, body)) = data.split_first_chunk::<BLOCK>() else {
        // Parity: Go makes room for what the text could hold at most.
        let capacity = encrypted.len() / 4 * 3;
        return Err(Failure::new(if capacity < BLOCK {
            format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {capacity}")
        } else {
            format!(
                "runtime error: slice bounds out of range [{BLOCK}:{}]",
                data.len()
            )
        }));
    };
    if body.len() % BLOCK != 0 {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let mut body = body.to_vec();
    let key = DecryptingKey::cbc(key(&text(arguments, 0))?).map_err(|_| broken())?;
    let context = DecryptionContext::Iv128(FixedLength::from(*iv));
    let plain = key.decrypt(&mut body, context).map_err(|_| broken())?;
    // Parity: the padding is believed, whatever it says.
    let padding = match plain.last() {
        Some(last) => usize::from(*last),
        None => return Err("runtime error: index out of range [-1]".into()),
    };
    match plain.len().checked_sub(padding) {
        Some(length) => Ok(Value::string(plain[..length].to_vec())),
        None => Err(Failure::new(format!(
            "runtime error: slice bounds out of range [:-{}]",
            padding - plain.len()
        ))),
    }
}
