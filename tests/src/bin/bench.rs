//! `make bench`: prints the benchmark's figures; with `FLUX_BIN_DIR` beside the real Flux's.
//!
//! Arguments choose parts: `apps`, `apps-300`, `growth`, `drift`, `idle`; none means all but `apps-300`. It
//! must be a release build to mean anything, and says so when it is not.

use anyhow::{Result, bail};
use fjord_sandbox::Options;
use fjord_tests::bench::{self, Figure, apps, drift, growth, idle};
use fjord_tests::random::Random;
use fjord_tests::suite::{CONTROLLERS, Suite, built_programs, flux_programs};

#[tokio::main]
async fn main() -> Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("this is not a release build: run `make bench`");
    }
    let mut parts: Vec<String> = std::env::args().skip(1).collect();
    if parts.is_empty() {
        parts = ["apps", "growth", "drift", "idle"]
            .map(str::to_owned)
            .to_vec();
    }
    let mut figures = Vec::new();
    for part in &parts {
        eprintln!("measuring {part} ...");
        figures.extend(run(part).await?);
    }
    println!("{}", bench::table(&figures));
    Ok(())
}

async fn run(part: &str) -> Result<Vec<Figure>> {
    match part {
        "apps" => compare(100).await,
        "apps-300" => compare(300).await,
        "growth" => growth::measure(built_programs()?).await,
        "drift" => {
            let seed = Random::seed();
            eprintln!("seed {seed}");
            drift::measure(built_programs()?, seed).await
        }
        "idle" => {
            let mut figures = memory().await?;
            figures.extend(idle_fleet().await?);
            Ok(figures)
        }
        other => bail!("no part {other:?}: give apps, apps-300, growth, drift or idle"),
    }
}

async fn compare(count: usize) -> Result<Vec<Figure>> {
    let ours = apps::measure(built_programs()?, count).await?;
    let flux = match flux_programs() {
        Some(programs) => Some(apps::measure(programs, count).await?),
        None => {
            eprintln!("FLUX_BIN_DIR names no folder with the real Flux controllers: no ratio");
            None
        }
    };
    Ok(apps::figures(count, &ours, flux.as_ref()))
}

async fn memory() -> Result<Vec<Figure>> {
    let ours = idle::memory(built_programs()?).await?;
    let flux = match flux_programs() {
        Some(programs) => idle::memory(programs).await?,
        None => Vec::new(),
    };
    let rows = ours
        .into_iter()
        .enumerate()
        .map(|(index, (name, ours))| Figure {
            name: format!("nothing to do: resident memory of {name}"),
            unit: "MiB",
            ours,
            flux: flux.get(index).map(|(_, flux)| *flux),
            aim: Some(20.0),
        });
    Ok(rows.collect())
}

async fn idle_fleet() -> Result<Vec<Figure>> {
    let mut suite = Suite::new(
        built_programs()?,
        Options {
            audit: true,
            ..Options::default()
        },
    )
    .await?;
    suite.start(&CONTROLLERS).await?;
    let fleet = apps::Fleet::create(&suite, 100, "1h").await?;
    let figures = idle::measure(&suite).await;
    drop(fleet);
    figures
}
