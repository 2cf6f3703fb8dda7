//! How often each node, function and feature was used, and how often where Helm rendered it.

use std::collections::{BTreeMap, BTreeSet};

/// How often each is used at least over a whole run, and how many seeds are a whole run.
pub(crate) const LEAST: u64 = 200;
pub(crate) const WHOLE: u64 = 50_000;

#[derive(Default)]
pub(crate) struct Table(BTreeMap<&'static str, (u64, u64)>);

impl Table {
    pub(crate) fn add(&mut self, used: &BTreeMap<&'static str, usize>, rendered: bool) {
        for (what, times) in used {
            let row = self.0.entry(what).or_default();
            row.0 += *times as u64;
            row.1 += if rendered { *times as u64 } else { 0 };
        }
    }

    /// Prints the table; fails where one of `all` was used too rarely in a whole run.
    pub(crate) fn check(&self, all: &BTreeSet<&str>, seeds: u64) {
        println!("    used  of these without an error");
        for (what, (used, rendered)) in &self.0 {
            println!("{used:>8} {rendered:>8}  {what}");
        }
        // With fewer seeds chance decides.
        let least = if seeds < WHOLE { 0 } else { LEAST };
        let times = |what: &&str| self.0.get(what).map_or(0, |row| row.0);
        let rare: Vec<&&str> = all.iter().filter(|what| times(what) < least).collect();
        assert!(
            rare.is_empty(),
            "used fewer than {least} times with {seeds} seeds: {rare:?}"
        );
    }
}
