//! The benchmark: measured figures of our controllers, beside the real Flux's in the same run.
//!
//! Each part starts its own control plane, so that nothing is shared. Times are wall-clock on the
//! machine at hand and mean little alone; the ratios to the peer of the same run are the claim.

pub mod apps;
pub mod drift;
pub mod growth;
pub mod idle;
mod seen;

use std::fmt::Write as _;

/// One measured figure, ours and, where there is one, the peer's.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The unit, after the number.
    pub unit: &'static str,
    /// Ours.
    pub ours: f64,
    /// The real Flux's in the same run.
    pub flux: Option<f64>,
    /// What the project aims at.
    pub aim: Option<f64>,
}

/// Renders figures as a table with the ratio to the peer and whether the aim holds.
pub fn table(figures: &[Figure]) -> String {
    let mut text = format!(
        "{:<52} {:>12} {:>12} {:>8} {:>10}\n",
        "", "ours", "flux", "ratio", "aim"
    );
    for figure in figures {
        let value = |value: f64| format!("{value:.2} {}", figure.unit);
        let flux = figure.flux.map_or_else(String::new, value);
        let ratio = figure
            .flux
            .filter(|_| figure.ours > 0.0)
            .map_or_else(String::new, |flux| format!("{:.1}x", flux / figure.ours));
        let aim = figure.aim.map_or_else(String::new, |aim| {
            let holds = if figure.ours <= aim { "ok" } else { "MISSED" };
            format!("{aim} {holds}")
        });
        let ours = value(figure.ours);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<52} {ours:>12} {flux:>12} {ratio:>8} {aim:>10}",
            figure.name
        );
    }
    text
}

/// Returns the value below which a share of the sorted samples lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (share * last as f64).round() as usize;
    sorted.get(index.min(last)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&sorted, 0.5), 51.0);
        assert_eq!(percentile(&sorted, 0.99), 99.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn a_missed_aim_is_said() {
        let figure = |ours| Figure {
            name: "x".into(),
            unit: "s",
            ours,
            flux: Some(8.0),
            aim: Some(4.0),
        };
        assert!(table(&[figure(2.0)]).contains("4.0x"));
        assert!(table(&[figure(2.0)]).contains("ok"));
        assert!(table(&[figure(5.0)]).contains("MISSED"));
    }
}
