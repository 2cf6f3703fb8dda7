//! Synchronising with a real Git server over HTTP.

use std::path::Path;
use std::time::Duration;

use fjord_git::{Credentials, Kind, Limits, Outcome, Selector};

use crate::client::{Client, branch, files};
use crate::support::{GitServer, Repository};

fn size_of(folder: &Path) -> u64 {
    let size = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => size_of(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| size(entry.unwrap()))
        .sum()
}

/// Commits a large file that does not compress.
fn commit_noise(repository: &Repository) {
    let mut state = 1u64;
    let noise: String = (0..300_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'!' + (state >> 58) as u8)
        })
        .collect();
    repository.commit("noise", &[("noise", &noise)]);
}

#[tokio::test]
async fn an_unchanged_remote_costs_one_listing_and_a_commit_one_small_pack() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    repository.git(&["branch", "-m", "main"]);
    commit_noise(&repository);
    let first = repository.commit("one\n\nbody", &[("deploy/a.yaml", "a: 1\n")]);
    repository.git(&["branch", "mainline"]);
    let client = Client::new();
    let checkout = client.checkout(&server, branch("main")).await;
    assert_eq!(checkout.revision.to_string(), format!("main@sha1:{first}"));
    assert_eq!(checkout.message, "one\n\nbody\n");
    let requests = server.requests();
    let expected = [
        "GET /app.git/info/refs",
        "POST /app.git/git-upload-pack ls-refs",
        "POST /app.git/git-upload-pack fetch",
    ];
    assert_eq!(requests, expected);
    assert_eq!(
        files(&checkout)[0],
        ("deploy/a.yaml".into(), "a: 1\n".into())
    );

    let seen = checkout.revision.to_string();
    let outcome = client
        .sync(server.url("app.git"), branch("main"), Some(&seen))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Unchanged(_)));
    assert_eq!(server.requests(), expected[..2]);

    let before = size_of(client.mirror.path());
    let second = repository.commit("two", &[("deploy/a.yaml", "a: 2\n")]);
    let checkout = client.checkout(&server, branch("main")).await;
    assert_eq!(checkout.revision.commit, second);
    assert_eq!(files(&checkout)[0].1, "a: 2\n");
    let grown = size_of(client.mirror.path()) - before;
    assert!(
        grown < 10_000,
        "the second fetch was not incremental: {grown} bytes"
    );
}

#[tokio::test]
async fn rewritten_history_and_a_return_to_an_old_commit_are_followed() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    let client = Client::new();
    let first = repository.commit("one", &[("a", "1")]);
    client.checkout(&server, branch("main")).await;
    repository.commit("two", &[("a", "2")]);
    client.checkout(&server, branch("main")).await;
    repository.git(&["commit", "-q", "--amend", "-m", "rewritten"]);
    let rewritten = repository.git(&["rev-parse", "HEAD"]);
    assert_eq!(
        client
            .checkout(&server, branch("main"))
            .await
            .revision
            .commit,
        rewritten
    );
    repository.git(&["reset", "-q", "--hard", &first]);
    server.requests();
    let checkout = client.checkout(&server, branch("main")).await;
    assert_eq!(
        (checkout.revision.commit.as_str(), &*files(&checkout)[0].1),
        (&*first, "1")
    );
    assert_eq!(
        server.requests().len(),
        2,
        "the old commit is still in the mirror"
    );
}

