//! Where the oracle's data lies, and the loud skip where it does not.
#![allow(dead_code)]

use std::path::PathBuf;

use fjord_helm::values::Value;

/// The folder of Helm's data; none, said aloud, where it was not handed out.
pub(crate) fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("FJORD_CONFORMANCE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let folder = root.join("helm");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: no Helm data at {}; set FJORD_CONFORMANCE",
        folder.display()
    );
    None
}

/// The lines of one table.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(folder()?.join(name)).unwrap();
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}
