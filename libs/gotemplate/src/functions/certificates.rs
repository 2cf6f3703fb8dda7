//! Keys and certificates. Keys come from the host; dates are its clock's.

use super::arguments::{INT, STRING, int, text};
use super::encoding::decode_base64;
use super::function;
use crate::Text;
use crate::format::display;
use crate::function::{Failure, Function, KeyAlgorithm, Scope};
use crate::keys::{from_pem, pem, to_pem};
use crate::types::Type;
use crate::value::{Object, Value};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use std::any::Any;
use std::net::IpAddr;

const LIST: Type = Type::List;
const CERTIFICATE: Type = Type::Object("sprig.certificate");

pub(super) const TABLE: &[Function] = &[
    function("buildCustomCert", &[STRING, STRING], build_custom_cert),
    function("genCA", &[STRING, INT], gen_ca),
    function("genCAWithKey", &[STRING, INT, STRING], gen_ca),
    function("genPrivateKey", &[STRING], gen_private_key),
    function(
        "genSelfSignedCert",
        &[STRING, LIST, LIST, INT],
        gen_self_signed,
    ),
    function(
        "genSelfSignedCertWithKey",
        &[STRING, LIST, LIST, INT, STRING],
        gen_self_signed,
    ),
    function(
        "genSignedCert",
        &[STRING, LIST, LIST, INT, CERTIFICATE],
        gen_signed,
    ),
    function(
        "genSignedCertWithKey",
        &[STRING, LIST, LIST, INT, CERTIFICATE, STRING],
        gen_signed,
    ),
];

type Result_ = Result<Value, Failure>;

/// A certificate and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Certificate {
    cert: Text,
    key: Text,
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::String(self.cert.clone())),
            "Key" => Some(Value::String(self.key.clone())),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", Value::String(self.cert.clone())),
            ("Key", Value::String(self.key.clone())),
        ]
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn gen_private_key(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let kind = text(arguments, 0);
    let algorithm = match &*kind.to_str() {
        "" | "rsa" => KeyAlgorithm::Rsa4096,
        "ecdsa" => KeyAlgorithm::EcdsaP256,
        "ed25519" => KeyAlgorithm::Ed25519,
        "dsa" => {
            return Err("dsa keys are not made here; choose rsa, ecdsa or ed25519".into());
        }
        other => return Ok(Value::from(format!("Unknown type {other}"))),
    };
    let key = scope.host().private_key(algorithm)?;
    Ok(Value::from(to_pem(&key)?))
}

fn build_custom_cert(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let decode = |at: usize, what: &str| {
        decode_base64(text(arguments, at).as_bytes())
            .map_err(|_| Failure::new(format!("unable to decode base64 {what}")))
    };
    let cert = decode(0, "certificate")?;
    let key = decode(1, "private key")?;
    let block = pem::decode(&cert).ok_or("unable to decode certificate")?;
    // Reading it as an issuer is the check that it is a certificate at all.
    let probe = KeyPair::generate().map_err(made)?;
    Issuer::from_ca_cert_der(&block.data.into(), probe).map_err(|error| {
        Failure::new(format!(
            "error parsing certificate: decodedCert.Bytes: {error}"
        ))
    })?;
    from_pem(&key).map_err(|error| Failure::new(format!("error parsing private key: {error}")))?;
    Ok(Value::object(Certificate {
        cert: cert.into(),
        key: key.into(),
    }))
}

/// Takes the key given at a place among the arguments, or a new one.
fn key(scope: &Scope<'_>, arguments: &[Value], at: usize) -> Result<Vec<u8>, Failure> {
    match arguments.get(at) {
        Some(Value::String(given)) => from_pem(given.as_bytes())
            .map_err(|error| Failure::new(format!("parsing private key: {error}"))),
        _ => scope
            .host()
            .private_key(KeyAlgorithm::Rsa2048)
            .map_err(|error| Failure::new(format!("error generating rsa key: {error}"))),
    }
}

fn made(error: rcgen::Error) -> Failure {
    Failure::new(format!("error creating certificate: {error}"))
}

