//! The stream that `helm template` prints.

use super::Rendered;
use crate::chart::matches;
use crate::manifest::Event;

/// A file that was to be shown and is not in the output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NotFound(pub String);

impl Rendered {
    /// Prints everything: CRDs, objects, hooks.
    pub fn stream(&self, hooks: bool, tests: bool) -> String {
        let mut manifest = String::new();
        let files = self.raw.iter().flatten();
        for (path, text) in files.filter(|(_, text)| !text.trim().is_empty()) {
            document(&mut manifest, path, text);
        }
        for (path, text) in &self.crds {
            document(&mut manifest, path, text);
        }
        for object in &self.manifests {
            document(&mut manifest, &object.path, &object.content);
        }
        let mut out = manifest.trim().to_owned();
        out.push('\n');
        if hooks {
            for hook in &self.hooks {
                if tests || !hook.runs_at(Event::Test) {
                    document(&mut out, &hook.path, &hook.manifest);
                }
            }
        }
        out
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

fn document(out: &mut String, path: &str, text: &str) {
    *out += &format!("---\n# Source: {path}\n{text}\n");
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
