//! `fjord get`: what there is and whether it is ready, in the columns of `flux get`.

use anyhow::{Result, bail};
use clap::Args;
use kube::ResourceExt as _;
use kube::api::ListParams;
use kube::core::DynamicObject;

use crate::cluster::{Cluster, ClusterArgs};
use crate::kinds::{KINDS, Kind};
use crate::output::{self, Format};
use crate::readiness;
use crate::table::Table;

/// Show Flux objects and whether they are ready
///
/// Examples:
///   fjord get                        everything in the namespace
///   fjord get ks -A                  Kustomizations of all namespaces
///   fjord get sources git podinfo    one Git repository
///   fjord get ks apps -o yaml        the whole object
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct GetArgs {
    /// `all`, `sources`, or a kind (`ks`, `gitrepo`, `sources git` ...), then optionally a name
    #[arg(value_name = "KIND [NAME]", num_args = 0..=3)]
    words: Vec<String>,
    /// Look in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    label_selector: Option<String>,
    /// Only objects whose condition has this status, as in `ready=false`
    #[arg(long, value_name = "TYPE=STATUS", value_parser = parse_status_selector)]
    status_selector: Option<StatusSelector>,
    /// Leave the header line out
    #[arg(long)]
    no_header: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone)]
struct StatusSelector {
    condition: String,
    status: String,
    negated: bool,
}

/// Runs `fjord get`.
pub(crate) async fn run(args: &GetArgs, cluster: &ClusterArgs) -> Result<()> {
    let (kinds, name) = selection(&args.words)?;
    let several = kinds.len() > 1;
    let cluster = cluster.connect().await?;
    let mut shown = Vec::new();
    for kind in kinds {
        let params = ListParams {
            label_selector: args.label_selector.clone(),
            field_selector: name.map(|name| format!("metadata.name={name}")),
            ..ListParams::default()
        };
        // A kind whose CRD is missing is skipped in an overview, as `flux get all` does.
        let Some(mut objects) = cluster.list(kind, args.all_namespaces, &params).await? else {
            if several {
                continue;
            }
            bail!("the cluster does not serve {}.{}", kind.plural, kind.group);
        };
        objects.retain(|object| is_selected(object, args.status_selector.as_ref()));
        shown.extend(objects.into_iter().map(|object| (kind, object)));
    }
    if let (Some(name), true) = (name, shown.is_empty()) {
        bail!("{name} not found in {}", place(args, &cluster));
    }
    if args.output != Format::Table {
        let objects: Vec<_> = shown
            .into_iter()
            .map(|(kind, object)| typed(kind, object))
            .collect();
        return output::print(args.output, &objects);
    }
    if shown.is_empty() {
        eprintln!("no Flux objects found in {}", place(args, &cluster));
        return Ok(());
    }
    Ok(table(&shown, several, args.all_namespaces).print(!args.no_header)?)
}

fn selection(words: &[String]) -> Result<(Vec<&'static Kind>, Option<&str>)> {
    let words: Vec<&str> = words.iter().flat_map(|word| word.split('/')).collect();
    let is_group = |word: &str| word == "source" || word == "sources";
    let (kinds, rest) = match words.as_slice() {
        [] => (KINDS.iter().collect(), &[][..]),
        ["all", rest @ ..] => (KINDS.iter().collect(), rest),
        [group, word, rest @ ..] if is_group(group) => (vec![named(word)?], rest),
        [group] if is_group(group) => (
            KINDS
                .iter()
                .filter(|kind| kind.is_source)
                .collect::<Vec<_>>(),
            &[][..],
        ),
        [word, rest @ ..] => (vec![named(word)?], rest),
    };
    match rest {
        [] => Ok((kinds, None)),
        [name] => Ok((kinds, Some(*name))),
        [_, extra, ..] => bail!("unexpected argument {extra:?}: give one kind and one name"),
    }
}

