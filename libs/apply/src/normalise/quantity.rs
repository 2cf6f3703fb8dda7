//! Canonical resource quantities: `0.5` is `500m`, `1024Mi` is `1Gi`.
//!
//! The grammar and the canonical form are apimachinery's (`api/resource/quantity.go`): what was
//! written with a binary suffix stays binary while that is exact, everything else is decimal with
//! an exponent that is a multiple of three.

const NANO: i32 = -9;

#[derive(Clone, Copy, PartialEq)]
enum Format {
    DecimalSi,
    DecimalExponent,
    Binary,
}

/// Returns the canonical text of a quantity, or nothing when it is none.
pub(super) fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (format, binary, decimal) = parse_suffix(suffix)?;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    // Thirty digits hold every capped or rounded value; longer ones are cut where Go rounds.
    let mut scale = decimal.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let mut mantissa: i128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    mantissa = mantissa.checked_mul(1_i128.checked_shl(binary)?)?;
    if mantissa == 0 {
        return Some("0".to_owned());
    }
    // Non-zero values are rounded up to a nano, away from zero.
    if scale < NANO - 40 {
        (mantissa, scale) = (1, NANO); // Beyond any mantissa's reach; an exponent may be huge.
    }
    while scale < NANO {
        mantissa = mantissa / 10 + i128::from(mantissa % 10 != 0);
        scale += 1;
    }
    (mantissa, scale) = capped(mantissa, scale);
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{}", print(mantissa, scale, format)))
}

/// Returns the format, the power of two and the power of ten of a suffix.
fn parse_suffix(suffix: &str) -> Option<(Format, u32, i32)> {
    Some(match suffix {
        "" => (Format::DecimalSi, 0, 0),
        "n" => (Format::DecimalSi, 0, -9),
        "u" => (Format::DecimalSi, 0, -6),
        "m" => (Format::DecimalSi, 0, -3),
        "k" => (Format::DecimalSi, 0, 3),
        "M" => (Format::DecimalSi, 0, 6),
        "G" => (Format::DecimalSi, 0, 9),
        "T" => (Format::DecimalSi, 0, 12),
        "P" => (Format::DecimalSi, 0, 15),
        "E" => (Format::DecimalSi, 0, 18),
        "Ki" => (Format::Binary, 10, 0),
        "Mi" => (Format::Binary, 20, 0),
        "Gi" => (Format::Binary, 30, 0),
        "Ti" => (Format::Binary, 40, 0),
        "Pi" => (Format::Binary, 50, 0),
        "Ei" => (Format::Binary, 60, 0),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let exponent: i32 = exponent.parse().ok()?;
            (Format::DecimalExponent, 0, exponent)
        }
    })
}

/// Caps a value at the largest 64-bit integer.
fn capped(mantissa: i128, scale: i32) -> (i128, i32) {
    let limit = i128::from(i64::MAX);
    let ten = |power: i32| 10_i128.checked_pow(power.unsigned_abs());
    let over = match ten(scale) {
        None => scale > 0,
        Some(power) if scale >= 0 => mantissa.checked_mul(power).is_none_or(|v| v > limit),
        Some(power) => mantissa / power > limit,
    };
    if over { (limit, 0) } else { (mantissa, scale) }
}

fn print(mut mantissa: i128, mut scale: i32, format: Format) -> String {
    if format == Format::Binary
        && let Some(whole) = whole(mantissa, scale)
        && whole >= 1024
    {
        return print_binary(whole);
    }
    while mantissa % 10 == 0 {
        mantissa /= 10;
        scale += 1;
    }
    while scale.rem_euclid(3) != 0 {
        mantissa *= 10;
        scale -= 1;
    }
    if format == Format::DecimalExponent {
        return if scale == 0 {
            mantissa.to_string()
        } else {
            format!("{mantissa}e{scale}")
        };
    }
    let suffix = match scale {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        _ => "",
    };
    format!("{mantissa}{suffix}")
}

/// Returns the value as a whole number where it is one.
fn whole(mantissa: i128, scale: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(scale.unsigned_abs())?;
    if scale >= 0 {
        mantissa.checked_mul(power)
    } else {
        (mantissa % power == 0).then_some(mantissa / power)
    }
}

fn print_binary(mut whole: i128) -> String {
    let mut suffixes = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter();
    let mut suffix = "";
    while whole % 1024 == 0 {
        let Some(next) = suffixes.next() else { break };
        suffix = next;
        whole /= 1024;
    }
    format!("{whole}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_become_canonical() {
        for (text, expected) in [
            ("0", "0"),
            ("0.0Gi", "0"),
            ("1", "1"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1500", "1500"),
            ("12000", "12k"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100Mi", "100Mi"),
            ("1023", "1023"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("5e-1", "500e-3"),
            ("10E2", "1e3"),
            ("-1.5", "-1500m"),
            ("+2", "2"),
            ("1.1Ki", "1126400m"),
            ("0.0000000001", "1n"),
            ("1000E", "9223372036854775807"),
            ("64Ei", "9223372036854775807"),
            ("1e2000000000", "9223372036854775807"),
            ("1e-2000000000", "1e-9"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "-", "abc", "1.2.3", "1ki", "1 Gi", "1e", "1Kii"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
