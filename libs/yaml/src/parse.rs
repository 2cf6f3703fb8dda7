//! Text to nodes, on the events of `libyaml-safer`.
//!
//! Aliases are expanded while composing, counted against the limits. Merge keys are applied by the rules
//! of whoever asks: kyaml lets explicit keys win, goyaml.v2 lets the later of both win.

use crate::caught::caught;
use crate::go_syntax::go_syntax;
use crate::resolve::{Dialect, resolve};
use crate::{Error, Limits, Map, Node, Scalar, Seq, Style, Tag};
use compact_str::CompactString;
use libyaml_safer::{
    ErrorKind, Event, EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle,
};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// What becomes of `<<`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It stays an ordinary key.
    Keep,
    /// kyaml's `DeAnchor`: explicit keys win, of several maps the earlier one.
    Kyaml,
    /// goyaml.v2: merged where it stands, so a key after it wins and one before it loses.
    V2,
}

/// Reads the first document of a text; none where there is no content.
///
/// # Errors
/// [`Error::Syntax`] with the line as the Go library would print it, or [`Error::Limit`].
pub fn parse_first(text: &[u8], merge: Merge, limits: &Limits) -> Result<Option<Node>, Error> {
    if text.len() <= limits.bytes
        && let Some(node) = crate::fast::document(text, merge, limits)
    {
        return Ok(Some(node));
    }
    scan_first(text, merge, limits)
}

/// Reads the first document of any text.
pub(crate) fn scan_first(
    text: &[u8],
    merge: Merge,
    limits: &Limits,
) -> Result<Option<Node>, Error> {
    with_composer(text, merge, limits, |composer| composer.next_document())
}

/// Reads every document of a text.
///
/// # Errors
/// As for [`parse_first`].
pub fn parse_all(text: &[u8], merge: Merge, limits: &Limits) -> Result<Vec<Node>, Error> {
    if text.len() <= limits.bytes
        && let Some(node) = crate::fast::document(text, merge, limits)
    {
        return Ok(vec![node]);
    }
    with_composer(text, merge, limits, |composer| {
        let mut documents = Vec::new();
        while let Some(document) = composer.next_document()? {
            documents.push(document);
        }
        Ok(documents)
    })
}

fn with_composer<T>(
    text: &[u8],
    merge: Merge,
    limits: &Limits,
    run: impl FnOnce(&mut Composer<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Limit(format!(
            "document is larger than {} bytes",
            limits.bytes
        )));
    }
    let (text, ending) = feed(text);
    // The scanner asserts on other hostile input, too (a tag with an invalid escape); such a document is
    // an error like any other and must not take the process with it.
    caught(|| {
        let mut input = &*text;
        let mut parser = Parser::new();
        parser.set_input_string(&mut input);
        run(&mut Composer {
            parser,
            merge,
            limits,
            ending,
            anchors: HashMap::new(),
            open: HashSet::new(),
            nodes: 0,
        })
    })
}

/// Gives a text the line feed at its end without which the scanner asserts on a block scalar; [`Ending::unfed`] takes it back
/// out of the value.
pub(crate) fn feed(text: &[u8]) -> (Cow<'_, [u8]>, Option<Ending>) {
    if text.is_empty() || text.ends_with(b"\n") {
        return (Cow::Borrowed(text), None);
    }
    let start = text
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let blank = text[start..].iter().all(|b| matches!(b, b' ' | b'\t'));
    let lines = text.iter().filter(|&&b| b == b'\n').count() as u64;
    let fed = [text, b"\n"].concat();
    (Cow::Owned(fed), Some(Ending { lines, blank }))
}

/// How a text without a final line feed ends.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    lines: u64,
    /// Its last line holds nothing but spaces.
    blank: bool,
}

