//! age keys from where `sops` takes them: variables, commands named in variables, and the files of the user's home.
//!
//! A source that cannot be used is no error before a file needs a key that no other has; the message then tells of it.
//! Passphrases are asked for on the terminal, as late as possible; an agent is not asked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use fjord_sops::{AgeIdentities, Ask, KeyError, KeyService, Recipient};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{read, variable};

/// The variables that name a command, and whether it prints an SSH key.
const COMMANDS: [(&str, bool); 2] = [
    ("SOPS_AGE_KEY_CMD", false),
    ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", true),
];

/// The age keys of the user.
pub(super) struct Age {
    identities: AgeIdentities,
    /// What could not be used, and why.
    unusable: Vec<String>,
    /// What the commands printed for each recipient.
    commanded: Mutex<HashMap<String, Result<Arc<AgeIdentities>, String>>>,
}

impl Age {
    pub(super) fn load() -> Self {
        let mut age = Self {
            identities: AgeIdentities::default(),
            unusable: Vec::new(),
            commanded: Mutex::default(),
        };
        let ask: Ask = Arc::new(ask);
        if let Some(text) = std::env::var_os("SOPS_AGE_KEY") {
            let text = Zeroizing::new(text.into_encoded_bytes());
            age.take("SOPS_AGE_KEY", |age| {
                Ok(age.add_file(&text, "SOPS_AGE_KEY", Some(&ask))?)
            });
        }
        let file = |path: &Path, age: &mut AgeIdentities| -> Result<()> {
            let text = Zeroizing::new(read(path)?);
            Ok(age.add_file(&text, &path.to_string_lossy(), Some(&ask))?)
        };
        let ssh = |path: &Path, age: &mut AgeIdentities| -> Result<()> {
            let text = Zeroizing::new(read(path)?);
            Ok(age.add_ssh_file(&text, &path.to_string_lossy(), Some(&ask))?)
        };
        if let Some(path) = variable("SOPS_AGE_KEY_FILE") {
            age.take("SOPS_AGE_KEY_FILE", |age| file(path.as_ref(), age));
        }
        if let Some(path) = variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE") {
            age.take("SOPS_AGE_SSH_PRIVATE_KEY_FILE", |age| {
                ssh(path.as_ref(), age)
            });
        }
        let home = variable("HOME").map(PathBuf::from);
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| home.as_ref().map(|home| home.join(".config")));
        let own = config.map(|folder| folder.join("sops/age/keys.txt"));
        if let Some(path) = own.filter(|path| path.exists()) {
            age.take(&path.display().to_string(), |age| file(&path, age));
        }
        for name in ["id_ed25519", "id_rsa"] {
            let path = home.as_ref().map(|home| home.join(".ssh").join(name));
            if let Some(path) = path.filter(|path| path.exists()) {
                age.take(&path.display().to_string(), |age| ssh(&path, age));
            }
        }
        age
    }

    /// Adds what a source holds, or notes why it cannot.
    fn take(&mut self, source: &str, add: impl FnOnce(&mut AgeIdentities) -> Result<()>) {
        if let Err(error) = add(&mut self.identities) {
            self.unusable.push(format!("{source}: {error:#}"));
        }
    }

    /// Returns the keys that the commands give for a recipient.
    fn command(&self, recipient: &str) -> Result<Arc<AgeIdentities>, String> {
        let mut commanded = self
            .commanded
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let run = || run_commands(recipient).map_err(|error| format!("{error:#}"));
        let given = commanded.entry(recipient.to_owned()).or_insert_with(run);
        given.clone()
    }
}

impl KeyService for Age {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Age {
            recipient: name, ..
        } = recipient
        else {
            return Err(KeyError::Missing);
        };
        let error = match self.identities.open(recipient) {
            Err(error @ (KeyError::Missing | KeyError::Refused)) => error,
            opened => return opened,
        };
        let mut notes = self.unusable.clone();
        match self.command(name).map(|keys| keys.open(recipient)) {
            Ok(Ok(key)) => return Ok(key),
            Ok(Err(_)) => {}
            Err(note) => notes.push(note),
        }
        if notes.is_empty() {
            return Err(error);
        }
        Err(KeyError::Service {
            message: format!("{error} ({})", notes.join("; ")),
            retryable: false,
        })
    }
}

/// Asks on the terminal; none without one.
fn ask(name: &str) -> Option<SecretString> {
    let passphrase = rpassword::prompt_password(format!("Enter passphrase for {name}: "));
    passphrase.ok().map(Into::into)
}

fn run_commands(recipient: &str) -> Result<Arc<AgeIdentities>> {
    let mut keys = AgeIdentities::default();
    for (name, is_ssh) in COMMANDS {
        let Some(line) = variable(name) else {
            continue;
        };
        let printed = run_command(&line.to_string_lossy(), recipient).context(name)?;
        if is_ssh {
            keys.add_ssh(&printed).context(name)?;
        } else {
            let ask: Ask = Arc::new(ask);
            keys.add_file(&printed, name, Some(&ask)).context(name)?;
        }
    }
    Ok(Arc::new(keys))
}

/// Runs a command without a shell, as `sops` does, and returns what it printed.
fn run_command(line: &str, recipient: &str) -> Result<Zeroizing<Vec<u8>>> {
    let words = shlex::split(line).context("its quotes do not match")?;
    let Some((program, arguments)) = words.split_first() else {
        bail!("it is empty");
    };
    let output = Command::new(program)
        .args(arguments)
        .env("SOPS_AGE_RECIPIENT", recipient)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("running {program}"))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        bail!("{program} ended with {}", output.status);
    }
    Ok(printed)
}
