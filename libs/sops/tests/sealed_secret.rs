//! Every case that the real kubeseal sealed, beside what it unseals (`tests/oracle/sealedsecrets`).

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::sealed_secret::{Error, Keys, unseal};
use fjord_yaml::{Limits, to_json};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sealed_secret")
}

fn yaml(path: &Path) -> Value {
    to_json(&std::fs::read(path).unwrap(), &Limits::default()).unwrap()
}

fn keys(names: &[&str]) -> Keys {
    let mut keys = Keys::default();
    for name in names {
        keys.add(&std::fs::read(folder().join(name)).unwrap())
            .unwrap();
    }
    keys
}

/// What the real tool prints, without what an object of the cluster would add.
fn expected(path: &Path) -> Value {
    let mut secret = yaml(path);
    let meta = secret["metadata"].as_object_mut().unwrap();
    meta.remove("ownerReferences");
    match secret.get_mut("data") {
        Some(data) => {
            for value in data.as_object_mut().unwrap().values_mut() {
                // Go prints an empty value as null.
                *value = json!(value.as_str().unwrap_or_default());
            }
        }
        None => secret["data"] = json!({}),
    }
    // Of the form before 2019; the API server does the same when the Secret is written.
    if let Some(texts) = secret.as_object_mut().unwrap().remove("stringData") {
        for (key, text) in texts.as_object().unwrap() {
            secret["data"][key] = json!(STANDARD.encode(text.as_str().unwrap()));
        }
    }
    secret
}

#[test]
fn what_kubeseal_sealed_opens_to_what_kubeseal_unseals() {
    let keys = keys(&["first.key", "second.key"]);
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let case = entry.unwrap().path();
        if !case.is_dir() {
            continue;
        }
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let result = unseal(&yaml(&case.join("sealed.yaml")), &keys);
        seen += 1;
        match std::fs::read_to_string(case.join("expected_error")) {
            Err(_) => {
                let unsealed = result.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(
                    !format!("{unsealed:?}").contains("104, 117, 110"),
                    "{name} shows values"
                );
                assert_eq!(
                    unsealed.to_manifest(),
                    expected(&case.join("expected.yaml")),
                    "{name}"
                );
            }
            Ok(said) => {
                let Err(error) = result else {
                    panic!("{name}: {result:?}, but kubeseal says {said}");
                };
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("hunter2"), "{name}: {shown}");
                match error {
                    Error::NoKey { values, .. } => {
                        assert!(
                            said.contains("no key could decrypt secret"),
                            "{name}: {said}"
                        );
                        let named = |value: &String| said.contains(value) || value == "spec.data";
                        assert!(values.iter().all(named), "{name}: {said}");
                    }
                    Error::Template { .. } => {
                        assert!(said.contains("template: "), "{name}: {said}");
                    }
                    Error::Field { .. } => {
                        assert!(said.contains("at the same time"), "{name}: {said}");
                    }
                    error => panic!("{name}: {error}, but kubeseal says {said}"),
                }
            }
        }
    }
    assert!(seen >= 40, "only {seen} cases");
}