impl Ending {
    /// Takes the line feed that the text does not have out of the block scalar at its end.
    pub(crate) fn unfed(self, value: &mut String, end_line: u64) {
        if end_line <= self.lines {
            return;
        }
        let Some(rest) = value.strip_suffix('\n') else {
            return;
        };
        // After a blank last line the scalar has one too many only if that line is part of it.
        let last = rest.rsplit('\n').next().unwrap_or(rest);
        if !self.blank || last.trim_matches([' ', '\t']).is_empty() {
            value.truncate(rest.len());
        }
    }
}

struct Composer<'r, 'l> {
    parser: Parser<&'r mut &'r [u8]>,
    merge: Merge,
    limits: &'l Limits,
    ending: Option<Ending>,
    anchors: HashMap<String, (Node, usize)>,
    open: HashSet<String>,
    nodes: usize,
}

impl Composer<'_, '_> {
    fn next_event(&mut self) -> Result<Event, Error> {
        let merge = self.merge;
        self.parser.parse().map_err(|error| syntax(&error, merge))
    }

    fn next_document(&mut self) -> Result<Option<Node>, Error> {
        self.anchors.clear();
        loop {
            match self.next_event()?.data {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => {
                    let event = self.next_event()?;
                    let node = self.node(event, 0)?;
                    // Parity: the end of the document is read too, so that trailing garbage is seen.
                    self.next_event()?;
                    return Ok(Some(node));
                }
                _ => {}
            }
        }
    }

    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(Error::Limit(format!(
                "document has more than {} nodes",
                self.limits.nodes
            )));
        }
        Ok(())
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Error> {
        if depth > self.limits.depth {
            return Err(Error::Limit(format!(
                "exceeded max depth of {}",
                self.limits.depth
            )));
        }
        let before = self.nodes;
        self.count()?;
        let line = u32::try_from(event.start_mark.line + 1).unwrap_or(u32::MAX);
        let (anchor, node) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor),
            EventData::Scalar {
                anchor,
                tag,
                mut value,
                style,
                ..
            } => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                    && let Some(ending) = self.ending
                {
                    ending.unfed(&mut value, event.end_mark.line);
                }
                (anchor, Node::Scalar(scalar(tag, value.into(), style, line)))
            }
            EventData::SequenceStart { anchor, style, .. } => {
                self.begin(anchor.as_deref());
                let node = self.sequence(style == SequenceStyle::Flow, depth)?;
                (anchor, node)
            }
            EventData::MappingStart { anchor, style, .. } => {
                self.begin(anchor.as_deref());
                let node = self.mapping(style == MappingStyle::Flow, depth)?;
                (anchor, node)
            }
            _ => return Err(Error::syntax("expected a value")),
        };
        if let Some(anchor) = anchor {
            self.open.remove(&anchor);
            self.anchors
                .insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn begin(&mut self, anchor: Option<&str>) {
        if let Some(anchor) = anchor {
            self.open.insert(anchor.to_owned());
        }
    }

    fn alias(&mut self, anchor: &str) -> Result<Node, Error> {
        if self.open.contains(anchor) {
            return Err(Error::syntax(format!(
                "anchor '{anchor}' value contains itself"
            )));
        }
        let Some((node, size)) = self.anchors.get(anchor) else {
            return Err(Error::syntax(format!(
                "unknown anchor '{anchor}' referenced"
            )));
        };
        self.nodes = self.nodes.saturating_add(*size);
        if self.nodes > self.limits.nodes {
            return Err(Error::Limit(
                "document contains excessive aliasing".to_owned(),
            ));
        }
        Ok(node.clone())
    }

    fn sequence(&mut self, flow: bool, depth: usize) -> Result<Node, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.next_event()?;
            if matches!(event.data, EventData::SequenceEnd) {
                items.shrink_to_fit();
                return Ok(Node::Seq(Seq { items, flow }));
            }
            items.push(self.node(event, depth + 1)?);
        }
    }

    fn mapping(&mut self, flow: bool, depth: usize) -> Result<Node, Error> {
        let mut map = Map {
            entries: Vec::new(),
            flow,
        };
        let mut merged: Option<Vec<Map>> = None;
        loop {
            let event = self.next_event()?;
            if matches!(event.data, EventData::MappingEnd) {
                break;
            }
            let key_line = event.start_mark.line + 1;
            let key = match self.node(event, depth + 1)? {
                Node::Scalar(key) => key,
                other if self.merge == Merge::V2 => {
                    let shown = go_syntax(&other)?;
                    return Err(Error::syntax(format!("invalid map key: {shown}")));
                }
                _ => {
                    return Err(Error::Syntax {
                        line: u32::try_from(key_line).unwrap_or(u32::MAX),
                        message: "invalid map key: a map or a list".to_owned(),
                    });
                }
            };
            let event = self.next_event()?;
            let by_alias = matches!(event.data, EventData::Alias { .. });
            let value = self.node(event, depth + 1)?;
            if key.tag != Tag::Merge || self.merge == Merge::Keep {
                entry(self.merge, &mut map, key, value);
                continue;
            }
            match self.merge {
                Merge::V2 => {
                    for source in merge_sources(value, by_alias)? {
                        for (key, value) in source.entries {
                            entry(self.merge, &mut map, key, value);
                        }
                    }
                }
                _ if merged.is_some() => return Err(Error::Json("duplicate merge key".to_owned())),
                _ => merged = Some(merge_sources(value, by_alias)?),
            }
        }
        // Parity: kyaml clears the key `<<` of every map, be it a merge key or only looks like one.
        if self.merge == Merge::Kyaml {
            map.remove("<<");
        }
        // Parity: explicit keys keep their place and win; merged keys follow.
        if let Some(sources) = merged {
            let explicit = map.entries.len();
            for source in sources {
                for (key, value) in source.entries {
                    match map.entries.iter().position(|(k, _)| k.value == key.value) {
                        Some(at) if at < explicit => {}
                        Some(at) => map.entries[at] = (key, value),
                        None => map.entries.push((key, value)),
                    }
                }
            }
        }
        // Most maps are small and stay as they are: what growing reserved is a good part of a big tree.
        map.entries.shrink_to_fit();
        Ok(Node::Map(map))
    }
}

