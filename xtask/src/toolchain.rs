//! A Rust toolchain: a `cargo` and the `rustc` that belongs to it.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process;

/// Where the system's packages put programs.
const SYSTEM: &str = "/usr/bin";

/// A `cargo` and the `rustc` that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// Whether this is the toolchain that runs us, whose environment we therefore share.
    ambient: bool,
}

impl Toolchain {
    /// The toolchain that runs us.
    pub(crate) fn ambient() -> Self {
        let program = |variable, name| env::var_os(variable).unwrap_or_else(|| OsString::from(name)).into();
        Toolchain { cargo: program("CARGO", "cargo"), rustc: program("RUSTC", "rustc"), ambient: true }
    }

    /// The toolchain that the system's packages installed, if there is one.
    pub(crate) fn system() -> Option<Self> {
        let [cargo, rustc] = ["cargo", "rustc"].map(|program| Path::new(SYSTEM).join(program));
        (cargo.is_file() && rustc.is_file()).then_some(Toolchain { cargo, rustc, ambient: false })
    }

    /// Whether the system's packages installed it, be it the one that runs us or another.
    pub(crate) fn is_system(&self) -> bool {
        self.cargo.starts_with(SYSTEM)
    }

    /// A `cargo` command in the repository's top folder, with nothing of another toolchain in its environment.
    pub(crate) fn cargo(&self) -> Command {
        self.prepare(&self.cargo)
    }

    /// A Cargo subcommand that is a program of its own, to be run as this toolchain's Cargo runs it.
    pub(crate) fn subcommand(&self, program: &Path) -> Command {
        let mut command = self.prepare(program);
        command.env("CARGO", &self.cargo);
        command
    }

    fn prepare(&self, program: &Path) -> Command {
        let mut command = self.clean(program);
        command.current_dir(crate::project::root());
        if !self.ambient {
            // Cargo and its subcommands look for other tools on the path.
            let folder = self.cargo.parent().map(Path::to_owned);
            let path = env::var_os("PATH").unwrap_or_default();
            let path = env::join_paths(folder.into_iter().chain(env::split_paths(&path)));
            command.env("PATH", path.expect("these were paths before")).env("RUSTC", &self.rustc);
        }
        command
    }

    /// A `rustc` command.
    pub(crate) fn rustc(&self) -> Command {
        self.clean(&self.rustc)
    }

    /// Where the compiler keeps a target's libraries, whether there are any or not.
    pub(crate) fn target_libraries(&self, target: &str) -> Result<PathBuf> {
        let mut command = self.rustc();
        command.args(["--print", "target-libdir", "--target", target]);
        Ok(PathBuf::from(process::ask(command)?.trim_end()))
    }

    /// Whether something can be compiled for the target: its `std` is there and of this very compiler.
    pub(crate) fn can_build_for(&self, target: &str) -> Result<bool> {
        let folder = tempfile::tempdir().context("no folder for trying the compiler")?;
        let source = folder.path().join("probe.rs");
        std::fs::write(&source, "")?;
        let mut command = self.rustc();
        command
            .args(["--crate-type", "lib", "--emit", "metadata", "--target", target])
            .arg("--out-dir")
            .arg(folder.path())
            .arg(source);
        Ok(process::ask(command).is_ok())
    }

    /// A `cargo clippy` command, if this toolchain has clippy. Cargo itself might find another toolchain's.
    pub(crate) fn clippy(&self) -> Option<Command> {
        let program = self.cargo.with_file_name("cargo-clippy").with_extension(env::consts::EXE_EXTENSION);
        program.is_file().then(|| {
            let mut command = self.subcommand(&program);
            command.arg("clippy");
            command
        })
    }

    /// The compiler's version.
    pub(crate) fn version(&self) -> Result<Version> {
        let mut command = self.rustc();
        command.arg("-vV");
        let text = process::ask(command)?;
        Version::parse(&text).with_context(|| format!("cannot read the compiler's version: {text}"))
    }

    /// A command of this toolchain without what `cargo run` and rustup left in our environment for another one.
    ///
    /// `cargo run` describes *our* package to us and puts *its* libraries on the loader's path; rustup names *its* toolchain. None of it
    /// may reach a second toolchain, and what describes our package makes Cargo rebuild needlessly.
    fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let ours =
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_BIN_");
            let its = matches!(
                &*name,
                "CARGO" | "RUSTC" | "RUSTDOC" | "RUSTUP_TOOLCHAIN" | "RUST_RECURSION_COUNT" | "LD_LIBRARY_PATH"
            );
            if ours || (its && !self.ambient) {
                command.env_remove(&*name);
            }
        }
        command
    }
}

/// What a compiler says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The release, as in `1.96.0`.
    pub(crate) release: String,
    /// The major version of its LLVM.
    pub(crate) llvm: u32,
}

impl Version {
    /// Reads the output of `rustc -vV`.
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let llvm = field("LLVM version")?.split('.').next()?.parse().ok()?;
        Some(Version { release: field("release")?.to_owned(), llvm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read() {
        let text = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n\
                    release: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(Version::parse(text), Some(Version { release: "1.96.0".into(), llvm: 22 }));
        assert_eq!(Version::parse("rustc 1.96.0\nrelease: 1.96.0\n"), None);
    }

    #[test]
    fn the_ambient_toolchain_builds_for_its_host_and_for_nothing_that_does_not_exist() {
        let toolchain = Toolchain::ambient();
        let host = process::ask({
            let mut command = toolchain.rustc();
            command.args(["--print", "host-tuple"]);
            command
        });
        assert!(toolchain.can_build_for(host.unwrap().trim()).unwrap());
        assert!(!toolchain.can_build_for("no-such-target").unwrap());
    }
}
