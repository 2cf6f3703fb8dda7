//! Asks the linker for the packed form of the places that are filled in when the program starts.
//!
//! There are 69,000 of them; listed one by one they are 1.6 MB that every run reads and holds. glibc reads the packed form
//! (DT_RELR) since 2.36: on an older system, or where the program is built for another one, the list stays as it is. A program
//! built on a newer system says `GLIBC_ABI_DT_RELR not found` on an older one.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if is_for_this_system() && glibc().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is_for_this_system() -> bool {
    let says = |name: &str, value: &str| env::var(name).is_ok_and(|text| text == value);
    says("CARGO_CFG_TARGET_OS", "linux")
        && says("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var("HOST").ok() == env::var("TARGET").ok()
}

/// Returns the version of glibc, such as `glibc 2.36`; none where nothing tells it.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