/// Adds an entry to a mapping by the rules of whoever asks.
fn entry(merge: Merge, map: &mut Map, key: Scalar, value: Node) {
    let Some((key, value)) = new_entry(merge, &mut map.entries, key, value) else {
        return;
    };
    // Parity: kyaml looks a null key up by the empty text, does not find it, and adds it again.
    if merge == Merge::Kyaml && key.is_null() && !key.value.is_empty() {
        map.entries.push((key.clone(), value.clone()));
    }
    map.entries.push((key, value));
}

/// Gives an entry back that is to be added behind the others; none where it took the place of one.
pub(crate) fn new_entry(
    merge: Merge,
    others: &mut [(Scalar, Node)],
    key: Scalar,
    value: Node,
) -> Option<(Scalar, Node)> {
    if merge != Merge::V2 {
        return Some((key, value));
    }
    // goyaml.v2 decodes into a Go map: the last of two equal keys wins.
    match others.iter_mut().find(|(k, _)| same_v2_key(k, &key)) {
        Some(slot) => {
            slot.1 = value;
            None
        }
        None => Some((key, value)),
    }
}

fn same_v2_key(a: &Scalar, b: &Scalar) -> bool {
    a.value == b.value && (a.style == Style::Plain) == (b.style == Style::Plain)
}

/// Returns the maps to merge, the one that loses first.
fn merge_sources(value: Node, by_alias: bool) -> Result<Vec<Map>, Error> {
    let fail = |message: &str| Err(Error::Json(message.to_owned()));
    match value {
        Node::Map(map) => Ok(vec![map]),
        _ if by_alias => fail("invalid map merge: received alias for a non-map value"),
        Node::Seq(seq) => {
            let mut maps = Vec::new();
            for item in seq.items.into_iter().rev() {
                match item {
                    Node::Map(map) => maps.push(map),
                    Node::Seq(_) => return fail("invalid map merge: received a nested sequence"),
                    Node::Scalar(_) => {
                        return fail("map merge requires map or sequence of maps as the value");
                    }
                }
            }
            Ok(maps)
        }
        Node::Scalar(_) => fail("map merge requires map or sequence of maps as the value"),
    }
}

