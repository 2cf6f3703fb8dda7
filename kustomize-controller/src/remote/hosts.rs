//! Which hosts remote bases may come from.

use std::sync::Arc;

use reqwest::redirect::{Attempt, Policy};

/// How often a download may be sent elsewhere.
const REDIRECTS: usize = 10;

/// The hosts that are allowed; by default all.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Lower case; one that begins with `*.` stands for every host below.
    patterns: Arc<[String]>,
}

impl Hosts {
    /// Allows these hosts only: `example.com`, or `*.example.com` for every host below it. None at
    /// all allows every host.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        let lower = patterns
            .into_iter()
            .map(|text| text.trim().to_ascii_lowercase());
        Self {
            patterns: lower.filter(|text| !text.is_empty()).collect(),
        }
    }

    /// Tells whether something may be fetched from a host.
    pub(super) fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let matches = |pattern: &String| match pattern.strip_prefix('*') {
            Some(suffix) => suffix.starts_with('.') && host.ends_with(suffix),
            None => *pattern == host,
        };
        self.patterns.is_empty() || self.patterns.iter().any(matches)
    }

    pub(super) fn refusal(host: &str) -> String {
        format!("remote bases may not come from '{host}': it is not among --remote-base-hosts")
    }

    /// Follows redirects, but to no host that is not allowed.
    pub(super) fn redirects(self) -> Policy {
        Policy::custom(move |attempt: Attempt<'_>| {
            let host = attempt.url().host_str().unwrap_or_default().to_owned();
            if !self.allow(&host) {
                return attempt.error(Self::refusal(&host));
            }
            if attempt.previous().len() > REDIRECTS {
                return attempt.error(format!("stopped after {REDIRECTS} redirects"));
            }
            attempt.follow()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_allowed_where_there_is_a_list() {
        assert!(Hosts::default().allow("anywhere"));
        let hosts = Hosts::new(["Example.com".to_owned(), "*.corp.test".to_owned()]);
        assert!(hosts.allow("example.com") && hosts.allow("git.corp.test"));
        assert!(
            !hosts.allow("corp.test")
                && !hosts.allow("evil-corp.test")
                && !hosts.allow("x.example.com")
        );
    }
}
