//! `fjord kustomize` as a user runs it: what it says, and that it fetches.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn kustomize(folder: &Path, kustomization: &str) -> Output {
    std::fs::write(folder.join("kustomization.yaml"), kustomization).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fjord"));
    command.arg("kustomize").arg(folder).env("NO_PROXY", "*");
    command.output().unwrap()
}

/// Answers one request with a text, and gives its URL.
fn serve(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/pod.yaml", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        lines
            .take_while(|line| !line.as_ref().unwrap().is_empty())
            .for_each(drop);
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        )
        .unwrap();
    });
    url
}

#[test]
fn a_remote_file_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let url = serve("{apiVersion: v1, kind: Pod, metadata: {name: a}}\n");
    let output = kustomize(
        folder.path(),
        &format!("namePrefix: x-\nresources: [{url}]\n"),
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x-a\n"
    );
}

#[test]
fn a_remote_file_that_is_not_there_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = "http://127.0.0.1:1/pod.yaml";
    let output = kustomize(folder.path(), &format!("resources: [{url}]\n"));
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.starts_with("✗ accumulating resources:") && error.contains(url),
        "{error}"
    );
}

#[test]
fn a_warning_is_marked_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = kustomize(
        folder.path(),
        "bases: []\nconfigMapGenerator: [{name: a, options: {disableNameSuffixHash: true}}]\n",
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "# Warning: 'bases' is deprecated. Please use 'resources' instead. Run 'kustomize edit fix' to update your \
         Kustomization automatically.\n"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
    );
}
