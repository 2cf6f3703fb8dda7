//! The `-o` flag: the same objects as a table, as JSON, or as YAML.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

/// How a command prints what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// YAML, one document per object.
    Yaml,
}

/// Prints values as one JSON array or as YAML documents; a table is the caller's own.
pub(crate) fn print<T: Serialize>(format: Format, values: &[T]) -> Result<()> {
    let mut text = String::new();
    match format {
        Format::Table => {}
        Format::Json => text = serde_json::to_string_pretty(values)? + "\n",
        Format::Yaml => {
            for value in values {
                text += "---\n";
                text += &fjord_yaml::json_to_v2(&serde_json::to_value(value)?)?;
            }
        }
    }
    emit(&text)
}

/// Writes to standard output; a closed pipe ends the program quietly, as it does for `cat`.
pub(crate) fn emit(text: &str) -> Result<()> {
    emit_bytes(text.as_bytes())
}

/// Writes what need not be text to standard output.
pub(crate) fn emit_bytes(bytes: &[u8]) -> Result<()> {
    emit_with(|out| out.write_all(bytes))
}

/// Lets a function write to standard output.
pub(crate) fn emit_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}
