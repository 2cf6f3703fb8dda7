//! Text to sections.

use super::{DEFAULT, Entry, Section, wrong};
use crate::error::Error;

/// Reads all sections; the first is what stands before any.
pub(super) fn sections(text: &str) -> Result<Vec<Section>, Error> {
    let mut reader = Reader {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 0,
        comment: String::new(),
    };
    let mut sections = Vec::new();
    let mut section = Section {
        name: DEFAULT.to_owned(),
        ..Section::default()
    };
    let mut unnamed = 0;
    while let Some(line) = reader.next() {
        let line = line.trim_start();
        if line.is_empty() {
            continue;
        }
        if line.starts_with(['#', ';']) {
            reader.comment.push_str(line);
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let next = reader.section(rest)?;
            sections.push(std::mem::replace(&mut section, next));
            unnamed = 0;
            continue;
        }
        let number = reader.line;
        let (name, value) = key(line).map_err(|what| wrong(number, what))?;
        let name = if name == "-" {
            // Parity: keys without a name are counted.
            unnamed += 1;
            format!("#{unnamed}")
        } else {
            name.to_owned()
        };
        let value = reader.value(value)?;
        if name.is_empty() {
            return Err(wrong(number, "has an empty key"));
        }
        let comment = reader.take_comment();
        section.set(Entry {
            name,
            value,
            comment,
        });
    }
    sections.push(section);
    Ok(sections)
}

/// Splits a line into its key and what follows the delimiter.
fn key(line: &str) -> Result<(&str, &str), &'static str> {
    let quote = if line.len() > 6 && line.starts_with("\"\"\"") {
        "\"\"\""
    } else if line.starts_with('"') {
        "\""
    } else if line.starts_with('`') {
        "`"
    } else {
        let (key, value) = line.split_once(['=', ':']).ok_or(NO_DELIMITER)?;
        if key.is_empty() {
            return Err("has an empty key");
        }
        return Ok((key.trim(), value));
    };
    let (key, rest) = line[quote.len()..]
        .split_once(quote)
        .ok_or("lacks the quote that ends its key")?;
    let (_, value) = rest.split_once(['=', ':']).ok_or(NO_DELIMITER)?;
    Ok((key.trim(), value))
}

const NO_DELIMITER: &str = "is no key = value";

/// Goes through the lines, and gathers the comment of what comes next.
struct Reader<'t> {
    rest: &'t str,
    /// The number of the line that was read last.
    line: usize,
    comment: String,
}

impl<'t> Reader<'t> {
    /// Returns the next line with its line feed; none at the end.
    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    /// Reads the head of a section behind its bracket.
    fn section(&mut self, rest: &str) -> Result<Section, Error> {
        // Parity: the last bracket of the line ends the name.
        let (name, behind) = rest
            .rsplit_once(']')
            .ok_or_else(|| wrong(self.line, "lacks the ] that ends its section"))?;
        if name.is_empty() {
            return Err(wrong(self.line, "names no section"));
        }
        if let Some(at) = behind.find(['#', ';']) {
            self.comment.push_str(&behind[at..]);
        }
        Ok(Section {
            name: name.to_owned(),
            comment: self.take_comment(),
            keys: Vec::new(),
        })
    }

    /// Reads a value behind its delimiter, and the lines that it goes on in.
    fn value(&mut self, text: &str) -> Result<String, Error> {
        let text = text.trim_start();
        if text.is_empty() {
            return Ok(String::new());
        }
        let quote = if text.len() > 3 && text.starts_with("\"\"\"") {
            Some("\"\"\"")
        } else {
            text.starts_with('`').then_some("`")
        };
        if let Some(quote) = quote {
            let inner = &text[quote.len()..];
            return match inner.rfind(quote) {
                Some(end) => Ok(inner[..end].to_owned()),
                None => self.quoted_lines(inner, quote),
            };
        }
        let mut text = text.trim_end();
        if let Some(text) = text.strip_suffix('\\') {
            return Ok(self.continued(text));
        }
        if let Some(at) = text.find(['#', ';']) {
            self.comment.push_str(&text[at..]);
            text = text[..at].trim();
        }
        Ok(unquoted(text).to_owned())
    }

    /// Reads lines up to a quote.
    fn quoted_lines(&mut self, first: &str, quote: &str) -> Result<String, Error> {
        let began = self.line;
        let mut value = first.to_owned();
        while let Some(line) = self.next() {
            let Some(end) = line.rfind(quote) else {
                value.push_str(line);
                continue;
            };
            // Parity: a backslash behind the quote takes its meaning away.
            if line[end + quote.len()..].trim().ends_with('\\') {
                value.push_str(line);
                continue;
            }
            value.push_str(&line[..end]);
            if let Some(at) = line[end..].find(['#', ';']) {
                self.comment.push_str(line[end + at..].trim());
            }
            return Ok(value);
        }
        Err(wrong(
            began,
            "begins a value whose closing quote is missing",
        ))
    }

    /// Reads the lines behind one that ended in a backslash.
    fn continued(&mut self, first: &str) -> String {
        let mut value = first.to_owned();
        while let Some(line) = self.next() {
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            value.push_str(line);
            if !value.ends_with('\\') {
                break;
            }
            value.pop();
        }
        value
    }
}

/// Takes the quotes off a value that holds no other of them.
fn unquoted(text: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    text
}
