//! One sealed value: an RSA-OAEP wrapped session key, then AES-256-GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use zeroize::Zeroizing;

use super::{Keys, Opened};

/// Opens a value with the first key that fits. Why none does is nobody's business: the cipher cannot tell
/// a wrong key from a wrong label or a changed text either.
pub(super) fn open(keys: &Keys, sealed: &[u8], label: &[u8]) -> Option<Opened> {
    let (length, rest) = sealed.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (wrapped, body) = rest.split_at_checked(length)?;
    keys.iter().find_map(|key| {
        let mut session = Zeroizing::new(vec![0; key.min_output_size()]);
        let session = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut session, Some(label))
            .ok()?;
        let session = Zeroizing::new(session.to_vec());
        // Go's AES takes shorter session keys too; kubeseal makes none.
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &session).ok()?);
        // The session key is used once, so the nonce is all zeros.
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let mut body = Zeroizing::new(body.to_vec());
        let plain = cipher.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        let plain = plain.to_vec().into();
        Some(Opened { plain, session })
    })
}
