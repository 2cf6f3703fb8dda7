//! One object and what the build remembers of it.
//!
//! kustomize keeps its bookkeeping in annotations of the object; here it stands beside the tree. Where the
//! difference could be seen (patches that touch annotations, a user's own reserved keys) the
//! bookkeeping is written out before and read back after, see [`Resource::with_annotations`].

use crate::error::Error;
use crate::id::{self, Gvk, ResId};
use crate::identified::Identified;
use crate::schema::Schema;
use crate::scope;
use crate::tree::{self, map_at, put};
use fjord_yaml::{CompactString, Map, Node, Scalar, Tag};
use std::fmt;
use std::sync::Arc;

const DOMAIN: &str = "internal.config.kubernetes.io/";
const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
const ALLOW_NAME: &str = "internal.config.kubernetes.io/allowNameChange";
const ALLOW_KIND: &str = "internal.config.kubernetes.io/allowKindChange";
const REF_BY: &str = "internal.config.kubernetes.io/refBy";

/// Annotations that are kept beside the tree.
const BOOKKEEPING: [&str; 10] = [
    PREVIOUS_KINDS,
    PREVIOUS_NAMES,
    PREVIOUS_NAMESPACES,
    PREFIXES,
    SUFFIXES,
    BEHAVIOR,
    NEEDS_HASH,
    ALLOW_NAME,
    ALLOW_KIND,
    REF_BY,
];

/// Annotations that never reach the output, besides the bookkeeping.
const STRIPPED: [&str; 9] = [
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/helm-generated",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// Where an object came from, if asked for.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// Which transformers ran over an object, if asked for.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
/// Marks objects that take part in a build and are not printed.
pub(crate) const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
/// Marks objects a Helm chart made.
pub(crate) const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

/// What a generated object does to one that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            "create" => Self::Create,
            _ => Self::Unspecified,
        }
    }
}

impl fmt::Display for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Create => "create",
            Self::Unspecified => "unspecified",
        })
    }
}

/// An identity the object had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) kind: CompactString,
    pub(crate) name: CompactString,
    pub(crate) namespace: CompactString,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bookkeeping {
    pub(crate) previous: Vec<Previous>,
    pub(crate) prefixes: Vec<CompactString>,
    pub(crate) suffixes: Vec<CompactString>,
    pub(crate) behavior: Option<Behavior>,
    pub(crate) needs_hash: Option<String>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// One object of the output.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The tree; null once a patch deleted the object.
    pub(crate) node: Identified,
    /// Shared with whoever remembers it, as references do of every object.
    pub(crate) book: Arc<Bookkeeping>,
    /// Names of the variables bound to this object.
    pub(crate) variables: Vec<String>,
    /// The last number given to aliased scalars of the tree.
    pub(crate) aliases: u16,
}

impl Resource {
    /// Wraps a tree and takes reserved annotations out of it.
    pub(crate) fn new(node: Node) -> Self {
        let mut resource = Self {
            node: node.into(),
            book: Arc::default(),
            variables: Vec::new(),
            aliases: 0,
        };
        resource.absorb();
        resource
    }

    /// Converts the object to JSON.
    ///
    /// # Errors
    /// A value that JSON cannot carry: `.inf`, a repeated key, a tag its text denies.
    pub fn to_value(&self) -> Result<serde_json::Value, Error> {
        Ok(self.node.to_json()?)
    }

    /// Renders the object exactly as kustomize prints it.
    ///
    /// # Errors
    /// As for [`Resource::to_value`].
    pub fn to_yaml(&self) -> Result<String, Error> {
        Ok(fjord_yaml::to_v2(&self.node)?)
    }

    /// Returns the apiVersion, empty if there is none.
    pub fn api_version(&self) -> &str {
        self.node.api_version()
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.node.kind()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.node.name()
    }

    /// Returns the namespace as written, empty if there is none.
    pub fn namespace(&self) -> &str {
        self.node.namespace()
    }

    /// Says whether the kind is one of Kubernetes that certainly has no namespace.
    pub fn is_cluster_scoped(&self) -> bool {
        scope::is_cluster_scoped(self.api_version(), self.kind()) == Some(true)
    }

