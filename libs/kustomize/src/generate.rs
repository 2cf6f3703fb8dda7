//! The generators: ConfigMaps and Secrets from literals, files and env files, and IAM policies.

use crate::build::Cx;
use crate::error::{Error, Wrap, invalid};
use crate::fs;
use crate::loader::Loader;
use crate::resource::{Behavior, Resource};
use crate::tree::put;
use crate::types::{GeneratorArgs, GeneratorOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_yaml::{Map, Node, Scalar, Tag};
use std::collections::BTreeMap;

/// Go's scanner gives up on lines longer than this.
const MAX_ENV_LINE: usize = 64 * 1024;

/// Makes a ConfigMap.
pub(crate) fn config_map(
    cx: &Cx<'_>,
    loader: &Loader,
    args: &GeneratorArgs,
) -> Result<Resource, Error> {
    let pairs = pairs(cx, loader, args).wrap(|| "loading KV pairs".to_owned());
    let mut root = base("ConfigMap", args)?;
    for (key, bytes) in unique(&args.name, pairs?)? {
        match String::from_utf8(bytes) {
            Ok(text) => insert(&mut root, "data", &key, text),
            Err(error) => insert(&mut root, "binaryData", &key, base64(error.as_bytes())),
        }
    }
    Ok(finish(root, args))
}

/// Makes a Secret.
pub(crate) fn secret(
    cx: &Cx<'_>,
    loader: &Loader,
    args: &GeneratorArgs,
) -> Result<Resource, Error> {
    let mut root = base("Secret", args)?;
    let kind = if args.secret_type.is_empty() {
        "Opaque"
    } else {
        &args.secret_type
    };
    put(&mut root, "type", Scalar::string(kind));
    let pairs = pairs(cx, loader, args).wrap(|| "loading KV pairs".to_owned())?;
    root.entry("data", Node::map);
    for (key, bytes) in unique(&args.name, pairs)? {
        insert(&mut root, "data", &key, base64(&bytes));
    }
    Ok(finish(root, args))
}

fn base(kind: &str, args: &GeneratorArgs) -> Result<Map, Error> {
    if args.name.is_empty() {
        return Err(invalid("a configmap must have a name"));
    }
    let mut root = Map::default();
    root.push("apiVersion", Node::string("v1"));
    root.push("kind", Node::string(kind));
    let mut metadata = Map::default();
    put(&mut metadata, "name", Scalar::string(args.name.as_str()));
    if !args.namespace.is_empty() {
        put(
            &mut metadata,
            "namespace",
            Scalar::string(args.namespace.as_str()),
        );
    }
    root.push("metadata", Node::Map(metadata));
    Ok(root)
}

fn insert(root: &mut Map, field: &str, key: &str, value: String) {
    if let Node::Map(map) = root.entry(field, Node::map) {
        put(map, key, Scalar::string(value));
    }
}

fn finish(root: Map, args: &GeneratorArgs) -> Resource {
    let mut object = Resource::new(Node::Map(root));
    let options = args.options.clone().unwrap_or_default();
    for (field, pairs) in [
        ("labels", &options.labels),
        ("annotations", &options.annotations),
    ] {
        if !pairs.is_empty() {
            let pairs = pairs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            object.set_meta_map(field, pairs);
        }
    }
    if options.immutable
        && let Some(root) = object.node.as_map_mut()
    {
        root.push(
            "immutable",
            Node::Scalar(Scalar::with_tag("true", Tag::Bool)),
        );
    }
    // A generator's own options may carry reserved annotations.
    let mut object = Resource {
        variables: Vec::new(),
        ..Resource::new(object.node.into_node())
    };
    if !options.disable_name_suffix_hash {
        object.book_mut().needs_hash = Some("enabled".to_owned());
    }
    object.book_mut().behavior = Some(Behavior::parse(&args.behavior));
    object.touch_annotations();
    object
}

/// Merges `generatorOptions` into an entry's own; the entry's pairs win, the switches add up.
pub(crate) fn with_global_options(
    local: Option<GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> Option<GeneratorOptions> {
    let Some(global) = global else { return local };
    let mut out = local.unwrap_or_default();
    let fill = |mine: &mut BTreeMap<String, String>, theirs: &BTreeMap<String, String>| {
        for (key, value) in theirs {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    };
    fill(&mut out.labels, &global.labels);
    fill(&mut out.annotations, &global.annotations);
    out.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    out.immutable |= global.immutable;
    Some(out)
}

type Pairs = Vec<(String, Vec<u8>)>;

fn unique(name: &str, pairs: Pairs) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut out = BTreeMap::new();
    for (key, value) in pairs {
        if out.contains_key(&key) {
            return Err(invalid(format!(
                "configmap {name} illegally repeats the key `{key}`"
            )));
        }
        out.insert(key, value);
    }
    Ok(out)
}

fn pairs(cx: &Cx<'_>, loader: &Loader, args: &GeneratorArgs) -> Result<Pairs, Error> {
    let mut out = Vec::new();
    for path in &args.envs {
        let wrap = || format!("env source files: [{}]", args.envs.join(" "));
        let bytes = loader.load(cx, path).wrap(wrap)?;
        env_file(&bytes, &mut out).wrap(wrap)?;
    }
    for literal in &args.literals {
        let pair = literal.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            invalid(format!(
                "invalid literal source {literal}, expected key=value"
            ))
            .context(format!("literal sources [{}]", args.literals.join(" ")))
        })?;
        out.push((key.to_owned(), unquoted(value).as_bytes().to_vec()));
    }
    for source in &args.files {
        let wrap = || format!("file sources: [{}]", args.files.join(" "));
        let (key, path) = file_source(source).wrap(wrap)?;
        out.push((key.to_owned(), loader.load(cx, path).wrap(wrap)?));
    }
    Ok(out)
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() >= 2
            && let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

fn file_source(source: &str) -> Result<(&str, &str), Error> {
    match source.split_once('=') {
        None => Ok((fs::base(source), source)),
        Some((_, path)) if path.contains('=') => Err(invalid(format!(
            "source {source:?} key name or file path contains '='"
        ))),
        Some(("", path)) => Err(invalid(format!(
            "missing key name for file path {path:?} in source {source:?}"
        ))),
        Some((key, "")) => Err(invalid(format!(
            "missing file path for key name {key:?} in source {source:?}"
        ))),
        Some(pair) => Ok(pair),
    }
}

fn env_file(bytes: &[u8], out: &mut Pairs) -> Result<(), Error> {
    let mut lines: Vec<&[u8]> = bytes.split(|&b| b == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for (i, line) in lines.into_iter().enumerate() {
        if line.len() >= MAX_ENV_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(mut text) = std::str::from_utf8(line) else {
            return Err(invalid(format!(
                "line {line:?} has invalid utf8 bytes : {}",
                String::from_utf8_lossy(line)
            )));
        };
        if i == 0 {
            text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        }
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            out.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(())
}

/// Encodes; text longer than 70 characters is broken into lines, each ended.
fn base64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() < 70 {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / 70 + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(70));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_as_kustomize_reads_them() {
        let mut out = Vec::new();
        env_file(b"\xEF\xBB\xBFA=1\r\n  # c\n\n B = 2 \nC\nD=x=y\n", &mut out).unwrap();
        let got: Vec<(String, String)> = out
            .into_iter()
            .map(|(k, v)| (k, String::from_utf8(v).unwrap()))
            .collect();
        let want = [("A", "1"), ("B ", " 2 "), ("C", ""), ("D", "x=y")];
        assert_eq!(got, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn sources_are_split_at_their_one_equals_sign() {
        assert_eq!(file_source("dir/f.txt").unwrap(), ("f.txt", "dir/f.txt"));
        assert_eq!(file_source("k=dir/f.txt").unwrap(), ("k", "dir/f.txt"));
        for source in ["=f", "k=", "a=b=c"] {
            assert!(file_source(source).is_err());
        }
        assert_eq!(unquoted("\"a\""), "a");
        assert_eq!(unquoted("\"a'"), "\"a'");
    }

    #[test]
    fn long_base64_is_broken_into_lines() {
        assert_eq!(base64(&[0; 3]), "AAAA");
        let text = base64(&[0; 60]);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [70, 10]);
        assert!(text.ends_with('\n'));
    }
}
