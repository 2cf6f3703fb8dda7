//! The transformers: each is one file here and one line where it is configured.

mod affix;
mod hash;
mod images;
mod json_patch;
mod labels;
mod merge;
mod namespace;
mod patch;
mod replacement;
mod replicas;
mod value_add;

use crate::build::Cx;
use crate::error::Error;
use crate::resmap::ResMap;

pub(crate) use affix::{Affix, Side};
pub(crate) use hash::{Hash, go_json};
pub(crate) use images::Images;
pub(crate) use labels::Labels;
pub(crate) use namespace::{Namespace, Subjects};
pub(crate) use patch::{JsonPatches, PatchTransformer, StrategicMerge, in_file};
pub(crate) use replacement::Replacements;
pub(crate) use replicas::Replicas;
pub(crate) use value_add::ValueAdd;

/// Changes the objects gathered so far.
pub(crate) trait Transform {
    /// Runs over all objects.
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error>;
}
