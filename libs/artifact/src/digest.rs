//! Digests of artifacts: `<algorithm>:<hex>` as in `status.artifact.digest`.
//!
//! Verification always uses the algorithm that the digest names, so changing the flag that picks
//! the algorithm for new artifacts leaves the old ones valid (source-controller.md §3.6).

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use sha2::Digest as _;

/// Names a digest algorithm that artifacts can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// The default.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE3 with 256 bits of output.
    Blake3,
}

impl Algorithm {
    /// Starts a computation.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
            Self::Sha384 => Hasher::Sha384(sha2::Sha384::new()),
            Self::Sha512 => Hasher::Sha512(sha2::Sha512::new()),
            Self::Blake3 => Hasher::Blake3(Box::default()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        [Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| Error::UnknownAlgorithm(name.to_owned()))
    }
}

/// Holds one digest.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl Digest {
    /// Computes the digest of bytes in memory.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = algorithm.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Computes the digest of everything that `reader` gives.
    pub fn of_reader(algorithm: Algorithm, mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = algorithm.hasher();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the value in lower-case hexadecimal, without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(&self.bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Parses `<algorithm>:<hex>`; without a colon the algorithm is SHA-256.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let (algorithm, value) = match text.split_once(':') {
            Some((name, value)) => (name.parse::<Algorithm>()?, value),
            None => (Algorithm::Sha256, text),
        };
        let invalid = || Error::Invalid(text.chars().take(256).collect());
        let bytes = hex::decode(value).map_err(|_| invalid())?;
        if bytes.len() != algorithm.length() {
            return Err(invalid());
        }
        Ok(Self {
            algorithm,
            bytes: bytes.into_boxed_slice(),
        })
    }
}

/// Computes a digest piece by piece.
pub enum Hasher {
    #[doc(hidden)]
    Sha256(sha2::Sha256),
    #[doc(hidden)]
    Sha384(sha2::Sha384),
    #[doc(hidden)]
    Sha512(sha2::Sha512),
    #[doc(hidden)]
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
            Self::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// Ends the computation.
    pub fn finish(self) -> Digest {
        let (algorithm, bytes): (_, Box<[u8]>) = match self {
            Self::Sha256(state) => (Algorithm::Sha256, state.finalize().as_slice().into()),
            Self::Sha384(state) => (Algorithm::Sha384, state.finalize().as_slice().into()),
            Self::Sha512(state) => (Algorithm::Sha512, state.finalize().as_slice().into()),
            Self::Blake3(state) => (
                Algorithm::Blake3,
                state.finalize().as_bytes().as_slice().into(),
            ),
        };
        Digest { algorithm, bytes }
    }
}

/// Writes through to another writer, computing digest and size on the way.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W, algorithm: Algorithm) -> Self {
        Self {
            inner,
            hasher: algorithm.hasher(),
            size: 0,
        }
    }

    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Says why a digest text is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty.
    #[error("empty digest")]
    Empty,
    /// No such algorithm, or one this build does not know.
    #[error("unsupported digest algorithm '{0}'")]
    UnknownAlgorithm(String),
    /// The value is not hexadecimal or has the wrong length.
    #[error("invalid digest '{0}'")]
    Invalid(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_print_and_parse_as_in_an_artifact_status() {
        let empty = Digest::of(Algorithm::Sha256, b"");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty.to_string(), format!("sha256:{hex}"));
        assert_eq!(empty.to_string().parse(), Ok(empty.clone()));
        assert_eq!(hex.parse(), Ok(empty));
        for algorithm in ["sha384", "sha512", "blake3"] {
            let digest = Digest::of(algorithm.parse().unwrap(), b"x");
            assert_eq!(digest.to_string().parse(), Ok(digest));
        }
    }

    #[test]
    fn unusable_digests_are_refused_by_name() {
        assert_eq!("".parse::<Digest>(), Err(Error::Empty));
        assert_eq!(
            "md5:00".parse::<Digest>(),
            Err(Error::UnknownAlgorithm("md5".into()))
        );
        assert!(matches!(
            "sha256:00".parse::<Digest>(),
            Err(Error::Invalid(_))
        ));
        assert!(matches!(
            "sha256:zz".parse::<Digest>(),
            Err(Error::Invalid(_))
        ));
    }
}