#[tokio::test]
async fn tags_names_ranges_and_commits_lead_to_their_commits() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    let first = repository.commit("one", &[("a", "1")]);
    repository.git(&["tag", "v1.0.0"]);
    repository.git(&["tag", "1.1.0+b"]);
    repository.git(&["update-ref", "refs/pull/1/head", &first]);
    let second = repository.commit("two", &[("a", "2")]);
    repository.git(&["tag", "-a", "1.1.0", "-m", "annotated"]);
    repository.git(&["tag", "2.0.0-rc.1"]);
    let third = repository.commit("three", &[("a", "3")]);
    for (selector, revision) in [
        (
            Selector::Tag("v1.0.0".into()),
            format!("v1.0.0@sha1:{first}"),
        ),
        (
            Selector::Tag("1.1.0".into()),
            format!("1.1.0@sha1:{second}"),
        ),
        (
            Selector::Semver("1.x".into()),
            format!("1.1.0@sha1:{second}"),
        ),
        (
            Selector::Semver(">=1.0.0-0".into()),
            format!("2.0.0-rc.1@sha1:{second}"),
        ),
        (
            Selector::Semver("~1.0".into()),
            format!("v1.0.0@sha1:{first}"),
        ),
        (
            Selector::Name("refs/pull/1/head".into()),
            format!("refs/pull/1/head@sha1:{first}"),
        ),
        (
            Selector::Name("refs/tags/1.1.0^{}".into()),
            format!("refs/tags/1.1.0^{{}}@sha1:{second}"),
        ),
        (
            Selector::Name("refs/heads/main".into()),
            format!("refs/heads/main@sha1:{third}"),
        ),
        (
            Selector::Commit {
                id: first.clone(),
                branch: None,
            },
            format!("sha1:{first}"),
        ),
        (
            Selector::Commit {
                id: second.clone(),
                branch: Some("main".into()),
            },
            format!("main@sha1:{second}"),
        ),
    ] {
        let client = Client::new();
        let checkout = client.checkout(&server, selector.clone()).await;
        assert_eq!(checkout.revision.to_string(), revision, "{selector:?}");
        assert_eq!(files(&checkout).len(), 1);
        server.requests();
        let is_pinned = matches!(selector, Selector::Commit { .. });
        let seen = client
            .sync(server.url("app.git"), selector, Some(&revision))
            .await
            .unwrap();
        assert!(matches!(seen, Outcome::Unchanged(found) if found == checkout.revision));
        assert_eq!(server.requests().len(), if is_pinned { 0 } else { 2 });
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_in_flux_words() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    let (client, url) = (Client::new(), server.url("app.git"));
    let empty = client
        .sync(url.clone(), branch("main"), None)
        .await
        .unwrap();
    assert!(matches!(empty, Outcome::Empty));
    assert_eq!(
        client
            .error(url.clone(), Selector::Tag("x".into()), None)
            .await,
        format!("unable to clone: remote repository is empty: git repository: '{url}'")
    );
    repository.commit("one", &[("a", "1")]);
    for (selector, last_seen, text) in [
        (
            branch("gone"),
            None,
            format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/gone\""),
        ),
        (
            branch("gone"),
            Some("gone@sha1:0"),
            format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/gone\""),
        ),
        (
            Selector::Tag("v9".into()),
            None,
            format!("unable to clone '{url}': couldn't find remote ref \"refs/tags/v9\""),
        ),
        (
            Selector::Name("refs/pull/2/head".into()),
            None,
            "unable to resolve ref 'refs/pull/2/head' to a specific commit".into(),
        ),
        (
            Selector::Name("refs/heads/".into()),
            None,
            "ref refs/heads/ is invalid; Git refs cannot begin or end with a slash '/'".into(),
        ),
        (
            Selector::Semver(">9".into()),
            None,
            "no match found for semver: >9".into(),
        ),
        (
            Selector::Semver("latest".into()),
            None,
            "semver parse error: improper constraint: \"latest\"".into(),
        ),
        (
            Selector::Commit {
                id: "0123456789".repeat(4),
                branch: Some("main".into()),
            },
            None,
            format!(
                "unable to resolve commit object for '{}': object not found",
                "0123456789".repeat(4)
            ),
        ),
        (
            Selector::Commit {
                id: "short".into(),
                branch: None,
            },
            None,
            "unable to resolve commit object for 'short': object not found".into(),
        ),
    ] {
        assert_eq!(
            client.error(url.clone(), selector.clone(), last_seen).await,
            text,
            "{selector:?}"
        );
    }
}

#[tokio::test]
async fn errors_of_the_server_are_told_in_flux_words() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    server.repository("app").commit("one", &[("a", "1")]);
    let (client, url) = (Client::new(), server.url("app.git"));
    let answers = [
        (
            401,
            "unauthorized\n",
            "authentication required: unauthorized\n".to_owned(),
        ),
        (403, "no", "authorization failed: no".to_owned()),
        (404, "", "repository not found: ".to_owned()),
        (
            500,
            "boom",
            format!(
                "unexpected client error: unexpected requesting \"{url}/info/refs?service=git-upload-pack\" status code: 500"
            ),
        ),
    ];
    for (status, body, text) in answers {
        server.behaviour.lock().unwrap().respond = Some((status, body));
        let error = client.error(url.clone(), branch("main"), None).await;
        assert_eq!(error, format!("unable to clone '{url}': {text}"));
        let error = client
            .error(url.clone(), branch("main"), Some("main@sha1:0"))
            .await;
        assert_eq!(error, format!("unable to list remote for '{url}': {text}"));
    }
    server.behaviour.lock().unwrap().respond = Some((200, "<html>"));
    let error = client.error(url.clone(), branch("main"), None).await;
    assert!(
        error.starts_with(&format!("unable to clone '{url}': ")),
        "{error}"
    );
    let refused: url::Url = "http://127.0.0.1:9/app.git".parse().unwrap();
    assert_eq!(
        client.error(refused, branch("main"), None).await,
        "unable to clone 'http://127.0.0.1:9/app.git': Get \"http://127.0.0.1:9/app.git/info/refs?service=git-upload-pack\": dial tcp 127.0.0.1:9: connect: connection refused"
    );
}

