//! `fjord events` and `fjord drift`: what the controllers said, and what they put back.
//!
//! Both read core/v1 Events and nothing else: what is older than the API server keeps Events (an
//! hour by default) is gone. Drift is the subset with reason `DriftCorrected` or `DriftNotCorrected`.

use anyhow::{Result, bail};
use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};

use crate::cluster::ClusterArgs;
use crate::kinds::{KINDS, Kind};
use crate::output::{self, Format};
use crate::table::Table;

/// Show what the controllers said about Flux objects
///
/// Examples:
///   fjord events                          everything in the namespace
///   fjord events --for ks/apps            one Kustomization
///   fjord events -A --types warning       warnings of all namespaces
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct EventsArgs {
    /// Only events of this kind, or of this object
    #[arg(long = "for", value_name = "KIND[/NAME]")]
    object: Option<String>,
    /// Only events of these types
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Show what was changed by hand, by whom, and what was done about it
///
/// Examples:
///   fjord drift                 corrections in the namespace
///   fjord drift apps -A         of every Kustomization called apps
///   fjord drift -o json         for scripts
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DriftArgs {
    /// Only objects that this Kustomization owns
    name: Option<String>,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Look in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Leave the header line out
    #[arg(long)]
    no_header: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Reasons of the Events that tell about drift.
const DRIFT_REASONS: &[&str] = &["DriftCorrected", "DriftNotCorrected"];

/// Runs `fjord events`.
pub(crate) async fn run(args: &EventsArgs, cluster: &ClusterArgs) -> Result<()> {
    let mut selector = Vec::new();
    if let Some(object) = &args.object {
        let (word, name) = object
            .split_once('/')
            .map_or((object.as_str(), None), |(word, name)| (word, Some(name)));
        let Some(kind) = Kind::named(word) else {
            bail!("unknown kind {word:?}")
        };
        selector.push(format!("involvedObject.kind={}", kind.kind));
        selector.extend(name.map(|name| format!("involvedObject.name={name}")));
    }
    let mut events = list(&args.common, cluster, &selector).await?;
    events.retain(|event| {
        let kind = event.involved_object.kind.as_deref().unwrap_or_default();
        KINDS.iter().any(|known| known.kind == kind)
            && (args.types.is_empty()
                || args.types.iter().any(|wanted| {
                    wanted.eq_ignore_ascii_case(event.type_.as_deref().unwrap_or_default())
                }))
    });
    print(&args.common, &events)
}

/// Runs `fjord drift`.
pub(crate) async fn run_drift(args: &DriftArgs, cluster: &ClusterArgs) -> Result<()> {
    let selector: Vec<_> = args
        .name
        .iter()
        .map(|name| format!("involvedObject.name={name}"))
        .collect();
    let mut events = list(&args.common, cluster, &selector).await?;
    events.retain(|event| DRIFT_REASONS.contains(&event.reason.as_deref().unwrap_or_default()));
    if events.is_empty() && args.common.output == Format::Table {
        eprintln!("no drift on record: the API server keeps Events for about an hour");
        return Ok(());
    }
    print(&args.common, &events)
}

async fn list(args: &CommonArgs, cluster: &ClusterArgs, selector: &[String]) -> Result<Vec<Event>> {
    let cluster = cluster.connect().await?;
    let api: Api<Event> = if args.all_namespaces {
        Api::all(cluster.client)
    } else {
        Api::namespaced(cluster.client, &cluster.namespace)
    };
    let params = ListParams {
        field_selector: (!selector.is_empty()).then(|| selector.join(",")),
        ..ListParams::default()
    };
    let mut events = api.list(&params).await?.items;
    events.sort_by_key(last_seen);
    Ok(events)
}

fn print(args: &CommonArgs, events: &[Event]) -> Result<()> {
    if args.output != Format::Table {
        return output::print(args.output, events);
    }
    let mut header = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    if args.all_namespaces {
        header.insert(0, "NAMESPACE");
    }
    let mut table = Table::new(header);
    let now = Timestamp::now();
    for event in events {
        let object = &event.involved_object;
        let mut row = vec![
            last_seen(event)
                .map_or_else(|| "unknown".to_owned(), |seen| age(now, seen, event.count)),
            event.type_.clone().unwrap_or_default(),
            event.reason.clone().unwrap_or_default(),
            format!(
                "{}/{}",
                object.kind.as_deref().unwrap_or_default(),
                object.name.as_deref().unwrap_or_default()
            ),
            event.message.clone().unwrap_or_default(),
        ];
        if args.all_namespaces {
            row.insert(0, event.metadata.namespace.clone().unwrap_or_default());
        }
        table.push(row);
    }
    if table.is_empty() {
        eprintln!("no events found");
        return Ok(());
    }
    Ok(table.print(!args.no_header)?)
}

fn last_seen(event: &Event) -> Option<Timestamp> {
    let times = [
        event.last_timestamp.as_ref().map(|time| time.0),
        event.event_time.as_ref().map(|time| time.0),
    ];
    times
        .into_iter()
        .flatten()
        .next()
        .or(event.first_timestamp.as_ref().map(|time| time.0))
}

/// Prints how long ago something was, as `kubectl` does, and how often it happened.
fn age(now: Timestamp, then: Timestamp, count: Option<i32>) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    let age = match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    };
    match count {
        Some(count) if count > 1 => format!("{age} (x{count})"),
        _ => age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit_and_the_number_of_repeats() {
        let then = Timestamp::UNIX_EPOCH;
        let after = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        assert_eq!(age(after(59), then, Some(1)), "59s");
        assert_eq!(age(after(600), then, Some(3)), "10m (x3)");
        assert_eq!(age(after(200_000), then, None), "2d");
    }
}
