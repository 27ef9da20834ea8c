//! `std` for WebAssembly, built from the compiler's own sources and installed as if it had come with it.
//!
//! A target is installed when its libraries are in the folder that the compiler names; that is all that rustup does, too. The libraries
//! are built with `-Zbuild-std` from a crate that is empty, and as a library, so that nothing needs linking. WASI's C library and start
//! objects, which a stock toolchain carries in `self-contained`, come from Debian's `wasi-libc`.

use std::{ffi::OsStr, fs, path::Path};

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use super::apt;
use crate::{process::Step, toolchain::Toolchain};

/// What is linked from `wasi-libc`: the start objects of a program and of a library, and the C library.
const SELF_CONTAINED: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// The empty crate's name, which no crate of `std`'s family has.
const CRATE: &str = "dotwit_empty";

/// Builds the toolchain's `std` for the target and installs it beside the compiler, in place of what is there.
pub(crate) fn install(toolchain: &Toolchain, target: &str) -> Result<()> {
    let work = tempfile::tempdir().context("no folder for building std")?;
    build(toolchain, target, work.path())?;

    let libraries = toolchain.target_libraries(target)?;
    let folder = libraries.parent().context("the compiler names no folder for the target's libraries")?;
    // Complete or not there: a part of it would pass for the whole.
    let staging = folder.with_extension("partial");
    let _ = fs::remove_dir_all(&staging);
    fill(&staging.join("lib"), &work.path().join("target").join(target).join("release").join("deps"))
        .with_context(|| format!("cannot install into {}", staging.display()))?;
    let _ = fs::remove_dir_all(folder);
    fs::rename(&staging, folder).with_context(|| format!("cannot install into {}", folder.display()))
}

fn build(toolchain: &Toolchain, target: &str, work: &Path) -> Result<()> {
    fs::create_dir(work.join("src"))?;
    fs::write(work.join("src/lib.rs"), "")?;
    fs::write(work.join("Cargo.toml"), format!("[package]\nname = \"{CRATE}\"\nedition = \"2024\"\n[workspace]\n"))?;

    let mut command = toolchain.cargo();
    command
        .current_dir(work)
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", target, "--target-dir", "target"])
        // Building `std` is not a stable feature; Debian's compiler is a stable one, and this is the switch that lets it.
        .env("RUSTC_BOOTSTRAP", "1")
        // With their bitcode, guests can be built with link-time optimisation.
        .env("RUSTFLAGS", "-C embed-bitcode=yes");
    let release = toolchain.version()?.release;
    Step::new(format!("building std {release} for {target}"), command).run()
}

/// Puts together what a target's library folder holds.
fn fill(folder: &Path, built: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("self-contained"))?;
    let own = format!("lib{CRATE}");
    let mut copied = 0;
    for file in WalkDir::new(built).max_depth(1) {
        let file = file?;
        let is_library = file.path().extension() == Some(OsStr::new("rlib"));
        if is_library && !file.file_name().to_string_lossy().starts_with(&own) {
            fs::copy(file.path(), folder.join(file.file_name()))?;
            copied += 1;
        }
    }
    ensure!(copied > 0, "building std left no libraries in {}", built.display());

    let libc = apt::files_of("wasi-libc")?;
    for name in SELF_CONTAINED {
        let file = libc.iter().find(|file| file.file_name() == Some(OsStr::new(name)));
        let file = file.with_context(|| format!("wasi-libc has no {name}"))?;
        fs::copy(file, folder.join("self-contained").join(name))?;
    }
    Ok(())
}
