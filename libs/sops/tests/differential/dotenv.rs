//! Generated dotenv files.

use super::random::Random;

const KEYS: &[&str] = &[
    "A",
    "B",
    "C_secret",
    "D_unencrypted",
    "A",
    " E",
    "F ",
    "export G",
    "",
    "grün",
    "a.b",
    "SOPS_X",
    "1",
];

const VALUES: &[&str] = &[
    "v",
    "",
    "12",
    "1.5",
    "true",
    " padded ",
    "'single'",
    "\"double\"",
    "a=b",
    "a # b",
    "a\\nb",
    "a\\\\nb",
    "\\",
    "grün",
    "a\tb",
    "ENC",
    "[x]",
    "{}",
    "null",
];

const COMMENTS: &[&str] = &[
    "# one",
    "#two",
    "#",
    "## three",
    "# enc: me",
    "# plain: me",
    "#A=b",
    "# grün",
    "#a\\nb",
];

pub(crate) fn document(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = String::new();
    for _ in 0..=random.below(8) {
        match random.below(8) {
            0 | 1 => out.push_str(random.pick(COMMENTS)),
            2 => {}
            3 if random.one_in(12) => {
                out.push_str(random.pick(&["no delimiter", "  # indented", " "]));
            }
            _ => {
                out.push_str(random.pick(KEYS));
                out.push('=');
                out.push_str(random.pick(VALUES));
            }
        }
        out.push('\n');
    }
    match random.below(8) {
        0 => out.replace('\n', "\r\n"),
        1 => out.trim_end().to_owned(),
        _ => out,
    }
}
