//! One API server seen with one identity: the requests an apply needs, and discovery.
//!
//! Requests are made on unstructured objects by hand-built paths; only what this crate needs is
//! here. Errors print the API server's own words and nothing else, because Flux's messages do.

mod discovery;

pub use discovery::Kind;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use kube::Client;
use kube::core::Status;
use serde_json::{Value, json};

use crate::object::{GroupKind, Gvk, Object, ObjectId};
use discovery::Discovery;

/// How many pods of one workload are looked at; one that failed is enough.
const PODS: u32 = 250;

/// How long one request may take, retries of an overloaded API server included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A handle to one API server under one identity; clones share the discovery cache.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    discovery: Discovery,
}

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API server answered with an error.
    #[error("{}", .0.message)]
    Api(Box<Status>),
    /// The API server serves no such kind.
    #[error("no matches for kind {:?} in version {:?}", .0.kind, .0.api_version())]
    NoSuchKind(Box<Gvk>),
    /// The API server serves no such kind in any version.
    #[error("no matches for kind {:?} in group {:?}", .0.kind, .0.group)]
    NoSuchKindInGroup(Box<GroupKind>),
    /// The kind is namespaced and the object names no namespace.
    // Parity: these are the words of client-go, which asks for a path that does not exist.
    #[error("the server could not find the requested resource")]
    NoNamespace,
    /// The API server could not be asked.
    #[error("{0}")]
    Transport(String),
}

impl Error {
    /// Tells whether the object, its kind or its namespace does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NoNamespace)
            || matches!(self, Self::Api(status) if status.code == 404 || status.reason == "NotFound")
    }

    /// Tells whether the API server refused because of another version of the object.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(status) if status.code == 409 && status.reason == "Conflict")
    }

    /// Tells whether an object of that name exists already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::Api(status) if status.reason == "AlreadyExists")
    }

    /// Tells whether our identity may not do this.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Api(status) if matches!(status.code, 401 | 403))
    }

    /// Returns the API server's reason, empty where it gave none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Api(status) => &status.reason,
            Self::NoNamespace => "NotFound",
            _ => "",
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Api(status),
            other => {
                // kube's variants print their sources, which would only be repeated.
                Self::Transport(other.to_string())
            }
        }
    }
}

/// How a server-side apply is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApplyRequest<'a> {
    pub(crate) field_manager: &'a str,
    pub(crate) dry_run: bool,
}

impl Cluster {
    /// Wraps a client; nothing is requested until a kind is looked up.
    pub fn new(client: Client) -> Self {
        Self {
            inner: Arc::new(Inner {
                client,
                discovery: Discovery::default(),
            }),
        }
    }

    /// Returns the client.
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// Finds a kind by group, version and kind.
    ///
    /// # Errors
    /// Discovery failed, or the kind is not served.
    pub async fn kind(&self, gvk: &Gvk) -> Result<Kind, Error> {
        self.inner.discovery.find(&self.inner.client, gvk).await
    }

    /// Finds a kind in the version the API server prefers.
    ///
    /// # Errors
    /// Discovery failed, or the kind is not served.
    pub async fn preferred_kind(&self, kind: &GroupKind) -> Result<Kind, Error> {
        self.inner
            .discovery
            .find_preferred(&self.inner.client, kind)
            .await
    }

    /// Remembers the kinds that an applied CRD defines, sparing a discovery.
    pub(crate) fn learn(&self, crd: &Object) {
        self.inner.discovery.learn(crd);
    }

    /// Looks a kind up anew when it is asked for next.
    pub(crate) fn forget(&self, kind: &GroupKind) {
        self.inner.discovery.forget(kind);
    }

