//! The published crates, built from their packages alone.
//!
//! `cargo package` would verify each with wasmtime compiled once more, since a package has neither our profiles nor the other packages'
//! features. So the packages become a workspace of their own, which is checked with our lock file, profiles and target directory.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{
    guests,
    project::{self, cargo},
    setup,
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
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let wit = fs::read(project::root().join(WIT)).with_context(|| format!("cannot read {WIT}"))?;
    for copy in WIT_COPIES {
        let is_equal = fs::read(project::root().join(copy)).is_ok_and(|copy| copy == wit);
        ensure!(is_equal, "{copy} is not a copy of {WIT}: copy it again");
    }

    let folder = project::cargo_target().join("package");
    sh.remove_path(&folder)?;
    let published = PUBLISHED.iter().flat_map(|name| ["--package", name]);
    cargo(sh).args(["package", "--quiet", "--allow-dirty", "--no-verify"]).args(published).run()?;

    let mut workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [\"*-{VERSION}\"]\n\n[patch.crates-io]\n");
    for name in PUBLISHED {
        // With new times: those in a package are always the same, and cargo would take its check of an earlier one for this one's.
        cmd!(sh, "tar -xmzf {folder}/{name}-{VERSION}.crate -C {folder}").quiet().run()?;
        writeln!(workspace, "{name} = {{ path = \"{name}-{VERSION}\" }}")?;
    }
    sh.write_file(folder.join("Cargo.toml"), workspace)?;
    sh.copy_file("Cargo.lock", &folder)?;

    // Our manifest has the profiles, and nothing else that a configuration could have.
    let check = ["check", "--config", "Cargo.toml", "--manifest-path"];
    let check = || cargo(sh).args(check).arg(folder.join("Cargo.toml")).arg("--target-dir");
    check().arg(project::cargo_target()).arg("--workspace").run()?;
    // The bindings of a guest are compiled for WebAssembly alone.
    setup::target(sh, setup::COMPONENT_TARGET)?;
    let guest = ["--package", "dotwit", "--profile", guests::PROFILE, "--target", setup::COMPONENT_TARGET];
    Ok(check().arg(guests::target()).args(guest).run()?)
}
