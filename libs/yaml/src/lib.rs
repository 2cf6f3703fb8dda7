//! The one YAML layer: nodes with source tags and lines, the Go resolvers and the Go emitters.
