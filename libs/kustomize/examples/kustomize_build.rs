//! `kustomize_build DIR`: prints what `kustomize build DIR` prints, for benchmarks and for trying out.
//!
//! `--load-restrictor=none` and `--reorder=legacy` are understood; the network is not.

use anyhow::{Context as _, anyhow};
use fjord_kustomize::{LoadRestrictor, Options, Reorder, RootedFs, build};
use std::io::Write as _;
use std::mem::ManuallyDrop;

fn main() -> anyhow::Result<()> {
    let mut options = Options::default();
    let mut path = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--load-restrictor=none" => options.load_restrictor = LoadRestrictor::None,
            "--reorder=legacy" => options.reorder = Reorder::Legacy,
            other => path = Some(other.to_owned()),
        }
    }
    let path = path.context("usage: kustomize_build [--load-restrictor=none] DIR")?;
    let path = std::path::absolute(path)?;
    let fs = RootedFs::new("/")?;
    let path = path.to_str().context("the path is not UTF-8")?;
    let built = build(&fs, path, &options).map_err(|error| anyhow!(error.message()))?;
    for warning in &built.warnings {
        writeln!(std::io::stderr(), "{warning}")?;
    }
    // The process ends here, and with it all memory at once.
    let built = ManuallyDrop::new(built);
    let text = built.to_yaml().map_err(|error| anyhow!(error.message()))?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
