//! The files of a chart as `.Files` gives them to templates.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::chart::File;

mod glob;

/// Files by path, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Arc<[u8]>>);

impl Files {
    /// Collects files; of several of one path the last counts.
    pub fn new(files: &[File]) -> Self {
        Self(
            files
                .iter()
                .map(|file| (file.name.clone(), file.data.bytes().clone()))
                .collect(),
        )
    }

    /// Gives what is in a file; nothing where there is none.
    pub fn bytes(&self, path: &str) -> &[u8] {
        self.0.get(path).map_or(&[], |data| data)
    }

    /// Gives the text of a file; nothing where there is none.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(self.bytes(path)).into_owned()
    }

    /// Keeps the files whose paths match a pattern; a malformed one matches everything.
    ///
    /// ```
    /// use fjord_helm::{File, files::Files};
    ///
    /// let files = Files::new(&[File::new("a/x.txt", "x"), File::new("a/b/y.txt", "y")]);
    /// assert_eq!(files.glob("a/*").iter().count(), 1);
    /// assert_eq!(files.glob("{a,b}/**.txt").iter().count(), 2);
    /// ```
    pub fn glob(&self, pattern: &str) -> Self {
        let glob = glob::Glob::parse(pattern);
        let kept = self
            .0
            .iter()
            .filter(|(path, _)| glob.as_ref().is_none_or(|g| g.matches(path)));
        Self(
            kept.map(|(path, data)| (path.clone(), data.clone()))
                .collect(),
        )
    }

    /// Splits the text of a file into lines; nothing where there is no text.
    pub fn lines(&self, path: &str) -> Vec<String> {
        let text = self.text(path);
        if text.is_empty() {
            return Vec::new();
        }
        text.strip_suffix('\n')
            .unwrap_or(&text)
            .split('\n')
            .map(str::to_owned)
            .collect()
    }

    /// Prints the files as the data of a ConfigMap.
    pub fn as_config(&self) -> String {
        self.print(|data| String::from_utf8_lossy(data).into_owned())
    }

    /// Prints the files as the data of a Secret.
    pub fn as_secrets(&self) -> String {
        self.print(|data| BASE64_STANDARD.encode(data))
    }

    /// Lists paths and contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
        self.0.iter().map(|(path, data)| (path.as_str(), data))
    }

    fn print(&self, show: impl Fn(&[u8]) -> String) -> String {
        let named = self.0.iter().map(|(path, data)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            (name.to_owned(), Value::String(show(data)))
        });
        let table = Value::Object(named.collect());
        let text = fjord_yaml::json_to_v2(&table).unwrap_or_default();
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }
}
