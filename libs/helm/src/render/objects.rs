//! The Go types that templates meet: `.Values`, `.Files`, `.Chart`, `.Capabilities`.

use crate::capabilities::{Capabilities, HelmVersion, KubeVersion};
use crate::chart::{Chart, File, Metadata};
use crate::files::Files;
use fjord_gotemplate::value::{List, ListType, Map, MapType, Method, Object};
use fjord_gotemplate::{Failure, Scope, Text, Type, Value};
use std::any::Any;

type Result_ = Result<Value, Failure>;

const fn method(
    name: &'static str,
    parameters: &'static [Type],
    call: fn(&Scope<'_>, &Value, &[Value]) -> Result_,
) -> Method {
    Method {
        name,
        parameters,
        variadic: false,
        call,
    }
}

fn text(arguments: &[Value]) -> String {
    match arguments.first() {
        Some(Value::String(text)) => text.to_str().into_owned(),
        _ => String::new(),
    }
}

fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::nil(&VALUES),
    }
}

/// The type of `.Values`; its methods hide keys of the same names.
pub(super) static VALUES: MapType = MapType {
    name: "common.Values",
    element: Type::Any,
    methods: &[
        method("AsMap", &[], |_, v, _| {
            Ok(Value::Map(map(v).with_type(&MapType::ANY)))
        }),
        method("Encode", &[Type::Object("io.Writer")], |_, _, _| {
            Err("templates have no writer to encode to".into())
        }),
        method("PathValue", &[Type::String], |_, v, a| {
            let path = text(a);
            if path.is_empty() {
                return Err("YAML path cannot be empty".into());
            }
            let (tables, key) = path.rsplit_once('.').unwrap_or(("", &path));
            let table = if tables.is_empty() {
                Some(map(v))
            } else {
                table(&map(v), tables).ok()
            };
            let found = table.and_then(|table| table.get(key));
            match found {
                Some(Value::Map(_)) | None => Err(Failure::new(format!(
                    "{} is not a value",
                    fjord_gotemplate::quote(key.as_bytes())
                ))),
                Some(value) => Ok(value),
            }
        }),
        method("Table", &[Type::String], |_, v, a| {
            table(&map(v), &text(a)).map(Value::Map)
        }),
        method("YAML", &[], |_, v, _| {
            let json = v.to_json()?;
            let text =
                fjord_yaml::json_to_v2(&json).map_err(|error| Failure::new(error.to_string()))?;
            Ok(Value::from(text))
        }),
    ],
};

/// Follows a dotted path of tables.
fn table(from: &Map, path: &str) -> Result<Map, Failure> {
    let mut at = from.clone();
    for key in path.split('.') {
        at = match at.get(key) {
            Some(Value::Map(map)) => map.with_type(&VALUES),
            _ => {
                return Err(Failure::new(format!(
                    "{} is not a table",
                    fjord_gotemplate::quote(key.as_bytes())
                )));
            }
        };
    }
    Ok(at)
}

/// The type of `.Files`.
pub(super) static FILES: MapType = MapType {
    name: "engine.files",
    element: Type::Bytes,
    methods: &[
        method("AsConfig", &[], |_, v, _| {
            Ok(Value::from(files(v).as_config()))
        }),
        method("AsSecrets", &[], |_, v, _| {
            Ok(Value::from(files(v).as_secrets()))
        }),
        method("Get", &[Type::String], |_, v, a| {
            Ok(match map(v).get(text(a)) {
                Some(Value::Bytes(data)) => Value::String(data),
                _ => Value::from(""),
            })
        }),
        method("GetBytes", &[Type::String], |_, v, a| {
            Ok(map(v)
                .get(text(a))
                .unwrap_or_else(|| Value::Bytes(Text::default())))
        }),
        method("Glob", &[Type::String], |_, v, a| {
            let kept = files(v).glob(&text(a));
            let kept = kept
                .iter()
                .map(|(name, data)| (Text::from(name), Value::Bytes(data.clone().into())));
            Ok(Value::Map(Map::new(kept, &FILES)))
        }),
        method("Lines", &[Type::String], |_, v, a| {
            Ok(Value::strings(files(v).lines(&text(a))))
        }),
    ],
};

fn files(value: &Value) -> Files {
    let files: Vec<File> = map(value)
        .entries()
        .into_iter()
        .filter_map(|(name, data)| match data {
            Value::Bytes(data) => Some(File {
                name: name.to_str().into_owned(),
                data: <std::sync::Arc<[u8]>>::from(data).into(),
            }),
            _ => None,
        })
        .collect();
    Files::new(&files)
}

