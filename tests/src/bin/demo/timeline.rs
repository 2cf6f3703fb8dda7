//! What happened when, printed as it happens.

use std::time::{Duration, Instant};

use anyhow::Result;

/// One line of the timeline.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A heading.
    Chapter { at: Duration, text: String },
    /// Something that was waited for.
    Step {
        at: Duration,
        took: Duration,
        text: String,
    },
    /// Something that was seen.
    Note { text: String },
}

/// The timeline so far.
#[derive(Debug)]
pub(crate) struct Timeline {
    start: Instant,
    lines: Vec<Line>,
}

impl Timeline {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            lines: Vec::new(),
        }
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn chapter(&mut self, text: &str) {
        let at = self.start.elapsed();
        println!("\n{:>7.2} s  {text}", at.as_secs_f64());
        self.lines.push(Line::Chapter {
            at,
            text: text.to_owned(),
        });
    }

    pub(crate) fn step(&mut self, text: &str, took: Duration) {
        let at = self.start.elapsed();
        println!("{:>7.2} s  ✔ {text}: {}", at.as_secs_f64(), shown(took));
        self.lines.push(Line::Step {
            at,
            took,
            text: text.to_owned(),
        });
    }

    pub(crate) fn note(&mut self, text: &str) {
        println!("{:>7.2} s    {text}", self.start.elapsed().as_secs_f64());
        self.lines.push(Line::Note {
            text: text.to_owned(),
        });
    }

    pub(crate) fn finish(&self) {
        println!(
            "\n{:>7.2} s  everything is stopped and removed",
            self.start.elapsed().as_secs_f64()
        );
    }
}

/// Prints milliseconds below a second and seconds above.
pub(crate) fn shown(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

/// Runs `work` and returns also how long it took.
pub(crate) async fn measure<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = work.await?;
    Ok((value, start.elapsed()))
}
