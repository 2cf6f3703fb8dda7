//! A source as the controller would use the library.

use std::time::Duration;

use fjord_git::{
    Checkout, Clients, Credentials, Error, Kind, Limits, Network, Outcome, Request, Selector, sync,
};

use crate::support::GitServer;

/// A client with its own mirror.
pub(crate) struct Client {
    pub(crate) clients: Clients,
    pub(crate) mirror: tempfile::TempDir,
    pub(crate) credentials: Credentials,
    pub(crate) network: Network,
    pub(crate) timeout: Duration,
    pub(crate) limits: Limits,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            clients: Clients::new().unwrap(),
            mirror: tempfile::tempdir().unwrap(),
            credentials: Credentials::Anonymous,
            network: Network::default(),
            timeout: Duration::from_secs(20),
            limits: Limits::default(),
        }
    }

    pub(crate) async fn sync(
        &self,
        url: url::Url,
        selector: Selector,
        last_seen: Option<&str>,
    ) -> Result<Outcome, Error> {
        let request = Request {
            shown: fjord_git::shown(url.as_str(), &url),
            url,
            selector,
            credentials: self.credentials.clone(),
            network: self.network.clone(),
            timeout: self.timeout,
            last_seen: last_seen.map(str::to_owned),
            always: false,
            mirror: self.mirror.path().join("app"),
            limits: self.limits.clone(),
        };
        sync(&self.clients, request).await
    }

    pub(crate) async fn checkout(&self, server: &GitServer, selector: Selector) -> Checkout {
        match self
            .sync(server.url("app.git"), selector, None)
            .await
            .unwrap()
        {
            Outcome::Commit(checkout) => *checkout,
            _ => panic!("a commit was expected"),
        }
    }

    pub(crate) async fn error(
        &self,
        url: url::Url,
        selector: Selector,
        last_seen: Option<&str>,
    ) -> String {
        match self.sync(url, selector, last_seen).await {
            Err(error) => error.to_string(),
            Ok(_) => panic!("an error was expected"),
        }
    }
}

pub(crate) fn branch(name: &str) -> Selector {
    Selector::Branch(name.into())
}

pub(crate) fn files(checkout: &Checkout) -> Vec<(String, String)> {
    let entries = checkout.tree.entries().unwrap();
    let files = entries
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::File { .. }));
    files
        .map(|entry| {
            (
                entry.path.clone(),
                String::from_utf8(checkout.tree.read(entry).unwrap()).unwrap(),
            )
        })
        .collect()
}
