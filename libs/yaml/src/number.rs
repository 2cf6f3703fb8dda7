//! Go's `strconv`, as far as YAML needs it.

/// Parses as `strconv.ParseInt(text, base, 64)`; base 0 reads the prefix, without underscores.
pub(crate) fn go_int(text: &str, base: u32) -> Option<i64> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = go_uint(body, base)?;
    if negative {
        if magnitude == 1 << 63 {
            return Some(i64::MIN);
        }
        i64::try_from(magnitude).ok().map(|n| -n)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Parses as `strconv.ParseUint(text, base, 64)`.
pub(crate) fn go_uint(text: &str, base: u32) -> Option<u64> {
    let (base, digits) = match (base, text.as_bytes()) {
        (
            0,
            [
                b'0',
                prefix @ (b'x' | b'X' | b'b' | b'B' | b'o' | b'O'),
                _,
                ..,
            ],
        ) => {
            let base = match prefix {
                b'x' | b'X' => 16,
                b'b' | b'B' => 2,
                _ => 8,
            };
            (base, &text[2..])
        }
        (0, [b'0', _, ..]) => (8, &text[1..]),
        (0, _) => (10, text),
        (base, _) => (base, text),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// Parses a decimal as `strconv.ParseFloat(text, 64)`; out of range is no number.
pub(crate) fn go_float(text: &str) -> Option<f64> {
    if text
        .bytes()
        .any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'))
    {
        return None;
    }
    text.parse().ok().filter(|f: &f64| f.is_finite())
}

/// Formats as `strconv.FormatFloat(f, 'g', -1, 64)`.
pub fn format_g(f: f64) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // Rust's exponent form carries the shortest digits that read back the same, as Go's does.
    let text = format!("{f:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Go's %g with the shortest precision turns to exponents at a million, %v only at 1e21.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    } else {
        format!("{f}")
    }
}

/// Returns the integer a float is printed as by way of JSON, if it is one.
pub fn json_integer(f: f64) -> Option<String> {
    if f.fract() != 0.0 || f.abs() >= 1e21 {
        return None;
    }
    if f == 0.0 {
        return Some("0".to_owned());
    }
    let text = format!("{f}");
    if go_int(&text, 10).is_some() || go_uint(&text, 10).is_some() {
        Some(text)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        for (f, want) in [
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1.2345e-7, "1.2345e-07"),
            (0.5, "0.5"),
            (100_000.5, "100000.5"),
            (12_345_678.9, "1.23456789e+07"),
        ] {
            assert_eq!(format_g(f), want);
        }
        assert_eq!(json_integer(1000.0).as_deref(), Some("1000"));
        assert_eq!(json_integer(1e20), None);
    }
}
