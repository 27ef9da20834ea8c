//! The conformance suite: the same cases in every host, and the tables of its results.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use xshell::{Cmd, Shell};

use crate::{
    demo,
    project::{self, say},
    setup::{self, Browsers},
};

/// Names the file that a host's results go to.
const RESULTS: &str = "DOTWIT_CONFORMANCE_RESULTS";

/// The hosts, as the results name them, and what the table calls each.
const HOSTS: [(&str, &str); 14] = [
    ("native", "native"),
    ("node-wrapper", "Node, wrapper"),
    ("node-direct", "Node, direct"),
    ("node-worker", "Node, worker"),
    ("node-circuit", "Node, circuit"),
    ("node-cut-circuit", "Node, circuit that is cut"),
    ("chromium-wrapper", "Chromium, wrapper"),
    ("chromium-direct", "Chromium, direct"),
    ("chromium-worker", "Chromium, worker"),
    ("chromium-circuit", "Chromium, circuit"),
    ("firefox-wrapper", "Firefox, wrapper"),
    ("firefox-direct", "Firefox, direct"),
    ("firefox-circuit", "Firefox, circuit"),
    ("microsoft", "Microsoft's package"),
];

/// How one case went in one host.
#[derive(Debug, Deserialize)]
struct CaseResult {
    host: String,
    case: String,
    /// Why the host cannot run the case.
    #[serde(default)]
    skipped: Option<String>,
    /// What went wrong.
    #[serde(default)]
    failure: Option<String>,
}

/// Runs every case in every host and prints the table. Compares it with `RESULTS.md`, and its summary with the README's, or with `write`
/// puts them there. The guests' JavaScript and the adapter's package must be ready.
pub(crate) fn run(sh: &Shell, write: bool) -> Result<()> {
    let folder = project::target().join("conformance");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut results = Vec::new();

    // With the command line, whose dependencies have features of their own: wasmtime is compiled once for both.
    let packages = ["--package", "dotwit-host", "--package", "dotwit-cli"];
    let native = project::cargo(sh).arg("test").args(packages).args(["--test", "conformance"]);
    results.extend(collect(native, &folder.join("native.json"))?);

    let _dotwit = sh.push_env("DOTWIT_BIN", demo::build_dotwit(sh)?);
    let node = setup::node(sh)?.arg("tests/conformance/node.mjs");
    results.extend(collect(node, &folder.join("node.json"))?);

    let _browsers = Browsers::find()?.push_env(sh);
    let pages = setup::node(sh)?.arg("tests/conformance/browsers.mjs");
    results.extend(collect(pages, &folder.join("browsers.json"))?);

    let table = Table::of(&results)?;
    println!("\n{table}");
    let failures: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    for CaseResult { host, case, failure, .. } in &failures {
        eprintln!("{case} in {host}: {}\n", failure.as_deref().unwrap_or_default());
    }
    ensure!(failures.is_empty(), "{} of {} results of the conformance suite are wrong", failures.len(), results.len());
    say(format!("All {} results of the conformance suite are right", results.len()));
    publish(&table, write)
}

