//! Cargo subcommands that some checks need, at the versions that they were written for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use etcetera::{BaseStrategy, choose_base_strategy};

use crate::{
    process::{self, Step},
    toolchain,
};

/// Makes components with a tool that many guest authors still use.
pub(crate) const CARGO_COMPONENT: Tool = Tool { name: "cargo-component", version: "0.21.1" };

/// Checks licences, sources and bans.
pub(crate) const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };

/// A Cargo subcommand from crates.io.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    /// The tool's program: the user's, if it has the very version, or one of our own in the user's cache.
    pub(crate) fn get(&self) -> Result<PathBuf> {
        let cache = choose_base_strategy().context("this user has no folder for caches")?.cache_dir();
        let folder = cache.join("dotwit").join(format!("{}-{}", self.name, self.version));
        let own = folder.join("bin").join(self.name).with_extension(std::env::consts::EXE_EXTENSION);
        let found = which::which(self.name).into_iter().chain([own.clone()]).find(|program| self.is(program));
        match found {
            Some(program) => Ok(program),
            None => self.install(&folder).map(|()| own),
        }
    }

    fn is(&self, program: &Path) -> bool {
        let mut command = Command::new(program);
        command.arg("--version");
        process::ask(command).is_ok_and(|text| has_version(&text, self.version))
    }

    /// Builds it without optimisation: that takes a third of the time, and it does little work here.
    fn install(&self, folder: &Path) -> Result<()> {
        let build = folder.join("build");
        let mut command = toolchain::cargo();
        command
            .args(["install", self.name, "--version", self.version, "--locked", "--debug"])
            .arg("--root")
            .arg(folder)
            .arg("--target-dir")
            .arg(&build)
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        Step::new(format!("building {} {} (once, for a few minutes)", self.name, self.version), command).run()?;
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
    }
}

/// Whether a program's answer to `--version` names this version: `cargo-deny 0.20.2`, maybe with more behind it.
fn has_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| word == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_version_will_do() {
        assert!(has_version("cargo-deny 0.20.2\n", "0.20.2"));
        assert!(has_version("cargo-component 0.21.1 (wasi:1234)\n", "0.21.1"));
        assert!(!has_version("cargo-deny 0.20.21\n", "0.20.2"));
    }
}
