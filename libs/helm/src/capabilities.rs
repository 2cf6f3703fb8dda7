//! What the cluster offers, as `.Capabilities` tells it: its version and the API versions it knows.

use crate::go;

mod known;

/// What the cluster offers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// Group-versions, and where a cluster was asked group-version-kinds.
    pub api_versions: Vec<String>,
    /// What `.Capabilities.HelmVersion` says.
    pub helm_version: HelmVersion,
}

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// The whole version: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without its suffix, where the version was given by the user; charts' ranges are checked against it.
    pub normalized: Option<String>,
    /// The first number.
    pub major: String,
    /// The second number.
    pub minor: String,
}

/// What a chart is told about the Helm that renders it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmVersion {
    /// The version.
    pub version: String,
    /// The commit it was built from.
    pub git_commit: String,
    /// Whether that commit had changes.
    pub git_tree_state: String,
    /// The version of Go.
    pub go_version: String,
    /// The version of Kubernetes' client.
    pub kube_client_version: String,
}

/// A text that is no version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidVersion(String);

impl Default for Capabilities {
    fn default() -> Self {
        let version = "v1.36.0".to_owned();
        Self {
            kube_version: KubeVersion {
                normalized: Some(version.clone()),
                version,
                major: "1".to_owned(),
                minor: "36".to_owned(),
            },
            api_versions: known::API_VERSIONS
                .iter()
                .map(|&version| version.to_owned())
                .collect(),
            helm_version: HelmVersion::default(),
        }
    }
}

impl Default for HelmVersion {
    fn default() -> Self {
        Self {
            version: "v4.2".to_owned(),
            git_commit: String::new(),
            git_tree_state: String::new(),
            go_version: "go1.26.8".to_owned(),
            kube_client_version: "v1.36".to_owned(),
        }
    }
}

impl KubeVersion {
    /// Reads a version as the user gave it.
    ///
    /// ```
    /// let version = fjord_helm::capabilities::KubeVersion::parse("1.29.3-gke.1")?;
    /// assert_eq!((&*version.version, &*version.to_string()), ("v1.29.3-gke.1", "v1.29.3"));
    /// # Ok::<(), fjord_helm::capabilities::InvalidVersion>(())
    /// ```
    ///
    /// # Errors
    /// There are fewer than two numbers.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        let start = text.trim_start();
        let start = start.strip_prefix('v').unwrap_or(start);
        let parts = numbers(start);
        if parts.is_empty() {
            return Err(InvalidVersion(format!(
                "could not parse {} as version",
                go::quote(text)
            )));
        }
        let [major, minor, ..] = parts.as_slice() else {
            return Err(InvalidVersion(format!(
                "illegal version string {}",
                go::quote(text)
            )));
        };
        if major.starts_with('0') && *major != "0" {
            return Err(InvalidVersion(format!(
                "illegal zero-prefixed version component {} in {}",
                go::quote(major),
                go::quote(text)
            )));
        }
        let number = |part: &str| {
            part.parse::<u64>().map(|number| number.to_string()).map_err(|_| {
                let (part, text) = (go::quote(part), go::quote(text));
                InvalidVersion(format!(
                    "illegal non-numeric version component {part} in {text}: strconv.ParseUint: parsing {part}: value out of range"
                ))
            })
        };
        let normal = parts
            .iter()
            .map(|part| number(part))
            .collect::<Result<Vec<_>, _>>()?;
        let prefix = if text.starts_with('v') { "" } else { "v" };
        Ok(Self {
            version: format!("{prefix}{text}"),
            normalized: Some(format!("v{}", normal.join("."))),
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

/// Splits off the numbers at the start: `1.29` of `1.29+k3s`.
fn numbers(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if part.is_empty() {
            return parts;
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None => return parts,
        }
    }
}

/// Prints the version that charts' ranges are checked against.
impl std::fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.normalized.as_ref().unwrap_or(&self.version))
    }
}
