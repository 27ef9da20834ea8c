//! Node and npm packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::{self, Step},
    project,
};

/// The oldest Node that dotwit runs on.
const NODE: u32 = 20;

/// A `node` command.
pub(crate) fn node() -> Result<Command> {
    let mut command = Command::new(program("node")?);
    command.arg("--version");
    let version = process::ask(command)?;
    let major = major_version(&version).with_context(|| format!("cannot read Node's version: {version}"))?;
    ensure!(major >= NODE, "Node {NODE} or newer is needed, and this is {version}");
    let mut command = Command::new(program("node")?);
    command.current_dir(project::root());
    Ok(command)
}

/// An `npm` command in a folder of the repository.
pub(crate) fn npm(folder: &Path) -> Result<Command> {
    let mut command = Command::new(program("npm")?);
    command.current_dir(folder);
    Ok(command)
}

/// Installs the packages of the adapter and of the tests.
pub(crate) fn install() -> Result<()> {
    [project::js_adapter(), project::tests()].iter().try_for_each(|folder| install_in(folder))
}

/// Installs the packages of a folder, as its lock file has them.
///
/// Not with `npm ci`, which insists on the optional packages of every platform, even on those that their authors never published, and
/// that are therefore in no lock file.
pub(crate) fn install_in(folder: &Path) -> Result<()> {
    if is_fresh(folder)? {
        return Ok(());
    }
    let mut command = npm(folder)?;
    command.args(["install", "--no-save", "--no-audit", "--no-fund"]);
    let name = folder.file_name().unwrap_or_default().display();
    Step::new(format!("npm install in {name}"), command).run()
}

/// Whether the installed packages are at least as new as the lock file. npm writes down what it installed when it is done.
fn is_fresh(folder: &Path) -> Result<bool> {
    let lock = folder.join("package-lock.json");
    let lock = modified(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    Ok(modified(&folder.join("node_modules/.package-lock.json")).is_ok_and(|installed| installed >= lock))
}

fn modified(file: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(file)?.modified()
}

fn program(name: &str) -> Result<PathBuf> {
    which::which(name)
        .with_context(|| format!("{name} is missing: install Node {NODE} or newer, which brings node and npm"))
}

/// Reads `v20.20.2`.
fn major_version(text: &str) -> Option<u32> {
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_version_is_read() {
        assert_eq!(major_version("v20.20.2\n"), Some(20));
        assert_eq!(major_version("20.20.2"), None);
    }

    #[test]
    fn packages_are_fresh_once_installed_after_the_lock_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let [lock, installed] =
            ["package-lock.json", "node_modules/.package-lock.json"].map(|name| folder.path().join(name));
        assert!(is_fresh(folder.path()).is_err(), "no lock file");
        fs::write(&lock, "{}").unwrap();
        assert!(!is_fresh(folder.path()).unwrap(), "nothing installed");
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        fs::write(&installed, "{}").unwrap();
        assert!(is_fresh(folder.path()).unwrap());
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(&lock).unwrap().set_modified(later).unwrap();
        assert!(!is_fresh(folder.path()).unwrap(), "a newer lock file");
    }
}
