//! Any bytes as a template: it parses or not, the same way wherever it stands in its file.
//!
//! Blank lines before it move the line of an error and nothing else, a comment between two pieces of text changes
//! nothing, and text without delimiters is printed as it is.

use fjord_gotemplate::{Limits, Nowhere, Session, Set, Value, functions};

pub(crate) fn check(data: &[u8]) {
    let parse = |text: &[u8]| {
        let mut set = Set::new("fuzz", functions::helm());
        let done = set.parse("t", text, &Limits::default());
        (set, done)
    };
    let (set, done) = parse(data);
    let lines = data.iter().filter(|byte| **byte == b'\n').count();
    if let Err(error) = &done {
        // What is not closed may be reported on the line after the last one.
        assert!((1..=lines + 2).contains(&error.line), "{error}");
    }

    let moved = [b"\n\n\n", data].concat();
    match (&done, parse(&moved).1) {
        (Ok(()), Ok(())) => {}
        (Err(here), Err(there)) => {
            assert_eq!(here.line + 3, there.line, "{here}");
            // The line on which an action began stands in some messages too.
            assert_eq!(
                here.message.contains("started at"),
                there.message.contains("started at"),
                "{here} {there}"
            );
        }
        (here, there) => panic!("blank lines change what parses: {here:?} {there:?}"),
    }

    if !data.windows(2).any(|pair| pair == b"{{") {
        let session = Session::new(&Nowhere, Limits::default());
        assert_eq!(
            session.execute(&set, "t", Value::Nil).ok().as_deref(),
            Some(data)
        );
        let commented = [data, b"{{/* {{ */}}"].concat();
        // A brace before the comment would open it earlier.
        if data.last() != Some(&b'{') {
            let (set, _) = parse(&commented);
            assert_eq!(
                session.execute(&set, "t", Value::Nil).ok().as_deref(),
                Some(data)
            );
        }
    }
}
