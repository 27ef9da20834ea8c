//! Every test, each kind with what it needs.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Deserialize;
use walkdir::WalkDir;

use crate::{
    conformance, demo, gallery,
    guests::{self, HELLO, TEST_GUEST},
    process::{self, Step, say},
    project,
    setup::{self, Browsers},
    toolchain,
};

/// A kind of test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The crates' tests, natively, with the examples of their docs.
    Rust,
    /// Guests built in other ways: without optimisation, and with `cargo component`.
    Component,
    /// The adapter in Node, as its npm package installs it.
    Node,
    /// The adapter and the gallery in browsers.
    Browser,
    /// The conformance suite, in every host.
    Conformance,
    /// A guest in another language, built from the WIT alone.
    Foreign,
}

/// The crates that run natively. The guests do not: they are what the tests run.
///
/// The macros' tests ask more of `serde` in programs that run at compile time. Together with the host's they would have all of wasmtime
/// built anew, for its own macros use it.
const NATIVE_CRATES: [&[&str]; 2] =
    [&["dotwit", "dotwit-macros", "dotwit-wire"], &["dotwit-js-adapter", "dotwit-host", "dotwit-cli", "xtask"]];

/// Runs the parts, or all of them if none is named. A part that fails does not keep the others from running.
pub(crate) fn run(parts: &[Part]) -> Result<()> {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    guests::build(guests::ALL)?;
    each(parts, |part| {
        let outcome = match part {
            Part::Rust => rust(),
            Part::Component => component(),
            Part::Node => node(),
            Part::Browser => browser(),
            Part::Conformance => prepare_pages().and_then(|()| conformance::run(false)),
            Part::Foreign => foreign(),
        };
        outcome.inspect_err(|error| say(format_args!("{error:#}"))).with_context(|| format!("\n  {}", part.name()))
    })
    .context("these parts failed")?;
    say("All of these tests passed");
    Ok(())
}

impl Part {
    /// What it is called on the command line.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs the conformance suite alone, and with `write` publishes its results.
pub(crate) fn conformance(write: bool) -> Result<()> {
    guests::build(guests::ALL)?;
    prepare_pages()?;
    conformance::run(write)
}

fn rust() -> Result<()> {
    each(NATIVE_CRATES, |crates| {
        let mut command = toolchain::cargo();
        command.args(["test", "--all-features", "--no-fail-fast"]);
        for name in crates {
            command.args(["--package", name]);
        }
        Step::new(format!("running the tests of {}", crates.join(" and ")), command).show()
    })
}

/// Does something with each item, whether or not it failed with those before, and fails in the end with all that failed.
fn each<T>(items: impl IntoIterator<Item = T>, mut run: impl FnMut(T) -> Result<()>) -> Result<()> {
    let failed: Vec<_> = items.into_iter().filter_map(|item| run(item).err()).collect();
    let texts: Vec<_> = failed.iter().map(|error| format!("{error:#}")).collect();
    ensure!(texts.is_empty(), "{}", texts.join("; "));
    Ok(())
}

/// Builds guests as their authors may; the host must find in them what it finds in the other ones.
fn component() -> Result<()> {
    let dotwit = demo::build_dotwit()?;
    let inspect = |component: PathBuf| {
        let mut command = Command::new(&dotwit);
        command.arg("inspect").arg("--json").arg(&component);
        process::ask(command).with_context(|| format!("dotwit cannot read {}", component.display()))
    };
    // Whether the linker takes in what libraries register depends on how the compiler splits them.
    let debug = TEST_GUEST.debug_component()?;
    ensure!(inspect(debug)? == inspect(TEST_GUEST.component())?, "test-guest has other methods without optimisation");

    setup::target(setup::CORE_MODULE_TARGET)?;
    let mut command = toolchain::subcommand(&setup::CARGO_COMPONENT.get()?);
    command.args(["component", "build", "--profile", guests::PROFILE, "--package", HELLO.crate_name()]);
    command.arg("--target-dir").arg(guests::target());
    Step::new("building hello with cargo component", command).run()?;

    let methods = inspect(HELLO.component())?;
    let built = HELLO.component_of(setup::CORE_MODULE_TARGET);
    ensure!(inspect(built.clone())? == methods, "hello has other methods when cargo component builds it");

    // The core module that it was made of is beside it, and `dotwit` makes a component of it as well.
    let core = built.with_file_name("deps").join(built.file_name().context("a component has a name")?);
    let made = guests::target().join("componentized.wasm");
    let mut command = Command::new(&dotwit);
    command.arg("componentize").arg(&core).arg("--output").arg(&made);
    process::ask(command)?;
    ensure!(inspect(made.clone())? == methods, "hello has other methods when dotwit componentizes it");
    let mut command = Command::new(&dotwit);
    command.arg("invoke").arg(&made).args(["Hello", "GreetLater", "[\"Ada\"]"]);
    let greeting = process::ask(command)?;
    ensure!(greeting.trim() == "\"Hello, Ada!\"", "hello answers {greeting} when dotwit componentizes it");
    Ok(())
}

fn node() -> Result<()> {
    prepare_pages()?;
    // How the adapter calls the guests: `tests/node/support.mjs` reads it.
    each(["direct", "wrapper"], |binding| {
        say(format!("the {binding} binding:"));
        run_node_tests("node", |command| {
            command.env("DOTWIT_TEST_BINDING", binding);
        })
    })
}

fn browser() -> Result<()> {
    let browsers = Browsers::get()?;
    prepare_pages()?;
    gallery::assemble()?;
    let dotwit = demo::build_dotwit()?;
    run_node_tests("browser", |command| {
        browsers.tell(command);
        command.env("DOTWIT_BIN", dotwit);
    })
}

fn foreign() -> Result<()> {
    prepare_pages()?;
    setup::npm_packages_in(&project::tests().join("foreign"))?;
    let dotwit = demo::build_dotwit()?;
    run_node_tests("foreign", |command| {
        command.env("DOTWIT_BIN", dotwit);
    })
}

/// What all tests in JavaScript use: the guests' JavaScript, and the adapter installed from its package.
fn prepare_pages() -> Result<()> {
    gallery::transpile(guests::ALL)?;
    install_adapter()
}

/// Packs the adapter and installs the package into the tests, as a user would.
fn install_adapter() -> Result<()> {
    setup::npm_packages()?;
    let folder = project::target().join("npm");
    fs::create_dir_all(&folder)?;
    let mut command = setup::npm(&project::js_adapter())?;
    command.args(["pack", "--json", "--pack-destination"]).arg(&folder);
    let package = packed_file(&process::ask(command)?)?;

    let mut command = setup::npm(&project::tests())?;
    command.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]).arg(folder.join(package));
    Step::new("installing the adapter's package into the tests", command).run()
}

