//! Any text as a file of SOPS: what decrypts can be written, in its own format again for the same bytes, and the checksum only
//! ever takes away.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use fjord_sops::{AgeIdentities, Format, KeyError, KeyService, Mac, Recipient, decrypt};
use zeroize::Zeroizing;

static AGE: LazyLock<AgeIdentities> = LazyLock::new(|| {
    let mut keys = AgeIdentities::default();
    for text in [
        include_str!("../../tests/sops/keys/first.age"),
        include_str!("../../tests/sops/keys/second.age"),
        include_str!("../../tests/sops/keys/third.age"),
    ] {
        let _ = keys.add_lines(text);
    }
    keys
});

/// What was opened already: unwrapping takes most of the time otherwise.
static OPENED: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);

/// The keys of the seeds; a constant key for all other recipients, so that broken ones do not end the walk.
struct Keys;

impl KeyService for Keys {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Age { ciphertext, .. } = recipient else {
            return Ok(Zeroizing::new(vec![7; 32]));
        };
        let Ok(mut opened) = OPENED.lock() else {
            return Err(KeyError::Missing);
        };
        let opened = opened.get_or_insert_default();
        if let Some(key) = opened.get(ciphertext) {
            return Ok(Zeroizing::new(key.clone()));
        }
        let key = AGE.open(recipient).map(|key| key.to_vec());
        let key = key.unwrap_or_else(|_| vec![7; 32]);
        if opened.len() < 1000 {
            opened.insert(ciphertext.clone(), key.clone());
        }
        Ok(Zeroizing::new(key))
    }
}

pub(crate) fn check(text: &[u8], format: Format) {
    let verified = decrypt(text, format, &Keys, Mac::Verify);
    let Ok(decrypted) = decrypt(text, format, &Keys, Mac::Skip) else {
        assert!(verified.is_err(), "only the checksum was checked less");
        return;
    };
    let formats = [
        Format::Yaml,
        Format::Json,
        Format::Dotenv,
        Format::Ini,
        Format::Binary,
    ];
    for other in formats {
        let _ = decrypted.write(other);
    }
    if let Ok(verified) = verified {
        let (one, two) = (verified.write(format), decrypted.write(format));
        assert!(one == two, "the same file decrypts to the same bytes");
    }
}
