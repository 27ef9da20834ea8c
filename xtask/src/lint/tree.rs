//! What no file of the repository may hold: paths of somebody's machine, notes of things left undone, and packages from elsewhere.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use regex::Regex;

use crate::{
    process::{self, say},
    project,
};

/// Folders at the top of a machine where people and build machines keep checkouts and scratch files.
const MACHINE_FOLDERS: &str = "Users|builds|farm|home|root|tmp|work";

/// Marks of unfinished work, in two parts each: this file is checked too.
const MARKS: [[&str; 2]; 3] = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]];

/// The only registry that a lock file of npm may name. Cargo's sources are `deny.toml`'s affair.
const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// Checks every file that is, or is about to be, in the repository.
pub(crate) fn check() -> Result<()> {
    say("looking for machine paths and unfinished work");
    let rules = Rules::new();
    let mut command = Command::new("git");
    command.current_dir(project::root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]);
    let mut found = Vec::new();
    for name in process::ask(command)?.split_terminator('\0') {
        let file = project::root().join(name);
        // One that was removed and not committed yet, or a link.
        if !file.is_file() {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read {name}"))?;
        if let Ok(text) = str::from_utf8(&bytes) {
            found.extend(
                rules.check(Path::new(name), text).into_iter().map(|(line, what)| format!("{name}:{line}: {what}")),
            );
        }
    }
    ensure!(found.is_empty(), "these do not belong into the repository:\n{}", found.join("\n"));
    Ok(())
}

struct Rules {
    machine_path: Regex,
    unfinished: Regex,
    package_source: Regex,
}

impl Rules {
    fn new() -> Self {
        let regex = |pattern: &str| Regex::new(pattern).expect("the pattern is constant");
        Rules {
            machine_path: regex(&format!(r#"(?:^|[^\w.@/<-])(/(?:{MACHINE_FOLDERS})(?:/[\w.-]+|\b))"#)),
            unfinished: regex(&format!(r"\b({})\b", MARKS.map(|mark| mark.concat()).join("|"))),
            package_source: regex(r#""resolved": "(https?:[^"]*)""#),
        }
    }

    /// The lines that break a rule, and what breaks it.
    fn check(&self, file: &Path, text: &str) -> Vec<(usize, String)> {
        let is_npm_lock = file.file_name().is_some_and(|name| name == "package-lock.json");
        let mut found = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut report = |what: &str| found.push((number, what.to_owned()));
            if is_npm_lock {
                let source = self.package_source.captures(line).map(|source| source.extract::<1>().1[0]);
                source.filter(|source| !source.starts_with(NPM_REGISTRY)).map(&mut report);
                continue;
            }
            for rule in [&self.machine_path, &self.unfinished] {
                rule.captures_iter(line).for_each(|found| report(&found[1]));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, line: &str) -> Vec<String> {
        Rules::new().check(Path::new(file), line).into_iter().map(|(_, what)| what).collect()
    }

    #[test]
    fn machine_paths_are_found() {
        for folder in MACHINE_FOLDERS.split('|') {
            assert_eq!(check("a.rs", &format!("let x = \"/{folder}/some.one\";")), [format!("/{folder}/some.one")]);
        }
        assert_eq!(check("a.md", &format!("in /{} you find", "tmp")), [format!("/{}", "tmp")]);
    }

    #[test]
    fn other_paths_are_fine() {
        for line in [
            "/usr/lib/rustlib",
            "serve --root DIR",
            "../work/x",
            "a/tmp/b",
            "https://example.org/home",
            "/workspace",
            "/_dotwit/x",
        ] {
            assert!(check("a.md", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn unfinished_work_is_found() {
        for mark in MARKS.map(|mark| mark.concat()) {
            assert!(check("a.rs", &format!("let {mark}S = 1;")).is_empty());
            assert_eq!(check("a.rs", &format!("// {mark}: later")), [mark]);
        }
    }

    #[test]
    fn npm_packages_come_from_npm() {
        let lock = |source: &str| check("tests/package-lock.json", &format!("      \"resolved\": \"{source}\","));
        assert!(lock("https://registry.npmjs.org/a/-/a-1.0.0.tgz").is_empty());
        assert_eq!(lock("https://elsewhere.example/a.tgz"), ["https://elsewhere.example/a.tgz"]);
    }
}
