//! The real Helm: one long-lived process, asked many questions at once, a JSON line each.

use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    asked: VecDeque<String>,
}

/// How long the real Helm may take over one question: where a value holds itself it never ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is answered where it ended, or did not.
pub(crate) const CRASHED: &str = "Go crashed";

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
            asked: VecDeque::new(),
        })
    }

    /// Hands a question over; it is answered while the caller does something else.
    pub(crate) fn hand(&mut self, question: &Value) {
        let line = question.to_string();
        // Where the process ended, this fails; `answer` notices and asks again.
        let _ = writeln!(self.input, "{line}");
        self.asked.push_back(line);
    }

    /// Waits for the answer to the first question that has none yet.
    pub(crate) fn answer(&mut self) -> Result<String, String> {
        let answer = self.output.recv_timeout(PATIENCE).ok();
        let answer = answer.and_then(|line| serde_json::from_str::<Value>(&line).ok());
        self.asked.pop_front();
        let Some(answer) = answer else {
            // A value that holds itself overflows Go's stack, which ends the process.
            let rest = std::mem::take(&mut self.asked);
            *self = Self::start().unwrap();
            for line in &rest {
                let _ = writeln!(self.input, "{line}");
            }
            self.asked = rest;
            return Err(CRASHED.to_owned());
        };
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["output"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// Asks and waits; no other question may be without its answer.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<String, String> {
        self.hand(question);
        self.answer()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
