//! Templates at random: every node, every function, values of every type, and some of the wrong one.

use super::functions::{
    EMPTIES, FORMATS, FUNCTIONS, GROUPED, KEY, LAYOUTS, METHODS, PAIRS, REFERENCES, REGEXES,
    REPLACEMENTS, SLOW, TEXTS, TOMLS, UNSTABLE, URLS, VERSIONS, WORDS, ZONES,
};
use super::random::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) struct Generated {
    pub(crate) template: String,
    pub(crate) values: Value,
    /// Whether whole numbers among the values are integers, as those of `--set`.
    pub(crate) typed: bool,
    /// How often each node and function was used.
    pub(crate) used: BTreeMap<&'static str, usize>,
}

struct Grammar {
    random: Random,
    used: BTreeMap<&'static str, usize>,
    variables: Vec<String>,
    in_range: usize,
    budget: usize,
    /// Set inside a text for `tpl`, where quotes cannot nest.
    quoted: bool,
}

/// Values by the letter of their type; floats, as from a values file.
fn values() -> Value {
    json!({
        "s": "hello", "empty": "", "u": "héllo ✓", "ml": "one\ntwo\n\nthree\n", "num": "42", "sp": "  x  ",
        "i": 3, "zero": 0, "neg": -7, "f": 1.5, "big": 1_234_567_890_123u64, "million": 1_000_000, "small": 0.000_000_1,
        "t": true, "fl": false, "n": null,
        "l": [1, "two", 3.5, null, true], "ls": ["b", "a", "c", "a"], "li": [3, 1, 2], "el": [],
        "lm": [{"name": "x", "v": 1}, {"name": "y", "v": 2}], "ll": [[1, 2], [], ["z"]],
        "m": {"a": 1, "b": {"c": "deep"}, "z": null, "e": [], "o": ""}, "em": {},
        "m2": {"a": 2, "x": [1], "b": {"d": 4}, "z": 0, "e": ["full"], "o": "x"},
        "holes": ["", "a", 0, null, [], {}, false, "b"],
        "odd": {"k-1": 1, "true": 2, "a b": "c", "10": "ten", "9": "nine", "<&>": "<b>"},
        "yaml": "a: [1, 2]\nb: {c: d}\n", "json": "{\"a\": [1, 2.5, null], \"b\": \"x\"}",
        "tpl": "{{ .Values.s | upper }}"
    })
}

/// What a user may give where a chart expects something else.
fn hostile() -> [Value; 24] {
    [
        Value::Null,
        json!(""),
        json!("\u{0}\u{200b}\u{feff}"),
        json!("{{ .Values.s }}"),
        json!("{{"),
        json!("- a\n-b: [\n\t"),
        json!("x".repeat(300)),
        json!("\r\n\r"),
        json!("é".repeat(30)),
        json!(1e300),
        json!(-1e-300),
        json!(9_223_372_036_854_775_807u64),
        json!(4_294_967_296u64),
        json!(-0.0),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!([null, null]),
        json!({"": 1, "null": null, "é": [], "1": {"2": {"3": {}}}, "a: b": "- c"}),
        json!({"kind": "List", "items": [{"a": 1}]}),
        json!(["10", "9", "1e3", "0x1", "true", "~"]),
        json!(false),
        json!("true"),
        json!("2024-02-29T12:34:56Z"),
    ]
}

/// The nodes of the language and their parts, by the names under which they are counted.
pub(crate) const NODES: &[&str] = &[
    "action",
    "assignment",
    "block",
    "boolean",
    "break",
    "chain",
    "character",
    "comment",
    "complex",
    "continue",
    "define",
    "dot",
    "dropped",
    "else",
    "else if",
    "else with",
    "field",
    "field of a variable",
    "if",
    "if with variable",
    "method",
    "method with arguments",
    "nil",
    "number",
    "parentheses",
    "pipe",
    "range",
    "range assigning",
    "range of a number",
    "range with key",
    "range with value",
    "raw string",
    "string",
    "template",
    "text",
    "trim left",
    "trim right",
    "variable",
    "values of --set",
    "values of files",
    "variable use",
    "with",
    "with variable",
];

