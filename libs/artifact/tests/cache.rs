//! From the storage over HTTP into the consumers' cache.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::{Router, middleware};
use fjord_artifact::cache::{Error, FetchError, Options};
use fjord_artifact::{Algorithm, ArchiveWriter, Cache, Digest, Retention, SafePath, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A storage with its file server; requests are counted, and the first few may be refused.
struct Source {
    root: tempfile::TempDir,
    storage: Storage,
    requests: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
}

impl Source {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let root = tempfile::tempdir().unwrap();
        let storage = Storage::open(
            root.path(),
            &address,
            Algorithm::Sha256,
            Retention::default(),
        )
        .unwrap();
        let (requests, refusals) = (Arc::default(), Arc::default());
        let counters = (Arc::clone(&requests), Arc::clone(&refusals));
        let app: Router = storage
            .router()
            .layer(middleware::from_fn_with_state(counters, count));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            root,
            storage,
            requests,
            refusals,
        }
    }

    /// Stores an artifact and returns its address and digest.
    fn store(&self, name: &str, files: &[(&str, &str)]) -> (String, String) {
        let path = path(&format!("gitrepository/ns/app/{name}.tar.gz"));
        let stored = self.storage.write::<anyhow::Error>(&path, |archive| {
            for (name, content) in files {
                archive.file(
                    &SafePath::parse(name)?,
                    name.ends_with(".sh"),
                    content.as_bytes(),
                )?;
            }
            Ok(())
        });
        (self.storage.url(&path), stored.unwrap().digest.to_string())
    }
}

type Counters = (Arc<AtomicUsize>, Arc<AtomicUsize>);

async fn count(
    State((requests, refusals)): State<Counters>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> axum::response::Response {
    requests.fetch_add(1, Ordering::SeqCst);
    let refuses = |left: usize| left.checked_sub(1);
    if refusals
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses)
        .is_ok()
    {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

fn path(text: &str) -> SafePath {
    SafePath::parse(text).unwrap()
}

fn options(folder: &Path) -> Options {
    Options {
        retries: 2,
        retry_wait_min: Duration::from_millis(5),
        retry_wait_max: Duration::from_millis(10),
        ..Options::new(folder)
    }
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(options(&folder.path().join("cache"))).unwrap();
    (folder, cache)
}

async fn error(cache: &Cache, url: &str, digest: &str) -> Error {
    match cache.get(url, digest).await {
        Err(error) => error,
        Ok(_) => panic!("an error was expected"),
    }
}

#[tokio::test]
async fn an_artifact_is_fetched_once_for_all_and_is_read_only() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("run.sh", "#!"), ("x/a.yaml", "a: 1\n")]);
    let (_folder, cache) = cache();
    let many = (0..20).map(|_| cache.get(&url, &digest));
    let handles: Vec<_> = futures::future::join_all(many)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(source.requests.load(Ordering::SeqCst), 1);
    let root = handles[0].root();
    assert!(handles.iter().all(|handle| handle.root() == root));
    assert_eq!(
        std::fs::read_to_string(root.join("x/a.yaml")).unwrap(),
        "a: 1\n"
    );
    let mode = |path: &str| root.join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("run.sh"), mode("x/a.yaml"), mode("x")),
        (0o500, 0o400, 0o500)
    );
    let hash = Digest::of(Algorithm::Sha256, b"a: 1\n");
    assert_eq!(handles[0].index().get(&path("x/a.yaml")), Some(&hash));
    assert_eq!(handles[0].index().len(), 2);
}

