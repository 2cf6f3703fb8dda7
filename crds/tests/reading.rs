//! Reading is as tolerant as Flux's, and writing back changes nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use fjord_crds::Time;
use fjord_crds::helm::v2::HelmRelease;
use fjord_crds::kustomize::v1::{DeletionPolicy, Kustomization, SourceKind};
use fjord_crds::notification::v1::Receiver;
use fjord_crds::notification::v1beta3::Provider;
use fjord_crds::notification::v1beta3::{Alert, Severity};
use fjord_crds::source::v1::{Bucket, ExternalArtifact, HelmChart, HelmRepository, OCIRepository};
use fjord_crds::source::v1::{GitProvider, GitRepository};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn kustomization() -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": "apps", "namespace": "default" },
        "spec": {
            "interval": "60m",
            "prune": true,
            "force": false,
            "path": "./apps",
            "sourceRef": { "kind": "GitRepository", "name": "fleet" },
            "postBuild": { "substitute": { "a": "1" } },
        },
        "status": {
            "observedGeneration": -1,
            "history": [{
                "digest": "sha256:ab",
                "firstReconciled": "2026-11-01T10:00:00Z",
                "lastReconciled": "2026-11-01T11:00:00Z",
                "lastReconciledDuration": "1.204s",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "totalReconciliations": 2,
            }],
            "inventory": { "entries": [{ "id": "default_a__ConfigMap", "v": "v1" }] },
        },
    })
}

#[test]
fn an_object_is_written_back_as_it_was() {
    let read: Kustomization = serde_json::from_value(kustomization()).unwrap();
    assert_eq!(read.spec.interval.to_string(), "1h0m0s");
    assert_eq!(read.spec.source_ref.kind, SourceKind::GitRepository);
    assert_eq!(serde_json::to_value(&read).unwrap(), kustomization());
}

#[test]
fn unknown_fields_and_enum_values_do_not_hide_an_object() {
    let mut object = kustomization();
    object["spec"]["fromTheFuture"] = json!({ "a": [1] });
    object["spec"]["deletionPolicy"] = "Archive".into();
    object["spec"]["sourceRef"]["kind"] = "HelmChart".into();
    let read: Kustomization = serde_json::from_value(object).unwrap();
    assert_eq!(
        read.spec.deletion_policy,
        Some(DeletionPolicy::Other("Archive".into()))
    );
    assert_eq!(
        read.spec.source_ref.kind,
        SourceKind::Other("HelmChart".into())
    );
}

#[test]
fn a_duration_that_go_cannot_hold_does_not_hide_an_object() {
    let mut object = kustomization();
    object["spec"]["interval"] = "99999999999h".into();
    let read: Kustomization = serde_json::from_value(object).unwrap();
    assert_eq!(
        read.spec.interval.checked().unwrap_err().to_string(),
        "time: invalid duration \"99999999999h\""
    );
}

#[test]
fn an_object_without_a_spec_reads_as_an_empty_one() {
    // The API server accepts this under Flux's definitions: no kind requires a spec.
    let bare = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": { "name": "fleet" },
        "status": { "observedGeneration": -1 },
    });
    let read: GitRepository = serde_json::from_value(bare).unwrap();
    assert_eq!(read.spec.url, "");
    assert_eq!(read.status.unwrap().observed_generation, -1);
}

#[test]
fn empty_texts_read_as_absent_but_for_ignore() {
    let object = json!({
        "metadata": { "name": "fleet" },
        "spec": {
            "interval": "1m",
            "url": "https://example.com/fleet",
            "serviceAccountName": "",
            "ref": { "branch": "" },
            "ignore": "",
            "provider": "github",
        },
    });
    let spec = serde_json::from_value::<GitRepository>(object)
        .unwrap()
        .spec;
    assert_eq!(spec.service_account_name, None);
    assert_eq!(spec.reference.unwrap().branch, None);
    assert_eq!(spec.ignore.as_deref(), Some(""));
    assert_eq!(spec.provider, Some(GitProvider::GitHub));
}

#[test]
fn an_alert_that_never_met_the_server_has_its_defaults() {
    let alert: Alert = serde_json::from_value(json!({
        "metadata": { "name": "all" },
        "spec": { "providerRef": { "name": "hook" }, "eventSources": [] },
    }))
    .unwrap();
    assert_eq!(alert.spec.event_severity, Severity::Info);
}

