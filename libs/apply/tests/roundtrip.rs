//! The typed round trip, held against Kubernetes' own converter.
//!
//! `expected.jsonl` holds one line for each line of `input.jsonl`, printed by the Go program in
//! `tests/oracle/gotypes`; `UPDATE_EXPECT=1` runs it again.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use fjord_apply::Object;
use fjord_apply::normalise::roundtrip;
use serde_json::Value;

#[test]
fn built_in_kinds_come_out_as_from_their_go_types() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let input = here.join("tests/cases/roundtrip/input.jsonl");
    let expected = here.join("tests/cases/roundtrip/expected.jsonl");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let status = Command::new("go")
            .args(["run", ".", "roundtrip"])
            .current_dir(here.join("../../tests/oracle/gotypes"))
            .stdin(File::open(&input).unwrap())
            .stdout(File::create(&expected).unwrap())
            .status()
            .unwrap();
        assert!(status.success());
    }
    let input = fs::read_to_string(input).unwrap();
    let expected = fs::read_to_string(expected).unwrap();
    assert_eq!(input.lines().count(), expected.lines().count());
    let mut wrong = Vec::new();
    for (line, expected) in input.lines().zip(expected.lines()) {
        let object: Object = serde_json::from_str(line).unwrap();
        let mut expected: Value = serde_json::from_str(expected).unwrap();
        if let Some(object) = expected.as_object_mut() {
            // It is removed before an apply, so the table leaves it out.
            object.remove("status");
        }
        let actual = roundtrip(&object).map_or(Value::Null, Object::into_value);
        if actual != expected {
            wrong.push(format!(
                "{line}\n  expected {expected}\n  actual   {actual}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
