//! Makes of a SealedSecret the Secret that the sealed-secrets controller would make of it.
//!
//! `docs/sealedsecrets-format.md` tells the format as the real kubeseal writes it. Two things differ on
//! purpose, since there is no SealedSecret in the cluster: no owner reference to it is set, and what only
//! an API server may write in `template.metadata` is left out.
//!
//! Expressions in `template.data` are refused by name: their engine is not here yet.

mod cipher;
mod keys;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Map, Value, json};

pub use keys::{Keys, KeysError};

const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
const SKIP_OWNER: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";

/// The most bytes of ciphertext in one object. An API server takes no larger Secret.
const CIPHERTEXT: usize = 4 << 20;

/// Go's base64: padded, and indifferent to the bits that no byte holds.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A SealedSecret that gives no Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The object is of another kind.
    #[error("not a SealedSecret of bitnami.com/v1alpha1")]
    Kind,
    /// A field is not what the format says.
    #[error("SealedSecret {name}: {field} is not {expected}")]
    Field {
        /// `namespace/name`.
        name: String,
        /// The path of the field.
        field: String,
        /// What must stand there.
        expected: &'static str,
    },
    /// Values that none of the keys opens for this name, namespace and scope.
    #[error(
        "SealedSecret {name}: none of {keys} keys opens {} in the {scope} scope: \
         the sealing key, the name, the namespace or the scope differs, or the text was changed",
        values.join(", ")
    )]
    NoKey {
        /// `namespace/name`.
        name: String,
        /// The keys of the values.
        values: Vec<String>,
        /// How many sealing keys were tried.
        keys: usize,
        /// `strict`, `namespace-wide` or `cluster-wide`.
        scope: &'static str,
    },
    /// A field that is not built.
    #[error("SealedSecret {name}: {field} is not supported yet: {remedy}")]
    Unsupported {
        /// `namespace/name`.
        name: String,
        /// The path of the field.
        field: String,
        /// What works instead.
        remedy: &'static str,
    },
    /// More ciphertext than a Secret can hold.
    #[error("SealedSecret {name}: more than {CIPHERTEXT} bytes of ciphertext")]
    TooLarge {
        /// `namespace/name`.
        name: String,
    },
}

/// The Secret that came out. Its values neither print nor outlive it.
#[derive(Debug)]
pub struct Unsealed {
    /// `metadata` of the Secret.
    pub metadata: Map<String, Value>,
    /// `type`, where the template names one.
    pub secret_type: Option<String>,
    /// `immutable`, where the template sets it.
    pub immutable: Option<bool>,
    /// The values by key.
    pub data: BTreeMap<String, SecretSlice<u8>>,
}

impl Unsealed {
    /// Returns the Secret's manifest, values in base64. Whoever holds it holds the secrets.
    pub fn to_manifest(&self) -> Value {
        let value = |bytes: &SecretSlice<u8>| {
            Value::from(general_purpose::STANDARD.encode(bytes.expose_secret()))
        };
        let data: Map<String, Value> = self
            .data
            .iter()
            .map(|(key, bytes)| (key.clone(), value(bytes)))
            .collect();
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self.metadata,
            "data": data,
        });
        if let Some(secret_type) = &self.secret_type {
            object["type"] = json!(secret_type);
        }
        if let Some(immutable) = self.immutable {
            object["immutable"] = json!(immutable);
        }
        object
    }
}

/// Returns whether an object is a SealedSecret.
pub fn is_sealed_secret(object: &Value) -> bool {
    object["apiVersion"] == "bitnami.com/v1alpha1" && object["kind"] == "SealedSecret"
}

/// Opens a SealedSecret with whichever of the keys fits each value.
///
/// # Errors
/// It is no SealedSecret, a field is malformed, or a value opens with none of the keys.
pub fn unseal(object: &Value, keys: &Keys) -> Result<Unsealed, Error> {
    if !is_sealed_secret(object) {
        return Err(Error::Kind);
    }
    let sealed = Sealed::read(object)?;
    let mut data = sealed.values(keys)?;
    for (key, text) in &sealed.texts {
        match text {
            None => drop(data.remove(key)),
            // Parity: an encrypted value wins over the template's text of the same key.
            Some(_) if sealed.encrypted.contains_key(key) => {}
            Some(text) => drop(data.insert(key.clone(), text.clone().into_bytes().into())),
        }
    }
    Ok(Unsealed {
        metadata: sealed.metadata(),
        secret_type: sealed.secret_type.clone(),
        immutable: sealed.immutable,
        data,
    })
}

/// A SealedSecret whose fields are what they should be.
struct Sealed<'a> {
    /// `namespace/name`, for messages.
    shown: String,
    name: &'a str,
    namespace: &'a str,
    scope: &'static str,
    encrypted: BTreeMap<String, Vec<u8>>,
    template: &'a Value,
    texts: BTreeMap<String, Option<String>>,
    secret_type: Option<String>,
    immutable: Option<bool>,
}

