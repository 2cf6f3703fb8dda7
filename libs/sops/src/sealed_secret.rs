//! Makes of a SealedSecret the Secret that the sealed-secrets controller would make of it.
//!
//! `docs/sealedsecrets-format.md` tells the format as the real kubeseal writes it. Two things differ on
//! purpose, since there is no SealedSecret in the cluster: no owner reference to it is set, and what only
//! an API server may write in `template.metadata` is left out.
//!
//! Templates of `template.data` see the decrypted values and give the same text each time (`template`).

mod cipher;
mod keys;
mod template;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use template::{Fault, Templates};

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
    /// A template that does not parse, or that fails. What it says itself is left out: it may hold a value.
    #[error("SealedSecret {name}: {field}: {reason}")]
    Template {
        /// `namespace/name`.
        name: String,
        /// The path of the field.
        field: String,
        /// Where it fails.
        reason: String,
    },
    /// A template that asks for what would change each time.
    #[error(
        "SealedSecret {name}: {what} in {field} is not supported: the Secret would change each time"
    )]
    Unsupported {
        /// `namespace/name`.
        name: String,
        /// The path of the field.
        field: String,
        /// What it asks for.
        what: &'static str,
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
    if let Some(whole) = &sealed.whole {
        return sealed.unseal_whole(whole, keys);
    }
    let opened = sealed.values(keys)?;
    let templates = sealed.templates(&opened);
    let mut data = BTreeMap::new();
    for (key, text) in &sealed.texts {
        let Some(text) = text else {
            continue;
        };
        let made = templates.run(key, text);
        let made = made.map_err(|fault| sealed.fault(key, fault))?;
        // Parity: an encrypted value wins over the template's text of the same key, which must work all the same.
        if !opened.contains_key(key) {
            data.insert(key.clone(), made.into());
        }
    }
    for (key, opened) in opened {
        // Parity: null takes a value out that templates may name.
        if sealed.texts.get(&key) != Some(&None) {
            data.insert(key, opened.plain);
        }
    }
    Ok(Unsealed {
        metadata: sealed.metadata(&sealed.template["metadata"]),
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
    /// `spec.data`, the form of before 2019.
    whole: Option<Vec<u8>>,
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
        let template = &spec["template"];
        let map = |value: &'a Value, field: &str| match value {
            Value::Null => Ok(None),
            Value::Object(map) => Ok(Some(map)),
            _ => Err(wrong(field, "a map")),
        };
        map(template, "spec.template")?;
        map(&template["metadata"], "spec.template.metadata")?;

        let mut bytes = 0;
        let mut ciphertext = |text: &str, field: &str| {
            bytes += text.len();
            if bytes > CIPHERTEXT {
                return Err(Error::TooLarge {
                    name: shown.clone(),
                });
            }
            decode(text).ok_or_else(|| wrong(field, "base64"))
        };
        let whole = match &spec["data"] {
            Value::Null => None,
            Value::String(text) => Some(ciphertext(text, "spec.data")?),
            _ => return Err(wrong("spec.data", "a string")),
        };
        let mut encrypted = BTreeMap::new();
        for (key, value) in map(&spec["encryptedData"], "spec.encryptedData")?
            .into_iter()
            .flatten()
        {
            let field = format!("spec.encryptedData.{key}");
            let text = value.as_str().ok_or_else(|| wrong(&field, "a string"))?;
            encrypted.insert(key.clone(), ciphertext(text, &field)?);
        }
        if whole.is_some() && !encrypted.is_empty() {
            return Err(wrong("spec.data", "alone: there is encryptedData, too"));
        }
        let mut texts = BTreeMap::new();
        for (key, value) in map(&template["data"], "spec.template.data")?
            .into_iter()
            .flatten()
        {
            let field = format!("spec.template.data.{key}");
            let text = match value {
                Value::Null => None,
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
            whole,
            template,
            texts,
            secret_type,
            immutable,
        })
    }

    /// Returns what binds a value to where it may be used.
    fn label(&self) -> String {
        match self.scope {
            "cluster-wide" => String::new(),
            "namespace-wide" => self.namespace.to_owned(),
            _ => format!("{}/{}", self.namespace, self.name),
        }
    }

    /// Opens every value, and names all that do not open.
    fn values(&self, keys: &Keys) -> Result<BTreeMap<String, Opened>, Error> {
        let label = self.label();
        let mut data = BTreeMap::new();
        let mut closed = BTreeSet::new();
        for (key, sealed) in &self.encrypted {
            match cipher::open(keys, sealed, label.as_bytes()) {
                Some(opened) => drop(data.insert(key.clone(), opened)),
                None => drop(closed.insert(key.clone())),
            }
        }
        if closed.is_empty() {
            return Ok(data);
        }
        Err(self.no_key(closed, keys))
    }

    fn no_key(&self, values: impl IntoIterator<Item = String>, keys: &Keys) -> Error {
        Error::NoKey {
            name: self.shown.clone(),
            values: values.into_iter().collect(),
            keys: keys.len(),
            scope: self.scope,
        }
    }

    fn templates(&self, opened: &BTreeMap<String, Opened>) -> Templates {
        let values = opened.iter();
        let values = values.map(|(key, value)| (key.as_str(), value.plain.expose_secret()));
        let texts = self.texts.iter();
        let texts = texts.filter_map(|(key, text)| Some((key.as_str(), text.as_deref()?)));
        let texts = texts.filter(|(key, _)| !opened.contains_key(*key));
        let texts = texts.map(|(key, text)| (key, text.as_bytes()));
        Templates::new(
            values.chain(texts),
            opened.values().map(|value| &value.session[..]),
        )
    }

    fn fault(&self, key: &str, fault: Fault) -> Error {
        let (name, field) = (self.shown.clone(), format!("spec.template.data.{key}"));
        match fault {
            Fault::Parse(reason) | Fault::Run(reason) => Error::Template {
                name,
                field,
                reason,
            },
            Fault::Unsupported(what) => Error::Unsupported { name, field, what },
        }
    }

    /// Opens the form of before 2019, in which the template has no part.
    fn unseal_whole(&self, whole: &[u8], keys: &Keys) -> Result<Unsealed, Error> {
        let opened = cipher::open(keys, whole, self.label().as_bytes());
        let opened = opened.ok_or_else(|| self.no_key(["spec.data".to_owned()], keys))?;
        let secret = whole::read(opened.plain.expose_secret()).ok_or_else(|| Error::Field {
            name: self.shown.clone(),
            field: "what spec.data holds".to_owned(),
            expected: "a Secret",
        })?;
        let secret_type = secret.object["type"].as_str();
        Ok(Unsealed {
            metadata: self.metadata(&secret.object["metadata"]),
            secret_type: secret_type
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            immutable: secret.object["immutable"].as_bool(),
            data: secret.data,
        })
    }

    /// Returns what of the given metadata the Secret keeps.
    fn metadata(&self, given: &Value) -> Map<String, Value> {
        let mut out = Map::new();
        for field in ["labels", "annotations", "finalizers"] {
            if !given[field].is_null() {
                out.insert(field.to_owned(), given[field].clone());
            }
        }
        // The controller overwrites them with one to the SealedSecret unless told not to.
        let skips = &self.template["metadata"]["annotations"][SKIP_OWNER];
        if *skips == "true" && !given["ownerReferences"].is_null() {
            out.insert("ownerReferences".into(), given["ownerReferences"].clone());
        }
        out.insert("name".into(), json!(self.name));
        if !self.namespace.is_empty() {
            out.insert("namespace".into(), json!(self.namespace));
        }
        out
    }
}

/// A value in the clear, and the session key that only it was sealed with.
struct Opened {
    plain: SecretSlice<u8>,
    session: Zeroizing<Vec<u8>>,
}

/// Decodes base64 as Go does: line breaks within do not count.
fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace(['\r', '\n'], "")).ok()
}
