//! The four timestamp forms that both Go libraries read.

/// Parses a timestamp and prints it as Go's `time.RFC3339Nano`.
pub(crate) fn parse(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    let year: u32 = text[..4].parse().ok()?;
    let mut at = 5;
    let month = digits(bytes, &mut at)?;
    expect(bytes, &mut at, b'-')?;
    let day = digits(bytes, &mut at)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if at == bytes.len() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = match bytes[at] {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    at += 1;
    // Parity: a layout's space matches any run of spaces.
    while !zoned && bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    let hour = digits(bytes, &mut at)?;
    expect(bytes, &mut at, b':')?;
    let minute = digits(bytes, &mut at)?;
    expect(bytes, &mut at, b':')?;
    let second = digits(bytes, &mut at)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = String::new();
    if matches!(bytes.get(at), Some(b'.' | b','))
        && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    {
        at += 1;
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        let kept = text[start..at.min(start + 9)].trim_end_matches('0');
        if !kept.is_empty() {
            fraction = format!(".{kept}");
        }
    }
    let zone = if zoned {
        zone(text, &mut at)?
    } else {
        "Z".to_owned()
    };
    if at != bytes.len() {
        return None;
    }
    Some(format!(
        "{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
    ))
}

fn zone(text: &str, at: &mut usize) -> Option<String> {
    let rest = text.get(*at..)?;
    if rest.starts_with('Z') {
        *at += 1;
        return Some("Z".to_owned());
    }
    let bytes = rest.as_bytes();
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, ..] = bytes else {
        return None;
    };
    if ![h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = (
        rest[1..3].parse::<u32>().ok()?,
        rest[4..6].parse::<u32>().ok()?,
    );
    if hours > 24 || minutes > 60 {
        return None;
    }
    *at += 6;
    if hours == 0 && minutes == 0 {
        return Some("Z".to_owned());
    }
    Some(format!("{}{hours:02}:{minutes:02}", char::from(*sign)))
}

fn digits(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let first = bytes.get(*at).filter(|b| b.is_ascii_digit())?;
    let mut value = u32::from(first - b'0');
    *at += 1;
    if let Some(second) = bytes.get(*at).filter(|b| b.is_ascii_digit()) {
        value = value * 10 + u32::from(second - b'0');
        *at += 1;
    }
    Some(value)
}

fn expect(bytes: &[u8], at: &mut usize, want: u8) -> Option<()> {
    (bytes.get(*at) == Some(&want)).then(|| *at += 1)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_and_times_become_rfc_3339() {
        for (text, want) in [
            ("2001-01-01", Some("2001-01-01T00:00:00Z")),
            ("2001-2-3T4:5:6.70Z", Some("2001-02-03T04:05:06.7Z")),
            ("2001-12-14 21:59:43.10", Some("2001-12-14T21:59:43.1Z")),
            (
                "2001-12-14t21:59:43+01:30",
                Some("2001-12-14T21:59:43+01:30"),
            ),
            ("2001-02-30", None),
            ("2001-12-14 21:59:43.10 -5", None),
            ("2001-12", None),
        ] {
            assert_eq!(parse(text).as_deref(), want, "{text}");
        }
    }
}
