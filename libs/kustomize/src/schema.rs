//! Which lists a strategic merge merges, and by which keys; and the scope of custom kinds.
//!
//! The built-in table is kustomize's own schema (Kubernetes 1.21), reduced to the fields from which a
//! merged list can be reached; `tests/oracle/kustomize` prints it. A kustomization's `openapi` file is read whole.

mod custom;

use crate::error::{Error, invalid};
use crate::{SchemaMode, scope};
use custom::Custom;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The only version that is built in, for `openapi: {version: ...}`.
const BUILT_IN_VERSION: &str = "v1.21.2";

static BUILT_IN: LazyLock<Types> =
    LazyLock::new(|| Types::parse(include_str!("schema/kubernetes-1.21.txt")));

/// A field of a known type.
#[derive(Debug, Default)]
struct Field {
    target: Option<usize>,
    list: bool,
    merge: bool,
    keys: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Types {
    fields: Vec<HashMap<&'static str, Field>>,
    kinds: HashMap<(&'static str, &'static str), usize>,
    names: HashMap<&'static str, usize>,
}

impl Types {
    fn parse(text: &'static str) -> Self {
        let mut types = Self::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("= ") {
                let mut words = rest.split(' ');
                let name = words.next().unwrap_or_default();
                let index = types.names.len();
                types.names.insert(name, index);
                for kind in words.filter_map(|word| word.split_once(',')) {
                    types.kinds.insert(kind, index);
                }
            }
        }
        for line in text.lines() {
            if line.starts_with("= ") {
                types.fields.push(HashMap::new());
                continue;
            }
            let words: Vec<&'static str> = line.trim_start().split(' ').collect();
            let (name, mut field) = match words.as_slice() {
                [name, "m", keys, _] => {
                    let keys = keys.split(',').filter(|key| *key != "-");
                    let keys = keys.collect();
                    (
                        *name,
                        Field {
                            list: true,
                            merge: true,
                            keys,
                            target: None,
                        },
                    )
                }
                [name, kind, _] => (
                    *name,
                    Field {
                        list: *kind == "l",
                        ..Field::default()
                    },
                ),
                _ => continue,
            };
            field.target = words
                .last()
                .and_then(|target| types.names.get(*target))
                .copied();
            if let Some(fields) = types.fields.last_mut() {
                fields.insert(name, field);
            }
        }
        types
    }
}

/// What is known of a place in an object.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A value of a built-in type, or one from which no merged list can be reached.
    BuiltIn(Option<usize>),
    /// A field of a built-in type that holds a list.
    List(&'static [&'static str], bool, Option<usize>),
    /// A value of the kustomization's own schema.
    Custom(Arc<Custom>, Arc<serde_json::Value>),
}

impl Place {
    /// Goes to a field.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        match self {
            Self::BuiltIn(Some(index)) => {
                let field = BUILT_IN
                    .fields
                    .get(*index)
                    .and_then(|fields| fields.get(name));
                Some(match field {
                    Some(field) if field.list => Self::List(&field.keys, field.merge, field.target),
                    Some(field) => Self::BuiltIn(field.target),
                    None => Self::BuiltIn(None),
                })
            }
            Self::BuiltIn(None) | Self::List(..) => Some(Self::BuiltIn(None)),
            Self::Custom(custom, schema) => custom.field(custom, schema, name),
        }
    }

    /// Goes to the elements of a list.
    pub(crate) fn elements(&self) -> Option<Self> {
        match self {
            Self::List(_, _, target) => Some(Self::BuiltIn(*target)),
            Self::BuiltIn(_) => Some(Self::BuiltIn(None)),
            Self::Custom(custom, schema) => custom.elements(custom, schema),
        }
    }

    /// Returns the keys of a list that is merged; none at all means it is a list of scalars.
    pub(crate) fn merge_keys(&self) -> Option<Vec<String>> {
        match self {
            Self::List(keys, true, _) => Some(keys.iter().map(|key| (*key).to_owned()).collect()),
            Self::Custom(_, schema) => Custom::merge_keys(schema),
            _ => None,
        }
    }
}

/// The schema of one build.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    custom: Option<Arc<Custom>>,
    version_set: bool,
    /// Whether the built-in types count beside a custom schema.
    with_built_in: bool,
    /// Whether something already needed the built-in types: then a later custom schema only adds.
    touched: Cell<bool>,
}

impl Schema {
    /// Makes the schema with which a build starts.
    pub(crate) fn new(mode: SchemaMode) -> Self {
        Self {
            with_built_in: true,
            touched: Cell::new(mode == SchemaMode::Add),
            ..Self::default()
        }
    }

    /// Applies a kustomization's `openapi`, unless one before it did.
    pub(crate) fn set(&mut self, version: Option<&str>, file: Option<&[u8]>) -> Result<(), Error> {
        if self.version_set || self.custom.is_some() {
            return Ok(());
        }
        if let Some(file) = file {
            if version.is_some() {
                return Err(invalid(
                    "builtin version and custom schema provided, cannot use both",
                ));
            }
            self.custom = Some(Arc::new(Custom::parse(file)?));
            self.with_built_in = self.touched.get();
            return Ok(());
        }
        match version {
            None | Some("") => Ok(()),
            Some(BUILT_IN_VERSION) => {
                self.version_set = true;
                Ok(())
            }
            Some(_) => Err(invalid("the specified OpenAPI version is not built in")),
        }
    }

    /// Says whether a kind is certainly cluster-scoped.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if let Some(known) = scope::is_cluster_scoped(api_version, kind) {
            return known;
        }
        match &self.custom {
            Some(custom) => custom.is_cluster_scoped(api_version, kind),
            None => {
                self.touched.set(true);
                false
            }
        }
    }

    /// Returns the type of a kind.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Place> {
        if let Some(custom) = &self.custom
            && let Some(place) = custom.of(custom, api_version, kind)
        {
            return Some(place);
        }
        if self.custom.is_none() {
            self.touched.set(true);
        }
        if !self.with_built_in {
            return None;
        }
        BUILT_IN
            .kinds
            .get(&(api_version, kind))
            .map(|index| Place::BuiltIn(Some(*index)))
    }
}

/// Returns a built-in type by its definition's name, for references of custom schemas.
fn built_in(name: &str) -> Option<Place> {
    let name = name.strip_prefix("io.k8s.").unwrap_or(name);
    BUILT_IN
        .names
        .get(name)
        .map(|index| Place::BuiltIn(Some(*index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_and_tolerations_do_not() {
        let schema = Schema::new(SchemaMode::Replace);
        let deployment = schema.of("apps/v1", "Deployment").unwrap();
        let path = |path: &[&str]| {
            path.iter()
                .try_fold(deployment.clone(), |place, field| place.field(field))
                .unwrap()
        };
        let containers = path(&["spec", "template", "spec", "containers"]);
        assert_eq!(containers.merge_keys().unwrap(), ["name"]);
        let ports = containers.elements().unwrap().field("ports").unwrap();
        assert_eq!(ports.merge_keys().unwrap(), ["containerPort", "protocol"]);
        assert_eq!(
            path(&["spec", "template", "spec", "tolerations"]).merge_keys(),
            None
        );
        assert_eq!(
            path(&["metadata", "finalizers"]).merge_keys().unwrap(),
            [""; 0]
        );
        assert!(schema.of("example.com/v1", "Widget").is_none());
    }
}
