use super::*;
use crate::SchemaMode;

/// Merges two texts under `spec.template.spec` of a Deployment, or of a kind without a schema.
fn merge(kind: &str, dest: &str, patch: &str) -> String {
    let parse = |text: &str| {
        let text =
            format!("{{apiVersion: apps/v1, kind: {kind}, spec: {{template: {{spec: {text}}}}}}}");
        let limits = fjord_yaml::Limits::default();
        fjord_yaml::parse_first(text.as_bytes(), fjord_yaml::Merge::Kyaml, &limits)
            .unwrap()
            .unwrap()
    };
    let schema = Schema::new(SchemaMode::Replace);
    let (mut dest, mut patch) = (parse(dest), parse(patch));
    Merger::new(&schema)
        .walk(Some(&mut dest), Some(&mut patch), None)
        .unwrap();
    let spec = dest
        .get("spec")
        .and_then(|s| s.get("template"))
        .and_then(|t| t.get("spec"));
    spec.map_or_else(String::new, |spec| spec.to_json().unwrap().to_string())
}

fn pod(dest: &str, patch: &str) -> String {
    merge("Deployment", dest, patch)
}

#[test]
fn elements_of_the_patch_come_first_and_keep_their_own_order() {
    assert_eq!(
        pod(
            "{containers: [{name: a, image: 1}, {name: b}]}",
            "{containers: [{name: c}, {name: a, x: 2}]}"
        ),
        r#"{"containers":[{"name":"c"},{"image":1,"name":"a","x":2},{"name":"b"}]}"#
    );
}

#[test]
fn lists_without_a_schema_are_replaced() {
    assert_eq!(
        merge(
            "Widget",
            "{containers: [{name: a}]}",
            "{containers: [{name: b}]}"
        ),
        r#"{"containers":[{"name":"b"}]}"#
    );
    assert_eq!(
        pod("{tolerations: [{key: a}]}", "{tolerations: []}"),
        r#"{"tolerations":[]}"#
    );
}

#[test]
fn directives_delete_and_replace() {
    assert_eq!(
        pod(
            "{containers: [{name: a}, {name: b}]}",
            "{containers: [{name: a, $patch: delete}]}"
        ),
        r#"{"containers":[{"name":"b"}]}"#
    );
    assert_eq!(
        pod(
            "{containers: [{name: a}]}",
            "{containers: [{$patch: replace}, {name: b}]}"
        ),
        r#"{"containers":[{"name":"b"}]}"#
    );
    assert_eq!(
        pod(
            "{containers: [{name: a}], x: 1}",
            "{containers: [{$patch: delete}]}"
        ),
        r#"{"x":1}"#
    );
    assert_eq!(
        pod("{x: {a: 1}}", "{x: {$patch: replace, b: 2}}"),
        r#"{"x":{"b":2}}"#
    );
}

#[test]
fn replacing_one_element_changes_nothing() {
    assert_eq!(
        pod(
            "{containers: [{name: a, image: 1}]}",
            "{containers: [{name: a, x: 2, $patch: replace}]}"
        ),
        r#"{"containers":[{"image":1,"name":"a"}]}"#
    );
}

#[test]
fn an_element_without_its_key_takes_those_not_named_with_it() {
    assert_eq!(
        pod(
            "{containers: [{name: a}, {name: b, image: 1}, {name: c}, {name: d}]}",
            "{containers: [{image: 'n:1'}, {name: b, x: 1}]}"
        ),
        r#"{"containers":[{"name":"b","x":1}]}"#
    );
}

#[test]
fn ports_merge_by_both_keys() {
    assert_eq!(
        pod(
            "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]}]}",
            "{containers: [{name: a, ports: [{containerPort: 80, protocol: UDP, name: u}, {containerPort: 90, protocol: TCP}]}]}"
        ),
        r#"{"containers":[{"name":"a","ports":[{"containerPort":90,"protocol":"TCP"},{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"name":"u","protocol":"UDP"}]}]}"#
    );
}

#[test]
fn nulls_remove_and_written_nulls_stay() {
    assert_eq!(
        pod(
            "{a: 1, b: ~, c: {d: 1}}",
            "{a: null, c: {e: null}, f: {g: null, h: 1}}"
        ),
        r#"{"b":null,"c":{"d":1},"f":{"h":1}}"#
    );
}