impl Generated {
    pub(crate) fn new(seed: u64) -> Self {
        let mut grammar = Grammar {
            random: Random::new(seed),
            used: BTreeMap::new(),
            variables: vec!["$".into()],
            in_range: 0,
            budget: 24,
            quoted: false,
        };
        let mut template = String::new();
        if grammar.random.once_in(8) {
            template += &grammar.define();
        }
        template += &grammar.body(0);
        let mut values = values();
        if grammar.random.once_in(3) {
            let Value::Object(map) = &mut values else {
                unreachable!("values are a table");
            };
            for _ in 0..=grammar.random.below(3) {
                let at = grammar.random.below(map.len());
                if let Some(value) = map.values_mut().nth(at) {
                    *value = grammar.random.pick(&hostile()).clone();
                }
            }
        }
        let typed = grammar.random.once_in(3);
        grammar.uses(if typed {
            "values of --set"
        } else {
            "values of files"
        });
        Self {
            template,
            values,
            typed,
            used: grammar.used,
        }
    }
}

impl Grammar {
    fn uses(&mut self, what: &'static str) {
        *self.used.entry(what).or_default() += 1;
    }

    fn define(&mut self) -> String {
        self.uses("define");
        let name = *self.random.pick(&["local", "t.name", "other"]);
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let text = format!("{{{{ define \"{name}\" }}}}{}{{{{ end }}}}", self.body(2));
        self.variables = outer;
        text
    }

    fn body(&mut self, depth: usize) -> String {
        let known = self.variables.len();
        let count = 1 + self.random.below(if depth == 0 { 3 } else { 2 });
        let text = (0..count).map(|_| self.item(depth)).collect();
        self.variables.truncate(known);
        text
    }

    fn delimiters(&mut self) -> (&'static str, &'static str) {
        let left = if self.random.once_in(4) {
            self.uses("trim left");
            "{{- "
        } else {
            "{{ "
        };
        let right = if self.random.once_in(4) {
            self.uses("trim right");
            " -}}"
        } else {
            " }}"
        };
        (left, right)
    }

    fn action(&mut self, text: &str) -> String {
        let (left, right) = self.delimiters();
        format!("{left}{text}{right}")
    }

    fn item(&mut self, depth: usize) -> String {
        if depth > 3 || self.budget == 0 {
            return self.expression_item();
        }
        self.budget -= 1;
        match self.random.below(24) {
            0 | 1 => {
                self.uses("text");
                let text = *self.random.pick(&[
                    " x ",
                    "\n",
                    "k: ",
                    "  - ",
                    "\n\n",
                    "é",
                    "}",
                    "<no value>",
                ]);
                text.to_owned()
            }
            2 => {
                self.uses("comment");
                let text = *self
                    .random
                    .pick(&["{{/* c */}}", "{{- /* c\nd */ -}}", "{{/**/}}"]);
                text.to_owned()
            }
            3 | 4 => self.branch(depth, "if"),
            5 | 6 => self.branch(depth, "with"),
            7 | 8 => self.range(depth),
            9 => {
                self.uses("variable");
                let letter = self.letter();
                let value = self.pipeline(letter, 0);
                let known = self.variables.len();
                if known > 1 && self.random.once_in(3) {
                    self.uses("assignment");
                    let at = 1 + self.random.below(known - 1);
                    let name = self.variables[at].clone();
                    return self.action(&format!("{name} = {value}"));
                }
                // Now and then a variable hides an outer one of its name.
                let name = if known > 1 && self.random.once_in(2) {
                    self.variables[1 + self.random.below(known - 1)].clone()
                } else {
                    format!("$v{known}")
                };
                let text = self.action(&format!("{name} := {value}"));
                self.variables.push(name);
                text
            }
            10 => {
                self.uses("template");
                let name = *self
                    .random
                    .pick(&["t.name", "t.dot", "t.yaml", "local", "missing"]);
                let dot = if self.random.once_in(3) {
                    String::new()
                } else {
                    self.pipeline('a', 1)
                };
                self.action(&format!("template \"{name}\" {dot}"))
            }
            11 if depth == 0 => {
                self.uses("block");
                let dot = self.pipeline('a', 1);
                let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
                let in_range = std::mem::take(&mut self.in_range);
                let body = self.body(2);
                self.variables = outer;
                self.in_range = in_range;
                format!("{{{{ block \"blk\" {dot} }}}}{body}{{{{ end }}}}")
            }
            12..=15 if self.in_range > 0 => self.leave(),
            13 => {
                // A call for what it does, whose result is dropped.
                self.uses("dropped");
                let call = self.call_of("set", 0);
                self.action(&format!("$_ := {call}"))
            }
            _ => self.expression_item(),
        }
    }

