//! `fjord build kustomization`: what a Kustomization would apply, from a folder on this machine.
//!
//! The build is the controller's own; only the files come from here. The specification comes from
//! the cluster, or from a file, and then no cluster is needed.

mod recursive;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use fjord_crds::kustomize::v1::{Kustomization, KustomizationSpec};
use fjord_kustomize_controller::local;
use fjord_runtime::ObjectKey;
use serde_json::Value;

use crate::cluster::ClusterArgs;
use crate::command::reconcile::read;
use crate::command::remote::RemoteArgs;
use crate::kinds::Kind;
use crate::output::{self, Format};
use recursive::{LocalSource, Recursion};

/// Build what would be applied, from files on this machine
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Kustomization(KustomizationArgs),
}

/// Build a Kustomization from a local folder
///
/// Patches, images, substitutions and everything else of its specification are applied to the
/// manifests in the folder, as the controller would. Values that SOPS encrypted are masked.
///
/// Examples:
///   fjord build kustomization apps --path ./clusters/staging/apps
///   fjord build ks apps --path ./apps --kustomization-file ./clusters/staging/apps.yaml --dry-run
///   fjord build ks apps --path ./apps --ignore-paths "/drafts/,*.tmp.yaml"
///   fjord build ks flux-system --path ./clusters/staging --recursive \
///     --local-sources GitRepository/flux-system/flux-system=.
#[derive(Debug, Args)]
#[command(visible_alias = "ks", verbatim_doc_comment)]
struct KustomizationArgs {
    /// Name of the Kustomization
    name: String,
    /// Folder with the manifests, in place of the specification's path
    #[arg(long)]
    path: PathBuf,
    /// File with the Kustomization; without it the cluster is asked
    #[arg(long, value_name = "FILE")]
    kustomization_file: Option<PathBuf>,
    /// Ask no cluster: needs --kustomization-file, and leaves out variables from Secrets and ConfigMaps
    #[arg(long, requires = "kustomization_file")]
    dry_run: bool,
    /// Files that a generated kustomization does not list, in the format of .gitignore
    #[arg(long, value_delimiter = ',', value_name = "RULES")]
    ignore_paths: Vec<String>,
    /// Build the Kustomizations among the objects too
    #[arg(short, long)]
    recursive: bool,
    /// Folders of the sources that those name: Kind/namespace/name=path
    #[arg(long, value_delimiter = ',', value_name = "SOURCE=PATH", value_parser = recursive::local_source)]
    local_sources: Vec<LocalSource>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Fail where a variable is not set
    #[arg(long)]
    strict_substitute: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
}

/// Runs `fjord build`.
pub(crate) async fn run(args: &BuildArgs, cluster: &ClusterArgs) -> Result<()> {
    let What::Kustomization(args) = &args.what;
    let (namespace, mut spec) = match &args.kustomization_file {
        Some(file) => from_file(file, &args.name, &cluster.namespace)?,
        None => {
            let kind = Kind::named("Kustomization").context("unknown kind")?;
            let object = read(&cluster.connect().await?, kind, &args.name).await?;
            let spec = serde_json::from_value(object.data["spec"].clone())
                .with_context(|| format!("reading Kustomization {}", args.name))?;
            (cluster.namespace.clone(), spec)
        }
    };
    let (root, path) = locate(&args.path)?;
    spec.path = Some(path);
    let key = ObjectKey::new(&namespace, &args.name);
    let remotes = args.remote.remotes();
    let options = local::Options {
        strict: args.strict_substitute,
        dry_run: args.dry_run,
        ignore: &args.ignore_paths,
        remotes: remotes.as_ref(),
    };
    // Fetching a remote base waits on the runtime from within the build.
    let objects = tokio::task::block_in_place(|| {
        let mut objects = local::build(&key, &spec, &root, options)?;
        if args.recursive {
            let mut all = Recursion::new(&args.local_sources, options);
            objects.extend(all.below(&key, &objects)?);
        }
        anyhow::Ok(objects)
    })?;
    output::print(
        if args.output == Format::Table {
            Format::Yaml
        } else {
            args.output
        },
        &objects,
    )
}

fn from_file(file: &Path, name: &str, default: &str) -> Result<(String, KustomizationSpec)> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let found = fjord_kustomize::decode(&bytes, &fjord_yaml::Limits::default())
        .with_context(|| format!("reading {}", file.display()))?;
    for resource in found {
        let object = resource.to_value()?;
        let is_ours = object["kind"] == "Kustomization"
            && text(&object["apiVersion"]).starts_with("kustomize.toolkit.fluxcd.io/");
        if is_ours && object["metadata"]["name"] == name {
            let kustomization: Kustomization = serde_json::from_value(object)
                .with_context(|| format!("reading Kustomization {name}"))?;
            let namespace = kustomization
                .metadata
                .namespace
                .unwrap_or_else(|| default.to_owned());
            return Ok((namespace, kustomization.spec));
        }
    }
    bail!("{} holds no Kustomization {name}", file.display())
}

/// Returns the work tree around the folder, so that `../base` is found, and the path below it.
fn locate(folder: &Path) -> Result<(PathBuf, String)> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("opening {}", folder.display()))?;
    let root = folder
        .ancestors()
        .find(|path| path.join(".git").exists())
        .unwrap_or(&folder);
    let path = folder
        .strip_prefix(root)?
        .to_str()
        .context("the path is not valid UTF-8")?;
    Ok((root.to_owned(), format!("./{path}")))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_outside_the_folder_are_found_through_the_work_tree() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("clusters/one")).unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        let (found, path) = locate(&root.path().join("clusters/one")).unwrap();
        assert_eq!(found, root.path().canonicalize().unwrap());
        assert_eq!(path, "./clusters/one");
    }

    #[test]
    fn the_named_kustomization_is_found_among_others_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let one = |name: &str, namespace: &str| {
            format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: \
                 {{name: {name}, namespace: {namespace}}}\nspec: {{interval: 1m, prune: true, \
                 sourceRef: {{kind: GitRepository, name: x}}}}\n---\n"
            )
        };
        std::fs::write(file.path(), one("a", "first") + &one("b", "second")).unwrap();
        assert_eq!(from_file(file.path(), "b", "default").unwrap().0, "second");
        assert!(from_file(file.path(), "c", "default").is_err());
    }
}
