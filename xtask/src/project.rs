//! The repository: its folders, its files, and the shell in which tasks run their tools.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

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

/// A shell in the repository's top folder. It prints each program that it runs.
pub(crate) fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// A `cargo` command.
pub(crate) fn cargo(sh: &Shell) -> Cmd<'_> {
    without_our_package(cmd!(sh, "cargo"))
}

/// Takes the variables away with which `cargo run` describes xtask: they make Cargo rebuild what it has already built.
pub(crate) fn without_our_package(command: Cmd<'_>) -> Cmd<'_> {
    let ours = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start));
    let names = env::vars_os().map(|(name, _)| name).filter(|name| ours(&name.to_string_lossy()));
    names.fold(command, |command, name| command.env_remove(name))
}

/// Tells the user what happens next.
pub(crate) fn say(what: impl AsRef<str>) {
    eprintln!("• {}", what.as_ref());
}

/// Does something with each item, whether or not it failed with those before, and fails in the end with all that failed.
pub(crate) fn each<T>(items: impl IntoIterator<Item = T>, mut run: impl FnMut(T) -> Result<()>) -> Result<()> {
    let failed: Vec<_> = items.into_iter().filter_map(|item| run(item).err()).collect();
    let texts: Vec<_> = failed.iter().map(|error| format!("{error:#}")).collect();
    ensure!(texts.is_empty(), "{}", texts.join("; "));
    Ok(())
}

/// All files of a folder and of the folders in it, by name, but for installed packages; or the file itself.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let list = |path| -> io::Result<Vec<_>> { fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect() };
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = list(path).with_context(|| format!("cannot read {}", path.display()))?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.ends_with("node_modules")) {
        found.extend(files(entry)?);
    }
    Ok(found)
}

/// When a file was last written; for a folder, the newest of its files.
pub(crate) fn modified(path: &Path) -> Result<SystemTime> {
    let times = files(path)?.into_iter().map(|file| Ok(fs::metadata(file)?.modified()?)).collect::<Result<Vec<_>>>()?;
    times.into_iter().max().with_context(|| format!("{} is empty", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_failed_is_told_in_the_end() {
        let mut ran = Vec::new();
        let outcome = each([1, 2, 3], |number| {
            ran.push(number);
            ensure!(number == 2, "{number} failed");
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().to_string(), "1 failed; 3 failed");
        assert_eq!(ran, [1, 2, 3]);
    }
}
