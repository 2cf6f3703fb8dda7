//! The transformers: each is one file here and one line in the table.
//!
//! A file owns the transformer and the objects that configure it. A transformer that has a field of its
//! own in the kustomization has its place in the order of `build/transformers.rs`, too.

mod each;
mod json_patch;
mod merge;

use crate::build::Cx;
use crate::decode::Struct;
use crate::error::Error;
use crate::loader::Loader;
use crate::resmap::ResMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Declares the files of transformers and the table of what configures them.
macro_rules! transformers {
    ($($file:ident: $($builtin:ident),+;)+) => {
        $(mod $file;)+

        /// Every builtin transformer, by what configures it.
        pub(crate) static BUILTINS: &[&Builtin] = &[$($(&$file::$builtin),+),+];
    };
}

transformers! {
    affix: PREFIX, SUFFIX, BOTH;
    hash: HASH;
    images: IMAGES;
    labels: LABELS, ANNOTATIONS;
    namespace: NAMESPACE;
    patch: PATCH, STRATEGIC_MERGE, JSON_PATCHES;
    replacement: REPLACEMENTS;
    replicas: REPLICAS;
    value_add: VALUE_ADD;
}

pub(crate) use affix::{Affix, Side};
pub(crate) use each::Each;
pub(crate) use hash::{Hash, go_json};
pub(crate) use images::Images;
pub(crate) use labels::Labels;
pub(crate) use namespace::{Namespace, Subjects};
pub(crate) use patch::{JsonPatches, PatchTransformer, StrategicMerge, in_file};
pub(crate) use replacement::Replacements;
pub(crate) use replicas::Replicas;

/// Changes the objects gathered so far: each for itself, or all together. One of the two is to be implemented.
pub(crate) trait Transform {
    /// Returns the changes of each object for itself, one behind the other; none where objects are looked at together.
    fn each<'a>(&'a self, cx: &'a Cx<'a>) -> Option<Vec<Each<'a>>> {
        let _ = cx;
        None
    }

    /// Runs over all objects.
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        Each::run(&self.each(cx).unwrap_or_default(), map)
    }
}

/// A transformer that objects configure.
pub(crate) struct Builtin {
    /// The kind of those objects.
    pub(crate) kind: &'static str,
    /// Their fields, besides `apiVersion`, `kind` and `metadata`.
    pub(crate) fields: &'static Struct,
    /// Makes the transformer.
    pub(crate) make: fn(&Setup<'_>) -> Result<Box<dyn Transform>, Error>,
}

/// An object that configures a transformer.
pub(crate) struct Setup<'a> {
    pub(crate) cx: &'a Cx<'a>,
    pub(crate) loader: &'a Loader,
    /// The object, its fields checked.
    pub(crate) value: Value,
    /// The object as text, for messages.
    pub(crate) text: &'a str,
}

impl Setup<'_> {
    /// Decodes the configuration.
    pub(crate) fn config<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.cx.shape(self.value.clone())
    }
}
