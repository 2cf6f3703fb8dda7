//! The functions of sprig and Helm.
//!
//! A function is one Rust function and one line in the table of its module. Arguments were checked against the types in
//! that line; nil stands for a nil map, list or interface. The surprise: what panics in Go is a failure here with the
//! panic's text, since templates show both alike.

mod arguments;
mod case;
mod certificates;
mod convert;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod helm;
mod json;
mod lists;
mod math;
mod merge;
mod paths;
mod random;
mod reflection;
mod regular;
mod strings;
mod time;
mod toml;
mod urls;
mod versions;
mod wrap;
mod yaml;

pub use helm::{MARKS, without_no_value};
pub use json::to_json as json;
pub(crate) use regular::Patterns;
pub use urls::has_scheme;

use crate::function::{Call, Function, Functions};
use crate::types::Type;

/// Returns the functions of sprig 3.3.0, without `env` and `expandenv`, which would read the environment.
pub fn sprig() -> Functions {
    [
        case::TABLE,
        certificates::TABLE,
        convert::TABLE,
        crypto::TABLE,
        dates::TABLE,
        defaults::TABLE,
        dicts::TABLE,
        encoding::TABLE,
        json::SPRIG,
        lists::TABLE,
        math::TABLE,
        merge::TABLE,
        paths::TABLE,
        random::TABLE,
        reflection::TABLE,
        regular::TABLE,
        strings::TABLE,
        urls::TABLE,
        versions::TABLE,
        wrap::TABLE,
    ]
    .into_iter()
    .fold(Functions::default(), Functions::with)
}

/// Returns the functions of a Helm chart: sprig's and Helm's own, some of which replace sprig's.
pub fn helm() -> Functions {
    [json::HELM, toml::TABLE, yaml::TABLE, helm::TABLE]
        .into_iter()
        .fold(sprig(), Functions::with)
}

const fn function(name: &'static str, parameters: &'static [Type], call: Call) -> Function {
    Function {
        name,
        parameters,
        variadic: false,
        call,
    }
}

const fn variadic(name: &'static str, parameters: &'static [Type], call: Call) -> Function {
    Function {
        name,
        parameters,
        variadic: true,
        call,
    }
}
