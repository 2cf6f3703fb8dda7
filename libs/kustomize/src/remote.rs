//! Which texts name a Git repository or a file on the web (kustomize's URL grammar).

/// Says whether a file is to be fetched.
pub(crate) fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Says whether a base is a repository and not a folder.
pub(crate) fn is_repository(text: &str) -> bool {
    RepositoryUrl::parse(text).is_some()
}

/// A repository that a kustomization names as a base, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUrl {
    /// What is cloned: scheme, host and path of the repository.
    pub clone_url: String,
    /// The folder below the top that is built, empty for the top itself.
    pub path: String,
    /// The branch, tag or commit (`ref`, or `version`); none: what `HEAD` names.
    pub reference: Option<String>,
    /// How long the clone may take, in seconds or as a Go duration; none: 27 s.
    pub timeout: Option<String>,
    /// Whether submodules are wanted; they are unless `submodules=false`.
    pub submodules: bool,
}

impl RepositoryUrl {
    /// Takes a base apart; nothing where it names a folder.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return None;
        }
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let text = strip_prefix(text, "git::").unwrap_or(text);
        let (host, path) = split_host(text)?;
        let (repository, path) = split_path(path, host == "file://")?;
        let value = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(name, value)| *name == key && !value.is_empty())
                .map(|(_, value)| value.to_owned())
        };
        Some(Self {
            clone_url: format!("{host}{repository}"),
            path,
            reference: value("ref").or_else(|| value("version")),
            timeout: value("timeout"),
            submodules: value("submodules").is_none_or(|text| !is_false(&text)),
        })
    }
}

/// Splits scheme, user and host, with what parts them from the path, off the path.
fn split_host(text: &str) -> Option<(String, &str)> {
    let scheme = ["ssh://", "https://", "http://", "file://"]
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix(text, scheme)?)));
    let (scheme, rest) = scheme.unwrap_or(("", text));
    if scheme == "file://" {
        return Some((scheme.to_owned(), rest));
    }
    let (user, rest) = split_user(rest);
    let lower = rest.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if (scheme.is_empty() && !scp) || rest.is_empty() {
        return None;
    }
    let slash = rest.find('/');
    let colon = if scp {
        rest.find(':').filter(|&at| at > 0)
    } else {
        None
    };
    let at = match (slash, colon) {
        (Some(slash), Some(colon)) => slash.min(colon),
        (slash, colon) => slash.or(colon).unwrap_or(rest.len() - 1),
    };
    let (host, path) = rest.split_at(at + 1);
    // Parity: GitHub's short forms mean HTTPS, unless the user is Git's own.
    if github && scheme.is_empty() {
        return Some(if user == "git" {
            ("git@github.com:".to_owned(), path)
        } else {
            ("https://github.com/".to_owned(), path)
        });
    }
    let user = if user.is_empty() {
        String::new()
    } else {
        format!("{user}@")
    };
    Some((format!("{scheme}{user}{host}"), path))
}

/// Splits the path of the repository from the one below it.
fn split_path(path: &str, whole: bool) -> Option<(String, String)> {
    let (repository, below) = if let Some(at) = path.find("_git/") {
        let rest = &path[at + 5..];
        let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
        (format!("{}{name}", &path[..at + 5]), below)
    } else if let Some((repository, below)) = path.split_once("//") {
        (repository.to_owned(), below)
    } else if let Some(at) = path.find(".git") {
        (path[..at + 4].to_owned(), &path[at + 4..])
    } else if whole {
        (path.to_owned(), "")
    } else {
        let mut parts = path.splitn(3, '/');
        match (parts.next(), parts.next()) {
            (Some(owner), Some(name)) => {
                (format!("{owner}/{name}"), parts.next().unwrap_or_default())
            }
            _ => return None,
        }
    };
    let below = crate::fs::clean(below.trim_start_matches('/'));
    let stays = below != ".." && !below.starts_with("../");
    let below = if below == "." { String::new() } else { below };
    (!repository.is_empty() && stays).then_some((repository, below))
}

/// What Go's `strconv.ParseBool` takes for false.
fn is_false(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "FALSE" | "False")
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn split_user(text: &str) -> (&str, &str) {
    if let Some((user, rest)) = text.split_once('@')
        && user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        return (user, rest);
    }
    ("", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_taken_apart() {
        let cases = [
            ("https://host/o/r", ("https://host/o/r", "", None)),
            (
                "https://host/o/r.git/a/b?ref=v1",
                ("https://host/o/r.git", "a/b", Some("v1")),
            ),
            (
                "github.com/o/r//sub?version=v2",
                ("https://github.com/o/r", "sub", Some("v2")),
            ),
            (
                "git@github.com:o/r.git",
                ("git@github.com:o/r.git", "", None),
            ),
            ("ssh://git@host/o/r/x", ("ssh://git@host/o/r", "x", None)),
            (
                "file:///srv/repo.git//base",
                ("file:///srv/repo.git", "base", None),
            ),
            (
                "https://host/team/_git/name/x",
                ("https://host/team/_git/name", "x", None),
            ),
        ];
        for (text, (clone_url, path, reference)) in cases {
            let url = RepositoryUrl::parse(text).unwrap();
            let found = (
                url.clone_url.as_str(),
                url.path.as_str(),
                url.reference.as_deref(),
            );
            assert_eq!(found, (clone_url, path, reference), "{text}");
        }
        let url = RepositoryUrl::parse("https://h/o/r?timeout=90&submodules=false").unwrap();
        assert_eq!(
            (url.timeout.as_deref(), url.submodules),
            (Some("90"), false)
        );
    }

    #[test]
    fn repositories_are_told_from_folders() {
        for url in [
            "https://github.com/o/r",
            "github.com/o/r//sub?ref=v1",
            "git@github.com:o/r.git",
            "ssh://git@host/o/r",
            "file:///srv/repo.git//base",
            "git::https://host/o/r",
        ] {
            assert!(is_repository(url), "{url}");
        }
        for path in [
            "../base",
            "base",
            "/abs",
            "https://host/file.yaml",
            "a/b/c",
            "github.com",
        ] {
            assert!(!is_repository(path), "{path}");
        }
    }
}
