//! The published crates, built from their packages alone.
//!
//! `cargo package` would verify each with wasmtime compiled once more, since a package has neither our profiles nor the other packages'
//! features. So the packages become a workspace of their own, which is checked with our lock file, profiles and target directory.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    guests,
    process::{self, Step},
    project, setup, toolchain,
};

/// The crates that are published. All have the workspace's version.
const PUBLISHED: [&str; 6] =
    ["dotwit-wire", "dotwit-macros", "dotwit", "dotwit-js-adapter", "dotwit-host", "dotwit-cli"];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Packages have no files from outside of their folder, and links to such files do not survive a checkout on Windows: each crate with
/// bindings has a copy of the WIT.
const WIT: &str = "wit/dotwit.wit";
const WIT_COPIES: [&str; 2] = ["guest/wit/dotwit.wit", "host/wit/dotwit.wit"];

/// Compares the copies of the WIT, makes the packages, and checks that they compile.
pub(crate) fn check() -> Result<()> {
    let wit = fs::read(project::root().join(WIT)).with_context(|| format!("cannot read {WIT}"))?;
    for copy in WIT_COPIES {
        let is_equal = fs::read(project::root().join(copy)).is_ok_and(|copy| copy == wit);
        ensure!(is_equal, "{copy} is not a copy of {WIT}: copy it again");
    }

    let folder = project::cargo_target().join("package");
    let _ = fs::remove_dir_all(&folder);
    let mut command = toolchain::cargo();
    command.args(["package", "--quiet", "--allow-dirty", "--no-verify"]);
    command.args(PUBLISHED.iter().flat_map(|name| ["--package", name]));
    Step::new("packaging the crates", command).run()?;

    let mut workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [\"*-{VERSION}\"]\n\n[patch.crates-io]\n");
    for name in PUBLISHED {
        let mut command = Command::new("tar");
        command.current_dir(&folder).args(["-xzf", &format!("{name}-{VERSION}.crate")]);
        process::ask(command)?;
        writeln!(workspace, "{name} = {{ path = \"{name}-{VERSION}\" }}")?;
    }
    fs::write(folder.join("Cargo.toml"), workspace).context("cannot write the packages' workspace")?;
    fs::copy(project::root().join("Cargo.lock"), folder.join("Cargo.lock")).context("cannot copy the lock file")?;

    let mut native = toolchain::cargo();
    // The workspace's manifest has the profiles, and nothing else that a configuration could have.
    native.args(["check", "--workspace", "--config", "Cargo.toml"]).arg("--target-dir").arg(project::cargo_target());
    // The bindings of a guest are compiled for WebAssembly alone.
    let mut guest = toolchain::cargo();
    guest.args(["check", "--package", "dotwit", "--config", "Cargo.toml", "--profile", guests::PROFILE]);
    guest.args(["--target", setup::COMPONENT_TARGET]).arg("--target-dir").arg(guests::target());
    setup::target(setup::COMPONENT_TARGET)?;
    for (what, mut command) in [("packages", native), ("guests' package", guest)] {
        command.arg("--manifest-path").arg(folder.join("Cargo.toml"));
        Step::new(format!("checking the {what}"), command).run()?;
    }
    Ok(())
}
