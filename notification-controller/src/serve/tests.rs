use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

struct Echo;

impl Handler for Echo {
    async fn answer(&self, head: Parts, body: Bytes) -> Answer {
        text(StatusCode::OK, &format!("{} {}", head.uri, body.len()))
    }

    fn label(&self, _: &Parts) -> String {
        "/".to_owned()
    }
}

async fn start(limits: Limits) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = HttpMetrics::new("test", &prometheus::Registry::new()).unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, Echo, limits, metrics, stop.clone()));
    (address, stop)
}

fn small() -> Limits {
    let short = Duration::from_millis(300);
    Limits {
        body: 1000,
        head: 8192,
        head_time: short,
        body_time: short,
        ..Limits::default()
    }
}

/// Sends raw bytes and returns what comes back until the connection ends or nothing more comes.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(body: &str) -> String {
    format!(
        "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() {
    let (address, _stop) = start(small()).await;
    assert!(
        raw(address, post(&"x".repeat(1000)).as_bytes())
            .await
            .contains("/x 1000")
    );
    let answer = raw(address, post(&"x".repeat(1001)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_cannot_pass_the_limit() {
    let (address, _stop) = start(small()).await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let head = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = raw(
        address,
        format!("{head}{chunk}{chunk}{chunk}0\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_cut_off() {
    let (address, _stop) = start(small()).await;
    let began = Instant::now();
    raw(address, b"POST /x HTTP/1.1\r\nHost:").await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "a slow head holds the connection"
    );
    let answer = raw(
        address,
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_head_larger_than_the_limit_is_refused() {
    let (address, _stop) = start(small()).await;
    let answer = raw(
        address,
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
            "y".repeat(20_000)
        )
        .as_bytes(),
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(),
        "{answer}"
    );
}

#[tokio::test]
async fn the_memory_of_all_bodies_together_is_bounded() {
    let limits = Limits {
        held: 2 * UNIT,
        body_time: Duration::from_secs(5),
        ..small()
    };
    let (address, _stop) = start(limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow")
            .await
            .unwrap();
        held.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = raw(address, post("x").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn unclean_paths_are_redirected_with_their_query() {
    let (address, _stop) = start(small()).await;
    for (path, want) in [
        ("//hook/x?y=1", "/hook/x?y=1"),
        ("/a/../hook/", "/hook/"),
        ("/./", "/"),
    ] {
        let answer = raw(
            address,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 307 "), "{path}: {answer}");
        assert!(
            answer.contains(&format!("location: {want}\r\n")),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_frees_the_port() {
    let (address, stop) = start(small()).await;
    let _idle = TcpStream::connect(address).await.unwrap();
    stop.cancel();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(address).await.is_err());
}
