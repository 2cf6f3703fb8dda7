//! Encrypted values of Secrets, hidden before a person or a pipeline sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_apply::Object;
use serde_json::{Value, json};

/// What stands in the place of an encrypted value (the `flux` command's text).
const MASK: &str = "**SOPS**";

/// Masks what SOPS encrypted in a Secret: every value where the whole object was, else the values
/// that are encrypted files themselves.
pub(super) fn secret(object: &mut Object) {
    if object.kind() != "Secret" {
        return;
    }
    let map = object.as_map_mut();
    let whole = map.remove("sops").is_some();
    // A pull secret must stay JSON to be one.
    let mask = match map.get("type").and_then(Value::as_str) {
        Some("kubernetes.io/dockerconfigjson") if whole => json!({"mask": MASK}).to_string(),
        _ => MASK.to_owned(),
    };
    let fields = [("data", STANDARD.encode(&mask)), ("stringData", mask)];
    for (field, mask) in fields {
        let values = map.get_mut(field).and_then(Value::as_object_mut);
        for value in values.into_iter().flat_map(|values| values.values_mut()) {
            if whole || is_encrypted_file(value, field == "data") {
                *value = mask.clone().into();
            }
        }
    }
}

/// Whether a value is a file that SOPS encrypted.
fn is_encrypted_file(value: &Value, encoded: bool) -> bool {
    let text = value.as_str().unwrap_or_default();
    let bytes = if encoded {
        STANDARD.decode(text).unwrap_or_default()
    } else {
        text.as_bytes().to_vec()
    };
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    has(b"sops") && has(b"ENC[")
}
