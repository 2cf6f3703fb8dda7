//! Generated YAML, full of comments.

use std::fmt::Write as _;

use super::random::Random;

struct Writer {
    random: Random,
    out: String,
    keys: u32,
    lists: bool,
}

impl Writer {
    fn comments(&mut self, indent: usize) {
        while self.random.one_in(4) {
            let comment = self.random.pick(&[
                "# one",
                "#two",
                "#  three",
                "#",
                "## four",
                "# grün: x",
                "# enc: me",
                "# plain: me",
                "#- a: b",
            ]);
            let off = if self.random.one_in(6) {
                usize::try_from(self.random.below(6)).unwrap()
            } else {
                indent
            };
            writeln!(self.out, "{:off$}{comment}", "").unwrap();
            if self.random.one_in(3) {
                self.out.push('\n');
            }
        }
        if self.random.one_in(8) {
            self.out.push('\n');
        }
    }

    fn inline(&mut self) {
        if self.random.one_in(4) {
            let comment = self.random.pick(&[" # behind", "  #b", " # enc: me", " #"]);
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// A collection in brackets over several lines.
    fn flow(&mut self, indent: usize) {
        let (open, close) = if self.random.one_in(2) {
            (" [", "]")
        } else {
            (" {", "}")
        };
        self.out.push_str(open);
        self.inline();
        for index in 0..self.random.below(4) {
            self.comments(indent + 2);
            let item = self.random.pick(&["x", "'y'", "[z]", "{}", "\"w\""]);
            let key = if open == " {" {
                format!("f{index}: ")
            } else {
                String::new()
            };
            write!(self.out, "{:1$}{key}{item}", "", indent + 2).unwrap();
            if !self.random.one_in(4) {
                self.out.push(',');
                self.inline();
            } else {
                self.inline();
                break;
            }
        }
        self.comments(indent + 2);
        write!(self.out, "{:1$}{close}", "", indent + 1).unwrap();
        self.inline();
    }

    fn scalar(&mut self, indent: usize) {
        if self.random.one_in(8) {
            return self.flow(indent);
        }
        let scalar = self.random.pick(&[
            "x",
            "12",
            "1.5",
            "true",
            "null",
            "\"\"",
            "'a # b'",
            "two words",
            "\"a\\tb\"",
            "2026-01-02",
            "~",
            "|",
            ">-",
            "|+",
            "[]",
            "{}",
            "[a, b]",
            "{a: b}",
            "",
        ]);
        if !scalar.is_empty() {
            self.out.push(' ');
            self.out.push_str(scalar);
        }
        self.inline();
        if scalar.starts_with(['|', '>']) {
            writeln!(self.out, "{:indent$}  line", "").unwrap();
            if self.random.one_in(2) {
                writeln!(self.out, "{:indent$}  # no comment", "").unwrap();
            }
            if self.random.one_in(3) {
                self.out.push('\n');
            }
        }
    }

    fn map(&mut self, indent: usize, depth: u32) {
        for _ in 0..=self.random.below(3) {
            self.comments(indent);
            self.entry(indent, depth);
        }
        self.comments(indent);
    }

    fn entry(&mut self, indent: usize, depth: u32) {
        self.keys += 1;
        let suffix = self.random.pick(&["", "", "_unencrypted", "_secret"]);
        write!(self.out, "{:indent$}k{}{suffix}:", "", self.keys).unwrap();
        self.value(indent, depth, false);
    }

    fn value(&mut self, indent: usize, depth: u32, in_list: bool) {
        let step = usize::try_from(2 + 2 * self.random.below(2)).unwrap();
        match self.random.below(if depth > 3 { 1 } else { 5 }) {
            3 => {
                self.inline();
                self.map(indent + step, depth + 1);
            }
            4 if self.lists => {
                self.inline();
                let step = if !in_list && self.random.one_in(3) {
                    0
                } else {
                    step
                };
                for _ in 0..=self.random.below(3) {
                    self.comments(indent + step);
                    write!(self.out, "{:1$}-", "", indent + step).unwrap();
                    if self.random.one_in(4) {
                        self.out.push(' ');
                        let from = self.out.len();
                        self.entry(indent + step + 2, depth + 1);
                        let blank = from + indent + step + 2;
                        self.out.replace_range(from..blank, "");
                        if self.random.one_in(2) {
                            self.comments(indent + step + 2);
                            self.entry(indent + step + 2, depth + 1);
                        }
                    } else {
                        self.value(indent + step, depth + 1, true);
                    }
                }
                self.comments(indent + step);
            }
            _ => self.scalar(indent),
        }
    }
}

pub(crate) fn document(seed: u64) -> String {
    let mut random = Random::new(seed);
    let lists = !random.one_in(3);
    let mut writer = Writer {
        random,
        out: String::new(),
        keys: 0,
        lists,
    };
    writer.map(0, 0);
    while writer.random.one_in(5) {
        writer.out.push_str("---\n");
        writer.map(0, 0);
    }
    match writer.random.below(8) {
        0 => writer.out.replace('\n', "\r\n"),
        1 => writer.out.trim_end().to_owned(),
        // Behind text only: at the beginning of a line, a tab is refused (docs/deviations.md).
        2 => writer
            .out
            .lines()
            .map(|line| match line.trim_start().starts_with('#') {
                true => line.to_owned() + "\n",
                false => line.replace(" #", "\t#") + "\n",
            })
            .collect(),
        _ => writer.out,
    }
}
