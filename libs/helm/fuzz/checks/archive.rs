//! Any bytes as a chart's archive: they load or are refused, within the limits, and a chart that loads can be checked.
//!
//! What begins as gzip is taken as it is. Text that begins with `@` is a list of files, each below a line `@ name`.
//! Anything else is taken for a tar file, whose checksums are put right and which is compressed, so that damage gets
//! past both.

use fjord_helm::{Chart, Limits, Notices, dependencies};
use std::io::Write as _;

pub(crate) fn check(data: &[u8]) {
    let archive = match data {
        [0x1f, 0x8b, ..] => data.to_vec(),
        [b'@', b' ', ..] => compressed(&files(data)),
        _ => compressed(&with_checksums(data)),
    };
    let mut notices = Notices::default();
    let Ok(mut chart) = Chart::from_archive(archive, &Limits::default(), &mut notices) else {
        return;
    };
    for file in chart.files.iter().chain(chart.templates.iter()) {
        assert!(!file.name.starts_with('/') && !file.name.split('/').any(|part| part == ".."));
    }
    let _ = chart.custom_resource_definitions();
    let _ = dependencies::check(&chart);
    let none = fjord_helm::values::Map::new();
    let _ = dependencies::process(&mut chart, &none, &mut notices);
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let written = gzip.write_all(bytes).and_then(|()| gzip.finish());
    written.unwrap_or_default()
}

fn files(text: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let text = String::from_utf8_lossy(text);
    for file in text.split("\n@ ") {
        let (name, content) = file.split_once('\n').unwrap_or((file, ""));
        let mut header = tar::Header::new_ustar();
        let name = name.trim_start_matches("@ ").as_bytes();
        let name = &name[..name.len().min(100)];
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_size(content.len() as u64);
        header.set_cksum();
        let _ = archive.append(&header, content.as_bytes());
    }
    archive.into_inner().unwrap_or_default()
}

fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(block) = out.get_mut(at..at + BLOCK) {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
        let size = header.entry_size().unwrap_or_default() as usize;
        at += BLOCK + size.min(bytes.len()).div_ceil(BLOCK) * BLOCK;
    }
    out
}
