use super::*;
use fjord_kustomize::{MemoryFs, Options, build};
use fjord_sandbox::{GitServer, GitServerOptions, Repository};

const BASE: &str = "resources: [one.yaml]\n";
const ONE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n";

/// Builds a kustomization with one resource, on a thread that may block.
async fn built(resource: String, hosts: &[&str]) -> Result<String, String> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let work = move || {
        let mut files = MemoryFs::default();
        files.write(
            "/app/kustomization.yaml",
            format!("resources: ['{resource}']\n"),
        );
        files.write("/etc/kustomization.yaml", "namePrefix: x-\n");
        let remotes = Remotes::new(Hosts::new(hosts));
        let session = remotes.session(&files);
        let options = Options {
            remote: Some(&session),
            ..Options::default()
        };
        let built = build(&session, "/app", &options).and_then(|built| built.to_yaml());
        built.map_err(|error| error.message())
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn repository() -> (GitServer, Repository) {
    let git = GitServer::start(GitServerOptions::default()).await.unwrap();
    let repository = Repository::create(&git, "team/bases").unwrap();
    let files = [
        ("base/kustomization.yaml", Some(BASE)),
        ("base/one.yaml", Some(ONE)),
    ];
    repository.commit("one", &files).unwrap();
    (git, repository)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_of_a_repository_is_built_at_the_branch_tag_or_commit_that_is_named() {
    let (_git, repository) = repository().await;
    let url = repository.url();
    let first = built(format!("{url}//base"), &[]).await.unwrap();
    assert!(first.contains("name: one"), "{first}");
    let second = ONE.replace("a: b", "a: c");
    let id = repository
        .commit("two", &[("base/one.yaml", Some(&second))])
        .unwrap();
    for reference in [id.as_str(), "main"] {
        let text = built(format!("{url}//base?ref={reference}"), &[])
            .await
            .unwrap();
        assert!(text.contains("a: c"), "{reference}: {text}");
    }
    let error = built(format!("{url}//base?ref=none"), &[])
        .await
        .unwrap_err();
    assert!(error.contains("refs/heads/none"), "{error}");
    let error = built(format!("{url}//nothing"), &[]).await.unwrap_err();
    assert!(error.contains("no folder 'nothing'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_may_not_leave_its_repository() {
    let (_git, repository) = repository().await;
    let climbing = "resources: [../../../../../../../../../../etc]\n";
    repository
        .commit("climb", &[("base/kustomization.yaml", Some(climbing))])
        .unwrap();
    let error = built(format!("{}//base", repository.url()), &[])
        .await
        .unwrap_err();
    assert!(
        error.contains("must be within the repo") || error.contains("not in or below"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_over_http_and_their_errors_name_the_status() {
    let page = axum::Router::new().route("/one.yaml", axum::routing::get(async || ONE));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, page).await });
    let text = built(format!("http://{address}/one.yaml"), &[])
        .await
        .unwrap();
    assert!(text.contains("name: one"));
    let error = built(format!("http://{address}/two.yaml"), &[])
        .await
        .unwrap_err();
    assert!(
        error.contains("HTTP Error: status code 404 (Not Found)"),
        "{error}"
    );
    let error = built(format!("http://{address}/one.yaml"), &["example.com"])
        .await
        .unwrap_err();
    assert!(error.contains("may not come from '127.0.0.1'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_that_are_not_built_are_refused_by_name() {
    for url in [
        "ssh://git@host/o/r",
        "git@host:o/r.git",
        "file:///srv/r.git//base",
    ] {
        let error = built(url.to_owned(), &[]).await.unwrap_err();
        assert!(
            error.contains("only http:// and https:// are"),
            "{url}: {error}"
        );
    }
}