#[tokio::test]
async fn what_an_earlier_process_left_complete_is_used_again() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", "1")]);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("0");
    let first = Cache::open(options(folder.path())).unwrap();
    first.get(&url, &digest).await.unwrap();
    std::fs::create_dir(own.join("work-left-over")).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await; // an eviction may still run
    drop(first);
    let second = Cache::open(options(folder.path())).unwrap();
    assert!(!own.join("work-left-over").exists());
    let handle = second.get(&url, &digest).await.unwrap();
    assert_eq!(handle.index().len(), 1);
    assert_eq!(source.requests.load(Ordering::SeqCst), 1);
    drop((handle, second));
    // Another boot of the machine: nothing is trusted.
    std::fs::write(own.join("boot-id"), "another").unwrap();
    let third = Cache::open(options(folder.path())).unwrap();
    third.get(&url, &digest).await.unwrap();
    assert_eq!(source.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_artifact_that_nobody_holds_is_opened_again_without_reading_its_index() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", "1")]);
    let (folder, cache) = cache();
    drop(cache.get(&url, &digest).await.unwrap());
    let home = folder.path().join("cache/0").join(digest.replace(':', "-"));
    std::fs::remove_file(home.join("index")).unwrap();
    let again = cache.get(&url, &digest).await.unwrap();
    assert_eq!(again.index().len(), 1);
    assert_eq!(source.requests.load(Ordering::SeqCst), 1);
    // Without its files it is worth nothing.
    drop(again);
    std::fs::set_permissions(home.join("tree"), PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::remove_dir_all(home.join("tree")).unwrap();
    let fetched = cache.get(&url, &digest).await.unwrap();
    assert_eq!(std::fs::read(fetched.root().join("a")).unwrap(), b"1");
    assert_eq!(source.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_least_recently_used_folder_goes_but_never_one_in_use() {
    let source = Source::start().await;
    let stored: Vec<_> = ["a", "b", "c"]
        .map(|name| source.store(name, &[("file", &name.repeat(600))]))
        .into_iter()
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(Options {
        max_bytes: 1300,
        ..options(folder.path())
    })
    .unwrap();
    let held = cache.get(&stored[0].0, &stored[0].1).await.unwrap();
    cache.get(&stored[1].0, &stored[1].1).await.unwrap();
    cache.get(&stored[2].0, &stored[2].1).await.unwrap();
    let folder_of = |digest: &str| folder.path().join("0").join(digest.replace(':', "-"));
    for _ in 0..200 {
        if !folder_of(&stored[1].1).exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        !folder_of(&stored[1].1).exists(),
        "the oldest unused one is evicted"
    );
    assert!(folder_of(&stored[0].1).exists() && folder_of(&stored[2].1).exists());
    assert_eq!(std::fs::read(held.root().join("file")).unwrap().len(), 600);
    let again = cache.get(&stored[1].0, &stored[1].1).await.unwrap();
    assert_eq!(again.index().len(), 1);
}

#[tokio::test]
async fn each_way_to_fail_is_told_apart() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", "1")]);
    let (_folder, cache) = cache();
    let missing = url.replace("a.tar.gz", "gone.tar.gz");
    assert!(matches!(error(&cache, &missing, &digest).await, Error::NotFound(at) if at == missing));
    assert_eq!(
        source.requests.load(Ordering::SeqCst),
        1,
        "404 is an answer"
    );
    let wrong = format!("sha256:{}", "0".repeat(64));
    assert_eq!(
        error(&cache, &url, &wrong).await.to_string(),
        format!(
            "failed to verify archive: computed digest doesn't match provided '{wrong}' (check \
             whether file size exceeds max download size)"
        )
    );
    assert!(matches!(error(&cache, &url, "").await, Error::Digest(_)));
    assert!(matches!(
        error(&cache, &url, "md5:00").await,
        Error::Digest(_)
    ));
    let refused = error(&cache, "http://127.0.0.1:9/a", &digest).await;
    assert!(
        matches!(refused, Error::Fetch(FetchError::Request(_))),
        "{refused}"
    );
    assert!(
        cache.get(&url, &digest).await.is_ok(),
        "errors are not remembered"
    );
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again_and_one_that_does_not_is_given_up() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", "1")]);
    let (_folder, cache) = cache();
    source.refusals.store(2, Ordering::SeqCst);
    assert!(cache.get(&url, &digest).await.is_ok());
    assert_eq!(source.requests.load(Ordering::SeqCst), 3);
    let (url, digest) = source.store("b", &[("a", "2")]);
    source.refusals.store(9, Ordering::SeqCst);
    let failed = error(&cache, &url, &digest).await;
    assert!(
        matches!(failed, Error::Fetch(FetchError::Status { .. })),
        "{failed}"
    );
    assert_eq!(source.requests.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_download_that_breaks_off_is_told_as_truncated() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf")
                .await;
        }
    });
    let (_folder, cache) = cache();
    let failed = error(&cache, &url, &"0".repeat(64)).await;
    assert!(
        matches!(
            failed,
            Error::Fetch(FetchError::Truncated { received: 4, .. })
        ),
        "{failed}"
    );
}