fn collect(command: Cmd<'_>, file: &Path) -> Result<Vec<CaseResult>> {
    // An earlier run may have left results.
    let _ = fs::remove_file(file);
    command.env(RESULTS, file).run()?;
    let text = fs::read_to_string(file).with_context(|| format!("the hosts have left no {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("cannot read {}", file.display()))
}

/// The first lines of the file that has the table.
const HEAD: &str = "# Results of the conformance suite\n\n<!-- Made by `cargo xtask conformance --write`. -->\n\n";

/// The lines of the README between which the summary stands.
const BEGIN: &str = "<!-- conformance: `cargo xtask conformance --write` makes what follows -->\n";
const END: &str = "<!-- end of conformance -->\n";

/// Compares the published results with these, or writes them.
fn publish(table: &Table<'_>, write: bool) -> Result<()> {
    let readme = project::root().join("README.md");
    let text = fs::read_to_string(&readme).context("cannot read the README")?;
    let (before, rest) = text.split_once(BEGIN).context("the README has no place for the conformance results")?;
    let (_, after) = rest.split_once(END).context("the README's conformance results have no end")?;
    let summary = format!("{before}{BEGIN}{}\n{END}{after}", table.summary());

    let results = project::root().join("tests/conformance/RESULTS.md");
    for (file, wanted) in [(&results, format!("{HEAD}{table}")), (&readme, summary)] {
        if fs::read_to_string(file).is_ok_and(|current| current == wanted) {
            continue;
        }
        let name = file.strip_prefix(project::root()).unwrap_or(file).display();
        ensure!(write, "the conformance results in {name} are out of date: run `cargo xtask conformance --write`");
        fs::write(file, wanted).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// A row for each case, a column for each host.
struct Table<'r> {
    rows: BTreeMap<&'r str, [Option<&'r CaseResult>; HOSTS.len()]>,
}

impl<'r> Table<'r> {
    fn of(results: &'r [CaseResult]) -> Result<Self> {
        let mut rows: BTreeMap<_, [Option<&CaseResult>; HOSTS.len()]> = BTreeMap::new();
        for result in results {
            let column = HOSTS.iter().position(|(host, _)| *host == result.host);
            let column = column.with_context(|| format!("the host '{}' is not known", result.host))?;
            rows.entry(&*result.case).or_default()[column] = Some(result);
        }
        for (case, row) in &rows {
            for (result, (host, _)) in row.iter().zip(HOSTS) {
                ensure!(result.is_some(), "the case {case} was not run in {host}");
            }
        }
        Ok(Self { rows })
    }

    /// The results in one sentence.
    fn summary(&self) -> String {
        let count = |test: fn(&CaseResult) -> bool| {
            self.rows.values().flatten().flatten().filter(|result| test(result)).count()
        };
        let passed = count(|result| result.failure.is_none() && result.skipped.is_none());
        let skipped = count(|result| result.skipped.is_some());
        format!(
            "{} cases in {} hosts: {passed} results as they should be, and {skipped} that do not apply \
             ([the table](tests/conformance/RESULTS.md), with reasons).",
            self.rows.len(),
            HOSTS.len(),
        )
    }
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = HOSTS.map(|(_, name)| name);
        writeln!(f, "| case | {} |", names.join(" | "))?;
        writeln!(f, "| --- |{}", " :-: |".repeat(HOSTS.len()))?;
        let mut notes = BTreeSet::new();
        for (case, row) in &self.rows {
            write!(f, "| [{case}]({case}/case.json) |")?;
            for result in row.iter().flatten() {
                let mark = match (&result.failure, &result.skipped) {
                    (Some(_), _) => "✘",
                    (None, Some(_)) => "–",
                    (None, None) => "✔",
                };
                write!(f, " {mark} |")?;
                if let Some(reason) = &result.skipped {
                    notes.insert(format!("- {case}, {}: {reason}", result.host));
                }
            }
            writeln!(f)?;
        }
        if !notes.is_empty() {
            writeln!(f, "\nWhere there is a dash:\n")?;
            for note in notes {
                writeln!(f, "{note}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(host: &str, case: &str, skipped: Option<&str>, failure: Option<&str>) -> CaseResult {
        CaseResult {
            host: host.to_owned(),
            case: case.to_owned(),
            skipped: skipped.map(str::to_owned),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn the_table_has_every_host_and_says_why_not() {
        let mut results: Vec<_> = HOSTS.iter().map(|(host, _)| result(host, "bytes", None, None)).collect();
        results[0].failure = Some("wrong".to_owned());
        results[HOSTS.len() - 1].skipped = Some("It cannot.".to_owned());
        let table = Table::of(&results).unwrap();
        assert!(
            table.summary().starts_with("1 cases in 14 hosts: 12 results as they should be, and 1 that do not apply "),
            "{}",
            table.summary()
        );
        let table = table.to_string();
        assert!(
            table.contains("(bytes/case.json) | ✘ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | ✔ | – |"),
            "{table}"
        );
        assert!(table.ends_with("- bytes, microsoft: It cannot.\n"), "{table}");
    }

    #[test]
    fn a_host_that_did_not_run_a_case_is_missed() {
        assert!(Table::of(&[result("native", "bytes", None, None)]).is_err());
        assert!(Table::of(&[result("elsewhere", "bytes", None, None)]).is_err());
    }
}
