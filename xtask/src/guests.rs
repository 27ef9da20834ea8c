//! The guests, built as components.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::Result;

use crate::{process::Step, project, setup, toolchain};

/// A guest of this repository, by its crate's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guest(&'static str);

/// The guest of the gallery.
pub(crate) const BLAZOR_SAMPLE: Guest = Guest("blazor-sample");

/// The guest of the ten-minute guide.
pub(crate) const HELLO: Guest = Guest("hello");

/// The guest of the tests, which has methods in libraries.
pub(crate) const TEST_GUEST: Guest = Guest("test-guest");

/// Every guest: the samples', and those that the tests call.
pub(crate) const ALL: &[Guest] =
    &[BLAZOR_SAMPLE, Guest("conformance-guest"), HELLO, TEST_GUEST, Guest("typed-interop")];

/// The profile that guests are built with, and checked: the one that they are meant to be used with.
pub(crate) const PROFILE: &str = "release";

impl Guest {
    /// The name of the crate.
    pub(crate) fn crate_name(self) -> &'static str {
        self.0
    }

    /// The name of what is built from it.
    pub(crate) fn file_name(self) -> String {
        self.0.replace('-', "_")
    }

    /// The component.
    pub(crate) fn component(self) -> PathBuf {
        self.component_of(setup::COMPONENT_TARGET)
    }

    /// The component that was built for a target.
    pub(crate) fn component_of(self, target: &str) -> PathBuf {
        self.built(target, PROFILE)
    }

    /// The component without optimisation, as it is while somebody writes it. Builds it.
    pub(crate) fn debug_component(self) -> Result<PathBuf> {
        build_in(&[self], "dev")?;
        Ok(self.built(setup::COMPONENT_TARGET, "debug"))
    }

    fn built(self, target: &str, folder: &str) -> PathBuf {
        self::target().join(target).join(folder).join(self.file_name()).with_extension("wasm")
    }
}

/// The guests' own target directory, so that neither build undoes what the other has done.
pub(crate) fn target() -> PathBuf {
    project::target().join("guests")
}

/// Builds the guests.
pub(crate) fn build(guests: &[Guest]) -> Result<()> {
    build_in(guests, PROFILE)
}

fn build_in(guests: &[Guest], profile: &str) -> Result<()> {
    setup::target(setup::COMPONENT_TARGET)?;
    let names: BTreeSet<_> = guests.iter().map(|guest| guest.crate_name()).collect();
    let names = Vec::from_iter(names);
    let mut command = toolchain::cargo();
    command
        .args(["build", "--profile", profile, "--target", setup::COMPONENT_TARGET])
        .arg("--target-dir")
        .arg(target());
    for name in &names {
        command.args(["--package", name]);
    }
    Step::new(format!("building the guests {} ({profile})", names.join(", ")), command).run()
}
