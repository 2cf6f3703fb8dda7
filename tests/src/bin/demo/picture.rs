//! The timeline as an SVG: a row for each line, a bar where something was waited for.

use std::fmt::Write as _;

use super::timeline::{Line, Timeline, shown};

const WIDTH: usize = 960;
const ROW: usize = 26;
/// Characters of a note that fit.
const NOTE: usize = 118;

/// Draws the timeline.
pub(crate) fn draw(time: &Timeline) -> String {
    let rows = time.lines().len();
    let height = rows * ROW + 40;
    let longest = time
        .lines()
        .iter()
        .filter_map(|line| match line {
            Line::Step { took, .. } => Some(took.as_secs_f64()),
            _ => None,
        })
        .fold(0.001, f64::max);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"ui-monospace, monospace\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#0f172a\"/>\n"
    );
    for (index, line) in time.lines().iter().enumerate() {
        let y = 36 + index * ROW;
        match line {
            Line::Chapter { at, text } => {
                let at = format!("{:.1} s", at.as_secs_f64());
                put(&mut svg, 20, y, "#64748b", "", &at);
                put(&mut svg, 90, y, "#e2e8f0", " font-weight=\"bold\"", text);
            }
            Line::Step { at, took, text } => {
                put(
                    &mut svg,
                    20,
                    y,
                    "#64748b",
                    "",
                    &format!("{:.1} s", at.as_secs_f64()),
                );
                // Logarithmic: a revert of milliseconds stands beside a start of seconds.
                let share =
                    (1.0 + took.as_secs_f64() * 1000.0).ln() / (1.0 + longest * 1000.0).ln();
                let bar = (share * 180.0).max(4.0);
                let _ = writeln!(
                    svg,
                    "<rect x=\"680\" y=\"{}\" width=\"{bar:.0}\" height=\"14\" rx=\"3\" fill=\"#22c55e\"/>",
                    y - 12
                );
                put(&mut svg, 90, y, "#bbf7d0", "", &cut(text, 74));
                put(
                    &mut svg,
                    690 + bar as usize,
                    y,
                    "#f8fafc",
                    "",
                    &shown(*took),
                );
            }
            Line::Note { text } => put(
                &mut svg,
                90,
                y,
                "#94a3b8",
                " font-size=\"12\"",
                &cut(text, NOTE),
            ),
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn put(svg: &mut String, x: usize, y: usize, colour: &str, more: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\"{more}>{text}</text>"
    );
}

fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length - 1).chain(['…']).collect()
}
