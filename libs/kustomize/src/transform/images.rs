//! New names, tags and digests for images.

use super::{Builtin, Each, Setup, Transform};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::error::{Error, invalid};
use crate::fieldspec::{Create, Spec};
use crate::resource::Resource;
use crate::tree::{set_scalar, wrong_kind};
use crate::types::{FIELD_SPECS, FieldSpec, IMAGE, Image};
use fjord_yaml::{Node, Tag};
use regex::Regex;
use serde::Deserialize;

/// Rewrites the images of one entry.
pub(crate) struct Images {
    image: Image,
    matcher: Matcher,
    specs: Vec<Spec>,
}

impl Images {
    pub(crate) fn new(image: Image, specs: &[FieldSpec]) -> Result<Self, Error> {
        let matcher = Matcher::new(&image.name)?;
        Ok(Self {
            image,
            matcher,
            specs: Spec::all(specs),
        })
    }

    fn set(&self, node: &mut Node) -> Result<(), Error> {
        let Node::Scalar(scalar) = node else {
            return Err(wrong_kind("ScalarNode", node));
        };
        if !self.matcher.matches(&scalar.value) {
            return Ok(());
        }
        let renamed = self.rewrite(&scalar.value);
        set_scalar(node, &renamed, Tag::Unset)
    }

    fn rewrite(&self, value: &str) -> String {
        let Image {
            new_name,
            new_tag,
            digest: new_digest,
            tag_suffix,
            ..
        } = &self.image;
        let (name, mut tag, mut digest) = split(value);
        let mut out = if new_name.is_empty() {
            name.to_owned()
        } else {
            new_name.clone()
        };
        let suffixed;
        if !new_tag.is_empty() {
            tag = new_tag;
            digest = new_digest;
        } else if !new_digest.is_empty() {
            tag = "";
            digest = new_digest;
        } else if !tag_suffix.is_empty() {
            suffixed = format!("{tag}{tag_suffix}");
            tag = &suffixed;
            digest = "";
        }
        if !tag.is_empty() {
            out.push(':');
            out.push_str(tag);
        }
        if !digest.is_empty() {
            out.push('@');
            out.push_str(digest);
        }
        out
    }

    /// Finds `containers` and `initContainers` anywhere in the tree.
    fn legacy(&self, node: &mut Node) -> Result<(), Error> {
        match node {
            Node::Map(map) => {
                for (key, value) in &mut map.entries {
                    self.legacy(value)?;
                    if !matches!(key.value.as_str(), "containers" | "initContainers") {
                        continue;
                    }
                    let Node::Seq(seq) = value else { continue };
                    for item in &mut seq.items {
                        match item {
                            Node::Map(container) => {
                                container.get_mut("image").map_or(Ok(()), |i| self.set(i))?;
                            }
                            item if item.is_null() => {}
                            item => return Err(wrong_kind("MappingNode", item)),
                        }
                    }
                }
                Ok(())
            }
            Node::Seq(seq) => seq.items.iter_mut().try_for_each(|item| self.legacy(item)),
            Node::Scalar(_) => Ok(()),
        }
    }
}

impl Transform for Images {
    fn each<'a>(&'a self, _cx: &'a Cx<'a>) -> Option<Vec<Each<'a>>> {
        let anywhere = |object: &mut Resource| {
            if object.kind() == "CustomResourceDefinition" {
                return Ok(());
            }
            self.legacy(object.node.contents_mut())
        };
        let at_specs = |object: &mut Resource| {
            if object.kind() == "CustomResourceDefinition" {
                return Ok(());
            }
            let set = &mut |node: &mut Node| self.set(node);
            let mut specs = self.specs.iter();
            specs.try_for_each(|spec| spec.apply(object, Create::Never, set))
        };
        // Parity: both run, so that a tag suffix is added twice to most fields.
        Some(vec![
            Each::new(&[], anywhere),
            Each::new(&self.specs, at_specs),
        ])
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    image_tag: Image,
    field_specs: Vec<FieldSpec>,
}

pub(super) static IMAGES: Builtin = Builtin {
    kind: "ImageTagTransformer",
    fields: &Struct {
        name: "ImageTagTransformer",
        fields: &[("imageTag", Ty::Struct(&IMAGE)), FIELD_SPECS],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        Ok(Box::new(Images::new(config.image_tag, &config.field_specs)?))
    },
};

/// Splits into name, tag and digest; a colon before the first slash is a port.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').unwrap_or(0);
    let search = &image[start..];
    let at = |found: Option<usize>| found.map(|i| i + start);
    match (at(search.find('@')), at(search.find(':'))) {
        (None, None) => (image, "", ""),
        (Some(digest), colon) if colon.is_none_or(|colon| digest < colon) => {
            (&image[..digest], "", &image[digest + 1..])
        }
        (Some(digest), Some(tag)) => (&image[..tag], &image[tag + 1..digest], &image[digest + 1..]),
        (_, Some(tag)) => (&image[..tag], &image[tag + 1..], ""),
        (Some(digest), None) => (&image[..digest], "", &image[digest + 1..]),
    }
}

/// Parity: the name is a regular expression, so that a dot in it matches anything.
enum Matcher {
    /// Only dots are special.
    Dots(String),
    Regex(Regex),
}

impl Matcher {
    fn new(name: &str) -> Result<Self, Error> {
        if name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_-.:@".contains(&b))
        {
            return Ok(Self::Dots(name.to_owned()));
        }
        let tail = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";
        let regex = Regex::new(&format!("^{name}{tail}")).map_err(|_| {
            invalid(format!(
                "the image name {name:?} is not a regular expression"
            ))
        })?;
        Ok(Self::Regex(regex))
    }

    fn matches(&self, value: &str) -> bool {
        let name = match self {
            Self::Regex(regex) => return regex.is_match(value),
            Self::Dots(name) => name,
        };
        let mut rest = value.chars();
        for want in name.chars() {
            match rest.next() {
                Some(have) if have == want || want == '.' && have != '\n' => {}
                _ => return false,
            }
        }
        let word = |c: char| c.is_ascii_alphanumeric() || "_.{}-".contains(c);
        let mut rest = rest.as_str();
        if let Some(tag) = rest.strip_prefix(':') {
            rest = tag.trim_start_matches(word);
        }
        if let Some(digest) = rest.strip_prefix("@sha256:") {
            rest = digest.trim_start_matches(word);
        }
        rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(
            split("host:5000/a/b:1@sha256:x"),
            ("host:5000/a/b", "1", "sha256:x")
        );
        assert_eq!(split("nginx@sha256:x"), ("nginx", "", "sha256:x"));
        assert_eq!(split("host:5000/a"), ("host:5000/a", "", ""));
    }

    #[test]
    fn a_name_matches_whole_images_only() {
        let matcher = Matcher::new("my.io/nginx").unwrap();
        assert!(matcher.matches("my.io/nginx:1") && matcher.matches("my-io/nginx@sha256:ab"));
        assert!(!matcher.matches("nginx") && !matcher.matches("my.io/nginx2"));
        assert!(Matcher::new("a+").unwrap().matches("aaa:1"));
        assert!(Matcher::new("a(").is_err());
    }
}
