//! `values.schema.json`: values are checked against the schema of the chart and of each subchart.
//!
//! The validator is by the author of the one Helm uses and finds the same faults; [`wording`] says them
//! as Helm does. References to files and hosts are refused by name: nothing is fetched here. An
//! unknown `urn:` allows everything, as in Helm.

use std::error::Error as StdError;

use boon::{CompileError, Compiler, Format, Schemas, UrlLoader};
use fjord_gotemplate::functions::has_scheme;

use crate::{
    chart::Chart,
    go,
    notice::{Level, Notices},
    values::{
        Map, Value,
        frozen::Leaf,
        tree::{Table, Tree},
    },
};

mod wording;

/// The address the schema of a chart goes by.
const URL: &str = "file:///values.schema.json";

/// Values that a schema does not allow, or a schema that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
pub struct Error(String);

/// Checks values against the schemas of a chart and its subcharts.
///
/// # Errors
/// Every fault in every chart, in Helm's layout.
pub fn validate(chart: &Chart, values: &Table, notices: &mut Notices) -> Result<(), Error> {
    let mut faults = String::new();
    collect(chart, values, &mut faults, notices);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error(faults))
    }
}

fn collect(chart: &Chart, values: &Table, faults: &mut String, notices: &mut Notices) {
    let name = chart.name();
    if let Some(schema) = &chart.schema {
        let field = vec![("chart-name", name.to_owned())];
        notices.push(Level::Debug, "chart name", field);
        if let Err(fault) = check(schema, values.to_map(), notices) {
            faults.push_str(&format!("{name}:\n{fault}"));
        }
    }
    let count = chart.dependencies.len().to_string();
    let fields = vec![("chart", name.to_owned()), ("dependencies", count)];
    notices.push(Level::Debug, "number of dependencies in the chart", fields);
    for dependency in &chart.dependencies {
        match values.get(dependency.name()) {
            None | Some(Tree::Leaf(Leaf::Null)) => {}
            Some(Tree::Table(values)) => collect(dependency, &values, faults, notices),
            Some(other) => faults.push_str(&format!(
                "{}:\ninvalid type for values: expected object (map), got {}\n",
                dependency.name(),
                go::type_name(&other.to_value())
            )),
        }
    }
}

/// Checks values against one schema.
fn check(schema: &[u8], values: Map, notices: &mut Notices) -> Result<(), String> {
    let schema: Value = parse(schema)?;
    let loader = Offline::default();
    let unresolved = loader.unresolved.clone();
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(loader));
    compiler.register_format(Format {
        name: "uri",
        func: check_uri,
    });
    let mut schemas = Schemas::new();
    compiler
        .add_resource(URL, schema)
        .map_err(|error| compile_error(&error))?;
    let compiled = compiler.compile(URL, &mut schemas);
    for urn in unresolved.borrow().iter() {
        let message = "unresolved URN reference ignored; using permissive schema";
        notices.push(Level::Warn, message, vec![("urn", urn.clone())]);
    }
    let index = compiled.map_err(|error| compile_error(&error))?;
    let values = Value::Object(values);
    schemas
        .validate(&values, index)
        .map_err(|error| wording::describe(&error))
}

/// Checks a URI by the rules and in the words of Go, whose validator asks its own library.
fn check_uri(value: &Value) -> Result<(), Box<dyn StdError>> {
    let Value::String(text) = value else {
        return Ok(());
    };
    if has_scheme(text.as_bytes())? {
        Ok(())
    } else {
        Err("relative url".into())
    }
}

fn parse(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| {
        let text = String::from_utf8_lossy(text);
        if error.is_syntax() && error.to_string().starts_with("trailing characters") {
            return "invalid character after top-level value".to_owned();
        }
        go::json_error(&text, &error)
    })
}

/// Loads nothing; what is under `urn:` allows everything.
#[derive(Default)]
struct Offline {
    unresolved: std::rc::Rc<std::cell::RefCell<Vec<String>>>,
}

impl UrlLoader for Offline {
    fn load(&self, url: &str) -> Result<Value, Box<dyn StdError>> {
        if url.starts_with("urn:") {
            self.unresolved.borrow_mut().push(url.to_owned());
            return Ok(Value::Bool(true));
        }
        Err("references to files and hosts are not followed; put the schema into the chart".into())
    }
}

/// Words what is wrong with a schema as Go's library does.
fn compile_error(error: &CompileError) -> String {
    let quote = go::quote;
    match error {
        CompileError::ParseUrlError { url, src } => {
            format!("error in parsing {}: {src}", quote(url))
        }
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", quote(url)),
        CompileError::UnsupportedUrlScheme { url } => {
            format!("no URLLoader registered for {}", quote(url))
        }
        CompileError::InvalidMetaSchemaUrl { url, src } => {
            format!("invalid $schema in {}: {src}", quote(url))
        }
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", quote(url)),
        CompileError::MetaSchemaCycle { url } => {
            format!("cycle in resolving $schema in {}", quote(url))
        }
        CompileError::ValidationError { url, src } => format!(
            "{} is not valid against metaschema: {}",
            quote(url),
            wording::describe_with_heading(src)
        ),
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", quote(loc)),
        CompileError::ParseAnchorError { loc } => {
            format!("error in parsing anchor at {}", quote(loc))
        }
        CompileError::DuplicateId {
            url,
            id,
            ptr1,
            ptr2,
        } => format!(
            "duplicate id {} in {} at {} and {}",
            quote(id),
            quote(url),
            quote(ptr1),
            quote(ptr2)
        ),
        CompileError::DuplicateAnchor {
            anchor,
            url,
            ptr1,
            ptr2,
        } => format!(
            "duplicate anchor {} in {} at {} and {}",
            quote(anchor),
            quote(url),
            quote(ptr1),
            quote(ptr2)
        ),
        CompileError::InvalidJsonPointer(location) => {
            format!("invalid json-pointer {}", quote(location))
        }
        CompileError::JsonPointerNotFound(location) => {
            format!("json-pointer in {} not found", quote(location))
        }
        CompileError::AnchorNotFound { url, reference } => {
            format!(
                "anchor in {} not found in schema {}",
                quote(reference),
                quote(url)
            )
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!(
                "unsupported vocabulary {} in {}",
                quote(vocabulary),
                quote(url)
            )
        }
        CompileError::InvalidRegex { url, regex, src } => {
            format!("invalid regex {} at {}: {src}", quote(regex), quote(url))
        }
        CompileError::Bug(source) => source.to_string(),
    }
}
