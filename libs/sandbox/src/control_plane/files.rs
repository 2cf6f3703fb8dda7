//! The files a control plane starts from: certificates, tokens, kubeconfigs,
//! the audit policy.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::json;

use super::{ADMIN, Error, Options};

/// A user of the API server.
#[derive(Debug, Clone)]
pub struct User {
    /// The name, which RBAC and the audit log see.
    pub name: String,
    /// The groups; `system:masters` may do everything.
    pub groups: Vec<String>,
}

impl User {
    /// Returns a user that may do everything, told from [`ADMIN`] by its name.
    pub fn master(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            groups: vec!["system:masters".to_owned()],
        }
    }

    /// Returns a user that may do only what roles allow.
    pub fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            groups: Vec::new(),
        }
    }
}

/// A node with room for many pods.
pub(super) const NODE: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"sandbox","annotations":{"kwok.x-k8s.io/node":"fake","node.alpha.kubernetes.io/ttl":"0"},"labels":{"kubernetes.io/hostname":"sandbox","kubernetes.io/os":"linux"}},"status":{"allocatable":{"cpu":"1000","memory":"1000Gi","pods":"10000"},"capacity":{"cpu":"1000","memory":"1000Gi","pods":"10000"}}}"#;

const AUDIT_POLICY: &str = r#"{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}]}"#;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
    /// The certificate authority.
    pub(super) ca: PathBuf,
    /// The key that signs service-account tokens.
    pub(super) key: PathBuf,
    /// Where the API server writes its requests.
    pub(super) audit_log: PathBuf,
}

impl Credentials {
    pub(super) fn write(folder: &Path, port: u16, options: &Options) -> Result<Self, Error> {
        let (ca, server, server_key) = certificates()?;
        let files = Self {
            folder: folder.to_owned(),
            ca: folder.join("ca.crt"),
            key: folder.join("service-account.key"),
            audit_log: folder.join("audit.log"),
        };
        put(&files.ca, &ca)?;
        put(&folder.join("server.crt"), &server)?;
        put(&folder.join("server.key"), &server_key)?;
        let signer = KeyPair::generate()?;
        put(&files.key, &signer.serialize_pem())?;
        put(
            &folder.join("service-account.pub"),
            &signer.public_key_pem(),
        )?;
        put(&folder.join("audit-policy.json"), AUDIT_POLICY)?;
        put(&files.audit_log, "")?;
        let users: Vec<User> = std::iter::once(User::master(ADMIN))
            .chain(options.users.iter().cloned())
            .collect();
        let mut tokens = String::new();
        for user in &users {
            let token = KeyPair::generate()?.serialize_der();
            let token = hex::encode(&token[token.len().saturating_sub(20)..]);
            tokens += &format!(
                "{token},{0},{0},\"{1}\"\n",
                user.name,
                user.groups.join(",")
            );
            put(
                &files.kubeconfig(&user.name),
                &kubeconfig(port, &ca, &user.name, &token),
            )?;
        }
        put(&folder.join("tokens.csv"), &tokens)?;
        Ok(files)
    }

    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.kubeconfig"))
    }

    pub(super) fn api_server_flags(&self, audit: bool) -> Vec<String> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let mut flags = vec![
            format!("--cert-dir={}", path("certs")),
            format!("--tls-cert-file={}", path("server.crt")),
            format!("--tls-private-key-file={}", path("server.key")),
            format!("--token-auth-file={}", path("tokens.csv")),
            format!("--service-account-key-file={}", path("service-account.pub")),
            format!("--service-account-signing-key-file={}", self.key.display()),
        ];
        if audit {
            flags.push(format!("--audit-policy-file={}", path("audit-policy.json")));
            flags.push(format!("--audit-log-path={}", self.audit_log.display()));
            flags.push("--audit-log-mode=blocking".to_owned());
        }
        flags
    }
}

/// Writes the configuration that makes kwok show logs.
pub(super) fn pod_logs(logs: &[super::PodLog]) -> String {
    let documents: Vec<String> = logs
        .iter()
        .map(|log| {
            format!(
                "apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {{name: {}}}\nspec:\n  \
                 selector: {{matchNamespaces: [{}], matchNames: [{}]}}\n  logs: [{{logsFile: {:?}}}]\n",
                log.pod, log.namespace, log.pod, log.file
            )
        })
        .collect();
    documents.join("---\n")
}

/// Returns the authority's certificate, the server's and the server's key.
fn certificates() -> Result<(String, String, String), Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "fjord sandbox");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_key = KeyPair::generate()?;
    let ca = params.self_signed(&ca_key)?;
    let issuer = Issuer::new(params, ca_key);
    let mut params =
        CertificateParams::new(["localhost".to_owned(), "kubernetes.default.svc".to_owned()])?;
    params
        .subject_alt_names
        .push(SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((ca.pem(), certificate.pem(), key.serialize_pem()))
}

fn kubeconfig(port: u16, ca: &str, user: &str, token: &str) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    // JSON is YAML.
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority-data": ca,
        }}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
    })
    .to_string()
}

pub(super) fn put(path: &Path, content: &str) -> Result<(), Error> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    fs::remove_file(path).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(failed(error)),
    })?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(failed)
}
