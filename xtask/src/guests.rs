//! The guests: built as components, and transpiled to JavaScript.

use std::path::PathBuf;

use anyhow::Result;
use xshell::Shell;

use crate::{
    project::{self, modified},
    setup,
};

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

/// What turns components into JavaScript; the lock file pins jco.
const TRANSPILER: [&str; 4] =
    ["js-adapter/bin", "js-adapter/transpile", "js-adapter/src/version.js", "package-lock.json"];

impl Guest {
    /// The name of the crate.
    pub(crate) fn crate_name(self) -> &'static str {
        self.0
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
    pub(crate) fn debug_component(self, sh: &Shell) -> Result<PathBuf> {
        build_in(sh, &[self], "dev")?;
        Ok(self.built(setup::COMPONENT_TARGET, "debug"))
    }

    /// The folder of the component's JavaScript.
    pub(crate) fn javascript(self) -> PathBuf {
        project::target().join("transpiled").join(self.file_name())
    }

    fn built(self, target: &str, folder: &str) -> PathBuf {
        self::target().join(target).join(folder).join(self.file_name()).with_extension("wasm")
    }

    /// The name of what is built from it.
    fn file_name(self) -> String {
        self.0.replace('-', "_")
    }
}

/// The guests' own target directory, so that neither build undoes what the other has done.
pub(crate) fn target() -> PathBuf {
    project::target().join("guests")
}

/// Builds the guests.
pub(crate) fn build(sh: &Shell, guests: &[Guest]) -> Result<()> {
    build_in(sh, guests, PROFILE)
}

fn build_in(sh: &Shell, guests: &[Guest], profile: &str) -> Result<()> {
    setup::target(sh, setup::COMPONENT_TARGET)?;
    let packages = guests.iter().flat_map(|guest| ["--package", guest.crate_name()]);
    let build = project::cargo(sh).args(["build", "--profile", profile, "--target", setup::COMPONENT_TARGET]);
    Ok(build.arg("--target-dir").arg(target()).args(packages).run()?)
}

/// Transpiles those of the built guests whose JavaScript is older than they are, or than the transpiler.
pub(crate) fn transpile(sh: &Shell, guests: &[Guest]) -> Result<()> {
    setup::npm_packages(sh)?;
    let transpiler = TRANSPILER.map(|part| modified(&project::root().join(part)));
    let transpiler = transpiler.into_iter().collect::<Result<Vec<_>>>()?.into_iter().max();
    for guest in guests {
        let (component, output) = (guest.component(), guest.javascript());
        let source = transpiler.max(Some(modified(&component)?));
        if modified(&output.join("index.js")).is_ok_and(|made| Some(made) > source) {
            continue;
        }
        setup::node(sh)?.arg("js-adapter/bin/dotwit-transpile.js").arg(&component).arg("-o").arg(&output).run()?;
    }
    Ok(())
}
