//! The Git server is a real one, with the locks and troubles tests ask for.

use std::process::Command;
use std::time::Duration;

use axum::http::StatusCode;
use fjord_sandbox::{Access, GitServer, GitServerOptions, Repository};

/// Runs `git ls-remote` without blocking the server's thread.
async fn ls_remote(url: &str, settings: &[(&str, &str)]) -> anyhow::Result<Result<String, String>> {
    let mut command = tokio::process::Command::from(Command::new("git"));
    for (key, value) in settings {
        command.args(["-c", &format!("{key}={value}")]);
    }
    command
        .args(["ls-remote", url, "refs/heads/main"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        // Where it is set it beats http.sslCAInfo.
        .env_remove("GIT_SSL_CAINFO")
        .env("GIT_TERMINAL_PROMPT", "0");
    let output = command.output().await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_served_and_pushes_over_http_are_taken() -> anyhow::Result<()> {
    let server = GitServer::start(GitServerOptions::default()).await?;
    let repository = Repository::create(&server, "app")?;
    let first = repository.commit("one", &[("deploy/a.yaml", Some("a: 1\n"))])?;
    let listed = ls_remote(repository.url(), &[]).await?;
    assert_eq!(listed, Ok(format!("{first}\trefs/heads/main\n")));

    std::fs::write(repository.tree().join("b.yaml"), "b: 2\n".repeat(100_000))?;
    repository.git(["add", "--all"])?;
    repository.git(["commit", "--quiet", "-m", "two"])?;
    let url = repository.url().to_owned();
    let second = repository.head()?;
    tokio::task::spawn_blocking(move || {
        repository.git(["push", "--quiet", &url, "main"]).map(drop)
    })
    .await??;
    let listed = ls_remote(&server.repository_url("app"), &[]).await?;
    assert_eq!(listed, Ok(format!("{second}\trefs/heads/main\n")));
    assert!(
        server
            .take_requests()
            .iter()
            .any(|line| line.contains("git-receive-pack"))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_delays_and_refusals_are_changed_while_it_runs() -> anyhow::Result<()> {
    let server = GitServer::start(GitServerOptions::default()).await?;
    let repository = Repository::create(&server, "app")?;
    repository.commit("one", &[("a", Some("1"))])?;
    let (username, password) = ("alice".to_owned(), "s3cret".to_owned());
    server.set_access(Access::Basic { username, password });
    let refused = ls_remote(repository.url(), &[]).await?.unwrap_err();
    assert!(refused.contains("could not read Username"), "{refused}");
    let with_password = repository.url().replace("http://", "http://alice:s3cret@");
    assert!(ls_remote(&with_password, &[]).await?.is_ok());

    server.set_access(Access::Bearer("t0ken".to_owned()));
    assert!(ls_remote(&with_password, &[]).await?.is_err());
    let header = [("http.extraHeader", "Authorization: Bearer t0ken")];
    assert!(ls_remote(repository.url(), &header).await?.is_ok());

    server.set_access(Access::Anyone);
    server.set_refusal(Some(StatusCode::SERVICE_UNAVAILABLE));
    let refused = ls_remote(repository.url(), &[]).await?.unwrap_err();
    assert!(refused.contains("503"), "{refused}");
    server.set_refusal(None);
    server.set_delay(Duration::from_millis(300));
    let started = std::time::Instant::now();
    assert!(ls_remote(repository.url(), &[]).await?.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(300));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_needs_the_right_authority_and_if_asked_a_client_certificate() -> anyhow::Result<()> {
    let options = GitServerOptions {
        tls: true,
        client_certificates: true,
    };
    let server = GitServer::start(options).await?;
    let repository = Repository::create(&server, "app")?;
    repository.commit("one", &[("a", Some("1"))])?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str, content: &str| -> anyhow::Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let ca = file("ca.crt", server.ca().unwrap_or_default())?;
    let (certificate, key) = server.client_certificate().unwrap_or_default();
    let (certificate, key) = (file("tls.crt", certificate)?, file("tls.key", key)?);

    let refused = ls_remote(repository.url(), &[]).await?.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    assert!(
        ls_remote(repository.url(), &[("http.sslCAInfo", &ca)])
            .await?
            .is_err()
    );
    let all = [
        ("http.sslCAInfo", &*ca),
        ("http.sslCert", &*certificate),
        ("http.sslKey", &*key),
    ];
    let listed = ls_remote(repository.url(), &all).await?;
    assert!(listed.is_ok(), "{listed:?}");
    Ok(())
}
