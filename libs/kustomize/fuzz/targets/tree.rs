//! A build of a tree whose files are all the fuzzer's: it ends in objects or an error.
//!
//! The input is cut at lines that start with `@`; the rest of such a line is the file's path.

#![no_main]

use fjord_kustomize::{LoadRestrictor, MemoryFs, Options, build};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |text: &str| {
        let mut fs = MemoryFs::new();
        for file in text.split("\n@") {
            let (path, content) = file.split_once('\n').unwrap_or(("kustomization.yaml", file));
            let path = kept(path);
            fs.write(&path, content);
        }
        let options = Options {
            load_restrictor: LoadRestrictor::None,
            ..Options::default()
        };
        if let Ok(built) = build(&fs, "/", &options) {
            let again = build(&fs, "/", &options).and_then(|again| again.to_yaml());
            assert_eq!(built.to_yaml().ok(), again.ok(), "a build is not repeatable");
        }
    }
);

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
