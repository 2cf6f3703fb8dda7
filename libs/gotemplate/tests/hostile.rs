//! Templates that mean harm end with an error: no panic, no overflow, no end of memory.

#![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

use fjord_gotemplate::functions::helm;
use fjord_gotemplate::{Limits, Nowhere, Session, Set, Value};

fn render_within(text: &str, limits: &Limits) -> Result<String, String> {
    let mut set = Set::new("gotpl", helm());
    set.parse("t", text.as_bytes(), limits)
        .map_err(|error| error.to_string())?;
    let session = Session::new(&Nowhere, limits.clone());
    let data = Value::map([("m", Value::map([("a", Value::from(1.0))]))]);
    match session.execute(&set, "t", data) {
        Ok(out) => Ok(String::from_utf8_lossy(&out).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn render(text: &str) -> Result<String, String> {
    render_within(text, &Limits::default())
}

#[test]
fn a_value_that_holds_itself_is_an_error_wherever_it_is_walked() {
    for walk in [
        "{{ .m }}",
        "{{ printf \"%v\" .m }}",
        "{{ .m | toString }}",
        "{{ mustToJson .m }}",
        "{{ toYaml .m }}",
        "{{ toYamlPretty .m }}",
        "{{ toToml .m }}",
        "{{ deepCopy .m }}",
        "{{ deepEqual .m (dict \"self\" (deepCopy (dict \"self\" .m))) }}",
    ] {
        let error = render(&format!("{{{{ $_ := set .m \"self\" .m }}}}{walk}")).unwrap_err();
        assert!(
            error.contains("holds itself") || error.contains("cycle"),
            "{walk}: {error}"
        );
    }
}

#[test]
fn values_nested_without_end_are_built_and_dropped() {
    let text = "{{ $d := dict }}{{ range until 200000 }}{{ $d = dict \"a\" $d }}{{ end }}{{ $l := list }}{{ range until 200000 }}{{ $l = list $l }}{{ end }}ok";
    assert_eq!(render(text).unwrap(), "ok");
}

#[test]
fn nesting_in_the_text_has_limits() {
    let deep = |open: &str, close: &str, count| open.repeat(count) + "1" + &close.repeat(count);
    let parentheses = format!("{{{{ {} }}}}", deep("(", ")", 100_000));
    assert!(
        render(&parentheses)
            .unwrap_err()
            .contains("max expression depth")
    );
    let branches = deep("{{ if true }}", "{{ end }}", 100_000);
    assert!(render(&branches).unwrap_err().contains("nest deeper than"));
    let chain = "{{ if false }}".to_owned() + &"{{ else if false }}".repeat(100_000) + "{{ end }}";
    assert!(render(&chain).unwrap_err().contains("nest deeper than"));
    assert_eq!(
        render(&format!("{{{{ {} }}}}", deep("(", ")", 900))).unwrap(),
        "1"
    );
    assert_eq!(
        render(&deep("{{ if true }}", "{{ end }}", 900)).unwrap(),
        "1"
    );
}

#[test]
fn templates_that_call_themselves_end() {
    let endless = "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}";
    let error = render(endless).unwrap_err();
    assert!(
        error.contains("exceeded maximum template depth (100000)"),
        "{error}"
    );
}

#[test]
fn templates_that_include_themselves_end() {
    for endless in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ tpl \"{{ include \\\"a\\\" . }}\" . }}{{ end }}{{ include \"a\" . }}",
    ] {
        let error = render(endless).unwrap_err();
        assert!(error.contains("nested reference name: a"), "{error}");
    }
}

#[test]
fn work_output_and_sizes_have_limits() {
    let limits = Limits {
        steps: 100_000,
        output: 1 << 20,
        size: 1 << 20,
        ..Limits::default()
    };
    for (text, wanted) in [
        (
            "{{ range 1000000000 }}{{ end }}{{ range 1000000000 }}x{{ end }}",
            "ran more than 100000 nodes",
        ),
        (
            "{{ range 60000 }}a long text that is written again and again{{ end }}",
            "wrote more than",
        ),
        ("{{ repeat 1000000000 \"x\" }}", "larger than"),
        ("{{ indent 1000000000 \"x\" }}", "larger than"),
        ("{{ until 1000000000 }}", "larger than"),
        ("{{ seq 1 1 1000000000 }}", "larger than"),
        (
            "{{ replace \"\" (repeat 100000 \"y\") (repeat 100000 \"x\") }}",
            "larger than",
        ),
        (
            "{{ regexReplaceAll \"x\" (repeat 100000 \"x\") (repeat 1000 \"y\") }}",
            "larger than",
        ),
        ("{{ randBytes 1000000000 }}", "larger than"),
        (
            "{{ $l := list 1 }}{{ range 40 }}{{ $l = concat $l $l }}{{ end }}",
            "larger than",
        ),
    ] {
        let error = render_within(text, &limits).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn text_cut_in_the_middle_of_a_character_survives() {
    let mut set = Set::new("gotpl", helm());
    set.parse("t", "{{ \"é\" | trunc 1 }}".as_bytes(), &Limits::default())
        .unwrap();
    let session = Session::new(&Nowhere, Limits::default());
    assert_eq!(session.execute(&set, "t", Value::Nil).unwrap(), b"\xc3");
}

#[test]
fn damaged_templates_are_errors_and_no_panics() {
    let whole = "{{- define \"a\" -}}{{ range $k, $v := .m }}{{ $k | printf \"%-5s|%q\" }}{{ else }}{{ break }}{{ end }}{{ end }}{{ with (index .m \"a\") | int }}{{ . }}{{ end }}`{{/* c */}}'x'{{ 0x1p-2 }}{{ \"\\u00e9\" }}";
    for at in 0..whole.len() {
        for byte in [b'{', b'}', b'"', b'(', b'\\', 0xff, b'-', b'\n'] {
            let mut damaged = whole.as_bytes().to_vec();
            damaged[at] = byte;
            let mut set = Set::new("gotpl", helm());
            if set.parse("t", &damaged, &Limits::default()).is_ok() {
                let session = Session::new(&Nowhere, Limits::default());
                let data = Value::map([("m", Value::map([("a", Value::from(1.0))]))]);
                let _ = session.execute(&set, "t", data);
            }
        }
    }
}
