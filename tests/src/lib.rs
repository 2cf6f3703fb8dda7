//! End-to-end and conformance suites, and the real control plane they run on.
//!
//! The library half holds what several suites share: controllers as processes ([`suite`]), a
//! stage with a Git server for stories about one application ([`stage`]) and the benchmark
//! ([`bench`]). What is tested stands in `tests/`, one file per question.

pub mod bench;
pub mod hook;
pub mod object;
pub mod random;
pub mod stage;
pub mod suite;
