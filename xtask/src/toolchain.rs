//! The Rust toolchain that runs us.

use std::{env, ffi::OsString, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::process;

/// A `cargo` command in the repository's top folder.
pub(crate) fn cargo() -> Command {
    let mut command = clean(&program("CARGO", "cargo"));
    command.current_dir(crate::project::root());
    command
}

/// A Cargo subcommand that is a program of its own, to be run as Cargo runs it.
pub(crate) fn subcommand(program: &Path) -> Command {
    let mut command = clean(program.as_os_str());
    command.current_dir(crate::project::root()).env("CARGO", self::program("CARGO", "cargo"));
    command
}

/// Whether something can be compiled for the target: its `std` is there and of this very compiler.
pub(crate) fn can_build_for(target: &str) -> Result<bool> {
    let folder = tempfile::tempdir().context("no folder for trying the compiler")?;
    let source = folder.path().join("probe.rs");
    std::fs::write(&source, "")?;
    let mut command = clean(&program("RUSTC", "rustc"));
    command
        .args(["--crate-type", "lib", "--emit", "metadata", "--target", target])
        .arg("--out-dir")
        .arg(folder.path())
        .arg(source);
    Ok(process::ask(command).is_ok())
}

fn program(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| OsString::from(name))
}

/// A command without what `cargo run` describes *our* package with, which would make Cargo rebuild needlessly.
fn clean(program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if ours.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_builds_for_its_host_and_for_nothing_that_does_not_exist() {
        let mut command = clean(&program("RUSTC", "rustc"));
        command.args(["--print", "host-tuple"]);
        let host = process::ask(command).unwrap();
        assert!(can_build_for(host.trim()).unwrap());
        assert!(!can_build_for("no-such-target").unwrap());
    }
}
