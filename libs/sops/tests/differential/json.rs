//! Generated JSON objects: keys given twice, numbers of every size, escapes.

use super::random::Random;

const KEYS: &[&str] = &[
    "a",
    "b",
    "c_secret",
    "d_unencrypted",
    "a",
    "",
    "k2",
    "k3",
    "grün",
    "a b",
    "a\\nb",
    "<&>",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\\"",
    "/",
];

const SCALARS: &[&str] = &[
    "1",
    "0",
    "-1",
    "-0",
    "1.0",
    "1.5",
    "-0.0",
    "1e3",
    "1E-7",
    "1e21",
    "123456789012345678",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "1e308",
    "0.1",
    "1.10",
    "100000000000000000000000",
    "true",
    "false",
    "null",
    "\"\"",
    "\"text\"",
    "\"a\\nb\"",
    "\"\\u0000\"",
    "\"\\u2028<>&\"",
    "\"\\ud800\"",
    "\"\\/\"",
    "\"grün\"",
    "\"\\t\\b\\f\"",
    "\"\u{7f}\"",
    "\"12\"",
    "\"# c\"",
];

fn value(random: &mut Random, out: &mut String, depth: u32) {
    match random.below(if depth > 3 { 4 } else { 7 }) {
        4 => object(random, out, depth + 1),
        5 => {
            out.push('[');
            for index in 0..random.below(4) {
                if index > 0 {
                    out.push(',');
                }
                space(random, out);
                value(random, out, depth + 1);
            }
            out.push(']');
        }
        3 if random.one_in(3) => {
            let (digits, exponent) = (random.below(u64::MAX), random.below(600));
            out.push_str(&format!(
                "{}.{digits}e{}",
                random.below(10),
                exponent as i64 - 300
            ));
        }
        _ => out.push_str(random.pick(SCALARS)),
    }
}

fn space(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&["", " ", "", "\n\t", "\r\n"]));
}

fn object(random: &mut Random, out: &mut String, depth: u32) {
    out.push('{');
    for index in 0..random.below(4) {
        if index > 0 {
            out.push(',');
        }
        space(random, out);
        out.push('"');
        out.push_str(random.pick(KEYS));
        out.push_str("\":");
        space(random, out);
        value(random, out, depth);
    }
    space(random, out);
    out.push('}');
}

pub(crate) fn document(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = String::new();
    object(&mut random, &mut out, 0);
    match random.below(30) {
        0 => out + "\n",
        1 => out + " more",
        2 => out[..out.len() - 1].to_owned(),
        3 => out + "{}",
        4 => out.replacen(',', ",,", 1),
        _ => out,
    }
}
