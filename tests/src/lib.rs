//! End-to-end and conformance suites, and the real control plane they run on.
