//! `fjord template`: prints what `helm template` prints, with its flags, exit code and messages.
//!
//! Charts are folders and archives on this machine. Flags that need a network, a cluster or another program are refused
//! by name; those that only matter to an installation are accepted, as Helm does.

mod folder;
mod located;
mod machine;
mod write;

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::exit;

use anyhow::{Result, anyhow, bail};
use clap::{ArgAction, Args};
use fjord_gotemplate::functions::sprig;
use fjord_gotemplate::{Limits, Session, Set, Value};
use fjord_helm::capabilities::{Capabilities, KubeVersion};
use fjord_helm::origin::{Given, explain};
use fjord_helm::render::{Cache, Context, Release};
use fjord_helm::template::{Error, Options, Rendered, template};
use fjord_helm::values::Sources;
use fjord_helm::{Level, Notices};

use crate::cluster::ClusterArgs;
use crate::output;
use located::{Located, locate};
use machine::Machine;

/// Render a chart, exactly as `helm template` does
///
/// Examples:
///   fjord template web ./charts/web -f production.yaml
///   fjord template web web-1.2.3.tgz --set image.tag=1.2.3 --show-only templates/deployment.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, disable_version_flag = true)]
pub(crate) struct TemplateArgs {
    /// Name of the release, if two are given, and the folder or archive of the chart
    #[arg(num_args = 0.., value_names = ["NAME", "CHART"])]
    arguments: Vec<String>,
    /// Values files
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    values: Vec<String>,
    /// Values as key=value; what looks like a number, a boolean or null is one
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Values as key=value, always text
    #[arg(long, value_name = "KEY=VALUE")]
    set_string: Vec<String>,
    /// Values as key=JSON, or one JSON object
    #[arg(long, value_name = "KEY=JSON")]
    set_json: Vec<String>,
    /// Values from files, as key=path
    #[arg(long, value_name = "KEY=PATH")]
    set_file: Vec<String>,
    /// Values as key=value, taken literally
    #[arg(long, value_name = "KEY=VALUE")]
    set_literal: Vec<String>,
    /// Print only these templates (patterns of paths in the chart)
    #[arg(short, long, value_name = "PATTERN")]
    show_only: Vec<String>,
    /// Write files below this folder instead of printing
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
    /// Put the release name into the path below --output-dir
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    release_name: bool,
    /// Print the files of crds/ too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    include_crds: bool,
    /// Leave out test hooks
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    skip_tests: bool,
    /// Leave out hooks
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    no_hooks: bool,
    /// Do not check values against the chart's schemas
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    skip_schema_validation: bool,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    is_upgrade: bool,
    /// Version of Kubernetes to render for
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// API versions to add to .Capabilities.APIVersions
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Make a name for the release
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    generate_name: bool,
    /// Template that makes the name of the release
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// Say more, and print what was rendered even if it is no YAML
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    debug: bool,
    #[command(flatten)]
    ignored: IgnoredArgs,
    #[command(flatten)]
    refused: RefusedArgs,
}

/// Flags of an installation, without a meaning here and in `helm template`.
#[derive(Debug, Args)]
struct IgnoredArgs {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    skip_crds: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    create_namespace: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    replace: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    render_subchart_notes: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    hide_notes: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    wait_for_jobs: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    wait: Option<Option<String>>,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    pass_credentials: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    plain_http: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    insecure_skip_tls_verify: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    kube_insecure_skip_tls_verify: bool,
    #[arg(long, hide = true)]
    server_side: Option<String>,
    #[arg(long, hide = true)]
    version: Option<String>,
    #[arg(long, hide = true)]
    ca_file: Option<String>,
    #[arg(long, hide = true)]
    cert_file: Option<String>,
    #[arg(long, hide = true)]
    key_file: Option<String>,
    #[arg(long, hide = true)]
    keyring: Option<String>,
    #[arg(long, hide = true)]
    username: Option<String>,
    #[arg(long, hide = true)]
    password: Option<String>,
    #[arg(long, hide = true)]
    burst_limit: Option<String>,
    #[arg(long, hide = true)]
    qps: Option<String>,
    #[arg(long, hide = true, alias = "colour")]
    color: Option<String>,
    #[arg(long, hide = true)]
    content_cache: Option<String>,
    #[arg(long, hide = true)]
    registry_config: Option<String>,
    #[arg(long, hide = true)]
    repository_cache: Option<String>,
    #[arg(long, hide = true)]
    repository_config: Option<String>,
    #[arg(long, hide = true)]
    kube_apiserver: Option<String>,
    #[arg(long, hide = true)]
    kube_as_group: Vec<String>,
    #[arg(long, hide = true)]
    kube_as_user: Option<String>,
    #[arg(long, hide = true)]
    kube_ca_file: Option<String>,
    #[arg(long, hide = true)]
    kube_context: Option<String>,
    #[arg(long, hide = true)]
    kube_tls_server_name: Option<String>,
    #[arg(long, hide = true)]
    kube_token: Option<String>,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(short, long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    take_ownership: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    force_replace: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    force_conflicts: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    rollback_on_failure: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    atomic: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    devel: bool,
}

/// Flags that need a network, a cluster or another program.
#[derive(Debug, Args)]
struct RefusedArgs {
    #[arg(long, hide = true)]
    repo: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    dry_run: Option<Option<String>>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    validate: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    dependency_update: bool,
    #[arg(long, hide = true)]
    post_renderer: Option<String>,
    #[arg(long, hide = true)]
    post_renderer_args: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    verify: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, hide_default_value = true, hide_possible_values = true)]
    enable_dns: bool,
}