    /// Ends an iteration or the loop, with text around it that shows which elements were come to.
    fn leave(&mut self) -> String {
        let word = if self.random.once_in(2) {
            "break"
        } else {
            "continue"
        };
        self.uses(word);
        self.uses("text");
        let condition = self.pipeline('b', 1);
        format!("({{{{ if {condition} }}}}{{{{ {word} }}}}{{{{ end }}}})")
    }

    fn expression_item(&mut self) -> String {
        self.uses("action");
        let is_slow = self.random.once_in(85);
        if is_slow || self.random.once_in(10) {
            let (name, text) = *self.random.pick(if is_slow { SLOW } else { UNSTABLE });
            self.uses(name);
            return self.action(&text.replace("KEY", &format!("\"{KEY}\"")));
        }
        let letter = self.letter();
        let text = self.pipeline(letter, 0);
        self.action(&text)
    }

    fn letter(&mut self) -> char {
        *self
            .random
            .pick(&['s', 's', 's', 'i', 'n', 'b', 'l', 'd', 'a', 'a', 'S', 't'])
    }

    fn branch(&mut self, depth: usize, word: &'static str) -> String {
        self.uses(word);
        let condition = self.pipeline('a', 0);
        let known = self.variables.len();
        let declared = self.random.once_in(4);
        let head = if declared {
            self.uses(if word == "with" {
                "with variable"
            } else {
                "if with variable"
            });
            self.variables.push("$w".into());
            format!("{word} $w := {condition}")
        } else {
            format!("{word} {condition}")
        };
        let mut text = self.action(&head) + &self.body(depth + 1);
        if self.random.once_in(3) {
            let other = self.pipeline('b', 1);
            self.uses(if word == "with" {
                "else with"
            } else {
                "else if"
            });
            text += &self.action(&format!("else {word} {other}"));
            text += &self.body(depth + 1);
        }
        if self.random.once_in(2) {
            self.uses("else");
            text += &self.action("else");
            text += &self.body(depth + 1);
        }
        self.variables.truncate(known);
        text + &self.action("end")
    }

    fn range(&mut self, depth: usize) -> String {
        self.uses("range");
        let letter = *self.random.pick(&['l', 'l', 'd', 'S', 'i', 'a']);
        if letter == 'i' {
            self.uses("range of a number");
        }
        let over = self.pipeline(letter, 0);
        let known = self.variables.len();
        let head = match self.random.below(5) {
            0 if known > 1 && self.random.once_in(2) => {
                self.uses("range assigning");
                let name = self.variables[1 + self.random.below(known - 1)].clone();
                format!("range {name} = {over}")
            }
            0 | 2 => {
                self.uses("range with value");
                self.variables.push("$e".into());
                format!("range $e := {over}")
            }
            1 => {
                self.uses("range with key");
                self.variables.push("$k".into());
                self.variables.push("$e".into());
                format!("range $k, $e := {over}")
            }
            _ => format!("range {over}"),
        };
        self.in_range += 1;
        let mut text = self.action(&head) + &self.body(depth + 1);
        self.in_range -= 1;
        if self.random.once_in(3) {
            self.uses("else");
            text += &self.action("else");
            text += &self.body(depth + 1);
        }
        self.variables.truncate(known);
        text + &self.action("end")
    }

    /// Writes an expression of about that type, perhaps through pipes.
    fn pipeline(&mut self, letter: char, depth: usize) -> String {
        if depth < 3 && self.random.once_in(3) {
            self.uses("pipe");
            // The last parameter comes through the pipe.
            let fitting: Vec<_> = FUNCTIONS
                .iter()
                .filter(|(_, parameters, result)| {
                    fits(*result, letter) && !parameters.is_empty() && !parameters.ends_with('*')
                })
                .collect();
            if !fitting.is_empty() {
                let (name, parameters, _) = **self.random.pick(&fitting);
                self.uses(name);
                let mut letters: Vec<char> = parameters.chars().collect();
                let last = letters.pop().unwrap_or('a');
                let source = self.pipeline(last, depth + 1);
                let arguments: String = letters
                    .into_iter()
                    .map(|letter| format!(" {}", self.argument(letter, depth + 1)))
                    .collect();
                return format!("{source} | {name}{arguments}");
            }
        }
        self.expression(letter, depth)
    }

