//! Ceilings against hostile documents.

/// What one document may cost; exceeding it is a typed error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Collections nested in one another.
    pub depth: usize,
    /// Nodes after aliases are expanded.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            depth: 512,
            nodes: 4_000_000,
        }
    }
}
