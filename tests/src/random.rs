//! Chance that a seed repeats: xorshift64, enough to choose objects, victims and moments.

/// A small generator; a seed of zero would give zeros for ever and is taken as one.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// Returns a seed that differs from run to run; print it.
    pub fn seed() -> u64 {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        since.as_nanos() as u64
    }

    /// Returns a number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
