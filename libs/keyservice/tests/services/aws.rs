use std::collections::BTreeMap;

use fjord_keyservice::{AwsCredentials, Credentials, Endpoints, KeyClient, WrappedKey};
use serde_json::{Value, json};

use crate::stand_in::moto::Moto;
use crate::{client, kind, unwrap};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const ALIAS: &str = "arn:aws:kms:eu-west-1:123456789012:alias/throw-away";

/// `FJORD` under the throw-away key; `aws_kms.py` says why it still decrypts tomorrow. Made by moto.
const PLAIN: &str =
    "MTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1dGaeT7RqIl8RphDSjg13P0X2lY2EYRiS+3KE4a0HBGJr";
/// The same with the encryption context `app=web, team=a b`.
const IN_CONTEXT: &str =
    "MTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1Z+OKq4uZO5i/XV8tdYcU+ibSZ7vdD6DgkGpPlDsNssi/";

fn key(arn: &str, role: Option<&str>, context: Value, ciphertext: &str) -> WrappedKey {
    let context = context.as_object().unwrap().iter();
    let context = context.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    WrappedKey::AwsKms {
        arn: arn.into(),
        role: role.map(|role| format!("arn:aws:iam::123456789012:role/{role}")),
        context: context.collect::<BTreeMap<_, _>>(),
        ciphertext: ciphertext.into(),
    }
}

fn with(moto: &Moto, access_key: &Value) -> KeyClient {
    let credentials = Credentials {
        aws: Some(AwsCredentials::from_value(access_key).unwrap()),
        ..Credentials::default()
    };
    let endpoints = Endpoints {
        aws_kms: Some(moto.url.clone()),
        aws_sts: Some(moto.url.clone()),
        ..Endpoints::default()
    };
    client(credentials, endpoints)
}

#[tokio::test]
async fn moto_accepts_the_signature_and_unwraps() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    let client = with(&moto, &moto.access_key("sops"));
    let context = json!({ "app": "web", "team": "a b" });
    for key in [
        key(KEY, None, json!({}), PLAIN),
        key(ALIAS, None, json!({}), PLAIN),
        key(KEY, None, context.clone(), IN_CONTEXT),
        key(KEY, Some("sops"), json!({}), PLAIN),
        key(KEY, Some("sops"), context, IN_CONTEXT),
    ] {
        assert_eq!(unwrap(&client, &key).await.unwrap(), b"FJORD", "{key:?}");
    }

    let wrong = json!({
        "aws_access_key_id": moto.access_key("sops")["aws_access_key_id"],
        "aws_secret_access_key": "planted-wrong-secret",
        "aws_session_token": "planted-session",
    });
    let mut plain_wrong = wrong.clone();
    plain_wrong["aws_session_token"] = json!("");
    let unknown = json!({
        "aws_access_key_id": "AKIAQAAAAAAAAAAAAAAA",
        "aws_secret_access_key": "planted-wrong-secret",
    });
    let idle = with(&moto, &moto.access_key("idle"));
    let (wrong, unknown) = (with(&moto, &plain_wrong), with(&moto, &unknown));
    let elsewhere = KEY.replace("5555555", "6666666");
    for (client, key, expected) in [
        (&wrong, key(KEY, None, json!({}), PLAIN), "Rejected, never"),
        (
            &unknown,
            key(KEY, None, json!({}), PLAIN),
            "Rejected, never",
        ),
        (&idle, key(KEY, None, json!({}), PLAIN), "Denied, never"),
        (
            &idle,
            key(KEY, Some("sops"), json!({}), PLAIN),
            "Denied, never",
        ),
        (
            &client,
            key(KEY, Some("idle"), json!({}), PLAIN),
            "Denied, never",
        ),
        (
            &client,
            key(KEY, None, json!({"app": "web"}), IN_CONTEXT),
            "Undecryptable, never",
        ),
        (
            &client,
            key(KEY, None, json!({}), "AAAA"),
            "Undecryptable, never",
        ),
        (&client, key(KEY, None, json!({}), "?"), "Key, never"),
        (
            &client,
            key(&elsewhere, None, json!({}), PLAIN),
            "NotFound, never",
        ),
        (
            &client,
            key("arn:aws:kms:x", None, json!({}), PLAIN),
            "Key, never",
        ),
    ] {
        assert_eq!(kind(unwrap(client, &key).await), expected, "{key:?}");
    }
}

#[test]
fn credentials_say_which_field_is_missing() {
    let value = json!({ "aws_access_key_id": "AKIA", "aws_secret_access_key": "" });
    let error = AwsCredentials::from_value(&value).unwrap_err().to_string();
    assert_eq!(
        error,
        "AWS KMS credentials: they have no aws_secret_access_key"
    );
}
