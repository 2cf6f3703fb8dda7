//! The parts of a URL by the rules of Go's `net/url`.

/// A URL in parts; path, fragment and user are decoded.
#[derive(Debug, Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<User>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Where a byte stands, which decides whether it is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    User,
    Host,
    Fragment,
}

impl User {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Place::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Place::User));
        }
        out
    }
}

impl Url {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let (body, fragment) = match text.iter().position(|byte| *byte == b'#') {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, [].as_slice()),
        };
        let mut url = Self::parse_body(body)?;
        url.fragment = unescape(fragment, Place::Fragment)?;
        Ok(url)
    }

    fn parse_body(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        if let Some(at) = rest.iter().position(|byte| *byte == b'?') {
            url.query = rest[at + 1..].to_vec();
            rest = &rest[..at];
        }
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            let segment = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
            if segment.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let has_authority =
            rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///"));
        if has_authority {
            let after = &rest[2..];
            let end = after
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            (url.user, url.host) = authority_of(authority)?;
            rest = path;
        }
        url.path = unescape(rest, Place::Path)?;
        Ok(url)
    }

    pub(super) fn hostname(&self) -> Vec<u8> {
        let host = &self.host;
        if host.starts_with(b"[")
            && let Some(end) = host.iter().position(|byte| *byte == b']')
        {
            return host[1..end].to_vec();
        }
        let end = host.iter().rposition(|byte| *byte == b':');
        match end {
            Some(end) if host[end + 1..].iter().all(u8::is_ascii_digit) => host[..end].to_vec(),
            _ => host.clone(),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if let Some(user) = &self.user {
                    out.extend(user.to_bytes());
                    out.push(b'@');
                }
                out.extend(escape(&self.host, Place::Host));
            }
            let path = escape(&self.path, Place::Path);
            if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() {
                let segment = path.split(|byte| *byte == b'/').next().unwrap_or_default();
                if segment.contains(&b':') {
                    out.extend_from_slice(b"./");
                }
            }
            out.extend(path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Place::Fragment));
        }
        out
    }
}

fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => return Ok((&[], text)),
        }
    }
    Ok((&[], text))
}

fn authority_of(authority: &[u8]) -> Result<(Option<User>, Vec<u8>), String> {
    let at = authority.iter().rposition(|byte| *byte == b'@');
    let host = host_of(&authority[at.map_or(0, |at| at + 1)..])?;
    let Some(at) = at else {
        return Ok((None, host));
    };
    let userinfo = &authority[..at];
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !userinfo.iter().all(valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let colon = userinfo.iter().position(|byte| *byte == b':');
    let user = User {
        name: unescape(&userinfo[..colon.unwrap_or(at)], Place::User)?,
        password: match colon {
            Some(colon) => Some(unescape(&userinfo[colon + 1..], Place::User)?),
            None => None,
        },
    };
    Ok((Some(user), host))
}

fn host_of(host: &[u8]) -> Result<Vec<u8>, String> {
    let port = if host.starts_with(b"[") {
        let Some(end) = host.iter().rposition(|byte| *byte == b']') else {
            return Err("missing ']' in host".to_owned());
        };
        &host[end + 1..]
    } else {
        match host.iter().rposition(|byte| *byte == b':') {
            Some(at) => &host[at..],
            None => &[],
        }
    };
    let is_port = match port.split_first() {
        None => true,
        Some((colon, digits)) => *colon == b':' && digits.iter().all(u8::is_ascii_digit),
    };
    if !is_port {
        let shown = crate::quote::quote(port);
        return Err(format!("invalid port {shown} after host"));
    }
    unescape(host, Place::Host)
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, String> {
    let bad = |part: &[u8]| {
        let shown = crate::quote::quote(&part[..part.len().min(3)]);
        format!("invalid URL escape {shown}")
    };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            if place == Place::Host && *byte < 0x80 && is_escaped(*byte, place) {
                let shown = crate::quote::quote(&rest[..1]);
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(*byte);
            rest = after;
            continue;
        }
        let digits = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(code) = code else {
            return Err(bad(rest));
        };
        // Of a host only bytes that are not ASCII may be escaped, and the mark of a zone.
        if place == Place::Host && code < 0x80 && rest.get(..3) != Some(b"%25") {
            return Err(bad(rest));
        }
        out.push(code);
        rest = &after[2..];
    }
    Ok(out)
}

fn is_escaped(byte: u8, place: Place) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if place == Place::Host && b"!$&'()*+,;=:[]<>\"".contains(&byte) {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match place {
            Place::Path => byte == b'?',
            Place::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Place::Host => true,
            Place::Fragment => false,
        },
        b'!' | b'(' | b')' | b'*' => place != Place::Fragment,
        _ => true,
    }
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if is_escaped(*byte, place) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}