    fn argument(&mut self, letter: char, depth: usize) -> String {
        // Now and then something of another type.
        let letter = if self.random.once_in(40) {
            self.letter()
        } else {
            letter
        };
        if depth < 3 && self.random.once_in(4) {
            let text = self.pipeline(letter, depth + 1);
            if text.starts_with('(') && self.random.once_in(2) {
                return text;
            }
            self.uses("parentheses");
            return format!("({text})");
        }
        self.atom(letter)
    }

    fn expression(&mut self, letter: char, depth: usize) -> String {
        if depth > 2 || self.random.once_in(3) {
            return self.atom(letter);
        }
        let fitting: Vec<_> = FUNCTIONS
            .iter()
            .filter(|(_, _, result)| fits(*result, letter))
            .collect();
        if fitting.is_empty() {
            return self.atom(letter);
        }
        let (name, ..) = **self.random.pick(&fitting);
        if matches!(name, "fail" | "call") && !self.random.once_in(3) {
            return self.atom(letter);
        }
        self.call_of(name, depth)
    }

    fn call_of(&mut self, name: &str, depth: usize) -> String {
        let found = FUNCTIONS.iter().find(|(known, ..)| *known == name);
        let Some((name, parameters, _)) = found.copied() else {
            return self.atom('a');
        };
        self.uses(name);
        let mut text = name.to_owned();
        let letters: Vec<char> = parameters.chars().collect();
        for (index, letter) in letters.iter().enumerate() {
            let count = match (letter, letters.get(index + 1)) {
                ('*', _) => 0,
                (_, Some('*')) => self.random.below(3),
                _ => 1,
            };
            for _ in 0..count {
                text += " ";
                text += &self.argument(*letter, depth + 1);
            }
        }
        text
    }

    fn literal(&mut self, texts: &[&str]) -> String {
        self.uses("string");
        let text = self.random.pick(texts);
        if !text.contains(['\\', '`']) && self.random.once_in(6) {
            self.uses("raw string");
            return format!("`{text}`");
        }
        format!("\"{text}\"")
    }

