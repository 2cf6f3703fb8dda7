use serde_json::json;

use super::*;

fn compile(text: &str) -> Result<Filter, String> {
    Filter::compile(text, &["res", "req"]).map_err(|error| error.to_string())
}

fn input() -> BTreeMap<&'static str, Value> {
    let req = json!({"repo": "b", "n": 3, "f": 1.5, "on": true, "tags": ["v1", "v2"], "nums": [1, 2],
        "nested": {"deep": {"x": "y"}}, "nothing": null, "rows": [{"k": "a"}, {"k": "b"}]});
    let res = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "b", "namespace": "apps", "labels": {"team": "a"}, "annotations": {"x/y": "z"}}});
    BTreeMap::from([("req", req), ("res", res)])
}

fn evaluate(filter: &Filter, input: &BTreeMap<&str, Value>) -> Result<bool, String> {
    let input = input.iter().map(|(name, value)| (*name, value)).collect();
    filter.evaluate(&input).map_err(|error| error.to_string())
}

fn run(text: &str) -> Result<bool, String> {
    evaluate(&compile(text)?, &input())
}

#[test]
fn expressions_over_request_and_resource_have_values() {
    for (text, want) in [
        ("req.repo == res.metadata.name", true),
        ("req.repo != 'b'", false),
        (
            "'team' in res.metadata.labels && res.metadata.labels['team'] == 'a'",
            true,
        ),
        ("has(req.repo) && !has(req.missing)", true),
        ("has(req.nested.deep.x)", true),
        ("req.n == 3 && req.n > 2 && req.n <= 3.0 && req.f < 2", true),
        (
            "3 == req.n && [1, 2] == req.nums && 1 in req.nums && !(7 in req.nums)",
            true,
        ),
        (
            "req.tags.exists(t, t == 'v2') && req.tags.all(t, t.startsWith('v'))",
            true,
        ),
        (
            "req.tags.filter(t, t != 'v1').size() == 1 && req.tags.map(t, t + '!')[0] == 'v1!'",
            true,
        ),
        ("req.tags.exists_one(t, t == 'v1')", true),
        ("req.rows.map(r, r.k).join(',') == 'a,b'", true),
        (
            "req.tags.first().value() == 'v1' && req.tags.last().orValue('') == 'v2'",
            true,
        ),
        (
            "req.repo.upperAscii() == 'B' && 'a-b'.split('-')[1] == 'b' && ' x '.trim() == 'x'",
            true,
        ),
        (
            "req.repo.matches('^[a-z]$') && size(req.tags) == 2 && 'abc'.contains('b')",
            true,
        ),
        (
            "sets.contains(req.tags, ['v1']) && base64.encode(b'hi') == 'aGk='",
            true,
        ),
        ("req.on ? req.repo == 'b' : false", true),
        ("req.nothing == null", true),
        ("req.missing == 'x' || true", true),
        (
            "int(req.n) + 1 == 4 && string(req.n) == '3' && double('1.5') == req.f",
            true,
        ),
        (
            "timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-02T00:00:00Z')",
            true,
        ),
        ("duration('1h') > duration('1m')", true),
        ("dyn(req.on) == true && bool('true')", true),
        ("'v3' in req.tags", false),
    ] {
        assert_eq!(run(text), Ok(want), "{text}");
    }
}

#[test]
fn an_expression_must_be_a_bool_for_certain() {
    for (text, kind) in [
        ("'x'", "string"),
        ("req.on", "dyn"),
        ("1 + 1", "int"),
        ("req", "map(string, dyn)"),
        ("req.tags.map(t, t)", "list(dyn)"),
        ("['a']", "list(string)"),
        ("{'a': 1}", "map(string, int)"),
        ("req.a + req.b", "dyn"),
        ("req.on ? req.a : req.b", "dyn"),
        ("optional.of('x')", "optional_type(string)"),
    ] {
        assert_eq!(
            compile(text).unwrap_err(),
            format!("CEL expression output type mismatch: expected bool, got {kind}"),
            "{text}"
        );
    }
}

