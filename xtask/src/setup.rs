//! Making a machine ready: what is missing is installed, what is there is left alone.

mod apt;
mod browsers;
mod npm;
mod tools;
mod wasm;

use anyhow::Result;

pub(crate) use self::{
    browsers::Browsers,
    npm::{install as npm_packages, install_in as npm_packages_in, node, npm},
    tools::{CARGO_COMPONENT, CARGO_DENY},
    wasm::{COMPONENT_TARGET, CORE_MODULE_TARGET, target},
};

/// Everything that any task needs, but for the tools that only some checks use.
pub(crate) fn everything() -> Result<()> {
    target(COMPONENT_TARGET)?;
    npm_packages()?;
    Browsers::get()?;
    Ok(())
}