/// Makes a scalar of what the scanner gives, its tag resolved by yaml.v3's rules.
pub(crate) fn scalar(
    tag: Option<String>,
    mut value: CompactString,
    style: ScalarStyle,
    line: u32,
) -> Scalar {
    let style = match style {
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        _ => Style::Plain,
    };
    let explicit = tag.filter(|tag| !tag.is_empty() && tag != "!");
    let tagged = explicit.is_some();
    let tag = match explicit {
        Some(tag) => Tag::parse(&tag),
        None if style != Style::Plain => Tag::Str,
        None if value == "<<" => Tag::Merge,
        None => resolve(&value, Dialect::V3).tag(),
    };
    value.shrink_to_fit();
    Scalar {
        value,
        tag,
        style,
        tagged,
        line,
        alias: 0,
    }
}

/// Words a scanner's or parser's error as the Go library does, its line counting included.
///
/// yaml.v3 names the line where the broken construct began, goyaml.v2 since 2.4.3 the one where it broke.
fn syntax(error: &libyaml_safer::Error, merge: Merge) -> Error {
    let bump = u64::from(error.kind() == ErrorKind::Scanner);
    let (context, problem) = (error.context_mark(), error.problem_mark());
    let marks = if merge == Merge::V2 {
        [(problem, bump), (context, 0)]
    } else {
        [(context, bump), (problem, bump)]
    };
    let line = marks
        .into_iter()
        .filter_map(|(mark, bump)| Some((mark?.line, bump)))
        .find(|(line, _)| *line != 0)
        .map_or(0, |(line, bump)| line + bump);
    Error::Syntax {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        message: error.problem().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Node>, Error> {
        parse_first(text.as_bytes(), Merge::Kyaml, &Limits::default())
    }

    #[test]
    fn explicit_keys_win_over_merged_ones_and_the_earlier_map_over_the_later() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\n";
        let doc = parse(text).unwrap().unwrap();
        let c = doc.get("c").unwrap();
        assert_eq!(c.get("x").unwrap().as_str(), Some("0"));
        assert_eq!(c.get("y").unwrap().as_str(), Some("1"));
        assert_eq!(c.get("z").unwrap().as_str(), Some("2"));
    }

    #[test]
    fn a_billion_laughs_reach_the_limit() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..20 {
            let refs = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert!(matches!(parse(&text), Err(Error::Limit(_))));
    }

    #[test]
    fn hostile_texts_are_errors_and_not_panics() {
        for text in [
            "&a [*a]",
            "*nope",
            "!%FF x",
            "- [",
            "\u{0}",
            "a: b: c",
            "? [a]\n: b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn a_text_may_end_without_a_line_feed() {
        for (text, want) in [
            ("a: |\n  x", "x"),
            ("a: |\n  x\n", "x\n"),
            ("a: >-\n  x\n  y", "x y"),
            ("a: |", ""),
            ("a: |\n  x\n   ", "x\n "),
            ("a: |+\n  x\n\n", "x\n\n"),
            ("a: |+\n  x", "x"),
            ("a: |\n  x\n ", "x\n"),
            ("a: |+\n  x\n ", "x\n"),
            ("a: |2\n   x", " x"),
            ("a: |\n  x\n# c", "x\n"),
            ("a: >\n  x\n\n  y", "x\ny"),
            ("a: 'x'", "x"),
            ("a: x # c", "x"),
            ("a: \"x\\\n  y\"", "xy"),
            ("a: b #", "b"),
        ] {
            let node = parse(text).unwrap().unwrap();
            assert_eq!(node.get("a").unwrap().as_str(), Some(want), "{text:?}");
        }
    }

    #[test]
    fn an_empty_text_has_no_document() {
        assert_eq!(parse("# only this\n"), Ok(None));
        assert!(parse("---\n").unwrap().unwrap().is_null());
    }
}
