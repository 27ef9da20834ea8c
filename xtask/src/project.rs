//! Where things are in this repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The repository's top folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lives in a folder of the repository")
}

/// The folder of everything that is made and not kept.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// What Cargo makes goes here, unless it is told otherwise as guests' builds are.
pub(crate) fn cargo_target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(target, |folder| root().join(folder))
}

/// A program of this workspace, as built by `cargo build`.
pub(crate) fn built_program(name: &str) -> PathBuf {
    cargo_target().join("debug").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// The npm package's folder.
pub(crate) fn js_adapter() -> PathBuf {
    root().join("js-adapter")
}

/// The folder of the tests that cross the borders between guest, host and page.
pub(crate) fn tests() -> PathBuf {
    root().join("tests")
}
