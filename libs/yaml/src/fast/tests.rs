use super::document;
use crate::parse::scan_first;
use crate::{Limits, Merge};
use proptest::prelude::*;

const MERGES: [Merge; 3] = [Merge::Keep, Merge::Kyaml, Merge::V2];

/// Compares with the scanner; says whether the text was in the subset.
fn is_same(text: &str) -> bool {
    let limits = Limits::default();
    let mut was_read = false;
    for merge in MERGES {
        if let Some(node) = document(text.as_bytes(), merge, &limits) {
            let scanned = scan_first(text.as_bytes(), merge, &limits);
            assert_eq!(scanned, Ok(Some(node)), "{text}");
            was_read = true;
        }
    }
    was_read
}

#[test]
fn what_manifests_are_made_of_is_read_as_the_scanner_reads_it() {
    for text in [
        "a: 1\n",
        "---\na: 1\n",
        "# note\n\na: b # c\nc: 'it''s' # d\n",
        "a:\nb: \"x\\n\\\"y\\\" \\\\ \\t\"\n",
        "a:\n- 1\n- b: c\n  d: e\nf: g\n",
        "a:\n  - - x\n    - y\n  -\n    k: v\n",
        "a:\n  b:\n    c: d\n\n    # note\n    e: f\n  g: h\n",
        "a: [b, \"c\", -1, [], {d: 1, 'e': [x]}]\nb: {}\n",
        "a: |\n  x\n   y\n\n  z\n\nb: c\n",
        "a: |-\n\n  x\n\n\nb: |+\n  x\n\n\nc: >\n  x\n  y\n\n  z\n   w\n  v\n",
        "- a: |\n    x\n  b: >-\n    y\n    z\n- c\n",
        "a: x#y\nb c: d: e\nurl: http://a:80/b?c=d\n",
        "a: -1\nb: -x\nc: 2001-01-01\nd: yes\n",
        "a: 1\nb: 2\na: 3\n",
        "\"a b\" : c\n'd': e\n",
        "a: h\u{e9}llo \u{2713}\n",
        "a: b",
        "- a\n- b\n",
        "a:\n  {}\nb:\n  [c]\n",
        "a:\n  - b:\n      'c'\n    d:\n      e # f\n  -\n    {}\n",
        "a:\n  b\n  c\n",
        "a:\n  b\n c: d\n",
        "a:\n  |\n  b\n",
        "a: |\n  b",
        "a: |-\n  b\n  c",
        "a: |+\n  b\n\n  c",
        "a: >\n  b\n  c",
        "a: |\n  b\nc: d",
        "a: |\n  b\n  ",
        "a: |\n  b\n   ",
        "a: |",
        "- a: |-\n    b\n- c: |\n    d",
    ] {
        is_same(text);
    }
}

#[test]
fn the_subset_is_not_empty() {
    for text in [
        "a: 1\n",
        "a:\n- 1\n- b: c\n  d: e\nf: g\n",
        "a: |\n  x\n\n  y\nb: {}\nc: [1, 'x']\n",
        "---\n# note\na: >-\n  x\n  y\n",
        "a:\n  {}\nb: |-\n  c\n  d",
    ] {
        assert!(is_same(text), "{text}");
    }
}

#[test]
fn what_is_no_yaml_or_has_more_to_it_is_left_to_the_scanner() {
    for text in [
        "a: b: c\n",
        "a: b\n c\n",
        "a: &x b\nc: *x\n",
        "a: !!str b\n",
        "<<: {a: b}\n",
        "? a\n: b\n",
        "a: 'b\n  c'\n",
        "a: [b,\n  c]\n",
        "a: |\n  b\n  ",
        "a:\n  |\n  b\n",
        "a:\n  b\n  c\n",
        "a: |2\n   b\n",
        "a:\tb\n",
        "a: b\r\nc: d\r\n",
        "a: b\n---\nc: d\n",
        "a: \u{85}\n",
        "%YAML 1.1\n---\na: b\n",
        "--- a\n",
        "a: - b\n",
        "a:\n  b: c\n d: e\n",
        "~: a\n",
        "a\n",
        "",
    ] {
        assert!(
            document(text.as_bytes(), Merge::V2, &Limits::default()).is_none(),
            "{text}"
        );
    }
}

/// Pieces that texts are put together from, close to the edges of the subset.
fn piece() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "b",
        "key",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n",
        "\n  ",
        "\n  ",
        "\n    ",
        "\n- ",
        " ",
        "  ",
        "#",
        " # c",
        "|",
        "|-",
        "|+",
        ">",
        ">-",
        "'",
        "''",
        "\"",
        "\\n",
        "\\",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ",",
        "?",
        "&",
        "*",
        "!",
        "~",
        "null",
        "1",
        "-1",
        "0x1F",
        "1e3",
        "yes",
        "<<",
        "---",
        "...",
        "%",
        "@",
        "`",
        "\t",
        "\r",
        "\u{e9}",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "a: b",
        "\nc: d",
        "\n  e: f",
        "a:\n",
        "x y",
        "|\n  t\n",
        ">\n    t\n    u\n",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_read_is_what_the_scanner_reads(pieces in prop::collection::vec(piece(), 1..24)) {
        is_same(&pieces.concat());
    }
}

/// Every YAML file below a folder.
fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

/// Documents of some files of `FJORD_CONFORMANCE`, where that is at hand: the scanner is slow without optimisation.
#[test]
fn documents_of_real_charts_are_read_alike() {
    let Some(folder) = std::env::var_os("FJORD_CONFORMANCE") else {
        return;
    };
    let mut found = Vec::new();
    files(
        &std::path::Path::new(&folder).join("helm/cases"),
        &mut found,
    );
    found.sort();
    let (mut read, mut all) = (0, 0);
    for path in found.iter().step_by(40) {
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        for document in text.split("\n---\n") {
            all += document.len();
            if is_same(document) || is_same(&format!("{document}\n")) {
                read += document.len();
            }
        }
    }
    eprintln!("{read} of {all} bytes");
    assert!(read > 0 || all == 0, "{read} of {all} bytes");
}
