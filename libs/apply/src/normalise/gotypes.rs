//! The Go types of Kubernetes' built-in kinds, from a generated table.
//!
//! `gotypes.txt` is printed by `tests/oracle/gotypes` from client-go's scheme, the one Flux
//! normalises with; its grammar is described there. Kinds outside that scheme (CRDs among them)
//! are not in the table.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A Go type as its JSON form sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum GoType {
    String,
    Bool,
    Int,
    Float,
    Bytes,
    Any,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Raw,
    Pointer(Box<Self>),
    Slice(Box<Self>),
    Map(Box<Self>),
    Struct(usize),
}

/// One field of a Go struct.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) go_type: GoType,
    /// Left out when its value is empty (`omitempty`) or zero (`omitzero`).
    pub(super) optional: bool,
}

/// The table, parsed once.
pub(super) struct Table {
    structs: Vec<Vec<Field>>,
    kinds: HashMap<(String, String), usize>,
}

/// Returns the table.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("gotypes.txt")));
    &TABLE
}

impl Table {
    /// Returns the struct of a kind, if the scheme has it.
    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<usize> {
        // A lookup by borrowed pair would need a wrapper type; this runs once per object.
        self.kinds
            .get(&(api_version.to_owned(), kind.to_owned()))
            .copied()
    }

    /// Returns the fields of a struct.
    pub(super) fn fields(&self, number: usize) -> &[Field] {
        self.structs.get(number).map_or(&[], Vec::as_slice)
    }

    fn parse(text: &str) -> Self {
        let mut table = Self {
            structs: Vec::new(),
            kinds: HashMap::new(),
        };
        for line in text.lines() {
            let mut words = line.split(' ');
            let Some(first) = words.next() else { continue };
            if let Ok(number) = first.parse::<usize>() {
                debug_assert_eq!(number, table.structs.len());
                table.structs.push(words.filter_map(parse_field).collect());
            } else if let Some(number) = words.next().and_then(|word| word.parse().ok())
                && let Some((api_version, kind)) = first.rsplit_once('/')
            {
                let api_version = api_version.strip_prefix('/').unwrap_or(api_version);
                table
                    .kinds
                    .insert((api_version.to_owned(), kind.to_owned()), number);
            }
        }
        table
    }
}

fn parse_field(word: &str) -> Option<Field> {
    let (name, expression) = word.split_once('=')?;
    let bare = name.trim_start_matches(['?', '!']);
    Some(Field {
        name: bare.to_owned(),
        go_type: parse_type(expression)?,
        optional: bare.len() < name.len(),
    })
}

fn parse_type(expression: &str) -> Option<GoType> {
    let mut chars = expression.chars();
    let inner = |rest: &str| parse_type(rest).map(Box::new);
    Some(match chars.next()? {
        's' => GoType::String,
        'b' => GoType::Bool,
        'i' => GoType::Int,
        'f' => GoType::Float,
        'y' => GoType::Bytes,
        'a' => GoType::Any,
        'Q' => GoType::Quantity,
        'I' => GoType::IntOrString,
        'T' => GoType::Time,
        'M' => GoType::MicroTime,
        'R' | 'F' => GoType::Raw,
        '*' => GoType::Pointer(inner(chars.as_str())?),
        '[' => GoType::Slice(inner(chars.as_str())?),
        '{' => GoType::Map(inner(chars.as_str())?),
        _ => GoType::Struct(expression.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        for line in include_str!("gotypes.txt").lines() {
            let fields = line.split(' ').skip(1).filter(|word| word.contains('='));
            for word in fields {
                assert!(parse_field(word).is_some(), "{word}");
            }
        }
        let table = table();
        assert!(table.structs.len() > 500 && table.kinds.len() > 100);
    }

    #[test]
    fn kinds_are_found_by_api_version() {
        assert!(table().kind("v1", "Service").is_some());
        assert!(table().kind("apps/v1", "Deployment").is_some());
        assert!(table().kind("apps/v2", "Deployment").is_none());
        assert!(
            table()
                .kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
                .is_none()
        );
    }
}
