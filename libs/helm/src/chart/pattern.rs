//! Go's `filepath.Match`: `*`, `?`, `[a-z]`, `[^a]` and `\x`, none of which crosses a slash.

/// A pattern that is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Says whether the whole text matches the pattern.
///
/// ```
/// use fjord_helm::chart::matches;
///
/// assert_eq!(matches("templates/*.yaml", "templates/web.yaml"), Ok(true));
/// assert_eq!(matches("*", "templates/web.yaml"), Ok(false));
/// assert!(matches("[a", "a").is_err());
/// ```
///
/// # Errors
/// The pattern is malformed as far as it had to be read.
pub fn matches(pattern: &str, text: &str) -> Result<bool, BadPattern> {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    check(&pattern)?;
    Ok(run(&pattern, &text))
}

/// Matches with one point of return, the last star: linear in space, quadratic in time at most.
fn run(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        match (one(pattern, p, text.get(t).copied()), t < text.len()) {
            (Some(next), true) => {
                p = next;
                t += 1;
                continue;
            }
            _ if p == pattern.len() && t == text.len() => return true,
            _ => {}
        }
        match star {
            Some((at, from)) if text.get(from).is_some_and(|c| *c != '/') => {
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one character; gives where the pattern goes on.
fn one(pattern: &[char], at: usize, c: Option<char>) -> Option<usize> {
    let c = c?;
    match pattern.get(at)? {
        '?' => (c != '/').then_some(at + 1),
        '[' => {
            let (end, is_in) = class(pattern, at, c).ok()?;
            is_in.then_some(end)
        }
        '\\' => (*pattern.get(at + 1)? == c).then_some(at + 2),
        literal => (*literal == c).then_some(at + 1),
    }
}

/// Reads a class; gives where it ends and whether the character is in it.
fn class(pattern: &[char], at: usize, c: char) -> Result<(usize, bool), BadPattern> {
    let mut at = at + 1;
    let is_negated = pattern.get(at) == Some(&'^');
    if is_negated {
        at += 1;
    }
    let mut is_in = false;
    let mut ranges = 0;
    loop {
        if pattern.get(at) == Some(&']') && ranges > 0 {
            return Ok((at + 1, is_in != is_negated));
        }
        let low = class_character(pattern, &mut at)?;
        let high = if pattern.get(at) == Some(&'-') {
            at += 1;
            class_character(pattern, &mut at)?
        } else {
            low
        };
        is_in |= low <= c && c <= high;
        ranges += 1;
    }
}

fn class_character(pattern: &[char], at: &mut usize) -> Result<char, BadPattern> {
    let mut c = *pattern.get(*at).ok_or(BadPattern)?;
    if c == '-' || c == ']' {
        return Err(BadPattern);
    }
    if c == '\\' {
        *at += 1;
        c = *pattern.get(*at).ok_or(BadPattern)?;
    }
    *at += 1;
    // Parity: a class must go on after each of its characters.
    if *at >= pattern.len() {
        Err(BadPattern)
    } else {
        Ok(c)
    }
}

fn check(pattern: &[char]) -> Result<(), BadPattern> {
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        at = match c {
            '[' => class(pattern, at, 'a')?.0,
            '\\' if at + 1 >= pattern.len() => return Err(BadPattern),
            '\\' => at + 2,
            _ => at + 1,
        };
    }
    Ok(())
}
