use std::collections::BTreeMap;
use std::sync::Mutex;

use http::Request;
use serde_json::json;

use super::*;
use crate::provider::{Secret, SecretError};

#[derive(Default)]
struct Fake {
    receiver: Mutex<Option<Arc<Receiver>>>,
    objects: Vec<Value>,
    requested: Mutex<Vec<String>>,
    token: Option<&'static str>,
}

impl Secrets for Fake {
    async fn get(&self, namespace: &str, name: &str) -> Result<Secret, SecretError> {
        let token = self
            .token
            .ok_or_else(|| SecretError::NotFound(format!("secrets {name:?} not found")))?;
        Ok(Secret::new(
            namespace,
            name,
            [("token".to_owned(), token.as_bytes().to_vec())],
        ))
    }
}

impl Cluster for Fake {
    fn receiver(&self, path: &str) -> Option<Arc<Receiver>> {
        let receiver = self.receiver.lock().unwrap().clone()?;
        let own = receiver.status.as_ref()?.webhook_path.clone();
        (own.as_deref() == Some(path)).then_some(receiver)
    }

    async fn object(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Value, String> {
        let found = self.objects.iter().find(|object| {
            object["kind"] == kind.kind.as_str()
                && object["metadata"]["namespace"] == namespace
                && object["metadata"]["name"] == name
        });
        found.cloned().ok_or_else(|| "not found".to_owned())
    }

    async fn objects(
        &self,
        kind: &Kind,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Vec<Value>, String> {
        let found = self.objects.iter().filter(|object| {
            object["kind"] == kind.kind.as_str()
                && object["metadata"]["namespace"] == namespace
                && labels
                    .iter()
                    .all(|(key, value)| object["metadata"]["labels"][key] == value.as_str())
        });
        Ok(found.cloned().collect())
    }

    async fn request(&self, _: &Kind, _: &str, name: &str) -> Result<(), String> {
        self.requested.lock().unwrap().push(name.to_owned());
        Ok(())
    }
}

const PATH: &str = "/hook/abc";

fn server(spec: Value) -> HookServer<Fake> {
    let mut spec = spec;
    spec["secretRef"] = json!({"name": "s"});
    if spec["resources"].is_null() {
        spec["resources"] = json!([{"kind": "GitRepository", "name": "a"}]);
    }
    let receiver = serde_json::from_value(json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": {"name": "r", "namespace": "apps"}, "spec": spec,
        "status": {"webhookPath": PATH, "conditions": [{"type": "Ready", "status": "True",
            "reason": "Succeeded", "message": "", "lastTransitionTime": "2024-01-01T00:00:00Z"}]}
    }));
    let object = |name: &str, team: &str| {
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": "apps", "labels": {"team": team}}})
    };
    let cluster = Fake {
        receiver: Mutex::new(Some(Arc::new(receiver.unwrap()))),
        objects: vec![object("a", "x"), object("b", "x"), object("c", "y")],
        token: Some("t0ken"),
        ..Fake::default()
    };
    HookServer {
        cluster: Arc::new(cluster),
        filters: Arc::default(),
        no_cross_namespace_refs: false,
        export_paths: false,
    }
}

async fn call(server: &HookServer<Fake>, headers: &[(&str, &str)], body: &str) -> u16 {
    call_at(server, PATH, headers, body).await
}

