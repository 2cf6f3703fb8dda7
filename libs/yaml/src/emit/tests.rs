use super::*;
use crate::{Limits, Merge, parse_first};

/// Reads with kyaml's rules and prints with goyaml.v2's.
fn printed(text: &str) -> String {
    to_v2(
        &parse_first(text.as_bytes(), Merge::Kyaml, &Limits::default())
            .unwrap()
            .unwrap(),
    )
    .unwrap()
}

fn string(text: &str) -> String {
    let out = json_to_v2(&serde_json::json!({ "k": text })).unwrap();
    out.strip_prefix("k: ")
        .unwrap()
        .strip_suffix('\n')
        .unwrap()
        .to_owned()
}

#[test]
fn numbers_lose_their_spelling_and_words_their_meaning() {
    let got = printed(
        "a: 0o644\nb: 1_000\nc: 1.50\nd: 1e3\ne: yes\nf: ~\ng: 1:30\nh: 2001-01-01\ni: 12345678.9\n",
    );
    assert_eq!(
        got,
        "a: 420\nb: 1000\nc: 1.5\nd: 1000\ne: \"yes\"\nf: null\ng: \"1:30\"\nh: \"2001-01-01T00:00:00Z\"\ni: 1.23456789e+07\n"
    );
}

#[test]
fn keys_sort_naturally() {
    let got = printed(
        "xa: 1\nxA: 1\nx10: 1\nx9: 1\nx_1: 1\nx.1: 1\nx-1: 1\nXb: 1\nX1: 1\n\"10\": 1\n\"9\": 1\né: 1\n_u: 1\n",
    );
    let keys: Vec<&str> = got.lines().map(|l| l.trim_end_matches(": 1")).collect();
    assert_eq!(
        keys,
        [
            "_u", "\"9\"", "\"10\"", "X1", "Xb", "x-1", "x.1", "x_1", "x9", "x10", "xA", "xa", "é"
        ]
    );
}

#[test]
fn strings_are_quoted_only_where_they_must_be() {
    for (text, want) in [
        ("", "\"\""),
        ("n", "\"n\""),
        ("12", "\"12\""),
        (" lead", "' lead'"),
        ("a: b", "'a: b'"),
        ("it's: x", "'it''s: x'"),
        ("a - b", "a - b"),
        ("?q", "?q"),
        ("- x", "'- x'"),
        ("<<", "<<"),
        ("=", "="),
        ("tab\there", "\"tab\\there\""),
        ("\u{1F600}", "\"\\U0001F600\""),
        ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\n\n", "|+\n  a\n"),
        (" a\nb", "|2-\n   a\n  b"),
        ("a \nb", "\"a \\nb\""),
        ("cr\r\nlf", "\"cr\\r\\nlf\""),
    ] {
        assert_eq!(string(text), want, "{text:?}");
    }
}

#[test]
fn long_lines_fold_at_the_next_space_past_column_eighty() {
    let text = "word ".repeat(20).trim_end().to_owned();
    let got = string(&text);
    assert_eq!(got.lines().count(), 2);
    assert!(got.lines().nth(1).unwrap().starts_with("  word"), "{got}");
}

#[test]
fn sequences_in_maps_are_not_indented() {
    let got = printed("a:\n  b: [1, {c: [x, []], d: {}}, [2, 3]]\n");
    assert_eq!(
        got,
        "a:\n  b:\n  - 1\n  - c:\n    - x\n    - []\n    d: {}\n  - - 2\n    - 3\n"
    );
}

#[test]
fn kyaml_text_keeps_order_and_styles() {
    let text = "b: 'x'\na:\n- \"y\"\n- {k: v, l: [1, 2]}\nc: |\n  t\n  \tu\n";
    let node = parse_first(text.as_bytes(), Merge::Kyaml, &Limits::default());
    let node = node.unwrap().unwrap();
    assert_eq!(to_v3(&node).unwrap(), text);
}

#[test]
fn long_keys_are_written_with_a_question_mark() {
    let key = "k".repeat(129);
    let out = json_to_v2(&serde_json::json!({ key.clone(): [1] })).unwrap();
    assert_eq!(out, format!("? {key}\n: - 1\n"));
}
