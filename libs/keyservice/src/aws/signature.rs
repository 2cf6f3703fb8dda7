//! AWS Signature Version 4 for a POST without a query.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::AwsCredentials;

/// What is signed.
pub(super) struct Request<'a> {
    pub(super) credentials: &'a AwsCredentials,
    pub(super) url: &'a Url,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// Lower-case names, beside the ones added here.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    pub(super) at: Timestamp,
}

impl Request<'_> {
    /// Returns the headers that authenticate the request: `authorization`, `x-amz-date` and, with
    /// temporary credentials, `x-amz-security-token`.
    pub(super) fn sign(&self) -> Vec<(&'static str, String)> {
        let at = self.at.to_zoned(TimeZone::UTC);
        let date = at.strftime("%Y%m%d").to_string();
        let moment = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let session = self.credentials.session_token.as_ref();
        let session = session.map(|token| token.expose_secret().to_owned());

        let host = match (self.url.host_str().unwrap_or_default(), self.url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut headers = self.headers.to_vec();
        headers.push(("host", &host));
        headers.push(("x-amz-date", &moment));
        if let Some(session) = &session {
            headers.push(("x-amz-security-token", session));
        }
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();

        let body = hex::encode(Sha256::digest(self.body));
        let path = self.url.path();
        let canonical = Zeroizing::new(format!("POST\n{path}\n\n{lines}\n{names}\n{body}"));
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}");
        let signature = hex::encode(&*mac(&self.key(&date), &to_sign));

        let id = &self.credentials.access_key_id;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
        );
        let mut out = vec![("authorization", authorization), ("x-amz-date", moment)];
        if let Some(session) = session {
            out.push(("x-amz-security-token", session));
        }
        out
    }

    fn key(&self, date: &str) -> Zeroizing<Vec<u8>> {
        let secret = self.credentials.secret_access_key.expose_secret();
        let start = Zeroizing::new(format!("AWS4{secret}").into_bytes());
        [date, self.region, self.service, "aws4_request"]
            .iter()
            .fold(start, |key, part| mac(&key, part))
    }
}

fn mac(key: &[u8], message: &str) -> Zeroizing<Vec<u8>> {
    // HMAC takes keys of any length, so this has no failure to speak of.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::default();
    };
    mac.update(message.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected signature was made by botocore from the same request.
    #[test]
    fn a_decrypt_request_is_signed_as_botocore_signs_it() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: Some("session/token==".into()),
        };
        let signed = Request {
            credentials: &credentials,
            url: &Url::parse("http://127.0.0.1:5000/").unwrap(),
            region: "eu-west-1",
            service: "kms",
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "TrentService.Decrypt"),
            ],
            body: br#"{"KeyId":"k"}"#,
            at: "2026-03-04T05:06:07Z".parse().unwrap(),
        }
        .sign();
        assert_eq!(signed[1].1, "20260304T050607Z");
        assert_eq!(
            signed[0].1,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/eu-west-1/kms/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
             Signature=a1c10a597ed878c0afca9ee5ee9902bd69325ffc4cbffc35af117c6726126a9d"
        );
    }
}