/// Makes `.Chart`: the metadata under Go's names.
pub(super) fn chart_map(chart: &Chart, is_root: bool) -> Value {
    let metadata: &Metadata = &chart.metadata;
    let text = |text: &str| Value::from(text);
    let texts = |texts: &[String]| Value::list(texts.iter().map(|t| text(t)).collect());
    let maintainers = metadata.maintainers.iter().flatten().map(|maintainer| {
        Value::map([
            ("Name", text(&maintainer.name)),
            ("Email", text(&maintainer.email)),
            ("URL", text(&maintainer.url)),
        ])
    });
    let dependencies = metadata.dependencies.iter().flatten().map(|dependency| {
        let imports = dependency.import_values.iter().map(Value::from_json);
        Value::map([
            ("Name", text(&dependency.name)),
            ("Version", text(&dependency.version)),
            ("Repository", text(&dependency.repository)),
            ("Condition", text(&dependency.condition)),
            ("Tags", texts(&dependency.tags)),
            ("Enabled", Value::Bool(dependency.enabled)),
            ("ImportValues", Value::list(imports.collect())),
            ("Alias", text(&dependency.alias)),
        ])
    });
    let annotations = metadata
        .annotations
        .iter()
        .map(|(key, value)| (Text::from(key.as_str()), text(value)));
    let annotations = if metadata.annotations.is_empty() {
        Map::nil(&MapType::STRINGS)
    } else {
        Map::new(annotations, &MapType::STRINGS)
    };
    Value::map([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", Value::list(maintainers.collect())),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", Value::list(dependencies.collect())),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ])
}

static VERSION_SET: ListType = ListType {
    name: "common.VersionSet",
    element: Type::String,
    methods: &[method("Has", &[Type::String], |_, v, a| {
        let Value::List(list) = v else {
            return Ok(Value::Bool(false));
        };
        let wanted = text(a);
        let found = list.borrow().is_some_and(|items| {
            items
                .iter()
                .any(|item| matches!(item, Value::String(t) if *t == wanted.as_str()))
        });
        Ok(Value::Bool(found))
    })],
};

/// Makes `.Capabilities`.
pub(super) fn capabilities(capabilities: &Capabilities) -> Value {
    let versions = capabilities
        .api_versions
        .iter()
        .map(|version| Value::from(version.as_str()))
        .collect();
    Value::object(Struct {
        type_name: "*common.Capabilities",
        fields: vec![
            (
                "KubeVersion",
                Value::object(kube_version(&capabilities.kube_version)),
            ),
            (
                "APIVersions",
                Value::List(List::new(versions, &VERSION_SET)),
            ),
            (
                "HelmVersion",
                Value::object(helm_version(&capabilities.helm_version)),
            ),
        ],
        shown: None,
        methods: &[],
        tagged: Vec::new(),
    })
}

fn kube_version(version: &KubeVersion) -> Struct {
    const METHODS: &[Method] = &[
        method("GitVersion", &[], |_, v, _| match v {
            Value::Object(object) => Ok(object.field("Version").unwrap_or_default()),
            _ => Ok(Value::Nil),
        }),
        method("String", &[], |_, v, _| match v {
            Value::Object(object) => {
                let shown = object.display_in_place();
                Ok(Value::String(shown.unwrap_or_default()))
            }
            _ => Ok(Value::Nil),
        }),
    ];
    let normalized = version.normalized.as_deref().unwrap_or_default();
    Struct {
        type_name: "common.KubeVersion",
        fields: vec![
            ("Version", Value::from(version.version.as_str())),
            ("normalizedVersion", Value::from(normalized)),
            ("Major", Value::from(version.major.as_str())),
            ("Minor", Value::from(version.minor.as_str())),
        ],
        shown: Some(version.to_string()),
        methods: METHODS,
        tagged: Vec::new(),
    }
}

fn helm_version(version: &HelmVersion) -> Struct {
    let tagged = [
        ("version", &version.version),
        ("git_commit", &version.git_commit),
        ("git_tree_state", &version.git_tree_state),
        ("go_version", &version.go_version),
        ("kube_client_version", &version.kube_client_version),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(name, text)| (name, Value::from(text.as_str())))
    .collect();
    Struct {
        type_name: "version.BuildInfo",
        fields: vec![
            ("Version", Value::from(version.version.as_str())),
            ("GitCommit", Value::from(version.git_commit.as_str())),
            ("GitTreeState", Value::from(version.git_tree_state.as_str())),
            ("GoVersion", Value::from(version.go_version.as_str())),
            (
                "KubeClientVersion",
                Value::from(version.kube_client_version.as_str()),
            ),
        ],
        shown: None,
        methods: &[],
        tagged,
    }
}

/// A Go struct.
#[derive(Debug)]
struct Struct {
    type_name: &'static str,
    /// In their order; those in lower case are not exported: printed, but neither reached nor encoded.
    fields: Vec<(&'static str, Value)>,
    /// What `String()` of a pointer to it says.
    shown: Option<String>,
    methods: &'static [Method],
    /// The fields as they are encoded, where tags rename them.
    tagged: Vec<(&'static str, Value)>,
}

impl Object for Struct {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn field(&self, name: &str) -> Option<Value> {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found
            .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()))
            .map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn encoded_fields(&self) -> Vec<(&'static str, Value)> {
        if self.tagged.is_empty() {
            let exported = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
            let fields = self.fields.iter();
            return fields.filter(|(name, _)| exported(name)).cloned().collect();
        }
        self.tagged.clone()
    }

    fn methods(&self) -> &'static [Method] {
        self.methods
    }

    fn display_in_place(&self) -> Option<Text> {
        self.shown.as_deref().map(Text::from)
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        let Some(other) = other.as_any().downcast_ref::<Self>() else {
            return false;
        };
        self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|((a, x), (b, y))| a == b && x.deep_equal(y).unwrap_or(false))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
