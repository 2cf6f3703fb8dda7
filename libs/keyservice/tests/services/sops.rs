//! Files that the real sops encrypted with the stand-ins' keys (`tests/oracle/keyservice`), decrypted by way of both crates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fjord_keyservice::{
    AwsCredentials, AzureCredentials, BlockingKeyClient, Credentials, Endpoints, Error,
    GcpCredentials, KeyClient, Settings, VaultCredentials, WrappedKey,
};
use fjord_sops::{Format, KeyError, KeyService, Mac, Recipient, decrypt};
use serde_json::json;
use zeroize::Zeroizing;

use crate::stand_in::moto::Moto;
use crate::stand_in::{azure, gcp, vault};

/// What a controller and the command do, too.
struct Joined(BlockingKeyClient);

impl KeyService for Joined {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Remote {
            service,
            fields,
            context,
        } = recipient
        else {
            return Err(KeyError::Missing);
        };
        let key = WrappedKey::from_fields(service, fields, context);
        let opened = key.and_then(|key| self.0.unwrap(&key));
        match opened {
            Ok(key) => Ok(Zeroizing::new(key.expose().to_vec())),
            Err(error) => Err(KeyError::Service {
                message: error.to_string(),
                retryable: error.is_retryable(),
            }),
        }
    }
}

struct Case {
    name: String,
    encrypted: Vec<u8>,
    format: Format,
    expected: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops");
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let case = |path: PathBuf| {
        let files = list(&path);
        let file = files.iter().find(|file| !file.ends_with("expected"));
        let file = file.unwrap();
        Case {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            encrypted: std::fs::read(file).unwrap(),
            format: Format::of_path(file.to_str().unwrap()),
            expected: std::fs::read(path.join("expected")).unwrap(),
        }
    };
    list(&folder).into_iter().map(case).collect()
}

