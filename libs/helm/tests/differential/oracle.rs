//! The real Helm, asked one JSON line at a time.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

/// How long the real Helm may take over one question: where a value holds itself it never ends.
const PATIENCE: Duration = Duration::from_secs(10);

impl Oracle {
    /// Starts it; none, said aloud, where it was not built.
    pub(crate) fn start() -> Option<Self> {
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        let default = home.join(".cache/fjord/oracle/helm-oracle");
        let path = std::env::var_os("FJORD_HELM_ORACLE").map_or(default, PathBuf::from);
        if !path.is_file() {
            eprintln!("SKIPPED: no Helm oracle; build it with `make oracle`");
            return None;
        }
        let mut child = Command::new(path)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (lines, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        Some(Self {
            child,
            input,
            output: answers,
        })
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Result<String, String> {
        writeln!(self.input, "{question}").unwrap();
        let answer = self.output.recv_timeout(PATIENCE).ok();
        let answer = answer.and_then(|line| serde_json::from_str::<Value>(&line).ok());
        let Some(answer) = answer else {
            // A value that holds itself overflows Go's stack, which ends the process.
            *self = Self::start().unwrap();
            return Err("Go crashed".to_owned());
        };
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["output"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
