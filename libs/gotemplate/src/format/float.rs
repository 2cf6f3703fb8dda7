//! `strconv.FormatFloat` for 64 bits.

/// Formats a float with a verb of `e E f g G x X b`; no precision means the fewest digits that read back the same.
/// Not-a-number is `NaN`, infinities `+Inf` and `-Inf`.
pub fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'e' | 'E' => exponential(value, verb, precision),
        'f' => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        'x' | 'X' => hexadecimal(value, verb, precision),
        'b' => binary(value),
        _ => general(value, if verb == 'G' { 'E' } else { 'e' }, precision),
    }
}

/// Splits into digits without a point and the power of ten of the first.
fn digits(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        Some(precision) => format!("{:.precision$e}", value.abs()),
        None => format!("{:e}", value.abs()),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn sign(value: f64) -> &'static str {
    if value.is_sign_negative() { "-" } else { "" }
}

fn exponential(value: f64, verb: char, precision: Option<usize>) -> String {
    let (digits, exponent) = digits(value, precision);
    written(value, &digits, exponent, verb)
}

fn written(value: f64, digits: &str, exponent: i32, verb: char) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let mark = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}{first}{point}{rest}{verb}{mark}{:02}",
        sign(value),
        exponent.unsigned_abs()
    )
}

fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let (all, exponent) = digits(value, precision.map(|precision| precision - 1));
    let trimmed = all.trim_end_matches('0');
    let significant = if trimmed.is_empty() { "0" } else { trimmed };
    let count = i32::try_from(significant.len()).unwrap_or(i32::MAX);
    let threshold = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision).unwrap_or(i32::MAX);
            if precision > count && count > exponent {
                count
            } else {
                precision
            }
        }
    };
    if exponent < -4 || exponent >= threshold {
        return written(value, significant, exponent, verb);
    }
    let places = usize::try_from((count - exponent - 1).max(0)).unwrap_or(0);
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{}0.{zeros}{significant}", sign(value));
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(1);
    if places == 0 {
        let zeros = "0".repeat(whole.saturating_sub(significant.len()));
        return format!("{}{significant}{zeros}", sign(value));
    }
    let (integer, fraction) = significant.split_at(whole);
    format!("{}{integer}.{fraction}", sign(value))
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    let mark = if exponent < 0 { "" } else { "+" };
    format!("{}{mantissa}p{mark}{exponent}", sign(value))
}

/// Returns the mantissa as an integer and the power of two of its last bit.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = i32::try_from(bits >> 52 & 0x7FF).unwrap_or(0);
    if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    }
}

fn hexadecimal(value: f64, verb: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // Shift the leading one to bit 60, so that the digits after the point are the 15 below.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i32::try_from(shift).unwrap_or(0);
        if let Some(precision) = precision.filter(|precision| *precision < 15) {
            let drop = 4 * (15 - precision);
            let half = 1u64 << (drop - 1);
            let rest = mantissa & ((1 << drop) - 1);
            mantissa >>= drop;
            if rest > half || rest == half && mantissa & 1 == 1 {
                mantissa += 1;
            }
            mantissa <<= drop;
            if mantissa >> 61 != 0 {
                mantissa >>= 1;
                exponent += 1;
            }
        }
    }
    let lead = mantissa >> 60;
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) if precision <= 15 => fraction[..precision].to_owned(),
        Some(precision) => format!("{fraction:0<precision$}"),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let mark = if exponent < 0 { '-' } else { '+' };
    let text = format!(
        "{}0x{lead}{point}{fraction}p{mark}{:02}",
        sign(value),
        exponent.unsigned_abs()
    );
    if verb == 'X' {
        text.to_uppercase()
    } else {
        text
    }
}
