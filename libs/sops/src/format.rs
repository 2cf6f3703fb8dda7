//! The formats of SOPS, and which one a file name means.

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML, of one document or several.
    Yaml,
    /// JSON with an object at the top.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// Sections of `key = value` lines.
    Ini,
    /// Anything else: the whole file is one value.
    Binary,
}

impl Format {
    /// Returns the format that a file name means.
    ///
    /// ```
    /// use fjord_sops::Format;
    /// assert_eq!(Format::of_path("secrets/db.enc.yaml"), Format::Yaml);
    /// assert_eq!(Format::of_path("key.pem"), Format::Binary);
    /// ```
    pub fn of_path(path: &str) -> Self {
        let name = path.to_ascii_lowercase();
        let ends = |suffix: &str| name.ends_with(suffix);
        if ends(".yaml") || ends(".yml") {
            Self::Yaml
        } else if ends(".json") || ends(".dockerconfigjson") {
            Self::Json
        } else if ends(".env") {
            Self::Dotenv
        } else if ends(".ini") {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// Returns the format that a name on a command line means.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "dotenv" => Self::Dotenv,
            "ini" => Self::Ini,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    /// Returns the text that a file of the format contains if SOPS encrypted it.
    pub fn marker(self) -> &'static str {
        match self {
            Self::Yaml => "mac: ENC[",
            Self::Json | Self::Binary => "\"mac\": \"ENC[",
            Self::Dotenv => "sops_mac=ENC[",
            Self::Ini => "[sops]",
        }
    }
}
