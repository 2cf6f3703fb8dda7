//! Objects of every kind, run through Flux's definitions and ours on real API servers: what is
//! accepted, refused and defaulted, and what `kubectl get` prints.
//!
//! `tests/cases/<kind>/objects.yaml` holds the objects, `expected.yaml` what a server with Flux's
//! definitions made of them; `UPDATE_EXPECT=1` writes the latter anew (from Flux's definitions
//! where they are present). Ours are held against both.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server {
    pub(crate) mod cases;
    pub(crate) mod outcome;
}

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context;
use fjord_sandbox::{ADMIN, ControlPlane, Options, Programs};
use kube::Client;
use serde_json::Value;

use server::cases::{self, Table};
use server::outcome;

#[tokio::test(flavor = "multi_thread")]
async fn objects_fare_as_under_the_definitions_of_flux() -> anyhow::Result<()> {
    let programs =
        tokio::task::spawn_blocking(|| Programs::ready(|line| eprintln!("{line}"))).await??;
    let (_our_plane, ours) = start(&programs).await?;
    outcome::install(&ours, fjord_crds::manifests()).await?;
    let flux = match flux_manifests() {
        Some(manifests) => {
            let (plane, client) = start(&programs).await?;
            let texts: Vec<&str> = manifests.iter().map(String::as_str).collect();
            outcome::install(&client, &texts).await?;
            Some((plane, client))
        }
        None => None,
    };

    let mut differences = Vec::new();
    for table in cases::all()? {
        let (made, theirs) = match &flux {
            Some((_, flux)) => {
                let (made, theirs) = tokio::join!(run(&ours, &table), run(flux, &table));
                (made?, Some(theirs?))
            }
            None => (run(&ours, &table).await?, None),
        };
        if env::var_os("UPDATE_EXPECT").is_some() {
            let expected = theirs.as_ref().unwrap_or(&made);
            fs::write(table.expected_path(), fjord_yaml::json_to_v2(expected)?)?;
        }
        let golden = table.expected()?;
        differences.extend(cases::differences(
            &table,
            "the recorded outcome",
            &made,
            &golden,
        ));
        if let Some(theirs) = &theirs {
            differences.extend(cases::differences(
                &table,
                "Flux's definition",
                &made,
                theirs,
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// Returns what a server makes of a table: its outcomes by case, and how it lists the kind.
async fn run(client: &Client, table: &Table) -> anyhow::Result<Value> {
    let mut outcomes = serde_json::Map::new();
    for case in &table.cases {
        let outcome = outcome::of(client, table, case)
            .await
            .with_context(|| format!("{} {}", table.kind, case.name))?;
        outcomes.insert(case.name.clone(), outcome);
    }
    Ok(serde_json::json!({
        "objects": outcomes,
        "columns": outcome::columns(client, table).await?,
        "names": outcome::names(client, table).await?,
    }))
}

/// Returns the texts of Flux's definitions, or says loudly that they are absent.
fn flux_manifests() -> Option<Vec<String>> {
    let root = env::var_os("FJORD_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let folder = root.join("crds");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!(
            "SKIPPED the comparison with Flux: {} is absent",
            folder.display()
        );
        return None;
    };
    Some(
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect(),
    )
}

/// Starts an API server without controllers; the definitions need none.
async fn start(programs: &Programs) -> anyhow::Result<(ControlPlane, Client)> {
    let options = Options {
        controllers: false,
        ..Options::default()
    };
    let plane = ControlPlane::start(programs, options).await?;
    let client = plane.client(ADMIN).await?;
    Ok((plane, client))
}
