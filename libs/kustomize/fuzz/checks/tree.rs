//! A build of a tree whose files are all the fuzzer's: it ends in objects or an error.
//!
//! The input is cut at lines that start with `@`; the rest of such a line is the file's path.

use fjord_kustomize::{LoadRestrictor, MemoryFs, Options, build};

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut fs = MemoryFs::new();
    for file in text.split("\n@") {
        let (path, content) = file
            .split_once('\n')
            .unwrap_or(("kustomization.yaml", file));
        fs.write(&kept(path), content);
    }
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        ..Options::default()
    };
    if let Ok(built) = build(&fs, "/", &options) {
        let again = build(&fs, "/", &options).and_then(|again| again.to_yaml());
        assert_eq!(
            built.to_yaml().ok(),
            again.ok(),
            "a build is not repeatable"
        );
    }
}

/// Keeps paths few, so that files find one another.
fn kept(path: &str) -> String {
    let name: String = path
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-'))
        .take(40)
        .collect();
    if name.is_empty() {
        "/kustomization.yaml".to_owned()
    } else {
        format!("/{}", name.trim_start_matches('/'))
    }
}
