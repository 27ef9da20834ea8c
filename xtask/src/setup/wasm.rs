//! The targets that guests are built for.

use std::{process::Command, time::Duration};

use anyhow::{Result, bail};

use crate::{process::Step, toolchain};

/// What guests are built for: components.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

/// What `cargo component` builds for: core modules, which it then makes components of.
pub(crate) const CORE_MODULE_TARGET: &str = "wasm32-wasip1";

/// A slow line may need this long for the 25 MB; a server that cannot be reached may not hold us up for longer.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Makes sure that Rust can be compiled for a target, with rustup where it cannot yet.
///
/// # Errors
///
/// Where it cannot be: with the line that mends it.
pub(crate) fn target(target: &str) -> Result<()> {
    if toolchain::can_build_for(target)? {
        return Ok(());
    }
    let mut reason = "there is no rustup here".to_owned();
    if let Ok(rustup) = which::which("rustup") {
        let mut command = Command::new(rustup);
        command.args(["target", "add", target]);
        let added = Step::new(format!("rustup target add {target}"), command).within(RUSTUP_LIMIT).may_fail().run();
        if toolchain::can_build_for(target)? {
            return Ok(());
        }
        reason = added.err().map_or("rustup added it to another toolchain".to_owned(), |error| format!("{error:#}"));
    }
    bail!("guests need Rust's target {target}, and it cannot be added ({reason}): run `rustup target add {target}`")
}