const NO_EFFECT: &str = "this flag has no effect for 'helm template' and will be removed in Helm 5";

/// Runs `fjord template`.
pub(crate) fn run(args: &TemplateArgs, cluster: &ClusterArgs) -> Result<()> {
    let mut notices = Notices::default();
    let deprecated = [
        (
            args.refused.validate,
            "validate",
            "use '--dry-run=server' instead",
        ),
        (
            args.ignored.atomic,
            "atomic",
            "use --rollback-on-failure instead",
        ),
        (
            args.ignored.render_subchart_notes,
            "render-subchart-notes",
            NO_EFFECT,
        ),
        (args.ignored.hide_notes, "hide-notes", NO_EFFECT),
    ];
    for (_, flag, advice) in deprecated.iter().filter(|(given, ..)| *given) {
        eprintln!("Flag --{flag} has been deprecated, {advice}");
    }
    let result = render(args, cluster, &mut notices);
    let least = if args.debug {
        Level::Debug
    } else {
        Level::Info
    };
    for notice in notices.iter().filter(|notice| notice.level >= least) {
        eprintln!("{notice}");
    }
    if let Err(error) = result {
        // Tools match on Helm's layout, so the error is printed here and not by `main`. Its causes are in its text.
        eprintln!("Error: {error}");
        exit(1);
    }
    Ok(())
}

fn render(args: &TemplateArgs, cluster: &ClusterArgs, notices: &mut Notices) -> Result<()> {
    refuse(args)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = args.kube_version.as_ref().filter(|text| !text.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(version)
            .map_err(|error| anyhow!("invalid kube version '{version}': {error}"))?;
    }
    capabilities
        .api_versions
        .extend(args.api_versions.iter().cloned());
    let (name, path) = name_and_chart(args)?;
    let located = locate(path)?;
    if args.debug {
        let field = |name, text: &str| vec![(name, text.to_owned())];
        let version = args.ignored.version.as_deref().unwrap_or_default();
        let fields = field("version", version);
        notices.push(Level::Debug, "Original chart version", fields);
        notices.push(Level::Debug, "Chart path", field("path", path));
    }
    let values = sources(args).merge(&mut |path| folder::read(Path::new(path)))?;
    // The process ends right after the output: to free a chart and its parsed templates piece by piece would be in vain.
    let mut chart = ManuallyDrop::new(located.load(notices)?);
    let cache = ManuallyDrop::new(Cache::default());
    let release = Release {
        name,
        namespace: namespace(args, cluster),
        revision: 1,
        is_upgrade: args.is_upgrade,
    };
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &Machine,
        limits: Limits::default(),
        strict: false,
        cache: Some(&cache),
    };
    let options = Options {
        skip_schema_validation: args.skip_schema_validation,
        include_crds: args.include_crds,
        subchart_notes: false,
    };
    match template(&mut chart, &values, &context, options, notices) {
        Ok(rendered) => print(args, &release, &ManuallyDrop::new(rendered)),
        Err((error, rendered)) if args.debug => {
            if error.has_release() {
                print(args, &release, &rendered)?;
            }
            Err(anyhow!("{error}{}", explained(args, &located, &error)))
        }
        Err((error, _)) => {
            let more = explained(args, &located, &error);
            Err(anyhow!("{}{more}", advised(&error)))
        }
    }
}

