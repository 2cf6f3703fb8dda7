//! Generated INI: sections and keys given twice, quotes, several lines, comments in every place.

use super::random::Random;

const COMMENTS: &[&str] = &[
    "; one",
    "# two",
    ";three",
    "#four",
    ";; five",
    "; # six",
    ";",
    "#",
    "; grün",
    "; enc: me",
    "# plain: me",
    ";  a = b",
];

const NAMES: &[&str] = &[
    "web",
    "db",
    "web",
    "DEFAULT",
    "default",
    "a.b",
    " spaced ",
    "a]b",
    "grün",
    "with space",
    "x_secret",
    "x_unencrypted",
];

const KEYS: &[&str] = &[
    "k1",
    "k2",
    "k3",
    "k4",
    "k5_secret",
    "k6_unencrypted",
    "a key",
    "`q=k`",
    "\"q:k\"",
    "\"\"\"q\"k\"\"\"",
    "grün",
    "-",
    "a.b",
    "a`b",
    "k1",
];

const VALUES: &[&str] = &[
    "v",
    "",
    "12",
    "1.5",
    "true",
    "a b",
    "'single'",
    "\"double\"",
    "`back`",
    "`a # b`",
    "\"a ; b\"",
    "'a'b'",
    "\"",
    "'",
    "`",
    "\"\"\"three\"\"\"",
    "\"\"\"a\nb\"\"\"",
    "\"\"\"a\n\nb\n\"\"\"",
    "`a\nb`",
    "`a\nb` # c",
    "a \\\nb",
    "a\\",
    "a \\\n  b \\\nc",
    "a\\b",
    "a = b",
    "a : b",
    "grün",
    "[x]",
    "${x}",
    "%(k1)s",
    "a\tb",
    "\"\"\"\"",
    "\"\" ",
    "`` ` ``",
    "\u{a0}x",
    "\\n",
    "a\\nb",
    "\"\"\"a\nb",
    "<nil>",
];

fn comment(random: &mut Random, out: &mut String) {
    while random.one_in(5) {
        out.push_str(random.pick(&["", "", "  ", "\t"]));
        out.push_str(random.pick(COMMENTS));
        out.push('\n');
        if random.one_in(4) {
            out.push('\n');
        }
    }
}

fn keys(random: &mut Random, out: &mut String) {
    for _ in 0..random.below(5) {
        comment(random, out);
        out.push_str(random.pick(&["", "", "", "  "]));
        out.push_str(random.pick(KEYS));
        out.push_str(random.pick(&["=", " = ", ": ", " =", " : "]));
        // Values that no file may have end most walks: they are rare.
        let value = if random.one_in(3) {
            random.pick(VALUES)
        } else {
            random.pick(&VALUES[..15])
        };
        out.push_str(value);
        if random.one_in(5) {
            out.push_str(random.pick(&[" ; behind", " # behind", ";b", "#", " "]));
        }
        out.push('\n');
        if random.one_in(6) {
            out.push('\n');
        }
        if random.one_in(60) {
            out.push_str(random.pick(&[
                "no delimiter\n",
                "= no key\n",
                "[open\n",
                "[]\n",
                "`open = x\n",
            ]));
        }
    }
}

pub(crate) fn document(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = String::new();
    if random.one_in(3) {
        keys(&mut random, &mut out);
    }
    for _ in 0..=random.below(4) {
        comment(&mut random, &mut out);
        out.push('[');
        out.push_str(random.pick(NAMES));
        out.push(']');
        out.push_str(random.pick(&["", "", "", " ; behind", "# behind", " nothing"]));
        out.push('\n');
        keys(&mut random, &mut out);
    }
    match random.below(10) {
        0 => out.replace('\n', "\r\n"),
        1 => out.trim_end().to_owned(),
        2 => format!("\u{feff}{out}"),
        _ => out,
    }
}
