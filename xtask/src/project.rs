//! Where things are in this repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The repository's top folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lives in a folder of the repository")
}

/// What other tools than Cargo make goes here, beside what Cargo makes.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// A program of this workspace, as built by `cargo build`.
pub(crate) fn built_program(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(target, PathBuf::from);
    root().join(target).join("debug").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// The npm package's folder.
pub(crate) fn js_adapter() -> PathBuf {
    root().join("js-adapter")
}

/// The folder of the tests that cross the borders between guest, host and page.
pub(crate) fn tests() -> PathBuf {
    root().join("tests")
}
