//! YAML: several documents, written as yaml.v3 does with an indent of four. Comments do not survive yet.

use super::DEPTH;
use super::json::to_value;
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};
use fjord_yaml::{
    Limits, Map, Merge, Node as Yaml, Scalar, Seq, Tag, Typed, parse_all, to_v3_indented, v3_string,
};

const METADATA: &str = "sops";

pub(super) fn read(text: &[u8]) -> Result<(Vec<Branch>, Metadata), Error> {
    let parsed = parse_all(text, Merge::Keep, &Limits::default())
        .map_err(|_| Error::syntax("yaml", "it is no YAML, or exceeds a limit"))?;
    let mut documents = Vec::new();
    let mut metadata = None;
    for document in &parsed {
        let Node::Map(mut branch) = node(document, 0)? else {
            return Err(Error::syntax("yaml", "the top of a document is no map"));
        };
        let at = branch
            .iter()
            .position(|(key, _)| *key == Key::Text(METADATA.to_owned()));
        if let Some(at) = at {
            let (_, found) = branch.remove(at);
            if metadata.is_none() {
                metadata = Some(Metadata::read(&to_value(&found))?);
            }
        }
        documents.push(branch);
    }
    Ok((documents, metadata.ok_or(Error::NotEncrypted)?))
}

fn node(yaml: &Yaml, depth: usize) -> Result<Node, Error> {
    if depth > DEPTH {
        return Err(Error::Limit {
            what: "the depth of a document",
            limit: DEPTH,
        });
    }
    Ok(match yaml {
        Yaml::Scalar(scalar) => leaf(scalar)?,
        Yaml::Seq(seq) => Node::List(
            seq.items
                .iter()
                .map(|item| node(item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        Yaml::Map(map) => {
            let mut branch = Branch::new();
            for (key, value) in &map.entries {
                branch.push((Key::Text(key.value.clone()), node(value, depth + 1)?));
            }
            Node::Map(branch)
        }
    })
}

fn leaf(scalar: &Scalar) -> Result<Node, Error> {
    let is_time = scalar.tag == Tag::Timestamp;
    let typed = scalar
        .typed()
        .map_err(|_| Error::syntax("yaml", "a value does not fit its tag"))?;
    Ok(match typed {
        Typed::Null => Node::Null,
        Typed::Bool(flag) => Node::Bool(flag),
        Typed::Int(int) => Node::Int(int),
        Typed::Uint(int) => Node::Float(int as f64),
        Typed::Float(float) => Node::Float(float),
        Typed::Str(text) if is_time => Node::Time(text.into_owned()),
        Typed::Str(text) => Node::Text(text.into_owned()),
    })
}

pub(super) fn write(documents: &[Branch]) -> Result<Vec<u8>, Error> {
    const INDENT: u8 = 4;
    let mut out = String::new();
    for (index, branch) in documents.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        let text = to_v3_indented(&map(branch), INDENT)
            .map_err(|_| Error::syntax("yaml", "a value cannot be written as YAML"))?;
        out.push_str(&text);
    }
    Ok(out.into_bytes())
}

fn map(branch: &[(Key, Node)]) -> Yaml {
    let mut map = Map::default();
    for (key, node) in branch {
        if let Key::Text(key) = key {
            map.entries.push((v3_string(key), to_yaml(node)));
        }
    }
    Yaml::Map(map)
}

fn to_yaml(node: &Node) -> Yaml {
    let plain = |text: String, tag| Yaml::Scalar(Scalar::with_tag(text, tag));
    match node {
        Node::Null | Node::Comment(_) => plain("null".to_owned(), Tag::Null),
        Node::Bool(flag) => plain(flag.to_string(), Tag::Bool),
        Node::Int(int) => plain(int.to_string(), Tag::Int),
        Node::Float(float) => {
            let text = fjord_yaml::format_g(*float);
            let tag = if text.contains(['.', 'e']) {
                Tag::Float
            } else {
                Tag::Int
            };
            plain(text, tag)
        }
        Node::Time(text) => plain(text.clone(), Tag::Timestamp),
        Node::Text(text) => Yaml::Scalar(v3_string(text)),
        Node::Bytes(bytes) => Yaml::Scalar(v3_string(&String::from_utf8_lossy(bytes))),
        Node::List(items) => Yaml::Seq(Seq {
            items: items
                .iter()
                .filter(|item| !matches!(item, Node::Comment(_)))
                .map(to_yaml)
                .collect(),
            flow: false,
        }),
        Node::Map(branch) => map(branch),
    }
}
