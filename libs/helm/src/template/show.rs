//! The stream that `helm template` prints.

use super::Rendered;
use crate::chart::matches;
use crate::manifest::Event;
use std::io::{self, Write};

/// A file that was to be shown and is not in the output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NotFound(pub String);

impl Rendered {
    /// Prints everything: CRDs, objects, hooks.
    pub fn stream(&self, hooks: bool, tests: bool) -> String {
        let mut out = Vec::new();
        // A vector takes everything.
        let _ = self.write(&mut out, hooks, tests);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Writes what [`Rendered::stream`] prints, piece by piece.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write, hooks: bool, tests: bool) -> io::Result<()> {
        let mut manifest = Trimmed {
            out,
            space: String::new(),
        };
        let files = self.raw.iter().flatten();
        for (path, text) in files.filter(|(_, text)| !text.trim().is_empty()) {
            manifest.document(path, text)?;
        }
        for (path, text) in &self.crds {
            manifest.document(path, text)?;
        }
        for object in &self.manifests {
            manifest.document(&object.path, &object.content)?;
        }
        out.write_all(b"\n")?;
        if hooks {
            for hook in &self.hooks {
                if tests || !hook.runs_at(Event::Test) {
                    write!(out, "---\n# Source: {}\n{}\n", hook.path, hook.manifest)?;
                }
            }
        }
        Ok(())
    }

    /// Prints only the files that match one of the patterns, in the order of the patterns.
    ///
    /// # Errors
    /// A pattern matches none.
    pub fn only(&self, stream: &str, patterns: &[String]) -> Result<String, NotFound> {
        let documents = documents(stream);
        let mut out = String::new();
        for pattern in patterns {
            let mut found = false;
            for document in &documents {
                let path = document
                    .lines()
                    .find_map(|line| line.split_once("# Source: "))
                    .and_then(|(_, source)| source.split_once('/'));
                let Some((_, path)) = path else {
                    continue;
                };
                if matches(pattern, path).unwrap_or(false) {
                    out += &format!("---\n{document}\n");
                    found = true;
                }
            }
            if !found {
                return Err(NotFound(pattern.clone()));
            }
        }
        Ok(out)
    }
}

/// A writer that keeps space back until something follows it, so that the end comes out trimmed.
struct Trimmed<'w> {
    out: &'w mut dyn Write,
    space: String,
}

impl Trimmed<'_> {
    fn document(&mut self, path: &str, text: &str) -> io::Result<()> {
        for piece in ["---\n# Source: ", path, "\n", text, "\n"] {
            let kept = piece.trim_end();
            if !kept.is_empty() {
                self.out.write_all(self.space.as_bytes())?;
                self.out.write_all(kept.as_bytes())?;
                self.space.clear();
            }
            self.space += &piece[kept.len()..];
        }
        Ok(())
    }
}

/// Splits a stream into its documents, without the space before each.
fn documents(stream: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in stream.split_inclusive('\n') {
        if line.starts_with("---") {
            starts.push(at);
        }
        at += line.len();
    }
    let mut pieces = Vec::new();
    let mut begin = 0;
    for start in starts {
        pieces.push(&stream[begin..start]);
        let rest = &stream[start + 3..];
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        begin = start + 3 + spaces;
    }
    pieces.push(&stream[begin..]);
    pieces
        .into_iter()
        .map(str::trim_start)
        .filter(|piece| !piece.trim().is_empty())
        .collect()
}
