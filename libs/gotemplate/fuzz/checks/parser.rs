//! Tokens in any order as a template: what parses is printed as Go prints its tree, and the print parses to the same.
//!
//! Each byte is a token, so that most of what is tried gets past the lexer.

use fjord_gotemplate::{Limits, Set, functions};

const TOKENS: &[&str] = &[
    "{{if ",
    "{{else}}",
    "{{else if ",
    "{{end}}",
    "{{with ",
    "{{else with ",
    "{{range ",
    "{{range $k, $v := ",
    "{{range $v := ",
    "{{break}}",
    "{{continue}}",
    "{{define \"d\"}}",
    "{{define `e`}}",
    "{{block \"b\" ",
    "{{template \"d\"}}",
    "{{template \"e\" ",
    "{{",
    "}}",
    "{{- ",
    " -}}",
    " ",
    "\n",
    " | ",
    "(",
    ")",
    ".",
    ".a",
    ".b.c",
    "$",
    "$x",
    "$k",
    "$v.f",
    "$x := ",
    "$x = ",
    "nil",
    "true",
    "false",
    "1",
    "-2",
    "0x1F",
    "1.5e3",
    "'a'",
    "'\\n'",
    "3i",
    "\"s\"",
    "\"\\u00e9\\\"\"",
    "`raw`",
    "printf ",
    "index ",
    "and ",
    "not ",
    "include ",
    "len ",
    "list ",
    "toYaml ",
    "nofunc ",
    " text ",
    "é",
    "{{/* c */}}",
    "{{- /* c */ -}}",
    ",",
    "=",
    ":=",
    "%",
    // No single brace: two of them may meet where a comment between them was trimmed away.
    "[",
    "}",
];

pub(crate) fn check(data: &[u8]) {
    let words = data
        .iter()
        .map(|byte| TOKENS[usize::from(*byte) % TOKENS.len()]);
    let text: String = words.collect();
    let mut set = Set::new("fuzz", functions::helm());
    if let Err(error) = set.parse("t", text.as_bytes(), &Limits::default()) {
        assert!(!error.message.is_empty());
        return;
    }
    for name in set.names() {
        let Some(printed) = set.print(&name) else {
            panic!("{name} is gone");
        };
        let mut again = Set::new("fuzz", functions::helm());
        let done = again.parse("t", printed.as_bytes(), &Limits::default());
        assert!(done.is_ok(), "{text:?} prints as {printed:?}: {done:?}");
        assert_eq!(again.print("t"), Some(printed), "{text:?}");
    }
}