#[test]
fn an_artifact_of_an_old_release_does_not_hide_its_source() {
    let object = json!({
        "metadata": { "name": "fleet" },
        "spec": { "interval": "1m", "url": "https://example.com/fleet" },
        "status": { "artifact": {
            "checksum": "ab", "path": "p", "revision": "main/ab", "url": "http://sc/p",
            "lastUpdateTime": "2022-01-01T00:00:00Z",
        } },
    });
    let read: GitRepository = serde_json::from_value(object).unwrap();
    assert_eq!(read.status.unwrap().artifact.unwrap().digest, "");
}

#[test]
fn a_test_that_has_not_run_differs_from_no_tests() {
    let release = |hooks: Value| -> HelmRelease {
        serde_json::from_value(json!({
            "metadata": { "name": "web" },
            "spec": { "interval": "1m", "values": { "a": null } },
            "status": { "history": [{
                "chartName": "web", "chartVersion": "1.0.0", "configDigest": "sha256:a",
                "digest": "sha256:b", "firstDeployed": "2026-11-01T10:00:00Z",
                "lastDeployed": "2026-11-01T10:00:00Z", "name": "web", "namespace": "default",
                "status": "deployed", "version": 1, "deleted": null, "testHooks": hooks,
            }] },
        }))
        .unwrap()
    };
    let hooks = |release: HelmRelease| release.status.unwrap().history[0].test_hooks.clone();
    assert_eq!(hooks(release(Value::Null)), None);
    assert_eq!(hooks(release(json!({}))).unwrap().len(), 0);
    assert_eq!(
        hooks(release(json!({ "web-test": null }))).unwrap()["web-test"],
        None
    );
}

#[test]
fn whatever_a_server_stores_is_read_and_written_back() {
    writes_back::<Alert>("alert");
    writes_back::<Bucket>("bucket");
    writes_back::<ExternalArtifact>("externalartifact");
    writes_back::<GitRepository>("gitrepository");
    writes_back::<HelmChart>("helmchart");
    writes_back::<HelmRelease>("helmrelease");
    writes_back::<HelmRepository>("helmrepository");
    writes_back::<Kustomization>("kustomization");
    writes_back::<OCIRepository>("ocirepository");
    writes_back::<Provider>("provider");
    writes_back::<Receiver>("receiver");
}

/// Reads the recorded outcomes of `server.rs` and puts every stored object through its type.
fn writes_back<K: DeserializeOwned + Serialize>(kind: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(kind);
    let text = fs::read(path.join("expected.yaml")).unwrap();
    let recorded = fjord_yaml::to_json(&text, &fjord_yaml::Limits::default()).unwrap();
    for (case, outcome) in recorded["objects"].as_object().unwrap() {
        let Some(stored) = outcome.get("stored") else {
            continue;
        };
        let mut object = stored.clone();
        object["metadata"] = json!({ "name": case });
        if let Some(status) = outcome.pointer("/status/stored") {
            object["status"] = status.clone();
        }
        let read: K = serde_json::from_value(object.clone())
            .unwrap_or_else(|error| panic!("{kind} {case}: {error}"));
        let written = serde_json::to_value(&read).unwrap();
        // Without a spec, the typed one holds the defaults that the server had no place for.
        let parts = ["spec", "status"]
            .into_iter()
            .filter(|part| object.get(part).is_some());
        for part in parts {
            assert_eq!(
                without_zeros(written.get(part)),
                without_zeros(object.get(part)),
                "{kind} {case} {part}"
            );
        }
    }
}

/// Drops what Go's `omitempty` does not write, but for values of free shape, and writes times as
/// Go's `metav1.Time` does.
fn without_zeros(value: Option<&Value>) -> Option<Value> {
    let kept = match value? {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(key, value)| match key.as_str() {
                    "values" => Some((key.clone(), value.clone())),
                    _ => Some((key.clone(), without_zeros(Some(value))?)),
                })
                .collect(),
        ),
        Value::Array(items) => items
            .iter()
            .map(|item| without_zeros(Some(item)).unwrap_or_default())
            .collect(),
        other => match serde_json::from_value::<Time>(other.clone()) {
            Ok(time) => serde_json::to_value(time).unwrap(),
            Err(_) => other.clone(),
        },
    };
    let is_zero = kept.is_null()
        || kept == json!(false)
        || kept == json!(0)
        || kept == json!("")
        || kept == json!({})
        || kept == json!([]);
    (!is_zero).then_some(kept)
}
