//! Lines as expressions of `--set` and its kin, one after the other into one tree.

use fjord_helm::values::{Map, Sources};

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let lines = |kind: char| -> Vec<String> {
        let of_kind = |line: &&str| line.starts_with(kind);
        text.lines()
            .filter(of_kind)
            .map(|line| line[1..].to_owned())
            .collect()
    };
    let sources = Sources {
        files: Vec::new(),
        json: lines('j'),
        typed: lines('t'),
        strings: lines('s'),
        contents: lines('f'),
        literals: lines('l'),
    };
    let merge = || -> Option<Map> {
        sources
            .clone()
            .merge(&mut |path| Ok(path.as_bytes().to_vec()))
            .ok()
    };
    assert_eq!(merge(), merge(), "not repeatable");
}