impl<'a> Sealed<'a> {
    fn read(object: &'a Value) -> Result<Self, Error> {
        let meta = &object["metadata"];
        let name = meta["name"].as_str().unwrap_or_default();
        let namespace = meta["namespace"].as_str().unwrap_or_default();
        let shown = format!("{namespace}/{name}");
        let wrong = |field: &str, expected| Error::Field {
            name: shown.clone(),
            field: field.to_owned(),
            expected,
        };
        if name.is_empty() {
            return Err(wrong("metadata.name", "a name"));
        }
        let annotated = |name: &str| meta["annotations"][name] == "true";
        let scope = match (annotated(CLUSTER_WIDE), annotated(NAMESPACE_WIDE)) {
            (true, _) => "cluster-wide",
            (_, true) => "namespace-wide",
            _ => "strict",
        };
        let spec = &object["spec"];
        if !spec["data"].is_null() {
            return Err(Error::Unsupported {
                name: shown.clone(),
                field: "spec.data".to_owned(),
                remedy: "seal again: kubeseal has written encryptedData since 2019",
            });
        }
        let template = &spec["template"];
        let map = |value: &'a Value, field: &str| match value {
            Value::Null => Ok(None),
            Value::Object(map) => Ok(Some(map)),
            _ => Err(wrong(field, "a map")),
        };
        map(template, "spec.template")?;
        map(&template["metadata"], "spec.template.metadata")?;

        let mut encrypted = BTreeMap::new();
        let mut bytes = 0;
        for (key, value) in map(&spec["encryptedData"], "spec.encryptedData")?
            .into_iter()
            .flatten()
        {
            let field = format!("spec.encryptedData.{key}");
            let text = value.as_str().ok_or_else(|| wrong(&field, "a string"))?;
            bytes += text.len();
            if bytes > CIPHERTEXT {
                return Err(Error::TooLarge {
                    name: shown.clone(),
                });
            }
            let sealed = BASE64
                .decode(text.replace(['\r', '\n'], ""))
                .map_err(|_| wrong(&field, "base64"))?;
            encrypted.insert(key.clone(), sealed);
        }
        let mut texts = BTreeMap::new();
        for (key, value) in map(&template["data"], "spec.template.data")?
            .into_iter()
            .flatten()
        {
            let field = format!("spec.template.data.{key}");
            let text = match value {
                Value::Null => None,
                // Without an action, a Go template is its own text.
                Value::String(text) if text.contains("{{") => {
                    return Err(Error::Unsupported {
                        name: shown.clone(),
                        field: format!("an expression in {field}"),
                        remedy: "seal the finished text",
                    });
                }
                Value::String(text) => Some(text.clone()),
                _ => return Err(wrong(&field, "a string or null")),
            };
            texts.insert(key.clone(), text);
        }
        let secret_type = match &template["type"] {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            _ => return Err(wrong("spec.template.type", "a string")),
        };
        let immutable = match &template["immutable"] {
            Value::Null => None,
            Value::Bool(immutable) => Some(*immutable),
            _ => return Err(wrong("spec.template.immutable", "true or false")),
        };
        Ok(Self {
            shown,
            name,
            namespace,
            scope,
            encrypted,
            template,
            texts,
            secret_type,
            immutable,
        })
    }

    /// Opens every value, and names all that do not open.
    fn values(&self, keys: &Keys) -> Result<BTreeMap<String, SecretSlice<u8>>, Error> {
        // The label binds a value to where it may be used.
        let label = match self.scope {
            "cluster-wide" => String::new(),
            "namespace-wide" => self.namespace.to_owned(),
            _ => format!("{}/{}", self.namespace, self.name),
        };
        let mut data = BTreeMap::new();
        let mut closed = BTreeSet::new();
        for (key, sealed) in &self.encrypted {
            match cipher::open(keys, sealed, label.as_bytes()) {
                Some(plain) => drop(data.insert(key.clone(), plain)),
                None => drop(closed.insert(key.clone())),
            }
        }
        if closed.is_empty() {
            return Ok(data);
        }
        Err(Error::NoKey {
            name: self.shown.clone(),
            values: closed.into_iter().collect(),
            keys: keys.len(),
            scope: self.scope,
        })
    }

    fn metadata(&self) -> Map<String, Value> {
        let given = &self.template["metadata"];
        let mut out = Map::new();
        for field in ["labels", "annotations", "finalizers"] {
            if !given[field].is_null() {
                out.insert(field.to_owned(), given[field].clone());
            }
        }
        // The controller overwrites them with one to the SealedSecret unless told not to.
        if given["annotations"][SKIP_OWNER] == "true" && !given["ownerReferences"].is_null() {
            out.insert("ownerReferences".into(), given["ownerReferences"].clone());
        }
        out.insert("name".into(), json!(self.name));
        if !self.namespace.is_empty() {
            out.insert("namespace".into(), json!(self.namespace));
        }
        out
    }
}
