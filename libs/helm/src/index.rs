//! The index of a chart repository: which charts in which versions it has, and where.

use std::collections::BTreeMap;

use url::Url;

use crate::{
    chart::Metadata,
    go::{Decode, Fault, Fields},
    notice::{Level, Notices},
    versions,
};

/// The index of a repository, the newest version of each chart first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// The versions of each chart.
    pub entries: BTreeMap<String, Vec<Entry>>,
    /// When the index was made, as it says.
    pub generated: String,
}

/// One version of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// What its `Chart.yaml` says.
    pub metadata: Metadata,
    /// Where the archive is; relative ones are below the repository.
    pub urls: Vec<String>,
    /// When it was published, as it says.
    pub created: String,
    /// Whether it was withdrawn.
    pub removed: bool,
    /// The SHA-256 of the archive.
    pub digest: String,
}

/// An index that cannot be used, or has not what is looked for; in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing in it.
    #[error("empty index.yaml file")]
    Empty,
    /// It says no apiVersion.
    #[error("no API version specified")]
    NoApiVersion,
    /// It is no YAML or not of the form an index has.
    #[error(transparent)]
    Malformed(#[from] Fault),
    /// There is no such chart.
    #[error("no chart name found")]
    NoChart,
    /// The chart has no versions.
    #[error("no chart version found")]
    NoVersions,
    /// The range is none.
    #[error("{0}")]
    Range(String),
    /// No version is in the range.
    #[error("no chart version found for {name}-{version}")]
    NoVersion {
        /// The chart.
        name: String,
        /// The range.
        version: String,
    },
    /// The address of the repository or of the archive is none.
    #[error("invalid chart URL format: {0}")]
    Url(String),
}

impl Index {
    /// Reads an index, which may be JSON.
    ///
    /// ```
    /// use fjord_helm::{Notices, index::Index};
    ///
    /// let text = b"{apiVersion: v1, entries: {web: [{name: web, version: 1.0.0}, {name: web, version: 1.2.0}]}}";
    /// let index = Index::parse(text, &mut Notices::default())?;
    /// assert_eq!(index.select("web", "~1.0")?.metadata.version, "1.0.0");
    /// assert_eq!(index.select("web", "")?.metadata.version, "1.2.0");
    /// # Ok::<(), fjord_helm::index::Error>(())
    /// ```
    ///
    /// # Errors
    /// The index is empty, malformed, or says no apiVersion; bad entries are left out with a warning.
    pub fn parse(text: &[u8], notices: &mut Notices) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let (api_version, generated, entries) =
            Decode::yaml(text, "repo.IndexFile", "IndexFile", |decode, fields| {
                let api_version = fields.text(decode, "apiVersion");
                let entries = fields.tables(decode, "entries", |decode, fields, name| {
                    fields.structs(decode, name, "repo.ChartVersion", Entry::read)
                });
                (api_version, fields.text(decode, "generated"), entries)
            })?;
        let mut index = Self {
            entries: BTreeMap::new(),
            generated,
        };
        for (name, versions) in entries {
            let kept = versions
                .into_iter()
                .filter_map(|entry| usable(&name, entry, notices));
            let mut kept: Vec<Entry> = kept.collect();
            kept.sort_by(|a, b| versions::compare(&b.metadata.version, &a.metadata.version));
            index.entries.insert(name, kept);
        }
        if api_version.is_empty() {
            Err(Error::NoApiVersion)
        } else {
            Ok(index)
        }
    }

    /// Chooses the version of a chart: the very one, or the highest in a range; of `""` the newest stable.
    ///
    /// # Errors
    /// There is no such chart or version, or the range is none.
    pub fn select(&self, name: &str, version: &str) -> Result<&Entry, Error> {
        let entries = self.entries.get(name).ok_or(Error::NoChart)?;
        if entries.is_empty() {
            return Err(Error::NoVersions);
        }
        let wanted = if version.is_empty() { "*" } else { version };
        let range = versions::Range::parse(wanted).map_err(Error::Range)?;
        if let Some(entry) = entries
            .iter()
            .find(|entry| entry.metadata.version == version)
        {
            return Ok(entry);
        }
        entries
            .iter()
            .find(|entry| range.contains(&entry.metadata.version))
            .ok_or_else(|| Error::NoVersion {
                name: name.to_owned(),
                version: version.to_owned(),
            })
    }
}

impl Entry {
    fn read(decode: &mut Decode, fields: &Fields<'_>) -> Self {
        Self {
            metadata: Metadata::of_fields(decode, fields),
            created: fields.text(decode, "created"),
            digest: fields.text(decode, "digest"),
            removed: fields.flag(decode, "removed"),
            urls: fields.texts(decode, "urls"),
        }
    }

    /// Gives the address of the archive, the first that the index names.
    ///
    /// # Errors
    /// An address is none, or the index names none.
    pub fn url(&self, repository: &Url) -> Result<Url, Error> {
        let Some(reference) = self.urls.first() else {
            return Err(Error::Url(String::new()));
        };
        let mut base = repository.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut url = base
            .join(reference)
            .map_err(|_| Error::Url(reference.clone()))?;
        // Parity: what the repository was asked with, its archives are asked with.
        if url.query().is_none() && !reference.contains("://") {
            url.set_query(repository.query());
        }
        Ok(url)
    }
}

fn usable(chart: &str, entry: Option<Entry>, notices: &mut Notices) -> Option<Entry> {
    let mut skip = |why: String| {
        let message = format!("skipping loading invalid entry for chart {chart}");
        notices.push(Level::Warn, message, vec![("error", why)]);
    };
    let Some(mut entry) = entry else {
        skip("empty entry".to_owned());
        return None;
    };
    if entry.metadata.api_version.is_empty() {
        "v1".clone_into(&mut entry.metadata.api_version);
    }
    match entry.metadata.validate() {
        Ok(()) => Some(entry),
        // Parity: names used twice matter only once the chart itself is loaded.
        Err(invalid) if invalid.is_repeated_dependency() => Some(entry),
        Err(invalid) => {
            skip(invalid.to_string());
            None
        }
    }
}
