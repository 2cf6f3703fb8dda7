//! `fjord kustomize`: prints what `kustomize build` prints, with its flags.
//!
//! What kustomize does only with plugins on (exec plugins, containers, Helm) is refused by name. It
//! runs without a cluster; the network is used for remote bases alone.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use fjord_kustomize::{LoadRestrictor, Options, Reorder, Resource, RootedFs, build};

use crate::command::remote::{OnDemand, RemoteArgs};
use crate::output;

/// Build a kustomization, exactly as `kustomize build` does
///
/// Examples:
///   fjord kustomize overlays/production
///   fjord kustomize --reorder none . | kubectl apply -f -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct KustomizeArgs {
    /// Folder of the kustomization
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Which files a kustomization may name
    #[arg(long, value_enum, default_value_t = LoadRestrictorFlag::RootOnly)]
    load_restrictor: LoadRestrictorFlag,
    /// Order of the output where the kustomization has no `sortOptions`
    #[arg(long, value_enum, default_value_t)]
    reorder: ReorderFlag,
    /// File to write to, or an existing folder for one file per object
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Refused: plugins run programs
    #[arg(long, hide = true)]
    enable_alpha_plugins: bool,
    /// Refused: `fjord template` is to render charts
    #[arg(long, hide = true)]
    enable_helm: bool,
    /// Refused: functions run containers
    #[arg(long, hide = true)]
    network: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LoadRestrictorFlag {
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ReorderFlag {
    None,
    // Parity: the command's default; the Flux controllers use the other.
    #[default]
    Legacy,
}

/// Runs `fjord kustomize`.
pub(crate) fn run(args: &KustomizeArgs) -> Result<()> {
    refuse(args)?;
    let folder = args
        .path
        .canonicalize()
        .with_context(|| format!("opening {}", args.path.display()))?;
    let options = Options {
        load_restrictor: match args.load_restrictor {
            LoadRestrictorFlag::RootOnly => LoadRestrictor::RootOnly,
            LoadRestrictorFlag::None => LoadRestrictor::None,
        },
        reorder: match args.reorder {
            ReorderFlag::None => Reorder::None,
            ReorderFlag::Legacy => Reorder::Legacy,
        },
        ..Options::default()
    };
    let files = RootedFs::new("/")?;
    let path = folder.to_str().context("the path is not valid UTF-8")?;
    let built = match args.remote.remotes() {
        None => build(&files, path, &options)?,
        Some(remotes) => {
            let session = remotes.session(&files);
            let source = OnDemand::new(&session);
            let options = Options {
                remote: Some(&source),
                ..options
            };
            build(&session, path, &options)?
        }
    };
    // The process ends soon, and with it all memory at once.
    let built = ManuallyDrop::new(built);
    for warning in &built.warnings {
        eprintln!("{warning}");
    }
    match &args.output {
        Some(folder) if folder.is_dir() => write_each(&built.resources, folder),
        // A document that cannot be rendered must be known of before the first one is written.
        Some(file) => {
            let text = built.to_yaml()?;
            std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
        }
        None => output::emit(&built.to_yaml()?),
    }
}

fn refuse(args: &KustomizeArgs) -> Result<()> {
    if args.enable_alpha_plugins {
        bail!("--enable-alpha-plugins is not supported: plugins run programs of the repository");
    }
    if args.enable_helm {
        bail!("--enable-helm is not supported: render the chart first and list the result");
    }
    if args.network {
        bail!("--network is not supported: containerised functions are never run");
    }
    Ok(())
}

fn write_each(resources: &[Resource], folder: &Path) -> Result<()> {
    for (name, resource) in file_names(resources).into_iter().zip(resources) {
        if name.contains('/') {
            bail!("{name:?} would be no file in {}", folder.display());
        }
        let file = folder.join(name);
        std::fs::write(&file, resource.to_yaml()?)
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Names files as kustomize does: `<group>_<version>_<kind>_<name>.yaml`, lower case; in front the namespace, if the
/// objects are in several.
fn file_names(resources: &[Resource]) -> Vec<String> {
    let namespace = |resource: &Resource| match resource.namespace() {
        _ if resource.is_cluster_scoped() => None,
        "" => Some("default".to_owned()),
        namespace => Some(namespace.to_owned()),
    };
    let namespaces: BTreeSet<String> = resources.iter().filter_map(namespace).collect();
    let name = |resource: &Resource| {
        let namespace = namespace(resource).filter(|_| namespaces.len() > 1);
        let version = resource.api_version().replacen('/', "_", 1);
        let parts = [&version, resource.kind(), resource.name()];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<&str> = namespace.as_deref().into_iter().chain(parts).collect();
        format!("{}.yaml", parts.join("_").to_lowercase())
    };
    resources.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let resources = fjord_kustomize::decode(text.as_bytes(), &fjord_yaml::Limits::default());
        file_names(&resources.unwrap())
    }

    #[test]
    fn files_are_named_by_their_namespace_only_where_there_are_several() {
        let one = "{apiVersion: v1, kind: ConfigMap, metadata: {name: One, namespace: x}}\n---\n\
                   {apiVersion: apps/v1, kind: Deployment, metadata: {name: two, namespace: x}}\n---\n\
                   {apiVersion: v1, kind: Namespace, metadata: {name: x}}\n";
        assert_eq!(
            names(one),
            [
                "v1_configmap_one.yaml",
                "apps_v1_deployment_two.yaml",
                "v1_namespace_x.yaml"
            ]
        );
        let more =
            format!("{one}---\n{{apiVersion: v1, kind: Secret, metadata: {{name: three}}}}\n");
        assert_eq!(
            names(&more),
            [
                "x_v1_configmap_one.yaml",
                "x_apps_v1_deployment_two.yaml",
                "v1_namespace_x.yaml",
                "default_v1_secret_three.yaml"
            ]
        );
    }

    #[test]
    fn an_object_whose_name_leads_out_of_the_folder_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"{apiVersion: v1, kind: Pod, metadata: {name: ../../a}}";
        let resources = fjord_kustomize::decode(text, &fjord_yaml::Limits::default()).unwrap();
        let error = write_each(&resources, folder.path()).unwrap_err();
        assert!(error.to_string().contains("would be no file in"));
    }
}
