//! One request through `git http-backend`, a CGI program.

use std::io;
use std::path::Path;
use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::TryStreamExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio_util::io::{ReaderStream, StreamReader};

/// The headers of a CGI answer never come near this.
const HEADER_LIMIT: u64 = 64 << 10;

/// Runs the program and returns its answer while it still writes it.
pub(super) async fn run(root: &Path, request: Request) -> io::Result<Response> {
    let (parts, body) = request.into_parts();
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let mut child = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "-c",
            "http.receivepack=true",
            "http-backend",
        ])
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", text(header::CONTENT_LENGTH))
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env(
            "GIT_PROTOCOL",
            text(HeaderName::from_static("git-protocol")),
        )
        .env("HOME", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("no pipe to git http-backend"));
    };
    tokio::spawn(async move {
        let mut body = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        // It may answer, and close its end, before it has read everything.
        let _ = tokio::io::copy(&mut body, &mut stdin).await;
    });
    let mut output = BufReader::new(stdout);
    let mut response = Response::new(Body::empty());
    let mut head = (&mut output).take(HEADER_LIMIT);
    loop {
        let mut line = String::new();
        head.read_line(&mut line).await?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else {
            return Err(io::Error::other("git http-backend wrote no header"));
        };
        if name.eq_ignore_ascii_case("status") {
            let code = value.get(..3).unwrap_or_default();
            *response.status_mut() = StatusCode::from_bytes(code.as_bytes())
                .map_err(|_| io::Error::other("git http-backend wrote no status"))?;
        } else if let (Ok(name), Ok(value)) = (name.parse(), HeaderValue::from_str(value)) {
            let name: HeaderName = name;
            response.headers_mut().insert(name, value);
        }
    }
    // The child lives as long as the body is read.
    let stream = ReaderStream::new(output).inspect_ok(move |_| {
        let _ = &child;
    });
    *response.body_mut() = Body::from_stream(stream);
    Ok(response)
}