/// Says more than Helm does: the chart, the action, and where its values come from.
fn explained(args: &TemplateArgs, located: &Located, error: &Error) -> String {
    // The render changed the chart.
    let Ok(chart) = located.load(&mut Notices::default()) else {
        return String::new();
    };
    let given = Given {
        chart: &chart,
        sources: &sources(args),
        read: &mut |path| match path {
            "-" => Err("standard input was read already".to_owned()),
            path => folder::read(Path::new(path)),
        },
        file: &mut |path| located.file(path),
    };
    let more = explain(error, given);
    if more.is_empty() {
        return more;
    }
    format!("\n\n{}", more.trim_end())
}

/// Chooses the namespace as Helm does: flag, `HELM_NAMESPACE`, context of the kubeconfig.
fn namespace(args: &TemplateArgs, cluster: &ClusterArgs) -> String {
    let given = cluster
        .given_namespace()
        .or_else(|| std::env::var("HELM_NAMESPACE").ok());
    let context = args.ignored.kube_context.as_deref();
    given
        .filter(|name| !name.is_empty())
        .or_else(|| cluster.context_namespace(context))
        .unwrap_or_else(|| "default".to_owned())
}

/// Adds Helm's advice where something was rendered.
fn advised(error: &Error) -> String {
    if error.has_release() {
        format!("{error}\n\nUse --debug flag to render out invalid YAML")
    } else {
        error.to_string()
    }
}

fn print(args: &TemplateArgs, release: &Release, rendered: &Rendered) -> Result<()> {
    if let Some(folder) = &args.output_dir {
        let folder = if args.release_name {
            folder.join(&release.name)
        } else {
            folder.clone()
        };
        write::files(args, &folder, rendered)?;
        return output::emit("\n");
    }
    if args.show_only.is_empty() {
        return output::emit_with(|out| rendered.write(out, !args.no_hooks, !args.skip_tests));
    }
    let stream = rendered.stream(!args.no_hooks, !args.skip_tests);
    output::emit(&rendered.only(&stream, &args.show_only)?)
}

fn refuse(args: &TemplateArgs) -> Result<()> {
    let refused = &args.refused;
    let dry_run = refused.dry_run.as_ref().map(|mode| mode.as_deref());
    if let Some(Some(mode)) = dry_run
        && !matches!(
            mode,
            "none" | "client" | "server" | "unset" | "true" | "false"
        )
    {
        bail!("invalid dry-run value ({mode:?}). Must be \"none\", \"server\", or \"client\"");
    }
    let is_url = |path: &&String| path.contains("://");
    if let Some(url) = args.values.iter().find(is_url) {
        bail!("--values {url}: files are not fetched here; download it and name the file");
    }
    let reason = if refused.repo.is_some() {
        "--repo: charts are not fetched here yet; download the chart and name its archive"
    } else if refused.validate || matches!(dry_run, Some(Some("server"))) {
        "--validate and --dry-run=server need a cluster; use `kubectl apply --dry-run=server` on the output"
    } else if refused.dependency_update {
        "--dependency-update: dependencies are not fetched here; run `helm dependency build` first"
    } else if refused.post_renderer.is_some() {
        "--post-renderer runs a program; pipe the output into it instead"
    } else if refused.verify {
        "--verify: signatures of charts are not checked here yet"
    } else if refused.enable_dns {
        "--enable-dns: host names are not looked up while rendering"
    } else {
        return Ok(());
    };
    bail!("{reason}")
}

fn sources(args: &TemplateArgs) -> Sources {
    Sources {
        files: args.values.clone(),
        json: args.set_json.clone(),
        typed: args.set.clone(),
        strings: args.set_string.clone(),
        contents: args.set_file.clone(),
        literals: args.set_literal.clone(),
    }
}

fn name_and_chart(args: &TemplateArgs) -> Result<(String, &str)> {
    match args.arguments.as_slice() {
        [_, _] if args.generate_name => {
            bail!("cannot set --generate-name and also specify a name")
        }
        [_, _] if args.name_template.is_some() => {
            bail!("cannot set --name-template and also specify a name")
        }
        [name, chart] => Ok((name.clone(), chart)),
        [chart] => {
            let name = match &args.name_template {
                Some(template) => templated_name(template)?,
                // Parity: with --generate-name too, the name is this one.
                None => "release-name".to_owned(),
            };
            Ok((name, chart))
        }
        [] => bail!(
            "\"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]"
        ),
        [_, _, more @ ..] => bail!(
            "expected at most two arguments, unexpected arguments: {}",
            more.join(", ")
        ),
    }
}

fn templated_name(template: &str) -> Result<String> {
    let limits = Limits::default();
    let mut set = Set::new("name-template", sprig());
    set.parse("name-template", template.as_bytes(), &limits)?;
    let session = Session::new(&Machine, limits);
    let name = session.execute(&set, "name-template", Value::Nil)?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}