    /// Returns the entries of a map of metadata, its values as text.
    pub(crate) fn meta_map(&self, field: &str) -> Vec<(&str, &str)> {
        let map = self
            .node
            .metadata()
            .and_then(|meta| meta.get(field))
            .and_then(Node::as_map);
        let entries = map.into_iter().flat_map(|map| &map.entries);
        entries
            .map(|(k, v)| (k.value.as_str(), v.as_str().unwrap_or_default()))
            .collect()
    }

    /// Returns an annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        let annotations = self.node.metadata()?.get("annotations")?.as_map()?;
        annotations
            .get(key)
            .map(|value| value.as_str().unwrap_or_default())
    }

    /// Says whether each part the selector names is equal.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let (group, version) = id::split_api_version(self.api_version());
        selector.selects([group, version, self.kind()])
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// Returns the current identity.
    pub(crate) fn id(&self, schema: &Schema) -> ResId {
        ResId {
            gvk: self.gvk(),
            name: self.name().into(),
            namespace: self.namespace().into(),
            cluster_scoped: schema.is_cluster_scoped(self.api_version(), self.kind()),
        }
    }

    /// Returns a text equal for current identities that are the same, see [`ResId::key`].
    pub(crate) fn key(&self, schema: &Schema) -> String {
        let (group, version) = id::split_api_version(self.api_version());
        let namespace = self.effective_namespace(schema);
        id::key([group, version, self.kind(), self.name(), namespace])
    }

    /// Returns the namespace that counts, see [`ResId::effective_namespace`].
    pub(crate) fn effective_namespace(&self, schema: &Schema) -> &str {
        let cluster_scoped = schema.is_cluster_scoped(self.api_version(), self.kind());
        id::effective_namespace(self.namespace(), cluster_scoped)
    }

    /// Returns the first kind.
    pub(crate) fn original_kind(&self) -> &str {
        let first = self.book.previous.first();
        first.map_or(self.kind(), |first| &first.kind)
    }

    /// Returns past identities, oldest first. Their group and version are the current ones.
    pub(crate) fn previous_ids(&self) -> impl DoubleEndedIterator<Item = ResId> + '_ {
        self.book.previous.iter().map(|previous| {
            let mut gvk = Gvk::new(self.api_version(), "");
            gvk.kind.clone_from(&previous.kind);
            let (name, namespace) = (previous.name.clone(), previous.namespace.clone());
            ResId {
                gvk,
                name,
                namespace,
                cluster_scoped: false,
            }
        })
    }

    /// Returns the first identity.
    pub(crate) fn original_id(&self, schema: &Schema) -> ResId {
        self.previous_ids()
            .next()
            .unwrap_or_else(|| self.id(schema))
    }

    /// Remembers the current identity as a past one.
    pub(crate) fn store_previous_id(&mut self, schema: &Schema) {
        let id = self.id(schema);
        let namespace = id.effective_namespace().into();
        // Few objects have more than one or two, and there are many objects.
        let previous = &mut self.book_mut().previous;
        previous.reserve_exact(1);
        previous.push(Previous {
            kind: id.gvk.kind,
            name: id.name,
            namespace,
        });
        // In kustomize this is written there, so that there are annotations from now on.
        let _ = map_at(self.node.contents_mut(), &["metadata", "annotations"]);
    }

    /// Does to the annotations what setting the bookkeeping as a whole does in kustomize: they are the last of
    /// the metadata, sorted, and strings.
    pub(crate) fn touch_annotations(&mut self) {
        let entries: Vec<(String, String)> = self
            .meta_map("annotations")
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let book = &self.book;
        let written = !book.previous.is_empty()
            || book.behavior.is_some()
            || book.needs_hash.is_some()
            || book.allow_name_change
            || book.allow_kind_change;
        let empty = entries.is_empty() && written;
        self.set_meta_map("annotations", entries);
        if empty && let Some(meta) = map_at(self.node.contents_mut(), &["metadata"]) {
            // What is empty here is not in kustomize, and goes at the end.
            meta.push("annotations", Node::map());
        }
    }

    /// Gives what is remembered of the object, to change it.
    pub(crate) fn book_mut(&mut self) -> &mut Bookkeeping {
        Arc::make_mut(&mut self.book)
    }

    pub(crate) fn needs_hash(&self) -> bool {
        self.book.needs_hash.as_deref() == Some("enabled")
    }

    /// Sets the name; an existing one keeps its style.
    pub(crate) fn set_name(&mut self, name: &str) {
        self.set_meta("name", name);
    }

    /// Sets the namespace, or removes it where it is empty.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if !namespace.is_empty() {
            self.set_meta("namespace", namespace);
        } else if let Some(meta) = self
            .node
            .as_map_mut()
            .and_then(|map| map.get_mut("metadata"))
            && let Some(meta) = meta.as_map_mut()
        {
            meta.remove("namespace");
        }
    }

    fn set_meta(&mut self, field: &str, value: &str) {
        if let Some(meta) = map_at(&mut self.node, &["metadata"]) {
            put(meta, field, Scalar::untagged(value));
        }
    }

    /// Sets the kind; an existing one keeps its style.
    pub(crate) fn set_kind(&mut self, kind: &str) {
        if let Some(map) = self.node.as_map_mut() {
            put(map, "kind", Scalar::untagged(kind));
        }
    }

    /// Sets the apiVersion; an existing one keeps its style.
    pub(crate) fn set_api_version(&mut self, version: &str) {
        if let Some(map) = self.node.as_map_mut() {
            put(map, "apiVersion", Scalar::untagged(version));
        }
    }

    /// Replaces a map of metadata: keys sorted, values strings; removed where there are none.
    pub(crate) fn set_meta_map<K: AsRef<str>>(
        &mut self,
        field: &str,
        mut entries: Vec<(K, String)>,
    ) {
        entries.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let Some(meta) = map_at(self.node.contents_mut(), &["metadata"]) else {
            return;
        };
        meta.remove(field);
        if entries.is_empty() {
            return;
        }
        let mut map = Map::default();
        for (key, value) in entries {
            put(&mut map, key.as_ref(), Scalar::string(value));
        }
        meta.push(field, Node::Map(map));
    }

    /// Sets or, with none, removes an annotation; all others become strings, sorted.
    pub(crate) fn set_annotation(&mut self, key: &str, value: Option<String>) {
        let mut entries: Vec<(String, String)> = self
            .meta_map("annotations")
            .into_iter()
            .filter(|(k, _)| *k != key)
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        entries.extend(value.map(|value| (key.to_owned(), value)));
        self.set_meta_map("annotations", entries);
    }

    /// Runs `edit` on the tree with the bookkeeping written out as annotations, as kustomize has it.
    pub(crate) fn with_annotations<T>(&mut self, edit: impl FnOnce(&mut Self) -> T) -> T {
        self.write_out();
        let result = edit(self);
        self.book = Arc::default();
        self.absorb();
        result
    }

    fn write_out(&mut self) {
        let book = std::mem::take(&mut self.book);
        let mut entries: Vec<(&str, String)> = Vec::new();
        let mut list = |key, values: Vec<&str>| {
            if !values.is_empty() {
                entries.push((key, values.join(",")));
            }
        };
        let of = |field: fn(&Previous) -> &CompactString| {
            book.previous
                .iter()
                .map(|p| field(p).as_str())
                .collect::<Vec<_>>()
        };
        list(PREVIOUS_KINDS, of(|p| &p.kind));
        list(PREVIOUS_NAMES, of(|p| &p.name));
        list(PREVIOUS_NAMESPACES, of(|p| &p.namespace));
        list(
            PREFIXES,
            book.prefixes.iter().map(CompactString::as_str).collect(),
        );
        list(
            SUFFIXES,
            book.suffixes.iter().map(CompactString::as_str).collect(),
        );
        entries.extend(
            book.behavior
                .map(|behavior| (BEHAVIOR, behavior.to_string())),
        );
        entries.extend(book.needs_hash.clone().map(|value| (NEEDS_HASH, value)));
        let enabled = || "enabled".to_owned();
        entries.extend(book.allow_name_change.then(|| (ALLOW_NAME, enabled())));
        entries.extend(book.allow_kind_change.then(|| (ALLOW_KIND, enabled())));
        if entries.is_empty() {
            return;
        }
        if let Some(annotations) = map_at(self.node.contents_mut(), &["metadata", "annotations"]) {
            for (key, value) in entries {
                put(annotations, key, Scalar::string(value));
            }
        }
    }

    /// Takes reserved annotations out of the tree into the bookkeeping.
    fn absorb(&mut self) {
        let Some(annotations) = self
            .node
            .contents_mut()
            .as_map_mut()
            .and_then(|map| map.get_mut("metadata"))
            .and_then(Node::as_map_mut)
            .and_then(|meta| meta.get_mut("annotations"))
            .and_then(Node::as_map_mut)
        else {
            return;
        };
        if !annotations
            .entries
            .iter()
            .any(|(key, _)| key.value.starts_with(DOMAIN))
        {
            return;
        }
        let mut take = |key: &str| {
            annotations
                .remove(key)
                .map(|value| value.as_str().unwrap_or_default().to_owned())
        };
        let [
            kinds,
            names,
            namespaces,
            prefixes,
            suffixes,
            behavior,
            needs_hash,
            name,
            kind,
            _,
        ] = BOOKKEEPING.map(&mut take);
        let list = |text: &Option<String>| -> Vec<CompactString> {
            text.iter()
                .flat_map(|text| text.split(','))
                .map(CompactString::from)
                .collect()
        };
        let (kinds, names, namespaces) = (list(&kinds), list(&names), list(&namespaces));
        // kustomize panics where the three lists differ in length; such marks are dropped here.
        let previous = if kinds.len() == names.len() && names.len() == namespaces.len() {
            let rows = kinds.into_iter().zip(names).zip(namespaces);
            rows.map(|((kind, name), namespace)| Previous {
                kind,
                name,
                namespace,
            })
            .collect()
        } else {
            Vec::new()
        };
        let enabled = |value: Option<String>| value.as_deref() == Some("enabled");
        self.book = Arc::new(Bookkeeping {
            previous,
            prefixes: list(&prefixes),
            suffixes: list(&suffixes),
            behavior: behavior.as_deref().map(Behavior::parse),
            needs_hash,
            allow_name_change: enabled(name),
            allow_kind_change: enabled(kind),
        });
    }

    /// Removes what must not be printed.
    pub(crate) fn finish(&mut self, keep_origin: bool, keep_transformations: bool) {
        let stripped = |key: &str| {
            STRIPPED.contains(&key)
                || BOOKKEEPING.contains(&key)
                || key == ORIGIN && !keep_origin
                || key == TRANSFORMATIONS && !keep_transformations
        };
        let entries: Vec<(String, String)> = self
            .meta_map("annotations")
            .into_iter()
            .filter(|(key, _)| !stripped(key))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        self.set_meta_map("annotations", entries);
    }

    /// Takes over identity, labels, annotations and bookkeeping of the object this one replaces.
    pub(crate) fn copy_metadata_from(&mut self, other: &Self) {
        for field in ["labels", "annotations"] {
            let mut merged: Vec<(String, String)> = Vec::new();
            for (key, value) in other
                .meta_map(field)
                .into_iter()
                .chain(self.meta_map(field))
            {
                match merged.iter_mut().find(|(k, _)| k == key) {
                    Some(entry) => value.clone_into(&mut entry.1),
                    None => merged.push((key.to_owned(), value.to_owned())),
                }
            }
            self.set_meta_map(field, merged);
        }
        // Parity: without a mark of its own the result loses the old one, too.
        let loses_mark = self.book.needs_hash.is_none() && other.book.needs_hash.is_some();
        self.book = other.book.clone();
        if loses_mark {
            self.book_mut().needs_hash = None;
        }
        let (name, namespace) = (other.name().to_owned(), other.namespace().to_owned());
        self.set_name(&name);
        self.set_namespace(&namespace);
        if !self.book.previous.is_empty() || self.book.needs_hash.is_some() {
            self.touch_annotations();
        }
        self.variables.clone_from(&other.variables);
    }

    /// Gives the union of a data map of both, this object's entries winning.
    pub(crate) fn merge_data_from(&mut self, other: &Self) {
        for field in ["data", "binaryData"] {
            let mut merged: Vec<(String, String)> = Vec::new();
            for node in [&other.node, &self.node] {
                let map = node.get(field).and_then(Node::as_map);
                for (key, value) in map.into_iter().flat_map(|map| &map.entries) {
                    let text = value.as_scalar().filter(|s| !s.is_null());
                    let text = text.map_or_else(String::new, |s| s.value.to_string());
                    match merged.iter_mut().find(|(k, _)| *k == key.value) {
                        Some(entry) => entry.1 = text,
                        None => merged.push((key.value.to_string(), text)),
                    }
                }
            }
            merged.sort();
            let Some(root) = self.node.as_map_mut() else {
                return;
            };
            root.remove(field);
            if merged.is_empty() {
                continue;
            }
            let mut map = Map::default();
            for (key, value) in merged {
                put(&mut map, &key, Scalar::string(value));
            }
            root.push(field, Node::Map(map));
        }
    }

    /// Says whether a patch deleted the object.
    pub(crate) fn is_deleted(&self) -> bool {
        self.node.is_empty()
    }

    /// Gives a number for scalars that share one node in kustomize; 0 where an object has had 65,535 of them.
    pub(crate) fn next_alias(&mut self) -> u16 {
        match self.aliases.checked_add(1) {
            Some(next) => {
                self.aliases = next;
                next
            }
            None => 0,
        }
    }

    /// Repeats changes of aliased scalars where they are shared.
    pub(crate) fn sync(&mut self, changed: &[(u16, Scalar)]) {
        if !changed.is_empty() {
            tree::sync_aliases(&mut self.node, changed);
        }
    }

    /// Prints the metadata as kustomize does in its messages about objects without a name.
    fn describe(&self) -> String {
        let map = |field: &str| {
            let mut entries = self.meta_map(field);
            entries.sort_unstable();
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{k}:{v}")).collect();
            format!("map[{}]", entries.join(" "))
        };
        format!(
            "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
            self.api_version(),
            self.kind(),
            self.name(),
            self.namespace(),
            map("labels"),
            map("annotations")
        )
    }

    /// Prints the whole object as JSON, its bookkeeping included, as kustomize's messages do.
    pub(crate) fn describe_whole(&self) -> String {
        let mut copy = self.clone();
        copy.write_out();
        match copy.node.to_json() {
            // A Secret's values have no place in a message.
            Ok(mut value) if self.kind() == "Secret" => {
                for field in ["data", "stringData"] {
                    if let Some(value) = value.get_mut(field) {
                        *value = serde_json::Value::from("(hidden)");
                    }
                }
                crate::transform::go_json(&value)
            }
            Ok(value) => crate::transform::go_json(&value),
            Err(error) => format!("<{error}>"),
        }
    }

    /// Refuses an object without a kind or a name.
    ///
    /// # Errors
    /// Kustomize's sentence about what is missing.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.kind().is_empty() {
            let missing = |field: &str| self.node.get(field).is_none_or(Node::is_empty);
            if missing("apiVersion") && missing("kind") && missing("metadata") {
                return Err(crate::error::invalid("missing Resource metadata"));
            }
            return Err(crate::error::invalid(format!(
                "missing kind in object {}",
                self.describe()
            )));
        }
        if !self.kind().ends_with("List") && self.name().is_empty() {
            return Err(crate::error::invalid(format!(
                "missing metadata.name in object {}",
                self.describe()
            )));
        }
        Ok(())
    }
}

/// Makes a string scalar with the tag `!!str`.
pub(crate) fn string_scalar(value: &str) -> Scalar {
    Scalar::with_tag(value, Tag::Str)
}
