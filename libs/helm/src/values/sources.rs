//! Everything a user can say values with, applied in Helm's order whatever order it was said in.

use super::{
    Map, ParseError, merge, parse, parse_literal_into,
    strvals::{self, parse_file_into, parse_into, parse_json_into, parse_string_into},
};

/// What was given by `-f` and the flags beginning with `--set`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Values files, by name.
    pub files: Vec<String>,
    /// Of `--set-json`: tables, or keys with JSON.
    pub json: Vec<String>,
    /// Of `--set`.
    pub typed: Vec<String>,
    /// Of `--set-string`.
    pub strings: Vec<String>,
    /// Of `--set-file`.
    pub contents: Vec<String>,
    /// Of `--set-literal`.
    pub literals: Vec<String>,
}

/// A source that cannot be read, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A values file cannot be read.
    #[error("{0}")]
    Read(String),
    /// A values file is malformed.
    #[error("failed to parse {file}: {source}")]
    File {
        /// The file.
        file: String,
        /// Why.
        source: ParseError,
    },
    /// What `--set-json` was given is no JSON.
    #[error("failed parsing --set-json data JSON: {0}")]
    JsonTable(String),
    /// What `--set-json` was given is no key with JSON.
    #[error("failed parsing --set-json data {0}")]
    Json(String),
    /// A flag was given a malformed expression.
    #[error("failed parsing --{flag} data: {source}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// Why.
        source: strvals::Error,
    },
}

impl Sources {
    /// Merges the sources; `read` gives what is in a file.
    ///
    /// ```
    /// use fjord_helm::values::Sources;
    ///
    /// let sources = Sources {
    ///     files: vec!["v.yaml".into()],
    ///     typed: vec!["image.tag=1".into()],
    ///     ..Sources::default()
    /// };
    /// let values = sources.merge(&mut |_| Ok(b"image: {tag: x, name: web}".to_vec()))?;
    /// assert_eq!(serde_json::to_string(&values)?, r#"{"image":{"name":"web","tag":1}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A file cannot be read, or a source is malformed.
    pub fn merge(
        &self,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Map, Error> {
        let mut values = Map::new();
        for file in &self.files {
            let text = read(file).map_err(Error::Read)?;
            let over = parse(&text).map_err(|source| Error::File {
                file: file.clone(),
                source,
            })?;
            merge(&mut values, over);
        }
        for json in &self.json {
            let text = json.trim();
            if text.starts_with('{') {
                let over: Map =
                    serde_json::from_str(text).map_err(|_| Error::JsonTable(json.clone()))?;
                merge(&mut values, super::floats_in(over));
            } else {
                parse_json_into(json, &mut values).map_err(|_| Error::Json(json.clone()))?;
            }
        }
        for typed in &self.typed {
            parse_into(typed, &mut values).map_err(of_flag("set"))?;
        }
        for string in &self.strings {
            parse_string_into(string, &mut values).map_err(of_flag("set-string"))?;
        }
        for content in &self.contents {
            let mut text = |file: &str| {
                let bytes = read(file)?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            };
            parse_file_into(content, &mut values, &mut text).map_err(of_flag("set-file"))?;
        }
        for literal in &self.literals {
            parse_literal_into(literal, &mut values).map_err(of_flag("set-literal"))?;
        }
        Ok(values)
    }
}

fn of_flag(flag: &'static str) -> impl Fn(strvals::Error) -> Error {
    move |source| Error::Flag { flag, source }
}