#[tokio::test]
async fn a_slow_server_is_given_up_at_the_time_out() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    server.repository("app").commit("one", &[("a", "1")]);
    server.behaviour.lock().unwrap().delay = Duration::from_secs(5);
    let client = Client {
        timeout: Duration::from_millis(200),
        ..Client::new()
    };
    let url = server.url("app.git");
    let started = std::time::Instant::now();
    assert_eq!(
        client.error(url.clone(), branch("main"), None).await,
        format!(
            "unable to clone '{url}': Get \"{url}/info/refs?service=git-upload-pack\": context deadline exceeded"
        )
    );
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn credentials_are_sent_at_once_and_not_to_another_host() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    server.repository("app").commit("one", &[("a", "1")]);
    server.behaviour.lock().unwrap().authorization = Some("Basic Z2l0OnMzY3JldA==".into());
    let basic = Credentials::Basic {
        username: "git".into(),
        password: "s3cret".into(),
    };
    let client = Client {
        credentials: basic,
        ..Client::new()
    };
    client.checkout(&server, branch("main")).await;
    assert_eq!(server.requests().len(), 3, "no request without credentials");
    server.behaviour.lock().unwrap().authorization = Some("Bearer t0ken".into());
    let bearer = Client {
        credentials: Credentials::Bearer("t0ken".into()),
        ..Client::new()
    };
    bearer.checkout(&server, branch("main")).await;

    let Some(other) = GitServer::start().await else {
        return;
    };
    other.behaviour.lock().unwrap().redirect_to =
        Some(server.url("").to_string().trim_end_matches('/').into());
    server.behaviour.lock().unwrap().authorization = None;
    server.behaviour.lock().unwrap().seen_authorization.clear();
    let client = Client {
        credentials: Credentials::Bearer("t0ken".into()),
        ..Client::new()
    };
    let outcome = client
        .sync(other.url("moved/app.git"), branch("main"), None)
        .await
        .unwrap();
    assert!(
        matches!(outcome, Outcome::Commit(_)),
        "a redirect of the first request is followed"
    );
    let seen = server.behaviour.lock().unwrap().seen_authorization.clone();
    assert_eq!(
        seen,
        [None, None, None],
        "the token stays with the host it was given for"
    );
    assert_eq!(
        other.requests().len(),
        1,
        "later requests go where the first was redirected"
    );
}

#[tokio::test]
async fn a_repository_beyond_its_limits_is_refused_by_name() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    commit_noise(&repository);
    let url = server.url("app.git");
    let limits = Limits {
        pack_bytes: 50_000,
        ..Limits::default()
    };
    let client = Client {
        limits,
        ..Client::new()
    };
    assert_eq!(
        client.error(url.clone(), branch("main"), None).await,
        format!("unable to clone '{url}': response exceeds the limit of 50000 bytes")
    );
    let limits = Limits {
        object_bytes: 100_000,
        ..Limits::default()
    };
    let client = Client {
        limits,
        ..Client::new()
    };
    assert!(
        client
            .sync(url.clone(), branch("main"), None)
            .await
            .is_err()
            || {
                let checkout = client.checkout(&server, branch("main")).await;
                let entries = checkout.tree.entries().unwrap();
                checkout.tree.read(&entries[0]).is_err()
            }
    );
    let limits = Limits {
        entries: 0,
        ..Limits::default()
    };
    let client = Client {
        limits,
        ..Client::new()
    };
    let checkout = client.checkout(&server, branch("main")).await;
    let error = checkout.tree.entries().unwrap_err().to_string();
    assert_eq!(error, "repository exceeds the limit of 0 files");
}

#[tokio::test]
async fn a_mirror_that_grew_too_large_or_broke_off_starts_anew() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    let limits = Limits {
        mirror_packs: 2,
        ..Limits::default()
    };
    let client = Client {
        limits,
        ..Client::new()
    };
    let packs = client.mirror.path().join("app/objects/pack");
    for number in 0..6 {
        let text = number.to_string();
        let id = repository.commit(&text, &[("a", &text)]);
        let checkout = client.checkout(&server, branch("main")).await;
        assert_eq!(
            (checkout.revision.commit.clone(), &*files(&checkout)[0].1),
            (id, &*text)
        );
        let count = std::fs::read_dir(&packs).unwrap().count();
        assert!(count <= 6, "{count} files in the mirror");
    }
    std::fs::write(packs.join("tmp_left_over"), "x").unwrap();
    std::fs::write(client.mirror.path().join("app/shallow.lock"), "").unwrap();
    repository.commit("last", &[("a", "last")]);
    client.checkout(&server, branch("main")).await;
    assert!(!packs.join("tmp_left_over").exists());
}

