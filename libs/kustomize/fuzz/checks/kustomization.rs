//! Any bytes as a kustomization file: the same outcome under each of the names it may have.

use fjord_kustomize::{FILE_NAMES, LoadRestrictor, MemoryFs, Options, build};

/// What a kustomization may find in its folder.
const FILES: [(&str, &str); 4] = [
    (
        "a.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {app: a}}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: main, image: nginx, envFrom: [{configMapRef: {name: c}}]}\n",
    ),
    (
        "b.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n",
    ),
    ("base/kustomization.yaml", "resources: [b.yaml]\n"),
    (
        "base/b.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n",
    ),
];

pub(crate) fn check(data: &[u8]) {
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        ..Options::default()
    };
    let outcomes = FILE_NAMES.map(|name| {
        let mut fs = MemoryFs::new();
        for (path, text) in FILES {
            fs.write(&format!("/{path}"), text);
        }
        fs.write(&format!("/{name}"), data);
        match build(&fs, "/", &options) {
            Ok(built) => {
                assert!(
                    built.read_set.files.iter().any(|path| path.ends_with(name)),
                    "the file is not among those that were read"
                );
                let text = built.to_yaml().map_err(|error| error.message());
                (text, built.warnings)
            }
            Err(error) => {
                assert!(!error.message().is_empty(), "an error says nothing");
                (Err(error.message()), Vec::new())
            }
        }
    });
    // A file may name itself, and origins tell its name.
    let text = String::from_utf8_lossy(data).replace("kind: Kustomization", "");
    if text.contains("ustomization") || text.contains("Annotations") {
        return;
    }
    let [(first, warnings), others @ ..] = &outcomes;
    for (other, its_warnings) in others {
        assert_eq!(first.is_ok(), other.is_ok(), "the name of the file matters");
        if first.is_ok() {
            assert_eq!(first, other, "the name of the file matters");
        }
        assert_eq!(warnings, its_warnings, "the name of the file matters");
    }
}
