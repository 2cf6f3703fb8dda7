//! `urlParse` and `urlJoin`, as Go's `net/url`.

mod split;

use super::arguments::{DICT, NIL_POINTER, STRING, dict, text};
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::{Map, Value};
use split::Url;

pub(super) const TABLE: &[Function] = &[
    function("urlJoin", &[DICT], url_join),
    function("urlParse", &[STRING], url_parse),
];

type Result_ = Result<Value, Failure>;

fn url_parse(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let url = Url::parse(source.as_bytes()).map_err(|error| {
        let quoted = crate::quote::quote(source.as_bytes());
        Failure::new(format!("unable to parse url: parse {quoted}: {error}"))
    })?;
    let hostname = url.hostname();
    Ok(Value::map([
        ("scheme", Value::string(url.scheme.clone())),
        ("host", Value::string(url.host.clone())),
        ("hostname", Value::string(hostname)),
        ("path", Value::string(url.path.clone())),
        ("query", Value::string(url.query.clone())),
        ("opaque", Value::string(url.opaque.clone())),
        ("fragment", Value::string(url.fragment.clone())),
        (
            "userinfo",
            Value::string(
                url.user
                    .as_ref()
                    .map(split::User::to_bytes)
                    .unwrap_or_default(),
            ),
        ),
    ]))
}

/// Says whether a text is a URL with a scheme.
///
/// # Errors
/// It is no URL, in the words of Go's `net/url`.
pub fn has_scheme(source: &[u8]) -> std::result::Result<bool, String> {
    let url = Url::parse(source)
        .map_err(|error| format!("parse {}: {error}", crate::quote::quote(source)))?;
    let hostname = url.hostname();
    let inner = String::from_utf8_lossy(&hostname);
    if inner.contains(':') {
        // Go itself does not look into addresses.
        if !url.host.contains(&b'[') || !url.host.contains(&b']') {
            return Err("ipv6 address not enclosed in brackets".to_owned());
        }
        if inner.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(format!(
                "invalid ipv6 address: ParseAddr({inner:?}): unable to parse IP"
            ));
        }
    }
    Ok(!url.scheme.is_empty())
}

fn entry(map: &Map, key: &str) -> Result<Vec<u8>, Failure> {
    match map.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(NIL_POINTER.into()),
        Some(other) => Err(Failure::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind().name()
        ))),
    }
}

fn url_join(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let map = dict(arguments, 0);
    let mut url = Url {
        scheme: entry(&map, "scheme")?,
        host: entry(&map, "host")?,
        path: entry(&map, "path")?,
        query: entry(&map, "query")?,
        opaque: entry(&map, "opaque")?,
        fragment: entry(&map, "fragment")?,
        user: None,
    };
    let userinfo = entry(&map, "userinfo")?;
    if !userinfo.is_empty() {
        let probe = [b"proto://".as_slice(), &userinfo, b"@host"].concat();
        let parsed = Url::parse(&probe).map_err(|error| {
            let quoted = crate::quote::quote(&probe);
            Failure::new(format!(
                "unable to parse userinfo in dict: parse {quoted}: {error}"
            ))
        })?;
        url.user = parsed.user;
    }
    Ok(Value::String(Text::from(url.to_bytes())))
}