#[test]
fn a_key_that_did_not_seal_opens_nothing() {
    let sealed = yaml(&folder().join("strict/sealed.yaml"));
    for keys in [keys(&["second.key"]), Keys::default()] {
        let error = unseal(&sealed, &keys).unwrap_err();
        assert!(matches!(error, Error::NoKey { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("password, user in the strict scope"),
            "{error}"
        );
    }
}

#[test]
fn keys_are_read_from_pem_and_from_the_controllers_backup() {
    let text = std::fs::read_to_string(folder().join("first.key")).unwrap();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "k"}, "stringData": {"tls.key": text},
    });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [secret] });
    let sealed = yaml(&folder().join("strict/sealed.yaml"));
    let older = std::fs::read_to_string(folder().join("first-pkcs1.key")).unwrap();
    for file in [text.clone(), older, secret.to_string(), list.to_string()] {
        let mut keys = Keys::default();
        keys.add(file.as_bytes()).unwrap();
        assert!(unseal(&sealed, &keys).is_ok());
        assert!(!format!("{keys:?}").contains("BEGIN"));
    }
    for wrong in [
        "",
        "a: b",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        assert!(Keys::default().add(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn malformed_objects_are_refused_with_the_field_named() {
    let keys = keys(&["first.key"]);
    let of = |spec: Value| {
        json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
               "metadata": {"name": "n", "namespace": "ns"}, "spec": spec})
    };
    for (spec, words) in [
        (
            json!({"encryptedData": []}),
            "spec.encryptedData is not a map",
        ),
        (
            json!({"encryptedData": {"a": 1}}),
            "spec.encryptedData.a is not a string",
        ),
        (
            json!({"encryptedData": {"a": "?"}}),
            "spec.encryptedData.a is not base64",
        ),
        (json!({"encryptedData": {"a": ""}}), "opens a"),
        (json!({"encryptedData": {"a": "//8A"}}), "opens a"),
        (json!({"data": "AAAA"}), "opens spec.data"),
        (json!({"data": ""}), "opens spec.data"),
        (json!({"data": "?"}), "spec.data is not base64"),
        (json!({"data": {}}), "spec.data is not a string"),
        (
            json!({"template": {"data": {"a": 1}}}),
            "spec.template.data.a",
        ),
        (
            json!({"template": {"immutable": "yes"}}),
            "spec.template.immutable",
        ),
    ] {
        let error = unseal(&of(spec), &keys).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(
        unseal(&json!({"kind": "Secret"}), &keys).unwrap_err(),
        Error::Kind
    );
}

/// A SealedSecret of the same sealed values with templates of its own.
fn templated(case: &str, templates: &Value) -> Value {
    let mut object = yaml(&folder().join(case).join("sealed.yaml"));
    object["spec"]["template"]["data"] = templates.clone();
    object
}

fn made(object: &Value, key: &str) -> String {
    let keys = keys(&["first.key", "second.key"]);
    let secret = unseal(object, &keys).unwrap().to_manifest();
    let value = STANDARD.decode(secret["data"][key].as_str().unwrap());
    String::from_utf8(value.unwrap()).unwrap()
}

#[test]
fn what_a_template_makes_by_chance_stays_until_it_is_sealed_again() {
    let random = json!({ "a": "{{ randAlphaNum 40 }}", "b": "{{ randAlphaNum 40 }}" });
    let (one, two) = (
        templated("template-siblings", &random),
        templated("template-functions", &random),
    );
    assert_eq!(made(&one, "a"), made(&one, "a"));
    assert_ne!(
        made(&one, "a"),
        made(&one, "b"),
        "each template has its own"
    );
    assert_ne!(
        made(&one, "a"),
        made(&two, "a"),
        "the same values, sealed again"
    );
    let twice = json!({ "a": "{{ randAlphaNum 9 }} {{ randAlphaNum 9 }}" });
    let text = made(&templated("template-siblings", &twice), "a");
    let (first, second) = text.split_once(' ').unwrap();
    assert_ne!(first, second);
    let hash = json!({ "a": "{{ htpasswd .user .password }}" });
    let hash = templated("template-siblings", &hash);
    assert_eq!(made(&hash, "a"), made(&hash, "a"));
}

#[test]
fn what_would_change_each_time_is_refused_by_name() {
    let keys = keys(&["first.key"]);
    for (case, template, what) in [
        ("strict", "{{ now }}", "the time"),
        ("strict", "{{ genPrivateKey \"rsa\" }}", "a new private key"),
        (
            "no-data",
            "{{ randAlphaNum 9 }}",
            "chance without a sealed value",
        ),
    ] {
        let object = templated(case, &json!({ "a": template }));
        let error = unseal(&object, &keys).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.contains(&format!("{what} in spec.template.data.a")),
            "{said}"
        );
    }
}

#[test]
fn a_template_without_end_or_measure_is_cut() {
    let keys = keys(&["first.key"]);
    for template in [
        "{{ repeat 100000000 .user }}",
        "{{ range until 100000000 }}x{{ end }}",
        "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
        "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
    ] {
        let object = templated("strict", &json!({ "a": template }));
        let error = unseal(&object, &keys).unwrap_err();
        assert!(matches!(error, Error::Template { .. }), "{error}");
    }
}
