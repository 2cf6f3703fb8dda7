//! goyaml.v2's order of map keys.

use std::cmp::Ordering;

/// Compares two keys: letters after everything else, digit runs as numbers.
pub fn natural(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return compare(a.as_bytes(), b.as_bytes(), |c| char::from(*c));
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    compare(&a, &b, |c| *c)
}

fn compare<T: PartialEq>(a: &[T], b: &[T], char_of: impl Fn(&T) -> char) -> Ordering {
    let Some(i) = a.iter().zip(b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    let (x, y) = (char_of(&a[i]), char_of(&b[i]));
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let digit = |c: &T| char_of(c).is_ascii_digit();
    let (mut an, mut bn) = (0i64, 0i64);
    if x == '0' || y == '0' {
        // A run that began before the difference counts as a number with a leading digit.
        let run = a[..i].iter().rev().take_while(|c| digit(c));
        if run.into_iter().any(|c| char_of(c) != '0') {
            (an, bn) = (1, 1);
        }
    }
    let read = |keys: &[T], number: &mut i64| {
        let mut at = i;
        while let Some(c) = keys.get(at).filter(|c| digit(c)) {
            let value = i64::from(u32::from(char_of(c)) - u32::from('0'));
            *number = number.wrapping_mul(10).wrapping_add(value);
            at += 1;
        }
        at
    };
    let (ai, bi) = (read(a, &mut an), read(b, &mut bn));
    an.cmp(&bn).then(ai.cmp(&bi)).then(x.cmp(&y))
}