fn named(word: &str) -> Result<&'static Kind> {
    let Some(kind) = Kind::named(word) else {
        let known: Vec<_> = KINDS.iter().map(|kind| kind.plural).collect();
        bail!("unknown kind {word:?}; known kinds: {}", known.join(", "));
    };
    Ok(kind)
}

fn place(args: &GetArgs, cluster: &Cluster) -> String {
    if args.all_namespaces {
        "any namespace".to_owned()
    } else {
        format!("namespace {}", cluster.namespace)
    }
}

fn table(shown: &[(&Kind, DynamicObject)], several: bool, with_namespace: bool) -> Table {
    let mut header = vec!["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"];
    if with_namespace {
        header.insert(0, "NAMESPACE");
    }
    let mut table = Table::new(header);
    for (kind, object) in shown {
        let ready = readiness::shown(kind, object);
        let name = object.name_any();
        let prefix = kind.kind.to_ascii_lowercase();
        let mut row = vec![
            if several {
                format!("{prefix}/{name}")
            } else {
                name
            },
            kind.revision(object)
                .map(|revision| readiness::short_hashes(&revision))
                .unwrap_or_default(),
            if is_suspended(object) {
                "True"
            } else {
                "False"
            }
            .to_owned(),
            ready.status,
            readiness::short_hashes(&ready.message),
        ];
        if with_namespace {
            row.insert(0, object.namespace().unwrap_or_default());
        }
        table.push(row);
    }
    table
}

fn is_suspended(object: &DynamicObject) -> bool {
    object
        .data
        .pointer("/spec/suspend")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or_default()
}

fn is_selected(object: &DynamicObject, selector: Option<&StatusSelector>) -> bool {
    let Some(selector) = selector else {
        return true;
    };
    let found = readiness::conditions(object).any(|condition| {
        condition["type"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(&selector.condition))
            && condition["status"]
                .as_str()
                .is_some_and(|status| status.eq_ignore_ascii_case(&selector.status))
    });
    found != selector.negated
}

fn parse_status_selector(text: &str) -> Result<StatusSelector, String> {
    let (negated, parts) = match text.split_once("!=") {
        Some(parts) => (true, Some(parts)),
        None => (false, text.split_once('=')),
    };
    let Some((condition, status)) = parts else {
        return Err("expected TYPE=STATUS or TYPE!=STATUS, as in ready=false".to_owned());
    };
    Ok(StatusSelector {
        condition: condition.to_owned(),
        status: status.to_owned(),
        negated,
    })
}

/// Lists return items without their type; what is printed must be usable as a manifest.
fn typed(kind: &Kind, mut object: DynamicObject) -> DynamicObject {
    object.types = Some(kube::core::TypeMeta {
        api_version: format!("{}/{}", kind.group, kind.version),
        kind: kind.kind.to_owned(),
    });
    object.metadata.managed_fields = None;
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(words: &[&str]) -> (Vec<&'static str>, Option<String>) {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let (kinds, name) = selection(&words).unwrap();
        (
            kinds.iter().map(|kind| kind.kind).collect(),
            name.map(str::to_owned),
        )
    }

    #[test]
    fn a_kind_may_be_given_alone_with_a_name_with_a_slash_or_below_sources() {
        assert_eq!(selected(&["ks"]), (vec!["Kustomization"], None));
        assert_eq!(
            selected(&["ks", "a"]),
            (vec!["Kustomization"], Some("a".into()))
        );
        assert_eq!(
            selected(&["ks/a"]),
            (vec!["Kustomization"], Some("a".into()))
        );
        assert_eq!(
            selected(&["sources", "git", "a"]),
            (vec!["GitRepository"], Some("a".into()))
        );
        assert_eq!(selected(&["sources"]).0.len(), 6);
        assert_eq!(selected(&[]).0.len(), KINDS.len());
    }

    #[test]
    fn an_unknown_kind_is_answered_with_the_known_ones() {
        let error = selection(&["pods".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("kustomizations"), "{error}");
    }
}
