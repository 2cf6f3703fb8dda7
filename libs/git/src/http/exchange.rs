//! One conversation with a Git server: the transport trait of the Git library over an async client.
//!
//! The library is blocking and runs on a thread where that is allowed; each read waits on the
//! runtime up to the deadline. A failure is kept aside as a typed error as well, since the library
//! wraps what passes through it.

use std::any::Any;
use std::io::{self, BufRead, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::words::without_user;
use super::{Credentials, Error};

/// Longest part of an error's body that is shown.
const MAX_REASON: usize = 4096;
const FIRST_REQUEST: &str = "/info/refs";

/// Ends the waits of a conversation when nobody waits for its result any more.
#[derive(Default)]
pub(crate) struct Cancel {
    pub(crate) is_set: AtomicBool,
    changed: Notify,
}

impl Cancel {
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::Relaxed);
        // Kept for the next wait if there is none now; there is never more than one.
        self.changed.notify_one();
    }
}

/// Holds the first failure of a conversation.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Option<Error>>>);

impl Failures {
    pub(crate) fn take(&self) -> Option<Error> {
        lock(&self.0).take()
    }

    fn note(&self, error: Error) -> Error {
        lock(&self.0).get_or_insert_with(|| error.clone());
        error
    }
}

/// Sends the requests of one conversation.
pub(crate) struct Wire {
    shared: Arc<Shared>,
    authorization: Option<HeaderValue>,
    redirected: Option<String>,
}

struct Shared {
    client: Client,
    runtime: Handle,
    deadline: Instant,
    cancel: Arc<Cancel>,
    max_body: u64,
    failures: Failures,
}

impl Wire {
    pub(crate) fn new(
        client: Client,
        credentials: &Credentials,
        deadline: Instant,
        cancel: Arc<Cancel>,
        max_body: u64,
    ) -> Result<(Self, Failures), crate::Error> {
        let failures = Failures::default();
        let shared = Shared {
            client,
            runtime: Handle::current(),
            deadline,
            cancel,
            max_body,
            failures: failures.clone(),
        };
        let authorization = authorization(credentials)?;
        Ok((
            Self {
                shared: Arc::new(shared),
                authorization,
                redirected: None,
            },
            failures,
        ))
    }

    fn headers(&self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some((name, value)) = line.as_ref().split_once(':') else {
                continue;
            };
            let name = HeaderName::from_bytes(name.trim().as_bytes());
            let value = HeaderValue::from_str(value.trim());
            if let (Ok(name), Ok(value)) = (name, value)
                && name != reqwest::header::USER_AGENT
            {
                headers.append(name, value);
            }
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers
    }

    /// Moves to where the first request was redirected; another host does not get credentials.
    fn follow(&mut self, asked: &Url, answered: &Url) {
        if asked == answered {
            return;
        }
        if asked.host_str() != answered.host_str()
            || asked.port_or_known_default() != answered.port_or_known_default()
        {
            self.authorization = None;
        }
        if let Some(base) = answered.as_str().split(FIRST_REQUEST).next() {
            self.redirected = Some(base.to_owned());
        }
    }
}