#[tokio::test]
async fn entries_are_listed_as_a_file_system_walk_would() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    std::os::unix::fs::symlink("a", repository.folder.join("link")).unwrap();
    std::fs::write(repository.folder.join("run.sh"), "#!").unwrap();
    repository.git(&["add", "run.sh"]);
    repository.git(&["update-index", "--chmod=+x", "run.sh"]);
    repository.git(&["config", "core.fileMode", "false"]);
    repository.commit(
        "one",
        &[
            ("a/b", "1"),
            ("a-b", "2"),
            ("a.c", "3"),
            ("dir with space/ü", "4"),
        ],
    );
    let checkout = Client::new().checkout(&server, branch("main")).await;
    let listed: Vec<_> = checkout
        .tree
        .entries()
        .unwrap()
        .into_iter()
        .map(|e| (e.path, e.kind))
        .collect();
    let file = Kind::File { executable: false };
    let expected = [
        ("a", Kind::Folder),
        ("a/b", file),
        ("a-b", file),
        ("a.c", file),
        ("dir with space", Kind::Folder),
        ("dir with space/ü", file),
        ("link", Kind::Link),
        ("run.sh", Kind::File { executable: true }),
    ];
    assert_eq!(listed, expected.map(|(path, kind)| (path.to_owned(), kind)));
}

#[tokio::test]
async fn a_synchronisation_that_nobody_waits_for_ends_at_once() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    server.repository("app").commit("one", &[("a", "1")]);
    server.behaviour.lock().unwrap().delay = Duration::from_secs(30);
    let url = server.url("app.git");
    let runtime = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = Client::new();
            let work = client.sync(url, branch("main"), None);
            assert!(
                tokio::time::timeout(Duration::from_millis(300), work)
                    .await
                    .is_err()
            );
        });
        // Waits for the threads that may block.
        drop(runtime);
    });
    let started = std::time::Instant::now();
    runtime.join().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "the shutdown waited for the network"
    );
}

#[tokio::test]
async fn a_server_that_knows_only_the_old_protocol_is_served_too() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    server.behaviour.lock().unwrap().is_old = true;
    let repository = server.repository("app");
    commit_noise(&repository);
    let first = repository.commit("one", &[("a", "1")]);
    repository.git(&["tag", "-a", "1.0.0", "-m", "annotated"]);
    let client = Client::new();
    assert_eq!(
        client
            .checkout(&server, branch("main"))
            .await
            .revision
            .commit,
        first
    );
    assert_eq!(
        server.requests().len(),
        2,
        "the references come with the greeting"
    );
    let before = size_of(client.mirror.path());
    let second = repository.commit("two", &[("a", "2")]);
    let checkout = client.checkout(&server, branch("main")).await;
    assert_eq!(
        (checkout.revision.commit.as_str(), &*files(&checkout)[0].1),
        (&*second, "2")
    );
    assert!(
        size_of(client.mirror.path()) - before < 10_000,
        "the fetch was not incremental"
    );
    let tagged = client
        .checkout(&server, Selector::Semver("1.x".into()))
        .await;
    assert_eq!(tagged.revision.to_string(), format!("1.0.0@sha1:{first}"));
    // Such a server gives out what its references reach, and nothing by its id alone.
    for branch in [None, Some("main".to_owned())] {
        let pinned = Selector::Commit {
            id: first.clone(),
            branch,
        };
        let checkout = Client::new().checkout(&server, pinned).await;
        assert_eq!(checkout.revision.commit, first);
    }
    let error = client
        .error(server.url("app.git"), branch("gone"), None)
        .await;
    assert!(
        error.ends_with("couldn't find remote ref \"refs/heads/gone\""),
        "{error}"
    );
}

#[test]
fn an_address_is_shown_as_it_was_spelled_but_never_with_its_password() {
    for (spelled, expected) in [
        ("http://Host:80/a", "http://Host:80/a"),
        ("https://git@host/a", "https://git@host/a"),
        ("https://git:s3cret@host/a", "https://git:xxxxx@host/a"),
    ] {
        assert_eq!(
            fjord_git::shown(spelled, &spelled.parse().unwrap()),
            expected
        );
    }
}

#[tokio::test]
async fn a_damaged_mirror_fails_once_and_is_made_anew() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    let repository = server.repository("app");
    let id = repository.commit("one", &[("a", "1")]);
    let client = Client::new();
    client.checkout(&server, branch("main")).await;
    for file in std::fs::read_dir(client.mirror.path().join("app/objects/pack")).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "pack")
        {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "PACK").unwrap();
        }
    }
    let damaged = client
        .sync(server.url("app.git"), branch("main"), None)
        .await;
    assert!(damaged.is_err());
    let checkout = client.checkout(&server, branch("main")).await;
    assert_eq!(
        (checkout.revision.commit.as_str(), &*files(&checkout)[0].1),
        (&*id, "1")
    );
}
