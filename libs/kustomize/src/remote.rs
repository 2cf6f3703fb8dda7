//! Which texts name a Git repository or a file on the web (kustomize's URL grammar).

/// Says whether a file is to be fetched.
pub(crate) fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Says whether a base is a repository and not a folder.
pub(crate) fn is_repository(text: &str) -> bool {
    if text.starts_with('/') {
        return false;
    }
    let text = text.split('?').next().unwrap_or_default();
    let text = strip_prefix(text, "git::").unwrap_or(text);
    let scheme = ["ssh://", "https://", "http://", "file://"]
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix(text, scheme)?)));
    let (scheme, rest) = scheme.unwrap_or(("", text));
    let (user, rest) = split_user(rest);
    let lower = rest.to_ascii_lowercase();
    let github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return false;
    }
    let path = if scheme == "file://" {
        rest
    } else {
        let slash = rest.find('/');
        let colon = if scp {
            rest.find(':').filter(|&at| at > 0)
        } else {
            None
        };
        let at = match (slash, colon) {
            (Some(slash), Some(colon)) => Some(slash.min(colon)),
            (slash, colon) => slash.or(colon),
        };
        match at {
            Some(at) => &rest[at + 1..],
            None if rest.is_empty() => return false,
            None => "",
        }
    };
    has_repository_path(path, scheme == "file://")
}

fn has_repository_path(path: &str, whole: bool) -> bool {
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
            _ => return false,
        }
    };
    let below = crate::fs::clean(below.trim_start_matches('/'));
    !repository.is_empty() && below != ".." && !below.starts_with("../")
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