impl Http for Wire {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let headers = self.headers(headers);
        let response = self
            .shared
            .send(Method::GET, url, headers, None)
            .map_err(gix::Error::from_error)?;
        if let Ok(asked) = Url::parse(url) {
            self.follow(&asked, response.url());
        }
        let (headers, body) = self.shared.clone().answer(State::Answered(response));
        Ok(GetResponse { headers, body })
    }

    /// Nothing is sent before the answer is read: then what is to be posted is complete.
    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let content = Arc::new(Mutex::new(Vec::new()));
        let state = State::Unsent {
            url: url.to_owned(),
            headers: self.headers(headers),
            content: content.clone(),
        };
        let (headers, body) = self.shared.clone().answer(state);
        Ok(PostResponse {
            post_body: PostBody(content),
            headers,
            body,
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

impl Shared {
    fn answer(self: Arc<Self>, state: State) -> (Headers, Body) {
        let answer = Arc::new(Mutex::new(Answer {
            shared: self,
            state,
            received: 0,
        }));
        let headers = Headers {
            answer: answer.clone(),
            lines: None,
        };
        (
            headers,
            Body {
                answer,
                chunk: io::Cursor::default(),
            },
        )
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Response, Error> {
        let verb = if method == Method::GET { "Get" } else { "Post" };
        let mut request = self.client.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = match self.wait(request.send()) {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                return Err(self.failures.note(Error::transport(verb, url, &error)));
            }
            None => return Err(self.failures.note(Error::deadline(verb, url))),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, answered) = (response.status(), response.url().to_string());
        let reason = self.wait(reason(response)).unwrap_or_default();
        Err(self.failures.note(match status {
            StatusCode::UNAUTHORIZED => Error::Unauthorized(reason),
            StatusCode::FORBIDDEN => Error::Forbidden(reason),
            StatusCode::NOT_FOUND => Error::NotFound(reason),
            status => Error::Status {
                url: without_user(&answered),
                status: status.as_u16(),
            },
        }))
    }

    /// Waits for `future`; nothing once the deadline passed or nobody is interested any more.
    fn wait<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        if self.cancel.is_set.load(Ordering::Relaxed) {
            return None;
        }
        self.runtime.block_on(async {
            tokio::select! {
                result = tokio::time::timeout_at(self.deadline.into(), future) => result.ok(),
                () = self.cancel.changed.notified() => None,
            }
        })
    }
}

async fn reason(mut response: Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        text.extend_from_slice(&chunk[..chunk.len().min(MAX_REASON - text.len())]);
        if text.len() >= MAX_REASON {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Collects what is to be posted; requests are small even when packs are not.
pub(crate) struct PostBody(Arc<Mutex<Vec<u8>>>);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum State {
    Unsent {
        url: String,
        headers: HeaderMap,
        content: Arc<Mutex<Vec<u8>>>,
    },
    Answered(Response),
    Ended,
}

struct Answer {
    shared: Arc<Shared>,
    state: State,
    received: u64,
}

impl Answer {
    /// Sends the request if that is still to be done.
    fn response(&mut self) -> Result<Option<&mut Response>, Error> {
        if let State::Unsent {
            url,
            headers,
            content,
        } = &mut self.state
        {
            let content = std::mem::take(&mut *lock(content));
            let headers = std::mem::take(headers);
            let sent = self.shared.send(Method::POST, url, headers, Some(content));
            self.state = State::Ended;
            self.state = State::Answered(sent?);
        }
        Ok(match &mut self.state {
            State::Answered(response) => Some(response),
            State::Unsent { .. } | State::Ended => None,
        })
    }

    /// Returns the next piece; nothing at the end.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let shared = self.shared.clone();
        let Some(response) = self.response()? else {
            return Ok(None);
        };
        let url = response.url().to_string();
        let chunk = match shared.wait(response.chunk()) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Err(Error::transport("Get", &url, &error)),
            None => return Err(Error::deadline("Get", &url)),
        };
        let Some(chunk) = chunk else {
            self.state = State::Ended;
            return Ok(None);
        };
        self.received += chunk.len() as u64;
        if self.received > shared.max_body {
            return Err(Error::TooLarge(shared.max_body));
        }
        Ok(Some(chunk.into()))
    }
}

/// Reads an answer's headers, one a line.
pub(crate) struct Headers {
    answer: Arc<Mutex<Answer>>,
    lines: Option<io::Cursor<Vec<u8>>>,
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            empty => {
                let mut answer = lock(&self.answer);
                let response = answer.response()?;
                let text = response
                    .map(|response| header_lines(response))
                    .unwrap_or_default();
                empty.insert(io::Cursor::new(text))
            }
        };
        lines.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(amount);
        }
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// Reads an answer's body piece by piece.
pub(crate) struct Body {
    answer: Arc<Mutex<Answer>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.position() >= self.chunk.get_ref().len() as u64 {
            let mut answer = lock(&self.answer);
            match answer.next_chunk() {
                Ok(Some(chunk)) => self.chunk = io::Cursor::new(chunk),
                Ok(None) => break,
                Err(error) => {
                    answer.state = State::Ended;
                    return Err(answer.shared.failures.note(error).into());
                }
            }
        }
        self.chunk.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.consume(amount);
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

fn read_buffered(from: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let available = from.fill_buf()?;
    let length = available.len().min(buffer.len());
    buffer[..length].copy_from_slice(&available[..length]);
    from.consume(length);
    Ok(length)
}

fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, crate::Error> {
    use base64::Engine as _;
    let text = match credentials {
        Credentials::Anonymous => return Ok(None),
        Credentials::Basic { username, password } => {
            let pair = format!("{username}:{}", password.expose_secret());
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            )
        }
        Credentials::Bearer(token) => format!("Bearer {}", token.expose_secret()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        crate::Error::Configuration("credentials hold characters that no HTTP header can".into())
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn header_lines(response: &Response) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in response.headers() {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.push(b':');
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
