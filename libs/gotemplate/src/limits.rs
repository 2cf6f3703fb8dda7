//! What a hostile template may not exceed.

/// The limits of parsing and executing; each ends the work with an error of its own.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep `if`, `with`, `range` and blocks may nest; default 1000.
    pub control_depth: usize,
    /// How deep parentheses may nest; default 1000 (Go: 10,000).
    pub expression_depth: usize,
    /// How deep `{{template}}` may nest; default 100,000, which is Go's.
    pub template_depth: usize,
    /// How deep `include` of one name may nest; default 1000, which is Helm's.
    pub include_depth: usize,
    /// How many nodes one session may run; default 500 million, some tens of seconds.
    pub steps: u64,
    /// How many bytes one session may write, what is captured included; default 1 GiB.
    pub output: usize,
    /// How many bytes one string or how many elements one list made by a function may have; default 256 MiB.
    pub size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            control_depth: 1000,
            expression_depth: 1000,
            template_depth: 100_000,
            include_depth: 1000,
            steps: 500_000_000,
            output: 1 << 30,
            size: 256 << 20,
        }
    }
}