/// Decrypts on a thread that may wait.
async fn run(client: &Arc<KeyClient>, case: &Case) -> Result<Vec<u8>, fjord_sops::Error> {
    let keys = Joined(BlockingKeyClient::new(
        Arc::clone(client),
        tokio::runtime::Handle::current(),
    ));
    let (text, format) = (case.encrypted.clone(), case.format);
    let work = move || {
        let decrypted = decrypt(&text, format, &keys, Mac::Verify)?;
        Ok(decrypted.write(format)?.to_vec())
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

struct Servers {
    vault: crate::stand_in::Running,
    gcp: crate::stand_in::Running,
    azure: crate::stand_in::Running,
    /// None where Python or moto is missing.
    moto: Option<Moto>,
}

impl Servers {
    async fn start() -> Self {
        Self {
            vault: vault::start(0).await,
            gcp: gcp::start(0).await,
            azure: azure::start(0).await,
            moto: Moto::start().await,
        }
    }

    fn credentials(&self) -> Credentials {
        let azure = json!({
            "tenantId": "tenant", "clientId": "c", "clientSecret": azure::SECRET,
            "authorityHost": self.azure.url.as_str(),
        });
        let key = |moto: &Moto| AwsCredentials::from_value(&moto.access_key("sops")).unwrap();
        Credentials {
            vault: Some(VaultCredentials::Token(vault::TOKEN.into())),
            aws: self.moto.as_ref().map(key),
            gcp: Some(GcpCredentials::AccessToken(gcp::ACCESS_TOKEN.into())),
            azure: Some(AzureCredentials::from_value(&azure).unwrap()),
        }
    }

    fn client(&self, credentials: Credentials) -> Arc<KeyClient> {
        let moto = || self.moto.as_ref().map(|moto| moto.url.clone());
        let settings = Settings {
            endpoints: Endpoints {
                vault: Some(self.vault.url.clone()),
                aws_kms: moto(),
                aws_sts: moto(),
                gcp_kms: Some(self.gcp.url.clone()),
                azure_key_vault: Some(self.azure.url.clone()),
            },
            ..Settings::default()
        };
        Arc::new(KeyClient::new(credentials, settings).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sops_encrypted_with_remote_keys_decrypts_to_what_sops_decrypts() {
    let servers = Servers::start().await;
    let client = servers.client(servers.credentials());
    let cases = cases();
    assert!(cases.len() > 30, "{} cases", cases.len());
    for case in &cases {
        if servers.moto.is_none() && case.name.starts_with("aws") {
            continue;
        }
        let decrypted = run(&client, case).await;
        let decrypted = decrypted.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(decrypted, case.expected, "{}", case.name);
    }
    let asked = servers.vault.decrypts.get();
    for case in cases.iter().filter(|case| case.name.starts_with("vault")) {
        run(&client, case).await.unwrap();
    }
    assert_eq!(servers.vault.decrypts.get(), asked, "asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_of_a_group_is_enough_and_the_others_may_be_silent() {
    let servers = Servers::start().await;
    let good = servers.credentials();
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "all-in-one-group");
    let case = case.unwrap();
    let none = Credentials::default;
    let alone = [
        Credentials {
            vault: good.vault.clone(),
            ..none()
        },
        Credentials {
            aws: good.aws.clone(),
            ..none()
        },
        Credentials {
            gcp: good.gcp.clone(),
            ..none()
        },
        Credentials {
            azure: good.azure.clone(),
            ..none()
        },
    ];
    for (index, credentials) in alone.into_iter().enumerate() {
        if index == 1 && servers.moto.is_none() {
            continue;
        }
        let decrypted = run(&servers.client(credentials), case).await;
        assert_eq!(decrypted.unwrap(), case.expected, "{index}");
    }
    let error = run(&servers.client(none()), case).await.unwrap_err();
    let said = error.to_string();
    for service in ["Vault", "AWS KMS", "GCP KMS", "Azure Key Vault"] {
        assert!(
            said.contains(&format!("no credentials for {service}")),
            "{said}"
        );
    }
    assert!(matches!(
        error,
        fjord_sops::Error::NoKey {
            retryable: false,
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_failure_may_be_tried_again_reaches_the_caller() {
    let vault_is_gone = Servers::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "vault-yaml").unwrap();
    let client = |token: &str, url: &str| {
        let credentials = Credentials {
            vault: Some(VaultCredentials::Token(token.into())),
            ..Credentials::default()
        };
        let settings = Settings {
            endpoints: Endpoints {
                vault: Some(url.parse().unwrap()),
                ..Endpoints::default()
            },
            ..Settings::default()
        };
        Arc::new(KeyClient::new(credentials, settings).unwrap())
    };
    let here = vault_is_gone.vault.url.to_string();
    for (client, again, words) in [
        (client(vault::TOKEN, &address), true, "cannot be reached"),
        (
            client("hvs.planted-wrong", &here),
            false,
            "does not accept the credentials",
        ),
    ] {
        let error = run(&client, case).await.unwrap_err();
        let fjord_sops::Error::NoKey { tried, retryable } = &error else {
            panic!("{error}");
        };
        assert_eq!(*retryable, again, "{error}");
        assert!(
            tried[0].starts_with("hc_vault sops: ") && tried[0].contains(words),
            "{error}"
        );
        assert!(!error.to_string().contains("planted-"), "{error}");
    }
}

#[tokio::test]
async fn a_runtime_that_ended_is_an_error_and_not_a_wait_for_ever() {
    let ended = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let handle = ended.handle().clone();
    ended.shutdown_background();
    let client = KeyClient::new(Credentials::default(), Settings::default()).unwrap();
    let client = BlockingKeyClient::new(Arc::new(client), handle);
    let fields = ["arn", "enc"].map(|name| (name.to_owned(), "x".to_owned()));
    let key = WrappedKey::from_fields("kms", &fields, &[]).unwrap();
    assert!(matches!(client.unwrap(&key).unwrap_err(), Error::Client(_)));
}
