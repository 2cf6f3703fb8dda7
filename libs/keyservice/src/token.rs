//! Tokens that an exchange gave, kept until shortly before they expire.
//!
//! One exchange runs at a time: files are decrypted in parallel, and a hundred of them must not ask for a
//! hundred tokens.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

use crate::http::text;
use crate::{Error, KeyClient, Service};

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(60);
/// The most tokens kept; more means addresses or roles made up by files.
const MOST: usize = 64;

/// A token (or a few fields in one text) and how long it lasts from now.
pub(crate) struct Token {
    pub(crate) value: SecretString,
    pub(crate) lasts: Duration,
}

/// The tokens of one client, by what they were asked for.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<HashMap<String, (SecretString, Instant)>>,
}

impl Tokens {
    /// Calls with a kept token, or with a new one. A kept one that is refused is exchanged once more.
    pub(crate) async fn using<T, E, C>(
        &self,
        name: &str,
        exchange: impl Fn() -> E,
        call: impl Fn(SecretString) -> C,
    ) -> Result<T, Error>
    where
        E: Future<Output = Result<Token, Error>>,
        C: Future<Output = Result<T, Error>>,
    {
        if let Some(kept) = self.kept(name).await {
            match call(kept).await {
                Err(Error::Rejected { .. }) => drop(self.kept.lock().await.remove(name)),
                other => return other,
            }
        }
        let token = self.exchanged(name, exchange).await?;
        call(token).await
    }

    async fn kept(&self, name: &str) -> Option<SecretString> {
        let kept = self.kept.lock().await;
        let (token, until) = kept.get(name)?;
        (Instant::now() < *until).then(|| token.clone())
    }

    async fn exchanged<E>(
        &self,
        name: &str,
        exchange: impl Fn() -> E,
    ) -> Result<SecretString, Error>
    where
        E: Future<Output = Result<Token, Error>>,
    {
        let mut kept = self.kept.lock().await;
        let now = Instant::now();
        // Another file's exchange may have ended while this one waited.
        if let Some((token, until)) = kept.get(name)
            && now < *until
        {
            return Ok(token.clone());
        }
        let token = exchange().await?;
        kept.retain(|_, (_, until)| now < *until);
        if kept.len() >= MOST {
            kept.clear();
        }
        let until = Instant::now() + token.lasts.saturating_sub(MARGIN);
        kept.insert(name.to_owned(), (token.value.clone(), until));
        Ok(token.value)
    }
}

fn encoded(form: &[(&str, &str)]) -> Zeroizing<String> {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    Zeroizing::new(text.extend_pairs(form).finish())
}

/// Asks an OAuth 2.0 token address; `secrets` are what its answer must not show.
pub(crate) async fn oauth(
    client: &KeyClient,
    service: Service,
    url: &Url,
    form: &[(&str, &str)],
    secrets: &[&str],
) -> Result<Token, Error> {
    let body = encoded(form);
    let request = client
        .http
        .post(url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body.as_str().to_owned());
    let answer = client.http.send(service, url, request).await?;
    if !answer.status.is_success() {
        let body = answer.json_or_null();
        let said = [text(&body, "/error"), text(&body, "/error_description")].join(" ");
        return Err(match answer.failure(service, &said, secrets) {
            // 400 is how OAuth refuses a client or a grant; nothing was to be decrypted yet.
            Error::Undecryptable { service, answer }
            | Error::Denied { service, answer }
            | Error::NotFound { service, answer } => Error::Rejected { service, answer },
            other => other,
        });
    }
    let answer = answer.json(service)?;
    let token = text(&answer, "/access_token");
    if token.is_empty() {
        return Err(Error::answer(service, "access_token is missing"));
    }
    // Azure's older address gives it as a string.
    let lasts = match &answer["expires_in"] {
        Value::String(text) => text.parse().unwrap_or(0),
        value => value.as_u64().unwrap_or(0),
    };
    Ok(Token {
        value: token.into(),
        lasts: Duration::from_secs(lasts),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn use_one(tokens: &Tokens, exchanges: &AtomicUsize, refused: &str) -> String {
        tokens
            .using(
                "name",
                || async {
                    let count = exchanges.fetch_add(1, Ordering::SeqCst);
                    Ok(Token {
                        value: format!("token-{count}").into(),
                        lasts: Duration::from_secs(3600),
                    })
                },
                |token| async move {
                    if token.expose_secret() == refused {
                        return Err(Error::Rejected {
                            service: crate::Service::GcpKms,
                            answer: String::new(),
                        });
                    }
                    Ok(token.expose_secret().to_owned())
                },
            )
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_token_is_used_again_until_it_is_refused() {
        let (tokens, exchanges) = (Tokens::default(), AtomicUsize::new(0));
        assert_eq!(use_one(&tokens, &exchanges, "").await, "token-0");
        assert_eq!(use_one(&tokens, &exchanges, "").await, "token-0");
        assert_eq!(use_one(&tokens, &exchanges, "token-0").await, "token-1");
    }
}
