//! What no file of the repository may hold: paths of somebody's machine, notes of things left undone, packages from elsewhere, and
//! names of files that are not there.

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::project::each;

/// Paths below folders where people and build machines keep checkouts and scratch files.
const MACHINE_PATHS: &str = "(^|[^[:alnum:]_.@/<-])/(Users|builds|home|root|tmp|work)([^[:alnum:]_]|$)";

/// Marks of unfinished work, each written so that it is not one itself.
const UNFINISHED: &str = "(^|[^[:alnum:]_])(T[O]DO|F[I]XME|X[X]X)([^[:alnum:]_]|$)";

/// Where a lock file of npm has a package from, and the only registry that it may name.
const NPM_SOURCE: &str = "\"resolved\": \"https?:";
const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// Checks every file that is, or is about to be, in the repository.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    each([machine_paths, unfinished, npm_sources, names], |check| check(sh))
}

fn machine_paths(sh: &Shell) -> Result<()> {
    nothing(&grep(sh, MACHINE_PATHS, &[".", ":!*.lock", ":!*package-lock.json"])?, "paths of a machine")
}

fn unfinished(sh: &Shell) -> Result<()> {
    nothing(&grep(sh, UNFINISHED, &[".", ":!*package-lock.json"])?, "unfinished work")
}

fn npm_sources(sh: &Shell) -> Result<()> {
    let sources = grep(sh, NPM_SOURCE, &["*package-lock.json"])?;
    let elsewhere: Vec<_> = sources.lines().filter(|line| !line.contains(NPM_REGISTRY)).collect();
    nothing(&elsewhere.join("\n"), "packages that are not from npm")
}

/// The files and folders that ARCHITECTURE.md names, by their paths or by the ends of them.
fn names(sh: &Shell) -> Result<()> {
    let files = cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    let text = sh.read_file("ARCHITECTURE.md")?;
    let gone: Vec<_> =
        text.split('`').skip(1).step_by(2).filter(|name| is_path(name) && !exists(&files, name)).collect();
    nothing(&gone.join("\n"), "names in ARCHITECTURE.md of what is not there")
}

fn is_path(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let known = |end: &str| ["rs", "js", "mjs", "json", "md", "toml", "wit"].contains(&end);
    let ends = name.rsplit_once('.').is_some_and(|(_, end)| known(end));
    name.chars().all(plain) && !name.starts_with(['/', '.']) && (name.contains('/') || ends)
}

fn exists(files: &str, name: &str) -> bool {
    let ends_with = |file: &str| file == name || file.strip_suffix(name).is_some_and(|start| start.ends_with('/'));
    let folder = format!("/{}/", name.trim_end_matches('/'));
    files.lines().any(|file| ends_with(file) || format!("/{file}").contains(&folder))
}

/// The lines of the repository's texts that match, with their places.
fn grep(sh: &Shell, pattern: &str, paths: &[&str]) -> Result<String> {
    let output = cmd!(sh, "git grep --untracked -InE -e {pattern} --").args(paths).quiet().ignore_status().output()?;
    match output.status.code() {
        Some(0 | 1) => String::from_utf8(output.stdout).context("git grep printed something that is not text"),
        _ => bail!("git grep failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn nothing(found: &str, what: &str) -> Result<()> {
    ensure!(found.is_empty(), "{what} found:\n{found}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(pattern: &str, line: &str) -> bool {
        let sh = Shell::new().unwrap();
        let folder = sh.create_temp_dir().unwrap();
        sh.change_dir(folder.path());
        sh.write_file("file", line).unwrap();
        let status = cmd!(sh, "git grep --no-index -qE -e {pattern}").quiet().ignore_status().output().unwrap().status;
        status.success()
    }

    #[test]
    fn paths_of_a_machine_and_unfinished_work_are_found() {
        for line in [format!("in \"/{}/some.one\"", "home"), format!("/{}", "tmp")] {
            assert!(is_found(MACHINE_PATHS, &line), "{line}");
        }
        for line in ["/usr/lib", "serve --root DIR", "../work/x", "a/tmp/b", "https://example.org/home", "/workspace"] {
            assert!(!is_found(MACHINE_PATHS, line), "{line}");
        }
        assert!(is_found(UNFINISHED, &format!("// {}{}: later", "TO", "DO")));
        assert!(!is_found(UNFINISHED, "TODOS = 1"));
    }

    #[test]
    fn a_name_is_a_path_or_the_end_of_one() {
        let files = "host/src/engine/mod.rs\nwit/dotwit.wit";
        for name in ["host/src/engine/mod.rs", "engine/mod.rs", "engine/", "host/src/engine", "dotwit.wit"] {
            assert!(is_path(name) && exists(files, name), "{name}");
        }
        assert!(is_path("gine/mod.rs") && !exists(files, "gine/mod.rs"));
        for text in ["page.begin-invoke-js(call)", "wasi:io", "/_dotwit/", "Session::invoke"] {
            assert!(!is_path(text), "{text}");
        }
    }
}
