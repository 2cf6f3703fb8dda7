//! `fjord decrypt --check`: can everything in a tree be decrypted with the keys at hand?

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use fjord_sops::{Format, Mac};

use super::ring::Ring;
use super::{format_of, is_sealed, read};
use crate::table::Table;

/// How deep folders may nest.
const DEPTH: usize = 64;

pub(super) fn run(folder: &Path, ring: &Ring) -> Result<()> {
    let mut files = Vec::new();
    collect(folder, 0, &mut files)?;
    files.sort();
    let mut table = Table::new(["FILE", "KIND", "RESULT"]);
    let (mut seen, mut failed) = (0, 0);
    for path in &files {
        let Some((kind, result)) = examine(path, ring)? else {
            continue;
        };
        seen += 1;
        failed += usize::from(result.is_err());
        let name = path.strip_prefix(folder).unwrap_or(path);
        let result = result.map_or_else(|error| format!("{error:#}"), |()| "ok".to_owned());
        table.push(vec![
            name.display().to_string(),
            kind.to_owned(),
            result.replace('\n', " "),
        ]);
    }
    table.print(true)?;
    if failed > 0 {
        bail!("{failed} of {seen} encrypted files cannot be decrypted");
    }
    eprintln!(
        "✔ {seen} encrypted files of {} can be decrypted",
        files.len()
    );
    Ok(())
}

/// Decrypts a file and forgets it; none where it is not encrypted.
fn examine(path: &Path, ring: &Ring) -> Result<Option<(&'static str, Result<()>)>> {
    let format = format_of(path);
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => return Ok(Some(("unread", Err(error)))),
    };
    if is_sealed(&text, format) {
        return Ok(Some(("SealedSecret", ring.unseal(&text).map(drop))));
    }
    let mark = format.marker().as_bytes();
    let is_encrypted = text.windows(mark.len()).any(|window| window == mark)
        && (format != Format::Ini || text.windows(4).any(|window| window == b"ENC["));
    if !is_encrypted {
        return Ok(None);
    }
    let result = fjord_sops::decrypt(&text, format, &ring.sops, Mac::Verify);
    Ok(Some(("SOPS", result.map(drop).map_err(Into::into))))
}

/// Lists files; links are passed over, as is what Git keeps for itself.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    if depth > DEPTH {
        bail!(
            "{} is nested more than {DEPTH} folders deep",
            folder.display()
        );
    }
    let failed = || format!("reading {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let kind = entry.file_type().with_context(failed)?;
        if kind.is_dir() && entry.file_name() != ".git" {
            collect(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
