//! How time and work grow with the number of Kustomizations.
//!
//! The claim is that three times as many take three times as much, ours and the control plane's apart: both share the
//! processors, so the time is the sum of what both need.

use std::path::PathBuf;

use anyhow::Result;

use super::Figure;
use super::apps::{self, Measured};

/// The sizes that are compared; the first is the unit.
pub const COUNTS: [usize; 3] = [100, 200, 300];

/// How much more than the number of Kustomizations anything may grow, for it to be called linear.
const TOLERANCE: f64 = 1.15;

/// Measures each size on a control plane of its own.
pub async fn measure(programs: PathBuf) -> Result<Vec<Figure>> {
    let mut measured = Vec::new();
    for count in COUNTS {
        eprintln!("measuring {count} Kustomizations ...");
        measured.push((count, apps::measure(programs.clone(), count).await?));
    }
    Ok(figures(&measured))
}

/// What is measured, its unit, whether linear growth is claimed of it, and where it stands.
type Row = (&'static str, &'static str, bool, fn(&Measured) -> f64);

fn figures(measured: &[(usize, Measured)]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let Some((unit, first)) = measured.first() else {
        return figures;
    };
    let rows: [Row; 9] = [
        ("all ready", "s", true, |m| m.create.wall),
        ("all ready, our CPU", "s", true, |m| m.create.cpu),
        ("all ready, the control plane's CPU", "s", false, |m| {
            m.create.plane
        }),
        ("all ready, requests each", "", false, |m| m.create.requests),
        ("again, nothing changed", "s", true, |m| m.again.wall),
        ("again, our CPU", "s", true, |m| m.again.cpu),
        ("again, the control plane's CPU", "s", false, |m| {
            m.again.plane
        }),
        ("again, requests each", "", false, |m| m.again.requests),
        ("peak memory", "MiB", false, |m| m.peak),
    ];
    for (name, unit_name, _, get) in &rows {
        for (count, one) in measured {
            figures.push(Figure {
                name: format!("{count} Kustomizations: {name}"),
                unit: unit_name,
                ours: get(one),
                flux: None,
                aim: None,
            });
        }
    }
    for (name, _, is_claimed, get) in &rows {
        for (count, one) in &measured[1..] {
            let times = *count as f64 / *unit as f64;
            figures.push(Figure {
                name: format!("growth {unit} -> {count} (x{times}): {name}"),
                unit: "x",
                ours: get(one) / get(first),
                flux: None,
                aim: is_claimed.then_some((times * TOLERANCE * 100.0).round() / 100.0),
            });
        }
    }
    figures
}
