//! Tables as `kubectl` prints them: upper-case headers, columns padded, no borders.
//!
//! On a terminal the last column is cut so that a row stays on one line; into a pipe nothing is
//! ever cut, because scripts read it.

use std::io::{self, IsTerminal as _, Write};

/// Rows under a header, printed when complete.
#[derive(Debug, Default)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Starts a table with these column names.
    pub(crate) fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            header: header.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds one row, which has as many cells as the header.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.header.len());
        self.rows.push(row);
    }

    /// Reports whether the table has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints to standard output, as wide as the terminal if it is one.
    pub(crate) fn print(&self, with_header: bool) -> io::Result<()> {
        let stdout = io::stdout();
        let width = if stdout.is_terminal() {
            terminal_width()
        } else {
            None
        };
        self.write(&mut stdout.lock(), with_header, width)
    }

    fn write(
        &self,
        out: &mut impl Write,
        with_header: bool,
        width: Option<usize>,
    ) -> io::Result<()> {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let header = if with_header {
                    self.header[column].chars().count()
                } else {
                    0
                };
                self.rows
                    .iter()
                    .map(|row| row[column].chars().count())
                    .chain([header])
                    .max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        let header = with_header.then_some(&self.header);
        for row in header.into_iter().chain(&self.rows) {
            writeln!(out, "{}", line(row, &widths, width))?;
        }
        Ok(())
    }
}

fn line(row: &[String], widths: &[usize], limit: Option<usize>) -> String {
    let mut line = String::new();
    for (column, cell) in row.iter().enumerate() {
        // A message may have many lines; a table row has one.
        let cell = cell.replace('\n', " ");
        let is_last = column + 1 == row.len();
        let padding = if is_last {
            0
        } else {
            widths[column] - cell.chars().count() + 3
        };
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', padding));
    }
    match limit {
        Some(limit) if line.chars().count() > limit && limit > 1 => {
            line.chars().take(limit - 1).chain(['…']).collect()
        }
        _ => line.trim_end().to_owned(),
    }
}

fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size()?;
    Some(width.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(width: Option<usize>) -> String {
        let mut table = Table::new(["NAME", "MESSAGE"]);
        table.push(vec!["podinfo".into(), "Applied revision:\nmain".into()]);
        let mut out = Vec::new();
        table.write(&mut out, true, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_padded_and_messages_stay_on_one_line() {
        assert_eq!(
            printed(None),
            "NAME      MESSAGE\npodinfo   Applied revision: main\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_line_and_says_so() {
        assert_eq!(printed(Some(14)), "NAME      MES…\npodinfo   App…\n");
    }
}
