//! A host for tests.

use fjord_gotemplate::{Failure, Host, KeyAlgorithm};
use std::sync::OnceLock;

/// The clock of the machine, a chance that repeats, one key of each kind: nothing that is compared depends on them.
pub(crate) struct Machine;

impl Host for Machine {
    fn now(&self) -> (i64, u32) {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        (since.as_secs() as i64, since.subsec_nanos())
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Failure> {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = (index * 37 % 251) as u8;
        }
        Ok(())
    }

    fn private_key(&self, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
        // An RSA key takes longer to make than a chart to render.
        static KEYS: [OnceLock<Vec<u8>>; 4] = [const { OnceLock::new() }; 4];
        let key = &KEYS[algorithm as usize];
        Ok(key
            .get_or_init(|| fjord_gotemplate::generate_key(algorithm).unwrap())
            .clone())
    }
}

/// Shows bytes as Go's JSON does: each that is no UTF-8 as U+FFFD.
#[allow(dead_code, reason = "not every test compares bytes")]
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                out += text;
                break;
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                out += &String::from_utf8_lossy(valid);
                out.push('\u{FFFD}');
                rest = &after[1..];
            }
        }
    }
    out
}
