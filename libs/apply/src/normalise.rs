//! What Flux makes of a manifest before it compares or applies it.

use crate::object::Object;

/// Normalises an object in place (kustomize-controller spec, 3.2).
pub fn normalise(object: &mut Object) {
    object.remove(&["status"]);
}
