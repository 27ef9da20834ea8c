//! The browsers that tests and measurements run in.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::apt;

/// Where the browsers are.
pub(crate) struct Browsers {
    chromium: PathBuf,
    firefox: PathBuf,
}

/// A browser: the variable that names it, its programs' names, the Debian package.
struct Kind {
    variable: &'static str,
    programs: &'static [&'static str],
    package: &'static str,
}

const CHROMIUM: Kind = Kind {
    variable: "DOTWIT_CHROMIUM",
    programs: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
};
const FIREFOX: Kind =
    Kind { variable: "DOTWIT_FIREFOX", programs: &["firefox-esr", "firefox"], package: "firefox-esr" };

impl Browsers {
    /// Finds the browsers, after installing what is missing.
    pub(crate) fn get() -> Result<Self> {
        let missing: Vec<_> =
            [CHROMIUM, FIREFOX].iter().filter(|kind| kind.find().is_none()).map(|kind| kind.package).collect();
        apt::install(&missing, "the browser tests")?;
        let find =
            |kind: Kind| kind.find().with_context(|| format!("{} is installed, but not on the path", kind.package));
        Ok(Browsers { chromium: find(CHROMIUM)?, firefox: find(FIREFOX)? })
    }

    /// Tells a test where the browsers are.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(CHROMIUM.variable, &self.chromium).env(FIREFOX.variable, &self.firefox);
    }
}

impl Kind {
    fn find(&self) -> Option<PathBuf> {
        let named = env::var_os(self.variable).map(PathBuf::from);
        named.or_else(|| self.programs.iter().find_map(|program| which::which(program).ok()))
    }
}