#[tokio::test]
async fn downloads_and_archives_beyond_the_limits_are_refused() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", &"1".repeat(100_000))]);
    let folder = tempfile::tempdir().unwrap();
    let small = Options {
        max_download: 10,
        ..options(folder.path())
    };
    let failed = error(&Cache::open(small).unwrap(), &url, &digest).await;
    assert!(
        matches!(failed, Error::Fetch(FetchError::TooLarge(10))),
        "{failed}"
    );
    let mut bounded = options(folder.path());
    bounded.limits.unpacked_bytes = 5000;
    let failed = error(&Cache::open(bounded).unwrap(), &url, &digest).await;
    assert!(matches!(failed, Error::Unpack(_)), "{failed}");
    let left = std::fs::read_dir(folder.path().join("0")).unwrap().count();
    assert_eq!(left, 1, "nothing but the boot id is left");
}

#[tokio::test]
async fn the_file_server_answers_as_a_file_server_and_shows_nothing_else() {
    let source = Source::start().await;
    let (url, _) = source.store("a", &[("a", "1")]);
    let bytes = std::fs::read(source.root.path().join("gitrepository/ns/app/a.tar.gz")).unwrap();
    std::fs::write(
        source
            .root
            .path()
            .join("gitrepository/ns/app/a.tar.gz.lock"),
        "",
    )
    .unwrap();
    std::fs::create_dir(source.root.path().join(".hidden")).unwrap();
    std::fs::write(source.root.path().join(".hidden/x"), "secret").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", source.root.path().join("link")).unwrap();
    let client = reqwest::Client::new();
    let base = url.split("/gitrepository").next().unwrap();

    let whole = client.get(&url).send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "application/gzip");
    let modified = whole.headers()["last-modified"].clone();
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    let part = client
        .get(&url)
        .header("range", "bytes=2-5")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 2-5/{}", bytes.len())
    );
    assert_eq!(part.bytes().await.unwrap(), bytes[2..6]);
    let tail = client
        .get(&url)
        .header("range", "bytes=-3")
        .send()
        .await
        .unwrap();
    assert_eq!(tail.bytes().await.unwrap(), bytes[bytes.len() - 3..]);
    let beyond = client
        .get(&url)
        .header("range", "bytes=99999-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), 416);
    let head = client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], bytes.len().to_string());
    let unchanged = client
        .get(&url)
        .header("if-modified-since", modified)
        .send()
        .await
        .unwrap();
    assert_eq!(unchanged.status(), 304);

    assert_eq!(
        client
            .get(format!("{base}/"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    for hidden in [
        "/gitrepository/ns/app/",
        "/gitrepository/ns/app",
        "/gitrepository/ns/app/a.tar.gz.lock",
        "/.hidden/x",
        "/link",
        "/gitrepository/%2e%2e/%2e%2e/etc/passwd",
        "/gitrepository/none",
    ] {
        let status = client
            .get(format!("{base}{hidden}"))
            .send()
            .await
            .unwrap()
            .status();
        assert_eq!(status, 404, "{hidden}");
    }
    assert_eq!(client.post(&url).send().await.unwrap().status(), 405);
}

#[test]
fn an_archive_that_was_written_unpacks_to_the_same_files() {
    let long = format!("{}/ü.yaml", "d".repeat(200));
    let mut archive = ArchiveWriter::new(Vec::new()).unwrap();
    archive.dir(&path(&"d".repeat(200))).unwrap();
    archive.file(&path(&long), false, b"long").unwrap();
    archive.file(&path("empty"), true, b"").unwrap();
    let bytes = archive.finish().unwrap();
    let into = tempfile::tempdir().unwrap();
    let unpacked =
        fjord_artifact::untar::unpack(&*bytes, into.path(), &Default::default()).unwrap();
    let files: Vec<_> = unpacked.files.keys().map(SafePath::as_str).collect();
    assert_eq!((files, unpacked.bytes), (vec![&*long, "empty"], 4));
    assert_eq!(std::fs::read(into.path().join(&long)).unwrap(), b"long");
}

#[tokio::test]
async fn caches_that_share_a_folder_do_not_meet() {
    let source = Source::start().await;
    let (url, digest) = source.store("a", &[("a", "1")]);
    let folder = tempfile::tempdir().unwrap();
    let one = Cache::open(options(folder.path())).unwrap();
    let two = Cache::open(options(folder.path())).unwrap();
    let (from_one, from_two) = (one.get(&url, &digest).await, two.get(&url, &digest).await);
    assert_ne!(from_one.unwrap().root(), from_two.unwrap().root());
    assert_eq!(source.requests.load(Ordering::SeqCst), 2);
}
