//! Git sources to checksummed, immutable artifacts served over HTTP.
