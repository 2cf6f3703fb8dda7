use super::*;
use serde_json::json;

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: '${x:=d}'}\n";

fn build(files: &[(&str, &str)], spec: Value) -> Result<Built, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut index = std::collections::BTreeMap::new();
    for (path, content) in files {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        let digest =
            fjord_artifact::Digest::of(fjord_artifact::Algorithm::Sha256, content.as_bytes());
        index.insert(fjord_artifact::SafePath::parse(path).unwrap(), digest);
    }
    let mut all = json!({"interval": "1m", "prune": true,
        "sourceRef": {"kind": "GitRepository", "name": "app"}});
    all.as_object_mut()
        .unwrap()
        .extend(spec.as_object().unwrap().clone());
    let task = Task {
        key: &ObjectKey::new("ns", "app"),
        uid: "uid",
        spec: &serde_json::from_value(all).unwrap(),
        artifact: folder.path(),
        digest: "sha256:0",
        index: &index.into(),
        strictness: Strictness::Strict,
        ignore: &Matcher::default(),
        mask: false,
        remotes: None,
    };
    run(task).map_err(|error| chain(&error))
}

fn data(built: &Built) -> Value {
    built.manifests.objects()[0].get(&["data"]).unwrap().clone()
}

#[test]
fn the_digest_is_that_of_the_built_text() {
    let built = build(&[("a.yaml", CONFIG_MAP)], json!({})).unwrap();
    let text = "apiVersion: v1\ndata:\n  a: ${x:=d}\nkind: ConfigMap\nmetadata:\n  name: one\n";
    assert_eq!(
        built.digest,
        format!("sha256:{}", hex(&Sha256::digest(text)))
    );
}

#[test]
fn variables_are_substituted_only_where_there_are_any_or_always() {
    let with = |post_build: Value| {
        data(&build(&[("a.yaml", CONFIG_MAP)], json!({"postBuild": post_build})).unwrap())
    };
    assert_eq!(with(json!({})), json!({"a": "${x:=d}"}));
    assert_eq!(
        with(json!({"substituteStrategy": "Always"})),
        json!({"a": "d"})
    );
    assert_eq!(with(json!({"substitute": {"x": "v"}})), json!({"a": "v"}));
    // Parity: the text is YAML again, so a value may become a number.
    assert_eq!(with(json!({"substitute": {"x": "7"}})), json!({"a": 7}));
}

#[test]
fn an_object_may_opt_out_of_substitution() {
    let file = CONFIG_MAP.replace(
        "name: one",
        "name: one, labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}",
    );
    let spec = json!({"postBuild": {"substitute": {"x": "v"}}});
    assert_eq!(
        data(&build(&[("a.yaml", &file)], spec).unwrap()),
        json!({"a": "${x:=d}"})
    );
}

#[test]
fn a_failed_substitution_names_the_object() {
    let spec = json!({"postBuild": {"substitute": {"y": "v"}}});
    let file = CONFIG_MAP.replace("${x:=d}", "${x-d}");
    assert_eq!(
        build(&[("a.yaml", &file)], spec).unwrap_err(),
        "post build failed for 'ConfigMap.v1.[noGrp]/one': envsubst error: \
         variable substitution failed: missing closing brace"
    );
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let error = build(&[("a.yaml", CONFIG_MAP)], json!({"path": "./nope"})).unwrap_err();
    assert!(
        error.starts_with("kustomization path not found: stat /"),
        "{error}"
    );
    assert!(
        error.ends_with("/nope: no such file or directory"),
        "{error}"
    );
}

#[test]
fn nothing_to_build_is_an_empty_result() {
    let built = build(&[("readme.md", "")], json!({})).unwrap();
    assert!(built.manifests.objects().is_empty());
    assert_eq!(built.digest, format!("sha256:{}", hex(&Sha256::digest(""))));
}