    fn atom(&mut self, letter: char) -> String {
        let known = self.variables.len();
        if known > 1 && self.random.once_in(6) {
            self.uses("variable use");
            let name = self.variables[1 + self.random.below(known - 1)].clone();
            if letter != 's' && self.random.once_in(6) {
                self.uses("field of a variable");
                return format!("{name}{}", self.random.pick(&[".a", ".b.c", ".name", ".x"]));
            }
            return name;
        }
        // What is empty decides much: defaults, branches, what is required.
        if self.random.once_in(20)
            && let Some(empty) = empty(letter)
        {
            self.uses(if empty.starts_with('$') {
                "field"
            } else {
                "number"
            });
            return empty.to_owned();
        }
        if self.random.once_in(40) {
            let odd = [
                "nil",
                ".",
                "$",
                "true",
                ".Values.missing",
                "1",
                "\"x\"",
                "'a'",
                "2i",
                "1+2i",
                "0x10",
                "1.5e3",
                "$.Values.m",
            ];
            let text = *self.random.pick(&odd);
            self.uses(match text {
                "nil" => "nil",
                "." | "$" => "dot",
                "'a'" => "character",
                "2i" | "1+2i" => "complex",
                "true" => "boolean",
                "\"x\"" => "string",
                _ if text.contains("Values") => "field",
                _ => "number",
            });
            return text.to_owned();
        }
        match letter {
            's' => match self.random.below(3) {
                0 => self.field(&["s", "empty", "u", "ml", "num", "sp", "yaml", "json"]),
                _ => self.literal(TEXTS),
            },
            'i' => {
                self.uses("number");
                (*self.random.pick(&[
                    "0", "1", "2", "3", "5", "-1", "10", "0x1F", "'x'", "007", "1_0",
                ]))
                .to_owned()
            }
            'n' => match self.random.below(3) {
                0 => self.field(&["i", "zero", "neg", "f", "small"]),
                1 => self.literal(&["3", "1.5", "-2", "x", "0x10", "010", "-017", "1e3", ""]),
                _ => {
                    self.uses("number");
                    (*self.random.pick(&[
                        "0", "1", "7", "2.5", "-3", "1e1", "0.1", "12", "-0.5", "1.25",
                    ]))
                    .to_owned()
                }
            },
            'b' => match self.random.below(3) {
                0 => self.field(&["t", "fl"]),
                _ => {
                    self.uses("boolean");
                    (*self.random.pick(&["true", "false"])).to_owned()
                }
            },
            'l' => self.field(&["l", "ls", "li", "el", "lm", "ll", "holes"]),
            'S' => match self.random.below(2) {
                0 => "(list \"b\" \"a\" | sortAlpha)".to_owned(),
                _ => "(splitList \",\" \"x,y,,z\")".to_owned(),
            },
            'd' => self.field(&["m", "m", "m2", "m2", "em", "odd", "m.b"]),
            'h' if self.random.once_in(2) => {
                self.uses("number");
                let halves = ["0.5", "1.5", "2.5", "-0.5", "-1.5", "1.25", "2.675", "0.05"];
                (*self.random.pick(&halves)).to_owned()
            }
            'h' => self.atom('n'),
            'k' if self.random.once_in(2) => {
                self.uses("number");
                (*self.random.pick(&["0", "0", "1", "2", "-1"])).to_owned()
            }
            'k' => self.atom('i'),
            '?' if self.random.once_in(2) => (*self.random.pick(EMPTIES)).to_owned(),
            '?' => self.atom('a'),
            't' => "(toDate \"2006-01-02 15:04\" \"2024-02-29 07:08\")".to_owned(),
            'v' => self.literal(VERSIONS),
            'w' if self.random.once_in(2) => self.literal(WORDS),
            'w' => self.atom('s'),
            'R' => self.literal(GROUPED),
            'G' => self.literal(REFERENCES),
            'r' => self.literal(REGEXES),
            'p' => self.literal(REPLACEMENTS),
            'u' => self.literal(URLS),
            'z' => self.literal(ZONES),
            'y' => self.literal(LAYOUTS),
            'f' => self.literal(FORMATS),
            'F' => self.literal(PAIRS),
            'q' => self.literal(&["t.name", "t.dot", "t.yaml", "local", "missing"]),
            'o' => self.literal(TOMLS),
            'e' => self.evaluated(),
            _ => {
                let letter = *self.random.pick(&['s', 'i', 'n', 'b', 'l', 'd', 'x', 'm']);
                if letter == 'm' {
                    self.uses("method");
                    let version = *self.random.pick(VERSIONS);
                    let method = *self.random.pick(METHODS);
                    if method.contains(' ') {
                        self.uses("method with arguments");
                    }
                    return format!("((semver \"{version}\").{method})");
                }
                if letter == 'x' {
                    self.uses("dot");
                    let odd = [
                        ".Values.n",
                        ".Values.missing",
                        "$.Values.million",
                        "$.Values.big",
                        "$.Chart.Name",
                        ".Release",
                        "$.Values.m.z",
                        ".Chart.Keywords",
                        ".",
                    ];
                    return (*self.random.pick(&odd)).to_owned();
                }
                self.atom(letter)
            }
        }
    }

    fn field(&mut self, names: &[&str]) -> String {
        self.uses("field");
        let name = self.random.pick(names);
        // Inside `with` and `range` the dot is another; the root is always there.
        if self.random.once_in(6) {
            return format!(".Values.{name}");
        }
        if self.random.once_in(6) {
            self.uses("chain");
            return format!("(index $ \"Values\").{name}");
        }
        format!("$.Values.{name}")
    }

    /// Writes a template as a text for `tpl`.
    fn evaluated(&mut self) -> String {
        if self.quoted || self.random.once_in(4) {
            return "$.Values.tpl".to_owned();
        }
        self.quoted = true;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let inner = self.pipeline('s', 2);
        self.variables = outer;
        self.quoted = false;
        format!(
            "\"{{{{ {} }}}}\"",
            inner.replace('\\', "\\\\").replace('"', "\\\"")
        )
    }
}

/// Returns what is empty among the values of a type; none of those that are written in some syntax.
fn empty(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a' | 's' | 'w' => "$.Values.empty",
        'i' | 'k' | 'n' => "0",
        'l' => "$.Values.el",
        'd' => "$.Values.em",
        'b' => "$.Values.fl",
        _ => return None,
    })
}

fn fits(result: char, wanted: char) -> bool {
    match wanted {
        'a' | '?' => true,
        'l' => matches!(result, 'l' | 'S'),
        'n' | 'h' => matches!(result, 'n' | 'i'),
        'w' => result == 's',
        'k' => result == 'i',
        wanted => result == wanted,
    }
}
