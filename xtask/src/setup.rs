//! What tasks need of a machine. Rust's targets, npm packages and Cargo's tools are added where they are missing; what would have to be
//! installed into the system is named in one line instead.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, PushEnv, Shell, cmd};

use crate::project::{self, modified};

/// What guests are built for: components.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

/// What `cargo component` builds for: core modules, which it then makes components of.
pub(crate) const CORE_MODULE_TARGET: &str = "wasm32-wasip1";

/// The oldest Node that dotwit runs on.
const NODE: u32 = 20;

/// Everything that any task needs, but for what only some checks use.
pub(crate) fn everything(sh: &Shell) -> Result<()> {
    target(sh, COMPONENT_TARGET)?;
    npm_packages(sh)?;
    Browsers::find().map(drop)
}

/// Makes sure that Rust can be compiled for a target.
pub(crate) fn target(sh: &Shell, target: &str) -> Result<()> {
    let library = cmd!(sh, "rustc --print target-libdir --target {target}").quiet().read()?;
    if Path::new(&library).is_dir() {
        return Ok(());
    }
    let added = cmd!(sh, "rustup target add {target}").run();
    added.with_context(|| format!("guests need Rust's target {target}, which rustup could not add"))
}

/// A `node` command.
pub(crate) fn node(sh: &Shell) -> Result<Cmd<'_>> {
    let version = cmd!(sh, "node --version").quiet().read();
    let version = version.with_context(|| format!("Node is missing: install Node {NODE} or newer"))?;
    let major = version.strip_prefix('v').and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    ensure!(major >= Some(NODE), "Node {NODE} or newer is needed, and this is {version}");
    Ok(cmd!(sh, "node"))
}

/// An `npm` command.
pub(crate) fn npm(sh: &Shell) -> Cmd<'_> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    cmd!(sh, "{npm}")
}

/// Installs the packages of the adapter and of the tests, unless that was done after the lock file was written.
pub(crate) fn npm_packages(sh: &Shell) -> Result<()> {
    let lock = modified(&project::root().join("package-lock.json"))?;
    // Gone after any other `npm ci`, which may have installed less.
    let stamp = project::root().join("node_modules/.xtask");
    if modified(&stamp).is_ok_and(|installed| installed >= lock) {
        return Ok(());
    }
    let workspaces = ["--workspace", "dotwit", "--workspace", "dotwit-tests"];
    npm(sh).args(["ci", "--no-audit", "--no-fund"]).args(workspaces).run()?;
    Ok(sh.write_file(stamp, "")?)
}

/// Adds the packages of a workspace that one task alone needs: they are large.
pub(crate) fn npm_packages_of(sh: &Shell, workspace: &str) -> Result<()> {
    Ok(npm(sh).args(["install", "--no-save", "--no-audit", "--no-fund", "--workspace", workspace]).run()?)
}

/// A Cargo subcommand from crates.io, built once into the user's cache. Without optimisation, which takes a third of the time.
pub(crate) fn tool<'a>(sh: &'a Shell, name: &str, version: &str) -> Result<Cmd<'a>> {
    let home = env::home_dir().context("this user has no home folder")?;
    let folder = home.join(".cache/dotwit").join(format!("{name}-{version}"));
    let install = project::cargo(sh).args(["install", name, "--version", version, "--locked", "--debug"]);
    // Does nothing if it is there.
    install.arg("--quiet").arg("--root").arg(&folder).env("CARGO_PROFILE_DEV_DEBUG", "false").run()?;
    let program = folder.join("bin").join(name).with_extension(env::consts::EXE_EXTENSION);
    Ok(project::without_our_package(cmd!(sh, "{program}")))
}

/// The browsers that tests and measurements run in.
pub(crate) struct Browsers {
    chromium: PathBuf,
    firefox: PathBuf,
}

impl Browsers {
    /// Finds the browsers on the path, or where the variables that tests read name them.
    ///
    /// # Errors
    ///
    /// If one is missing: with the line that says what to install.
    pub(crate) fn find() -> Result<Self> {
        let named = |variable| env::var_os(variable).map(PathBuf::from);
        let chromium = named("DOTWIT_CHROMIUM").or_else(|| on_path(&["chromium", "chromium-browser", "google-chrome"]));
        let firefox = named("DOTWIT_FIREFOX").or_else(|| on_path(&["firefox-esr", "firefox"]));
        let browsers = chromium.zip(firefox).context(
            "Chromium (or Chrome) and Firefox are needed on the PATH; on Debian: sudo apt-get install chromium firefox-esr",
        );
        browsers.map(|(chromium, firefox)| Browsers { chromium, firefox })
    }

    /// Tells the programs that the shell runs where the browsers are, as long as what is returned lives.
    pub(crate) fn push_env<'a>(&self, sh: &'a Shell) -> [PushEnv<'a>; 2] {
        [sh.push_env("DOTWIT_CHROMIUM", &self.chromium), sh.push_env("DOTWIT_FIREFOX", &self.firefox)]
    }
}

fn on_path(programs: &[&str]) -> Option<PathBuf> {
    let folders: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
    let file = |program: &&str| {
        let file = |folder: &PathBuf| folder.join(program).with_extension(env::consts::EXE_EXTENSION);
        folders.iter().map(file).find(|file| file.is_file())
    };
    programs.iter().find_map(file)
}
