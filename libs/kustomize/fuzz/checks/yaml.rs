//! Any text: it parses or not, and what both emitters print of it reads back the same.

use fjord_yaml::{Limits, Merge, parse_all, parse_first, to_v2, to_v3};

pub(crate) fn check(data: &[u8]) {
    let limits = Limits {
        nodes: 20_000,
        ..Limits::default()
    };
    for merge in [Merge::Keep, Merge::Kyaml, Merge::V2] {
        let Ok(documents) = parse_all(data, merge, &limits) else {
            continue;
        };
        for node in &documents {
            let _ = node.to_json();
            let _ = to_v2(node);
            let Ok(text) = to_v3(node) else { continue };
            // Go's emitter adds a line to some folded texts each time (`Parity` in writer.rs).
            let header = |line: &str| {
                line.trim_end_matches(|c: char| matches!(c, '-' | '+' | '0'..='9'))
                    .ends_with('>')
            };
            if text.lines().any(header) {
                continue;
            }
            let Ok(Some(again)) = parse_first(text.as_bytes(), Merge::Keep, &limits) else {
                continue;
            };
            let Ok(twice) = to_v3(&again) else { continue };
            let third = parse_first(twice.as_bytes(), Merge::Keep, &limits);
            if let Ok(Some(third)) = third {
                assert_eq!(Some(twice), to_v3(&third).ok(), "printing does not settle");
            }
        }
    }
}
