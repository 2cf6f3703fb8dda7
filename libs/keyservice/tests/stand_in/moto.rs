//! moto, the AWS stand-in of PyPI, in a virtual environment of the cache.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use url::Url;

const VERSION: &str = "5.2.5";

/// A running moto; it ends when this is dropped.
pub(crate) struct Moto {
    child: Child,
    pub(crate) url: Url,
    keys: Value,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// Starts one, or says loudly why the test is skipped.
    pub(crate) async fn start() -> Option<Self> {
        let python = match python() {
            Ok(python) => python,
            Err(reason) => {
                eprintln!("SKIPPED: AWS KMS needs moto[server] {VERSION} from PyPI: {reason}");
                return None;
            }
        };
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand_in/aws_kms.py");
        let mut child = Command::new(python)
            .args([program, "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It listens before it prints.
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let keys: Value = serde_json::from_str(&line).unwrap();
        let url = format!("http://127.0.0.1:{}/", keys["port"]);
        Some(Self {
            child,
            url: url.parse().unwrap(),
            keys,
        })
    }

    /// Returns the access key of a user: `sops` may use the KMS key, `idle` may not.
    pub(crate) fn access_key(&self, user: &str) -> Value {
        serde_json::json!({
            "aws_access_key_id": self.keys[user]["id"],
            "aws_secret_access_key": self.keys[user]["secret"],
        })
    }
}

/// Returns a Python that has moto. The first test that asks installs it into the cache, and the others wait for that.
fn python() -> Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(installed).clone()
}

fn installed() -> Result<PathBuf, String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).ok_or("there is no cache folder")?;
    let venv = cache.join(format!("fjord/moto-{VERSION}"));
    let python = venv.join("bin/python");
    if venv.join("complete").exists() {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))?;
    let package = format!("moto[server]=={VERSION}");
    run(Command::new(&python).args(["-m", "pip", "install", "-q", &package]))?;
    std::fs::write(venv.join("complete"), "").map_err(|error| error.to_string())?;
    Ok(python)
}