#[test]
fn undeclared_names_and_misfits_are_found_when_it_is_compiled() {
    for (text, issue) in [
        (
            "claims.sub == 'x'",
            "1:1: undeclared reference to 'claims' (in container '')\n | claims.sub == 'x'\n | ^",
        ),
        (
            "req.a == 'x' && claims.sub == 'x'",
            "1:17: undeclared reference to 'claims' (in container '')\n | req.a == 'x' && claims.sub == 'x'\n | ................^",
        ),
        (
            "req.a.nope()",
            "1:7: undeclared reference to 'nope' (in container '')\n | req.a.nope()\n | ......^",
        ),
        (
            "isURL(req.a)",
            "1:1: undeclared reference to 'isURL' (in container '')\n | isURL(req.a)\n | ^",
        ),
        (
            "1 == 'x'",
            "1:1: found no matching overload for '_==_' applied to '(int, string)'\n | 1 == 'x'\n | ^",
        ),
        (
            "'x' && true",
            "1:1: found no matching overload for '_&&_' applied to '(string, bool)'\n | 'x' && true\n | ^",
        ),
        (
            "1 == 1.0",
            "1:1: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ^",
        ),
        (
            "'x'.all(c, true)",
            "1:1: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)\n | 'x'.all(c, true)\n | ^",
        ),
        (
            "'x'.y == 1",
            "1:5: type 'string' does not support field selection\n | 'x'.y == 1\n | ....^",
        ),
        (
            "[1, 'a'] == req.a",
            "1:1: expected type 'int' but found 'string'\n | [1, 'a'] == req.a\n | ^",
        ),
    ] {
        let want = format!("failed to parse the CEL expression '{text}': ERROR: <input>:{issue}");
        assert_eq!(compile(text).unwrap_err(), want);
    }
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    for text in [
        "req.repo ==",
        "(",
        "",
        "a b",
        "req.repo == 'x",
        "req.?a.hasValue()",
    ] {
        let error = compile(text).unwrap_err();
        let want = format!("failed to parse the CEL expression '{text}': ERROR: <input>:1:");
        assert!(error.starts_with(&want), "{error}");
    }
    assert!(compile(&"a".repeat(MAX_LENGTH + 1)).is_err());
}

#[test]
fn what_has_no_value_is_an_error_that_names_no_value() {
    for (text, cause) in [
        ("req.missing == 'x'", "no such key: missing"),
        ("req.repo + 1 == 'x' || req.repo > 1", "no such overload"),
        ("1 / 0 == 1", "division by zero"),
        ("req.tags[7] == 'x'", "index out of bounds"),
    ] {
        let compiled = compile(text);
        if let Ok(filter) = compiled {
            let error = evaluate(&filter, &input()).unwrap_err();
            assert_eq!(
                error,
                format!("failed to evaluate the CEL expression '{text}': {cause}")
            );
        } else {
            assert_eq!(text, "req.repo + 1 == 'x' || req.repo > 1", "{compiled:?}");
        }
    }
}

#[test]
fn a_huge_evaluation_is_cut_off() {
    let filter =
        compile("req.l.all(a, req.l.all(b, req.l.all(c, a != 'x' && b != 'x' && c != 'x')))")
            .unwrap();
    let list: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    let input = BTreeMap::from([("req", json!({"l": list})), ("res", json!({}))]);
    let began = std::time::Instant::now();
    let error = evaluate(&filter, &input).unwrap_err();
    assert!(error.ends_with("the evaluation takes too long"), "{error}");
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn deep_nesting_is_refused_and_long_chains_are_not_a_crash() {
    let nested = [
        format!("{}true{}", "(".repeat(3000), ")".repeat(3000)),
        format!("{}true", "!".repeat(3000)),
        format!("{}true{}", "true ? ".repeat(500), " : true".repeat(500)),
        format!("req{} == 1", ".a".repeat(3000)),
        format!("{}1 == 1", "1+".repeat(3000)),
    ];
    for text in nested {
        assert!(
            compile(&text)
                .unwrap_err()
                .contains("recursion limit exceeded: 250")
        );
    }
    let chain = format!("req.repo == 'b'{}", " && req.repo == 'b'".repeat(100));
    assert_eq!(run(&chain), Ok(true));
    let nested = format!("{}true{}", "(".repeat(90), ")".repeat(90));
    assert_eq!(run(&nested), Ok(true));
}