async fn call_at(
    server: &HookServer<Fake>,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> u16 {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    if let Some(answer) = server.refuse(&head) {
        return answer.status().as_u16();
    }
    server
        .answer(head, Bytes::copy_from_slice(body.as_bytes()))
        .await
        .status()
        .as_u16()
}

fn woken(server: &HookServer<Fake>) -> Vec<String> {
    std::mem::take(&mut *server.cluster.requested.lock().unwrap())
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn the_path_is_the_hash_of_token_name_and_namespace() {
    // As recorded from Flux for token `t0ken`, Receiver `r` in `nc-receiver-filter`.
    assert_eq!(
        path(b"t0ken", "r", "nc-receiver-filter"),
        "/hook/498c1716db842d0a1ce53b01a840e451921b77f417fff0532bcadf032c02265f"
    );
}

#[tokio::test]
async fn only_the_exact_path_of_a_ready_receiver_leads_anywhere() {
    let server = server(json!({"type": "generic"}));
    assert_eq!(call(&server, &[], "").await, 200);
    assert_eq!(woken(&server), ["a"]);
    assert_eq!(call_at(&server, "/hook/abc?x=1", &[], "").await, 404);
    assert_eq!(call_at(&server, "/hook/other", &[], "").await, 404);
    assert_eq!(call_at(&server, "/elsewhere", &[], "").await, 404);
    assert_eq!(call_at(&server, "/hook", &[], "").await, 307);

    let change = |edit: fn(&mut Receiver)| {
        let mut slot = server.cluster.receiver.lock().unwrap();
        let mut receiver = slot.as_deref().unwrap().clone();
        edit(&mut receiver);
        *slot = Some(Arc::new(receiver));
    };
    change(|receiver| receiver.spec.suspend = true);
    assert_eq!(call(&server, &[], "").await, 503);
    change(|receiver| {
        receiver.spec.suspend = false;
        receiver.status.as_mut().unwrap().conditions[0].status = "False".into();
    });
    assert_eq!(call(&server, &[], "").await, 503);
    assert!(woken(&server).is_empty());
}

#[tokio::test]
async fn a_generic_hmac_call_needs_the_right_signature() {
    let server = server(json!({"type": "generic-hmac"}));
    let good = signature::sign(b"{}", b"t0ken");
    assert_eq!(call(&server, &[("X-Signature", &good)], "{}").await, 200);
    assert_eq!(call(&server, &[("X-Signature", &good)], "{} ").await, 400);
    assert_eq!(
        call(
            &server,
            &[("X-Signature", &signature::sign(b"{}", b"x"))],
            "{}"
        )
        .await,
        400
    );
    assert_eq!(call(&server, &[], "{}").await, 400);
    assert_eq!(woken(&server), ["a"]);
}

#[tokio::test]
async fn a_github_call_needs_signature_content_type_and_an_allowed_event() {
    let server = server(json!({"type": "github", "events": ["ping", "push"]}));
    let sign = |body: &str| signature::sign(body.as_bytes(), b"t0ken");
    let body = r#"{"ref":"x"}"#;
    let good = sign(body);
    let call = async |event: &str, kind: &str, signature: &str, body: &str| {
        let headers = [
            ("X-GitHub-Event", event),
            ("Content-Type", kind),
            ("X-Hub-Signature-256", signature),
        ];
        super::tests::call(&server, &headers, body).await
    };
    assert_eq!(call("Push", "application/json", &good, body).await, 200);
    assert_eq!(call("issues", "application/json", &good, body).await, 400);
    assert_eq!(
        call("push", "application/json", &sign("other"), body).await,
        400
    );
    assert_eq!(call("push", "text/plain", &good, body).await, 400);
    assert_eq!(call("push", "application/json", "", body).await, 400);
    let form = "payload=%7B%7D";
    assert_eq!(
        call(
            "ping",
            "application/x-www-form-urlencoded",
            &sign(form),
            form
        )
        .await,
        200
    );
    assert_eq!(woken(&server), ["a", "a"]);
}

#[tokio::test]
async fn gitlab_compares_a_token_and_bitbucket_signs() {
    let gitlab = server(json!({"type": "gitlab", "events": ["Push Hook"]}));
    let call_gitlab = async |token: &str, event: &str| {
        call(
            &gitlab,
            &[("X-Gitlab-Token", token), ("X-Gitlab-Event", event)],
            "{}",
        )
        .await
    };
    assert_eq!(call_gitlab("t0ken", "push hook").await, 200);
    assert_eq!(call_gitlab("t0ke", "Push Hook").await, 400);
    assert_eq!(call_gitlab("t0ken", "Tag Push Hook").await, 400);
    let bitbucket = server(json!({"type": "bitbucket", "events": ["repo:push"]}));
    let good = signature::sign(b"{}", b"t0ken");
    let headers = [
        JSON,
        ("X-Event-Key", "repo:push"),
        ("X-Hub-Signature", good.as_str()),
    ];
    assert_eq!(call(&bitbucket, &headers, "{}").await, 200);
    assert_eq!(call(&bitbucket, &headers, "[]").await, 400);
}

#[tokio::test]
async fn types_that_are_not_built_are_refused() {
    for kind in [
        "harbor",
        "dockerhub",
        "quay",
        "gcr",
        "nexus",
        "acr",
        "cdevents",
        "generic-oidc",
    ] {
        let server = server(json!({"type": kind}));
        assert_eq!(call(&server, &[JSON], "{}").await, 400, "{kind}");
        assert!(woken(&server).is_empty());
    }
}

#[tokio::test]
async fn a_missing_token_refuses_even_a_generic_call() {
    let mut server = server(json!({"type": "generic"}));
    Arc::get_mut(&mut server.cluster).unwrap().token = None;
    assert_eq!(call(&server, &[], "").await, 400);
}

#[tokio::test]
async fn filters_choose_objects_by_request_and_labels() {
    let resources = json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "x"}}]);
    let server = server(
        json!({"type": "generic", "resourceFilter": "req.repo == res.metadata.name", "resources": resources}),
    );
    assert_eq!(call(&server, &[JSON], r#"{"repo":"b"}"#).await, 200);
    assert_eq!(woken(&server), ["b"]);
    assert_eq!(call(&server, &[JSON], r#"{"repo":"c"}"#).await, 200);
    assert_eq!(call(&server, &[JSON], "{}").await, 500);
    assert_eq!(call(&server, &[JSON], "x").await, 500);
    assert_eq!(call(&server, &[JSON], "").await, 500);
    assert_eq!(
        call(
            &server,
            &[("content-type", "text/plain")],
            r#"{"repo":"a"}"#
        )
        .await,
        500
    );
    assert!(woken(&server).is_empty());
}

#[tokio::test]
async fn both_filters_must_accept() {
    for (top, own, want) in [
        ("true", "true", 1),
        ("true", "false", 0),
        ("false", "true", 0),
        ("false", "false", 0),
    ] {
        let resources = json!([{"kind": "GitRepository", "name": "a", "filter": own}]);
        let server =
            server(json!({"type": "generic", "resourceFilter": top, "resources": resources}));
        assert_eq!(call(&server, &[], "").await, 200);
        assert_eq!(woken(&server).len(), want, "{top} {own}");
    }
}

#[tokio::test]
async fn an_entry_that_fails_does_not_stop_the_others() {
    for (entry, code, want) in [
        (json!({"kind": "GitRepository", "name": "missing"}), 500, 1),
        (json!({"kind": "Kustomization", "name": "a"}), 500, 1),
        (json!({"kind": "GitRepository", "name": "*"}), 500, 1),
        (
            json!({"kind": "GitRepository", "name": "*", "matchLabels": {}}),
            200,
            4,
        ),
        (
            json!({"kind": "GitRepository", "name": "*", "matchLabels": {"team": "z"}}),
            200,
            1,
        ),
        (
            json!({"kind": "GitRepository", "name": "b", "matchLabels": {"team": "z"}}),
            200,
            2,
        ),
    ] {
        let resources = json!([entry.clone(), {"kind": "GitRepository", "name": "a"}]);
        let server = server(json!({"type": "generic", "resources": resources}));
        assert_eq!(call(&server, &[], "").await, code, "{entry}");
        assert_eq!(woken(&server).len(), want, "{entry}");
    }
}

#[tokio::test]
async fn other_namespaces_are_closed_where_the_flag_says_so() {
    let resources = json!([{"kind": "GitRepository", "name": "a", "namespace": "other"}]);
    let mut server = server(json!({"type": "generic", "resources": resources}));
    server.no_cross_namespace_refs = true;
    assert_eq!(call(&server, &[], "").await, 500);
}

#[test]
fn a_wrong_filter_is_named_with_its_place() {
    let receiver = |spec: Value| -> Receiver {
        serde_json::from_value(json!({"metadata": {"name": "r"}, "spec": spec})).unwrap()
    };
    let bad = receiver(json!({"type": "generic", "resourceFilter": "'x'", "resources": []}));
    assert_eq!(
        check_filters(&bad).unwrap_err(),
        "invalid resourceFilter expression: CEL expression output type mismatch: expected bool, got string"
    );
    let entry = json!([{"kind": "GitRepository", "name": "a", "filter": "claims.sub == 'x'"}]);
    let bad = receiver(json!({"type": "generic", "resources": entry}));
    assert_eq!(
        check_filters(&bad).unwrap_err(),
        "invalid filter expression for resources[0] (kind=\"GitRepository\", name=\"a\"): failed to parse the CEL expression 'claims.sub == 'x'': ERROR: <input>:1:1: undeclared reference to 'claims' (in container '')\n | claims.sub == 'x'\n | ^"
    );
}