    pub(crate) async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Object>, Error> {
        let request = self.request(Method::GET, kind, id, "", None, &[])?;
        match self.send(request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn apply(
        &self,
        kind: &Kind,
        object: &Object,
        how: ApplyRequest<'_>,
    ) -> Result<Object, Error> {
        let mut query = format!(
            "force=true&fieldManager={}",
            encode(how.field_manager, Place::Query)
        );
        if how.dry_run {
            query.push_str("&dryRun=All");
        }
        let body = serde_json::to_vec(object).map_err(|e| Error::Transport(e.to_string()))?;
        let content = Some(("application/apply-patch+yaml", body));
        let request = self.request(Method::PATCH, kind, &object.id(), &query, content, &[])?;
        self.send(request).await
    }

    /// Asks whether an object would be accepted if there were none of its name.
    pub(crate) async fn probe_create(
        &self,
        kind: &Kind,
        object: &Object,
        field_manager: &str,
    ) -> Result<(), Error> {
        let query = format!(
            "dryRun=All&fieldManager={}",
            encode(field_manager, Place::Query)
        );
        let body = serde_json::to_vec(object).map_err(|e| Error::Transport(e.to_string()))?;
        let collection = ObjectId {
            name: String::new(),
            ..object.id()
        };
        let content = Some(("application/json", body));
        let request = self.request(Method::POST, kind, &collection, &query, content, &[])?;
        match self.send::<Object>(request).await {
            // The name is looked up last, after validation and admission.
            Err(error) if error.is_already_exists() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    pub(crate) async fn json_patch(
        &self,
        kind: &Kind,
        id: &ObjectId,
        patch: &Value,
        field_manager: &str,
    ) -> Result<Object, Error> {
        let query = format!("fieldManager={}", encode(field_manager, Place::Query));
        let content = Some((
            "application/json-patch+json",
            patch.to_string().into_bytes(),
        ));
        let request = self.request(Method::PATCH, kind, id, &query, content, &[])?;
        self.send(request).await
    }

    /// Deletes an object, if it still is the one of that uid, in the background.
    pub(crate) async fn delete(&self, kind: &Kind, id: &ObjectId, uid: &str) -> Result<(), Error> {
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "propagationPolicy": "Background", "preconditions": {"uid": uid},
        });
        let content = Some(("application/json", options.to_string().into_bytes()));
        let request = self.request(Method::DELETE, kind, id, "", content, &[])?;
        match self.send::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lists the pods of a namespace that a selector matches.
    pub(crate) async fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<Object>, Error> {
        let kind = self.preferred_kind(&GroupKind::parse("Pod")).await?;
        let all = ObjectId {
            namespace: namespace.to_owned(),
            ..ObjectId::default()
        };
        let query = format!(
            "limit={PODS}&labelSelector={}",
            encode(selector, Place::Query)
        );
        let request = self.request(Method::GET, &kind, &all, &query, None, &[])?;
        let mut list: Value = self.send(request).await?;
        let items = list.get_mut("items").map(Value::take);
        let Some(Value::Array(items)) = items else {
            return Ok(Vec::new());
        };
        Ok(items
            .into_iter()
            .filter_map(|item| Object::try_from(item).ok())
            .collect())
    }

    /// Tells whether the API server itself says that it does not serve a kind.
    ///
    /// Discovery alone would not do: it leaves out groups whose extension server is down.
    pub(crate) async fn is_unserved(&self, gvk: &Gvk) -> bool {
        let uri = match gvk.group.as_str() {
            "" => format!("/api/{}", gvk.version),
            group => format!("/apis/{group}/{}", gvk.version),
        };
        let Ok(request) = Request::get(uri).body(Vec::new()) else {
            return false;
        };
        match self.send::<Value>(request).await {
            Ok(list) => list
                .get("resources")
                .and_then(Value::as_array)
                .is_some_and(|kinds| kinds.iter().all(|kind| kind["kind"] != gvk.kind.as_str())),
            Err(error) => error.is_not_found(),
        }
    }

    /// Reads only the metadata of an object.
    pub(crate) async fn get_metadata(
        &self,
        kind: &Kind,
        id: &ObjectId,
    ) -> Result<Option<Object>, Error> {
        let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        let request = self.request(Method::GET, kind, id, "", None, &[("accept", accept)])?;
        match self.send(request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn request(
        &self,
        method: Method,
        kind: &Kind,
        id: &ObjectId,
        query: &str,
        content: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> Result<Request<Vec<u8>>, Error> {
        let uri = path(kind, id, query)?;
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match content {
            Some((content_type, body)) => {
                request = request.header("content-type", content_type);
                body
            }
            None => Vec::new(),
        };
        request
            .body(body)
            .map_err(|error| Error::Transport(error.to_string()))
    }

    async fn send<T>(&self, request: Request<Vec<u8>>) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned,
    {
        let answer = self.inner.client.request(request);
        match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Error::Transport(
                "the API server did not answer in time".to_owned(),
            )),
        }
    }
}

fn path(kind: &Kind, id: &ObjectId, query: &str) -> Result<String, Error> {
    let mut path = if kind.gvk.group.is_empty() {
        format!("/api/{}", kind.gvk.version)
    } else {
        format!("/apis/{}/{}", kind.gvk.group, kind.gvk.version)
    };
    if kind.namespaced {
        if id.namespace.is_empty() {
            return Err(Error::NoNamespace);
        }
        let _ = write!(path, "/namespaces/{}", encode(&id.namespace, Place::Path));
    }
    let _ = write!(path, "/{}", kind.plural);
    if !id.name.is_empty() {
        let _ = write!(path, "/{}", encode(&id.name, Place::Path));
    }
    if !query.is_empty() {
        let _ = write!(path, "?{query}");
    }
    Ok(path)
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Query,
}

fn encode(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || (place == Place::Path && byte == b':');
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, plural: &str, namespaced: bool) -> Kind {
        let gvk = Gvk {
            group: group.into(),
            version: "v1".into(),
            kind: "X".into(),
        };
        Kind {
            gvk,
            plural: plural.into(),
            namespaced,
            has_status: false,
        }
    }

    fn id(text: &str) -> ObjectId {
        text.parse().unwrap()
    }

    #[test]
    fn paths_follow_group_and_scope() {
        let path = |kind: Kind, name: &str| path(&kind, &id(name), "a=b").unwrap();
        assert_eq!(
            path(kind("", "configmaps", true), "n_c__X"),
            "/api/v1/namespaces/n/configmaps/c?a=b"
        );
        assert_eq!(
            path(kind("apps", "deployments", true), "n_d_apps_X"),
            "/apis/apps/v1/namespaces/n/deployments/d?a=b"
        );
        assert_eq!(
            path(kind("", "namespaces", false), "n_x__X"),
            "/api/v1/namespaces/x?a=b"
        );
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        let path = path(&kind("", "configmaps", true), &id("n_../a?b#c%_y__X"), "").unwrap();
        assert_eq!(path, "/api/v1/namespaces/n/configmaps/..%2Fa%3Fb%23c%25_y");
    }

    #[test]
    fn a_namespaced_kind_without_a_namespace_is_refused_in_the_words_of_client_go() {
        let error = path(&kind("", "configmaps", true), &id("_c__X"), "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server could not find the requested resource"
        );
        assert!(error.is_not_found());
    }

    #[test]
    fn an_unknown_kind_is_told_in_the_words_of_client_go() {
        let gvk = Gvk {
            group: "x.io".into(),
            version: "v1".into(),
            kind: "Nope".into(),
        };
        let error = Error::NoSuchKind(Box::new(gvk));
        assert_eq!(
            error.to_string(),
            r#"no matches for kind "Nope" in version "x.io/v1""#
        );
        assert_eq!(error.reason(), "");
    }
}
