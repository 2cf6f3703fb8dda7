//! The file server that consumers download artifacts from.
//!
//! GET and HEAD of regular files with one byte range and `If-Modified-Since`, as Go's file server
//! answers them (source-controller.md §3.6). `/` answers 200 for the readiness probe, but nothing
//! lists a folder, and lock, temporary or hidden files are not shown: Flux exposes all of them.

use std::io::{self, SeekFrom};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::get;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::storage::Reading;
use crate::{SafePath, Storage};

const CHUNK: usize = 64 * 1024;
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

impl Storage {
    /// Returns the routes of the file server.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(async || StatusCode::OK))
            .route("/{*path}", get(serve))
            .with_state(self.clone())
    }
}

async fn serve(
    State(storage): State<Storage>,
    Path(path): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response<Body> {
    let is_hidden = path.ends_with(".lock")
        || path.ends_with(".tmp")
        || path.ends_with('/')
        || path.split('/').any(|component| component.starts_with('.'));
    let opened = match SafePath::parse(&path) {
        Ok(path) if !is_hidden => {
            let read = tokio::task::spawn_blocking(move || storage.read(&path)).await;
            read.unwrap_or_else(|error| Err(io::Error::other(error)))
        }
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let answered = match opened {
        Ok(reading) => respond(reading, &path, &method, &headers).await,
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| {
        plain(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StatusCode::NOT_FOUND,
            io::ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        })
    })
}

async fn respond(
    mut reading: Reading,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> io::Result<Response<Body>> {
    let Some(file) = reading.file.take() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut file = tokio::fs::File::from_std(file);
    let meta = file.metadata().await?;
    let modified = meta.modified()?;
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(header::LAST_MODIFIED, http_date(modified)?);
    if is_unchanged(headers, modified) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    let size = meta.len();
    let (start, length) = match byte_range(headers, size) {
        Range::Whole => (0, size),
        Range::Part { start, end } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let text = format!("bytes {start}-{end}/{size}");
            let value = HeaderValue::try_from(text).map_err(io::Error::other)?;
            response.headers_mut().insert(header::CONTENT_RANGE, value);
            (start, end - start + 1)
        }
        Range::Unsatisfiable => {
            let value =
                HeaderValue::try_from(format!("bytes */{size}")).map_err(io::Error::other)?;
            let mut refused = plain(StatusCode::RANGE_NOT_SATISFIABLE);
            refused.headers_mut().insert(header::CONTENT_RANGE, value);
            return Ok(refused);
        }
    };
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    if *method == Method::HEAD {
        return Ok(response);
    }
    file.seek(SeekFrom::Start(start)).await?;
    let stream = ReaderStream::with_capacity(file.take(length), CHUNK);
    // The lease lives as long as the body.
    let stream = futures::StreamExt::map(stream, move |chunk| {
        let _lease = &reading;
        chunk
    });
    *response.body_mut() = Body::from_stream(stream);
    Ok(response)
}

fn plain(status: StatusCode) -> Response<Body> {
    let text = format!(
        "{} {}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("gz" | "tgz") => "application/gzip",
        Some("yaml" | "yml") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn http_date(time: SystemTime) -> io::Result<HeaderValue> {
    let time = Timestamp::try_from(time).map_err(io::Error::other)?;
    HeaderValue::try_from(time.strftime(HTTP_DATE).to_string()).map_err(io::Error::other)
}

fn is_unchanged(headers: &HeaderMap, modified: SystemTime) -> bool {
    let since = headers
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| jiff::civil::DateTime::strptime(HTTP_DATE, text).ok())
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let modified = Timestamp::try_from(modified).ok();
    matches!((since, modified), (Some(since), Some(at)) if at.as_second() <= since.timestamp().as_second())
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    Part { start: u64, end: u64 },
    Unsatisfiable,
}

/// Reads a single byte range; several ranges or another unit give the whole file.
fn byte_range(headers: &HeaderMap, size: u64) -> Range {
    let spec = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let Some((first, last)) = spec
        .and_then(|text| text.strip_prefix("bytes="))
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Range::Whole;
    };
    let (first, last) = (
        first.trim().parse::<u64>().ok(),
        last.trim().parse::<u64>().ok(),
    );
    let bounds = match (first, last) {
        (Some(first), last) => (
            first,
            last.map_or(u64::MAX, |l| l).min(size.saturating_sub(1)),
        ),
        (None, Some(suffix)) if suffix > 0 => (size.saturating_sub(suffix), size.saturating_sub(1)),
        _ => return Range::Unsatisfiable,
    };
    match bounds {
        (start, end) if start < size && start <= end => Range::Part { start, end },
        _ => Range::Unsatisfiable,
    }
}
