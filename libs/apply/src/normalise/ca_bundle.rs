//! CA bundles of conversion webhooks that an API server would refuse.
//!
//! Charts ship CRDs with a placeholder that a controller later fills in. Since Kubernetes 1.31 the
//! API server validates the value, so Flux leaves an unusable one out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use x509_parser::pem::Pem;

use crate::object::Object;

const PATH: [&str; 5] = ["spec", "conversion", "webhook", "clientConfig", "caBundle"];

/// Removes a CA bundle that is not base64 or holds no usable certificate.
pub(super) fn remove_invalid(object: &mut Object) {
    let Some(text) = object.get(&PATH).and_then(Value::as_str) else {
        return;
    };
    if !text.is_empty() && !is_usable(text) {
        object.remove(&PATH);
    }
}

fn is_usable(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let Ok(decoded) = STANDARD.decode(text) else {
        return false;
    };
    if decoded.is_empty() {
        return true;
    }
    // Parity: client-go asks for one readable certificate and passes over the rest.
    Pem::iter_from_buffer(&decoded)
        .filter_map(Result::ok)
        .any(|pem| pem.label == "CERTIFICATE" && pem.parse_x509().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bundle_after(ca_bundle: &str) -> Option<String> {
        let mut object = Object::default();
        object.set(&PATH, json!(ca_bundle));
        remove_invalid(&mut object);
        object.get(&PATH).and_then(Value::as_str).map(str::to_owned)
    }

    #[test]
    fn placeholders_are_removed_and_an_empty_value_stays() {
        assert_eq!(bundle_after("Cg=="), None);
        assert_eq!(bundle_after("not base64"), None);
        assert_eq!(bundle_after(&STANDARD.encode("no certificate")), None);
        assert_eq!(bundle_after("").as_deref(), Some(""));
    }

    #[test]
    fn a_real_certificate_stays() {
        let pem = include_str!("../../tests/cases/ca.pem");
        let text = STANDARD.encode(pem);
        assert_eq!(bundle_after(&text), Some(text));
    }
}
