//! `--output-dir`: one file per template, as Helm lays them out.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Component, Path};

use anyhow::{Result, anyhow, bail};
use fjord_helm::manifest::Event;
use fjord_helm::template::Rendered;

use super::TemplateArgs;
use crate::output;

/// Writes everything that was rendered below a folder and names each file written.
pub(super) fn files(args: &TemplateArgs, folder: &Path, rendered: &Rendered) -> Result<()> {
    let mut writer = Writer {
        folder,
        written: BTreeSet::new(),
    };
    for (path, text) in &rendered.crds {
        writer.document(path, text)?;
    }
    for manifest in &rendered.manifests {
        writer.document(&manifest.path, &manifest.content)?;
    }
    if !args.no_hooks {
        for hook in &rendered.hooks {
            if !(args.skip_tests && hook.runs_at(Event::Test)) {
                writer.document(&hook.path, &hook.manifest)?;
            }
        }
    }
    Ok(())
}

struct Writer<'a> {
    folder: &'a Path,
    written: BTreeSet<String>,
}

impl Writer<'_> {
    fn document(&mut self, path: &str, text: &str) -> Result<()> {
        let is_below = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_below {
            bail!(
                "template {path} would be written outside {}",
                self.folder.display()
            );
        }
        let file = self.folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| anyhow!("creating {}: {error}", parent.display()))?;
        }
        let first = self.written.insert(path.to_owned());
        let mut out = OpenOptions::new()
            .create(true)
            .write(true)
            .append(!first)
            .truncate(first)
            .open(&file)
            .map_err(|error| anyhow!("opening {}: {error}", file.display()))?;
        write!(out, "---\n# Source: {path}\n{text}\n")
            .map_err(|error| anyhow!("writing {}: {error}", file.display()))?;
        output::emit(&format!("wrote {}\n", file.display()))
    }
}
