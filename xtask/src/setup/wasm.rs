//! Toolchains that can build guests.
//!
//! Where rustup reaches its server this is one command, `rustup target add`. Where it does not, only a compiler whose `std` can be built
//! from source on the spot helps: Debian's security archive carries one (see [`wasm_std`]).

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use super::{apt, wasm_std};
use crate::{
    process::{Step, say},
    toolchain::Toolchain,
};

/// What guests are built for: components.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

/// What `cargo component` builds for: core modules, which it then makes components of.
pub(crate) const CORE_MODULE_TARGET: &str = "wasm32-wasip1";

/// A slow line may need this long for the 25 MB; a server that cannot be reached may not hold us up for longer.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// A toolchain that builds components.
pub(crate) fn guest_toolchain() -> Result<Toolchain> {
    toolchain_for(COMPONENT_TARGET)
}

/// A toolchain that builds core modules, for `cargo component`.
pub(crate) fn core_module_toolchain() -> Result<Toolchain> {
    toolchain_for(CORE_MODULE_TARGET)
}

/// Clippy for guests, or nothing where their toolchain has none and none can be installed.
pub(crate) fn guest_clippy(toolchain: &Toolchain) -> Result<Option<Command>> {
    if toolchain.clippy().is_none() && toolchain.is_system() && apt::can_install() {
        apt::install(&["rust-web-clippy"], "checking the guests")?;
    }
    Ok(toolchain.clippy())
}

fn toolchain_for(target: &str) -> Result<Toolchain> {
    let ready = |toolchain: &Toolchain| toolchain.can_build_for(target);
    let ambient = Toolchain::ambient();
    if ready(&ambient)? {
        return Ok(ambient);
    }
    if let Some(system) = Toolchain::system()
        && ready(&system)?
    {
        return Ok(system);
    }
    if let Ok(rustup) = which::which("rustup") {
        let added = add_with_rustup(rustup, target);
        if ready(&ambient)? {
            return Ok(ambient);
        }
        if let Err(error) = added {
            say(format_args!("rustup could not: {error:#}"));
        }
    }
    if !apt::can_install() {
        bail!(
            "guests need a Rust toolchain with the target {target}: run `rustup target add {target}`, or, on Debian, run \
             `cargo xtask setup` as root, which sets up Debian's own toolchain"
        );
    }
    let system = debian_toolchain(target)?;
    if !ready(&system)? {
        bail!("{target} was installed, and yet the compiler cannot use it: {system:?}");
    }
    Ok(system)
}

fn add_with_rustup(rustup: PathBuf, target: &str) -> Result<()> {
    let mut command = Command::new(rustup);
    command.args(["target", "add", target]);
    Step::new(format!("rustup target add {target}"), command).within(RUSTUP_LIMIT).may_fail().run()
}

/// Installs Debian's toolchain and builds its `std` for the target.
fn debian_toolchain(target: &str) -> Result<Toolchain> {
    say(format_args!(
        "No Rust toolchain here has the target {target}. Debian's own will be set up for it: its packages are installed, and `std` is \
         built from their sources and put beside the compiler, once; it takes about two minutes. The Rust that you use stays as it is"
    ));
    let purpose = "building guests";
    apt::install(&["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "wasi-libc"], purpose)?;
    let toolchain = Toolchain::system().context("Debian's toolchain is installed, but not where it should be")?;
    // `rust-lld`, which links for WebAssembly, is a name for the linker of the compiler's own LLVM.
    let linker = format!("lld-{}", toolchain.version()?.llvm);
    apt::install(&[&linker], purpose)?;
    wasm_std::install(&toolchain, target)?;
    Ok(toolchain)
}