fn pair(pkcs8: &[u8]) -> Result<KeyPair, Failure> {
    KeyPair::try_from(pkcs8).map_err(made)
}

fn gen_ca(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let key = key(scope, arguments, 2)?;
    let mut parameters = parameters(scope, &text(arguments, 0), &[], int(arguments, 1))?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let cert = parameters.self_signed(&pair(&key)?).map_err(made)?;
    certificate(cert.der(), &key)
}

fn certificate(der: &[u8], key: &[u8]) -> Result_ {
    Ok(Value::object(Certificate {
        cert: pem::encode("CERTIFICATE", der).into(),
        key: to_pem(key)?.into(),
    }))
}

fn gen_self_signed(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let key = key(scope, arguments, 4)?;
    let names = names(arguments)?;
    let parameters = parameters(scope, &text(arguments, 0), &names, int(arguments, 3))?;
    let cert = parameters.self_signed(&pair(&key)?).map_err(made)?;
    certificate(cert.der(), &key)
}

fn gen_signed(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let key = key(scope, arguments, 5)?;
    let authority = match arguments.get(4) {
        Some(Value::Object(object)) => object.as_any().downcast_ref::<Certificate>(),
        _ => None,
    };
    let authority = authority.ok_or("unable to decode certificate")?;
    let block = pem::decode(authority.cert.as_bytes()).ok_or("unable to decode certificate")?;
    let signing = from_pem(authority.key.as_bytes())
        .map_err(|error| Failure::new(format!("error parsing private key: {error}")))?;
    let issuer =
        Issuer::from_ca_cert_der(&block.data.into(), pair(&signing)?).map_err(|error| {
            Failure::new(format!(
                "error parsing certificate: decodedSignerCert.Bytes: {error}"
            ))
        })?;
    let names = names(arguments)?;
    let mut parameters = parameters(scope, &text(arguments, 0), &names, int(arguments, 3))?;
    parameters.use_authority_key_identifier_extension = true;
    let cert = parameters.signed_by(&pair(&key)?, &issuer).map_err(made)?;
    certificate(cert.der(), &key)
}

/// Reads the addresses and names of a certificate.
fn names(arguments: &[Value]) -> Result<Vec<SanType>, Failure> {
    let items = |at: usize| match arguments.get(at) {
        Some(Value::List(list)) => list.to_vec(),
        _ => Vec::new(),
    };
    let shown = |value: &Value| -> Result<String, Failure> {
        let mut out = Vec::new();
        display(&mut out, value)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    let mut addresses = Vec::new();
    for item in items(1) {
        let Value::String(text) = &item else {
            let shown = shown(&item)?;
            return Err(Failure::new(format!(
                "error parsing ip: {shown} is not a string"
            )));
        };
        let address: IpAddr = text
            .to_str()
            .parse()
            .map_err(|_| Failure::new(format!("error parsing ip: {text}")))?;
        addresses.push(SanType::IpAddress(address));
    }
    // Go writes the names before the addresses.
    let mut names = Vec::new();
    for item in items(2) {
        let Value::String(text) = &item else {
            let shown = shown(&item)?;
            return Err(Failure::new(format!(
                "error processing alternate dns name: {shown} is not a string"
            )));
        };
        let name = text.to_str().into_owned().try_into().map_err(made)?;
        names.push(SanType::DnsName(name));
    }
    names.extend(addresses);
    Ok(names)
}

fn parameters(
    scope: &Scope<'_>,
    common_name: &Text,
    names: &[SanType],
    days: i64,
) -> Result<CertificateParams, Failure> {
    let mut serial = [0; 16];
    scope.host().random(&mut serial)?;
    // A serial number is positive.
    serial[0] &= 0x7F;
    let (seconds, _) = scope.host().now();
    let date = |seconds: i64| {
        time::OffsetDateTime::from_unix_timestamp(seconds)
            .map_err(|error| Failure::new(format!("error creating certificate: {error}")))
    };
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name.to_str().into_owned());
    parameters.subject_alt_names = names.to_vec();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = date(seconds)?;
    parameters.not_after = date(seconds.saturating_add(days.saturating_mul(86_400)))?;
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(parameters)
}
