//! Everything that can be said about the sources without running them.

mod tree;

use anyhow::Result;

use crate::{
    guests,
    process::Step,
    project,
    setup::{self, CARGO_DENY},
    toolchain::Toolchain,
};

/// Checks everything, quick checks first.
pub(crate) fn run() -> Result<()> {
    tree::check()?;
    let ambient = Toolchain::ambient();
    cargo(&ambient, "checking the formatting", ["fmt", "--all", "--check"]).run()?;
    javascript()?;
    cargo(&ambient, "clippy", ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
    docs(&ambient)?;
    guests_for_wasm()?;
    licences(&ambient)
}

fn cargo<const N: usize>(toolchain: &Toolchain, doing: &str, arguments: [&str; N]) -> Step {
    let mut command = toolchain.cargo();
    command.args(arguments);
    Step::new(doing, command)
}

/// The types, what npm's users would see, and the formatting of the JavaScript.
fn javascript() -> Result<()> {
    setup::npm_packages()?;
    for script in ["check", "publint", "format:check"] {
        let mut command = setup::npm(&project::js_adapter())?;
        command.args(["run", script]);
        Step::new(format!("npm run {script} in js-adapter"), command).run()?;
    }
    Ok(())
}

/// The docs, without broken links.
fn docs(toolchain: &Toolchain) -> Result<()> {
    let mut command = toolchain.cargo();
    command.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings");
    Step::new("building the docs", command).run()
}

/// The guests, as the code that they are on WebAssembly.
fn guests_for_wasm() -> Result<()> {
    let toolchain = setup::guest_toolchain()?;
    let linter = setup::guest_linter(&toolchain)?;
    let mut command = toolchain.cargo();
    command.args([linter, "--profile", guests::PROFILE, "--target", setup::COMPONENT_TARGET]);
    command.arg("--target-dir").arg(guests::target());
    for guest in guests::ALL {
        command.args(["--package", guest.crate_name()]);
    }
    if linter == "clippy" {
        command.args(["--", "-D", "warnings"]);
    } else {
        command.env("RUSTFLAGS", "-D warnings");
    }
    Step::new(format!("cargo {linter} for {}", setup::COMPONENT_TARGET), command).run()
}

/// Licences, sources and bans, as `deny.toml` has them.
fn licences(toolchain: &Toolchain) -> Result<()> {
    let mut command = toolchain.subcommand(&CARGO_DENY.get()?);
    command.args(["check", "licenses", "bans", "sources"]);
    Step::new("checking licences, bans and sources of the dependencies", command).run()
}
