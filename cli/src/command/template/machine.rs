//! What templates may ask of this machine: its clock and its randomness, no cluster and no network.

use std::time::{SystemTime, UNIX_EPOCH};

use fjord_gotemplate::{Failure, Host, KeyAlgorithm, generate_key, random};

/// This machine.
pub(super) struct Machine;

impl Host for Machine {
    fn now(&self) -> (i64, u32) {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        (seconds, since.subsec_nanos())
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Failure> {
        random(buffer)
    }

    fn private_key(&self, algorithm: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
        generate_key(algorithm)
    }
}
