//! The real Helm: one long-lived process, asked many questions at once, a JSON line each.
//!
//! What it answers can be kept in a file (`FJORD_ANSWERS`): the first run writes it, and runs that ask the same questions
//! in the same order read it instead of waiting. Planted faults are looked for in that way.

use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(crate) struct Oracle {
    /// Started once something is asked that no file answers.
    process: Option<Process>,
    asked: VecDeque<Asked>,
    answers: Answers,
}

/// A question without its answer.
struct Asked {
    line: String,
    /// What a file answers.
    known: Option<String>,
}

/// Where answers are kept.
enum Answers {
    Nowhere,
    Read(Lines<BufReader<File>>),
    Write(BufWriter<File>),
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

/// How long an answer may take: the real Helm ends by itself where a question costs it too much.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is answered where it ended, or did not.
pub(crate) const CRASHED: &str = "Go crashed";

impl Oracle {
    /// Gets ready to ask; none, said aloud, where it was not built.
    pub(crate) fn start() -> Option<Self> {
        if !program().is_file() {
            eprintln!("SKIPPED: no Helm oracle; build it with `make oracle`");
            return None;
        }
        let answers = match std::env::var_os("FJORD_ANSWERS").map(PathBuf::from) {
            None => Answers::Nowhere,
            Some(path) => match File::open(&path) {
                Ok(file) => Answers::Read(BufReader::new(file).lines()),
                Err(_) => Answers::Write(BufWriter::new(File::create(path).unwrap())),
            },
        };
        Some(Self {
            process: None,
            asked: VecDeque::new(),
            answers,
        })
    }

    /// Hands a question over; it is answered while the caller does something else.
    pub(crate) fn hand(&mut self, question: &Value) {
        let line = question.to_string();
        let known = match &mut self.answers {
            // Each question stands before its answer.
            Answers::Read(lines) => {
                let same = lines.next().is_some_and(|kept| kept.unwrap() == line);
                let answer = lines.next().map(Result::unwrap);
                answer.filter(|_| same)
            }
            _ => None,
        };
        if known.is_none() {
            self.process.get_or_insert_with(Process::start).write(&line);
        }
        self.asked.push_back(Asked { line, known });
    }

    /// Waits for the answer to the first question that has none yet.
    pub(crate) fn answer(&mut self) -> Result<String, String> {
        let asked = self.asked.pop_front().unwrap();
        let answer = match asked.known {
            Some(answer) => answer,
            None => self.wait(),
        };
        if let Answers::Write(file) = &mut self.answers {
            writeln!(file, "{}\n{answer}", asked.line).unwrap();
        }
        outcome(&answer)
    }

    fn wait(&mut self) -> String {
        let process = self.process.as_ref().unwrap();
        let answer = process.output.recv_timeout(PATIENCE);
        // A process that ends may leave half a line.
        if let Some(answer) = answer.ok().filter(|line| line.ends_with('}')) {
            return answer;
        }
        // A value that holds itself overflows Go's stack, which ends the process.
        let mut process = Process::start();
        for asked in self.asked.iter().filter(|asked| asked.known.is_none()) {
            process.write(&asked.line);
        }
        self.process = Some(process);
        serde_json::json!({ "error": CRASHED }).to_string()
    }

    /// Asks and waits, whatever a file says; no other question may be without its answer.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<String, String> {
        let line = question.to_string();
        self.process.get_or_insert_with(Process::start).write(&line);
        outcome(&self.wait())
    }
}

fn outcome(answer: &str) -> Result<String, String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["output"].as_str().unwrap_or_default().to_owned()),
    }
}

fn program() -> PathBuf {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let default = home.join(".cache/fjord/oracle/helm-oracle");
    std::env::var_os("FJORD_HELM_ORACLE").map_or(default, PathBuf::from)
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(program())
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
        Self {
            child,
            input,
            output: answers,
        }
    }

    fn write(&mut self, line: &str) {
        // Where the process ended, this fails; who waits notices and asks again.
        let _ = writeln!(self.input, "{line}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
