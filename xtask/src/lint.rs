//! Everything that can be said about the sources without running them.

mod external_types;
mod floors;
mod package;
mod text;

use anyhow::Result;
use xshell::Shell;

pub(crate) use external_types::run_as_rustdoc;

use crate::{
    guests,
    project::{cargo, each, say},
    setup,
};

/// Makes every check, quick ones first, and fails in the end with all that failed.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let checks = [
        text::check,
        floors::check,
        formatting,
        npm_package,
        clippy,
        docs,
        guests_for_wasm,
        package::check,
        external_types::check,
        dependencies,
    ];
    each(checks, |check| check(sh).inspect_err(|error| say(format!("{error:#}"))))
}

fn formatting(sh: &Shell) -> Result<()> {
    Ok(cargo(sh).args(["fmt", "--all", "--check"]).run()?)
}

/// The npm package's types, and what its users would trip over.
fn npm_package(sh: &Shell) -> Result<()> {
    setup::npm_packages(sh)?;
    Ok(setup::npm(sh).args(["run", "check-package", "--workspace", "dotwit"]).run()?)
}

/// Clippy, in two goes: with the macros' tests among them, wasmtime would be checked again for the docs (see the tests' `NATIVE_CRATES`).
fn clippy(sh: &Shell) -> Result<()> {
    let macros = "dotwit-macros";
    each([["--workspace", "--exclude", macros].as_slice(), &["--package", macros]], |crates| {
        Ok(cargo(sh).args(["clippy", "--all-targets"]).args(crates).args(["--", "-D", "warnings"]).run()?)
    })
}

/// The docs, without broken links.
fn docs(sh: &Shell) -> Result<()> {
    Ok(cargo(sh).args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings").run()?)
}

/// The guests, as the code that they are on WebAssembly.
fn guests_for_wasm(sh: &Shell) -> Result<()> {
    setup::target(sh, setup::COMPONENT_TARGET)?;
    let clippy = cargo(sh).args(["clippy", "--profile", guests::PROFILE, "--target", setup::COMPONENT_TARGET]);
    let packages = guests::ALL.iter().flat_map(|guest| ["--package", guest.crate_name()]);
    Ok(clippy.arg("--target-dir").arg(guests::target()).args(packages).args(["--", "-D", "warnings"]).run()?)
}

/// The dependencies' licences, sources and bans, as `deny.toml` has them.
fn dependencies(sh: &Shell) -> Result<()> {
    Ok(setup::tool(sh, "cargo-deny", "0.20.2")?
        .args(["--log-level", "error", "check", "licenses", "bans", "sources"])
        .run()?)
}
