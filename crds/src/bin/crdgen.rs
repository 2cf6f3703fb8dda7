//! Writes `crds/manifests/*.yaml` from the types, and removes files of kinds that are gone.

use std::path::Path;
use std::{env, fs};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let folder = match env::args_os().nth(1) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests"),
    };
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let manifests = fjord_crds::manifest::render()?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let known = manifests
            .iter()
            .any(|m| path.file_name().is_some_and(|n| n == m.file.as_str()));
        if !known && path.extension().is_some_and(|e| e == "yaml") {
            fs::remove_file(&path)?;
        }
    }
    for manifest in &manifests {
        let path = folder.join(&manifest.file);
        fs::write(&path, &manifest.yaml).with_context(|| path.display().to_string())?;
    }
    println!(
        "wrote {} manifests to {}",
        manifests.len(),
        folder.display()
    );
    Ok(())
}
