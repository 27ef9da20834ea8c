//! Everything that can be said about the sources without running them.

mod external_types;
mod package;
mod tree;

use anyhow::{Result, bail};

pub(crate) use external_types::run_as_rustdoc;

use crate::{
    guests,
    process::{Step, say},
    project,
    setup::{self, CARGO_DENY},
    toolchain,
};

/// Makes every check, quick ones first, and fails in the end if one of them did.
pub(crate) fn run() -> Result<()> {
    let checks = [
        tree::check,
        formatting,
        types,
        npm_package,
        clippy,
        docs,
        guests_for_wasm,
        package::check,
        external_types::check,
        dependencies,
    ];
    let mut failed = 0;
    for check in checks {
        if let Err(error) = check() {
            failed += 1;
            say(format_args!("{error:#}"));
        }
    }
    if failed > 0 {
        bail!("{failed} of {} checks failed", checks.len());
    }
    Ok(())
}

fn formatting() -> Result<()> {
    cargo("checking the formatting", &["fmt", "--all", "--check"]).run()
}

/// Clippy, in two goes: with the macros' tests among them, wasmtime would be checked again for the docs (see the tests' `NATIVE_CRATES`).
fn clippy() -> Result<()> {
    let macros = "dotwit-macros";
    for crates in [["--workspace", "--exclude", macros].as_slice(), &["--package", macros]] {
        let arguments = [&["clippy", "--all-targets"], crates, &["--", "-D", "warnings"]].concat();
        cargo(&format!("clippy {}", crates.join(" ")), &arguments).run()?;
    }
    Ok(())
}

/// The docs, without broken links.
fn docs() -> Result<()> {
    let mut command = toolchain::cargo();
    command.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings");
    Step::new("building the docs", command).run()
}

fn types() -> Result<()> {
    npm_run("check")
}

/// What users of the npm package would trip over.
fn npm_package() -> Result<()> {
    npm_run("check-package")
}

/// The guests, as the code that they are on WebAssembly.
fn guests_for_wasm() -> Result<()> {
    setup::target(setup::COMPONENT_TARGET)?;
    let mut command = toolchain::cargo();
    command.args(["clippy", "--profile", guests::PROFILE, "--target", setup::COMPONENT_TARGET]);
    command.arg("--target-dir").arg(guests::target());
    for guest in guests::ALL {
        command.args(["--package", guest.crate_name()]);
    }
    command.args(["--", "-D", "warnings"]);
    Step::new("checking the guests", command).run()
}

/// The dependencies' licences, sources and bans, as `deny.toml` has them.
fn dependencies() -> Result<()> {
    let mut command = toolchain::subcommand(&CARGO_DENY.get()?);
    command.args(["check", "licenses", "bans", "sources"]);
    Step::new("checking the dependencies' licences, bans and sources", command).run()
}

fn cargo(doing: &str, arguments: &[&str]) -> Step {
    let mut command = toolchain::cargo();
    command.args(arguments);
    Step::new(doing, command)
}

/// Runs a script of the npm package.
fn npm_run(script: &str) -> Result<()> {
    setup::npm_packages()?;
    let mut command = setup::npm(&project::js_adapter())?;
    command.args(["run", script]);
    Step::new(format!("npm run {script} in js-adapter"), command).run()
}
