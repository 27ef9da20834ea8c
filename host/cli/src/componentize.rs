//! `dotwit componentize`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Componentize {
    /// The core module.
    core: PathBuf,
    /// Where the component is written.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

impl Componentize {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let name = self.core.display().to_string();
        let module = std::fs::read(&self.core).with_context(|| format!("cannot read '{name}'"))?;
        let component = dotwit_host::componentize(&name, &module)?;
        std::fs::write(&self.output, component).with_context(|| format!("cannot write '{}'", self.output.display()))
    }
}