/// Reads the package's file name from the answer of `npm pack --json`.
fn packed_file(answer: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Packed {
        filename: String,
    }
    // The package's own scripts may print before it.
    let json = &answer[answer.find("[\n").unwrap_or(0)..];
    let packed: Vec<Packed> =
        serde_json::from_str(json).with_context(|| format!("cannot read npm's answer: {answer}"))?;
    let first = packed.into_iter().next().context("npm packed nothing")?;
    Ok(first.filename)
}

fn run_node_tests(kind: &str, prepare: impl FnOnce(&mut Command)) -> Result<()> {
    let files = node_tests(kind)?;
    let mut command = setup::node()?;
    command.args(["--test", "--test-reporter", "spec"]).args(files);
    prepare(&mut command);
    Step::new(format!("running the tests in tests/{kind}"), command).show()
}

/// The files of a kind. Node's own search for them differs between its versions.
fn node_tests(kind: &str) -> Result<Vec<PathBuf>> {
    let folder = project::tests().join(kind);
    let mut files = Vec::new();
    let ours = |entry: &walkdir::DirEntry| entry.file_name() != "node_modules";
    for entry in WalkDir::new(&folder).sort_by_file_name().into_iter().filter_entry(ours) {
        let entry = entry.with_context(|| format!("cannot look for tests in {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy();
        if name.ends_with(".test.js") || name.ends_with(".test.mjs") {
            files.push(entry.into_path());
        }
    }
    ensure!(!files.is_empty(), "{} holds no file that ends in .test.js or .test.mjs", folder.display());
    Ok(files)
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

    #[test]
    fn the_packed_file_is_found_in_npms_answer() {
        let answer = "> dotwit@0.1.0 prepack\n> tsc\n\n[\n  { \"id\": \"dotwit@0.1.0\", \"filename\": \"dotwit-0.1.0.tgz\", \"files\": [] }\n]\n";
        assert_eq!(packed_file(answer).unwrap(), "dotwit-0.1.0.tgz");
        assert!(packed_file("[\n]").is_err());
        assert!(packed_file("").is_err());
    }
}
