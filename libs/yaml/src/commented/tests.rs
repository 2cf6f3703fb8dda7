use super::{Value, parse, write};
use crate::Limits;

fn round(text: &str) -> String {
    write(&parse(text.as_bytes(), &Limits::default()).unwrap(), 4)
}

#[test]
fn comments_stay_where_they_are() {
    for text in [
        "# top\n\n# above\na: 1 # behind\n",
        "a:\n    # above the first\n    - x # behind\n    - y\n    # below the last\n",
        "a:\n    b: 1\n    # below b\n# above c\nc: 2\n",
        "a: |- # behind the mark\n    text\nb: 1\n",
        "a: 1\n---\n# of the second\nb: 2\n",
        "a: 1\n\n# below all\n",
    ] {
        assert_eq!(round(text), text);
    }
}

#[test]
fn a_comment_behind_a_key_with_a_block_belongs_to_the_key() {
    let documents = parse(b"a: # behind\n  b: 1\n", &Limits::default()).unwrap();
    let Value::Map(entries) = &documents[0].root.value else {
        panic!();
    };
    assert_eq!(entries[0].0.comments.line, "# behind");
}

#[test]
fn hostile_texts_are_errors_and_not_panics() {
    for text in [
        "&a [*a]",
        "*nope",
        "!%FF x",
        "- [",
        "\u{0}",
        "a: b: c",
        "# a\n\u{1}",
        "%YAML 1.2\n---\n",
        "\u{FEFF}a: [#\n",
    ] {
        assert!(
            parse(text.as_bytes(), &Limits::default()).is_err(),
            "{text}"
        );
    }
    assert!(parse("[".repeat(100_000).as_bytes(), &Limits::default()).is_err());
}
