//! What a fleet costs when nothing happens: API requests in a minute, and memory.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::Figure;
use crate::suite::{CONTROLLERS, Suite};

/// How long nothing happens.
const MINUTE: Duration = Duration::from_secs(60);

/// Measures an idle fleet that `prepare` has set up on a suite.
pub async fn measure(suite: &Suite) -> Result<Vec<Figure>> {
    let before = counts(suite)?;
    tokio::time::sleep(MINUTE).await;
    let after = counts(suite)?;
    let mut figures = Vec::new();
    for ((controller, before), (_, after)) in before.iter().zip(&after) {
        figures.push(Figure {
            name: format!("idle minute: requests of {controller}"),
            unit: "",
            ours: (after - before) as f64,
            flux: None,
            aim: Some(0.0),
        });
    }
    for controller in CONTROLLERS {
        let Ok(usage) = suite.usage(controller) else {
            continue;
        };
        figures.push(Figure {
            name: format!("idle: resident memory of {controller}"),
            unit: "MiB",
            ours: usage.resident as f64 / f64::from(1 << 20),
            flux: None,
            aim: None,
        });
    }
    Ok(figures)
}

/// Measures the memory of controllers that have nothing to do at all.
pub async fn memory(programs: PathBuf) -> Result<Vec<(&'static str, f64)>> {
    let mut suite = Suite::new(programs, fjord_sandbox::Options::default()).await?;
    suite.start(&CONTROLLERS).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    CONTROLLERS
        .iter()
        .map(|name| {
            Ok((
                *name,
                suite.usage(name)?.resident as f64 / f64::from(1 << 20),
            ))
        })
        .collect()
}

/// Counts requests of each controller, watches and leases left out.
fn counts(suite: &Suite) -> Result<Vec<(&'static str, usize)>> {
    CONTROLLERS
        .iter()
        .map(|name| {
            let requests = suite.plane.requests(name)?;
            let counted = requests
                .iter()
                .filter(|request| request.verb != "watch" && request.resource != "leases");
            Ok((*name, counted.count()))
        })
        .collect()
}
