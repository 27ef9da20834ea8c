//! Debian packages.

use std::{path::Path, process::Command, sync::Once};

use anyhow::{Result, bail};

use crate::process::{self, Step, say};

/// Installs those of the packages that are missing, or says in one line what does.
///
/// `purpose` ends the sentence "Installing … for …".
pub(crate) fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let missing: Vec<_> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" ");
    if !can_install() {
        bail!(
            "for {purpose}, install what Debian calls {missing}; there: sudo apt-get install --no-install-recommends {missing}"
        );
    }
    say(format_args!("Installing {missing} for {purpose}"));
    update();
    let mut command = apt_get();
    command.args(["install", "--yes", "--no-install-recommends"]).args(missing.split(' '));
    Step::new(format!("apt-get install {missing}"), command).run()
}

/// Whether packages can be installed here: on Debian (or what is made from it), by root.
fn can_install() -> bool {
    let user = || {
        let mut command = Command::new("id");
        command.arg("-u");
        process::ask(command)
    };
    Path::new("/etc/debian_version").exists() && user().is_ok_and(|id| id.trim() == "0")
}

/// Whether the package is installed.
fn is_installed(package: &str) -> bool {
    let mut command = Command::new("dpkg-query");
    command.args(["--show", "--showformat", "${db:Status-Status}", package]);
    process::ask(command).is_ok_and(|status| status == "installed")
}

/// Fetches the lists of packages, once. One source of several that does not answer is no reason to stop: the installation will say
/// what it cannot find.
fn update() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut command = apt_get();
        command.arg("update");
        if let Err(error) = Step::new("apt-get update", command).may_fail().run() {
            say(format_args!("Going on with the lists that are there: {error}"));
        }
    });
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=600"]);
    command
}
