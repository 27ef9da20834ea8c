//! Every test, each kind with what it needs.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::{
    conformance, demo,
    guests::{self, HELLO, TEST_GUEST},
    project::{self, cargo, each, files, say},
    setup::{self, Browsers},
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
    /// Circuits, whose connections are cut, stalled and torn between a page in Node and its server, and a minute of many that come and go.
    Circuit,
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
    [&["dotwit", "dotwit-macros"], &["dotwit-wire", "dotwit-js-adapter", "dotwit-host", "dotwit-cli", "xtask"]];

/// Runs the parts, or all of them if none is named. A part that fails does not keep the others from running.
pub(crate) fn run(sh: &Shell, parts: &[Part]) -> Result<()> {
    let parts = if parts.is_empty() { Part::value_variants() } else { parts };
    guests::build(sh, guests::ALL)?;
    each(parts, |part| {
        let name = part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        say(format!("test {name}"));
        let outcome = match part {
            Part::Rust => rust(sh),
            Part::Component => component(sh),
            Part::Node => node(sh),
            Part::Browser => browser(sh),
            Part::Circuit => circuit(sh),
            Part::Conformance => conformance(sh, false),
            Part::Foreign => foreign(sh),
        };
        outcome.inspect_err(|error| say(format!("{error:#}"))).with_context(|| format!("\n  {name}"))
    })
    .context("these parts failed")?;
    say("All of these tests passed");
    Ok(())
}

/// Runs the conformance suite, and with `write` publishes its results.
pub(crate) fn conformance(sh: &Shell, write: bool) -> Result<()> {
    guests::build(sh, guests::ALL)?;
    prepare_pages(sh)?;
    conformance::run(sh, write)
}

fn rust(sh: &Shell) -> Result<()> {
    each(NATIVE_CRATES, |crates| {
        let crates = crates.iter().flat_map(|name| ["--package", name]);
        Ok(cargo(sh).args(["test", "--all-features", "--no-fail-fast"]).args(crates).run()?)
    })
}

/// Builds guests as their authors may; the host must find in them what it finds in the other ones.
fn component(sh: &Shell) -> Result<()> {
    let dotwit = &demo::build_dotwit(sh)?;
    let inspect = |component: PathBuf| cmd!(sh, "{dotwit} inspect --json {component}").read();
    // Whether the linker takes in what libraries register depends on how the compiler splits them.
    let debug = TEST_GUEST.debug_component(sh)?;
    ensure!(inspect(debug)? == inspect(TEST_GUEST.component())?, "test-guest has other methods without optimisation");

    setup::target(sh, setup::CORE_MODULE_TARGET)?;
    let build =
        setup::tool(sh, "cargo-component", "0.21.1")?.args(["component", "build", "--profile", guests::PROFILE]);
    build.args(["--package", HELLO.crate_name()]).arg("--target-dir").arg(guests::target()).run()?;
    let methods = inspect(HELLO.component())?;
    let built = HELLO.component_of(setup::CORE_MODULE_TARGET);
    ensure!(inspect(built.clone())? == methods, "hello has other methods when cargo component builds it");

    // The core module that it was made of is beside it, and `dotwit` makes a component of it as well.
    let core = built.with_file_name("deps").join(built.file_name().context("a component has a name")?);
    let made = &guests::target().join("componentized.wasm");
    cmd!(sh, "{dotwit} componentize {core} --output {made}").run()?;
    ensure!(inspect(made.clone())? == methods, "hello has other methods when dotwit componentizes it");
    let greeting = cmd!(sh, "{dotwit} invoke {made} Hello GreetLater [\"Ada\"]").read()?;
    ensure!(greeting == "\"Hello, Ada!\"", "hello answers {greeting} when dotwit componentizes it");
    Ok(())
}

fn node(sh: &Shell) -> Result<()> {
    prepare_pages(sh)?;
    // How the adapter calls the guests: `tests/node/support.mjs` reads it.
    each(["direct", "wrapper"], |binding| {
        let _binding = sh.push_env("DOTWIT_TEST_BINDING", binding);
        say(format!("the {binding} binding"));
        run_node_tests(sh, "node")
    })
}

fn browser(sh: &Shell) -> Result<()> {
    let browsers = Browsers::find()?;
    prepare_pages(sh)?;
    demo::assemble_gallery()?;
    let _dotwit = sh.push_env("DOTWIT_BIN", demo::build_dotwit(sh)?);
    let _browsers = browsers.push_env(sh);
    run_node_tests(sh, "browser")
}

fn circuit(sh: &Shell) -> Result<()> {
    prepare_pages(sh)?;
    let _dotwit = sh.push_env("DOTWIT_BIN", demo::build_dotwit(sh)?);
    run_node_tests(sh, "circuit")?;
    Ok(setup::node(sh)?.args(["tests/circuit/soak.mjs", "--seconds", "60"]).run()?)
}

fn foreign(sh: &Shell) -> Result<()> {
    prepare_pages(sh)?;
    setup::npm_packages_of(sh, "dotwit-foreign-guests")?;
    let _dotwit = sh.push_env("DOTWIT_BIN", demo::build_dotwit(sh)?);
    run_node_tests(sh, "foreign")
}

/// What all tests in JavaScript use: the guests' JavaScript, and the adapter installed from its package.
fn prepare_pages(sh: &Shell) -> Result<()> {
    guests::transpile(sh, guests::ALL)?;
    install_adapter(sh)
}

/// Packs the adapter and installs the package as a user would, in a project of its own. The tests find it there by a link, and not in
/// the workspace, whose packages npm links to their sources.
fn install_adapter(sh: &Shell) -> Result<()> {
    let project = project::target().join("npm");
    sh.write_file(project.join("package.json"), "{ \"private\": true }\n")?;
    let packed = setup::npm(sh).args(["pack", "--silent", "--workspace", "dotwit", "--pack-destination"]).arg(&project);
    let packed = packed.read()?;
    let package = packed.lines().last().context("npm pack named no file")?;
    {
        let _project = sh.push_dir(&project);
        setup::npm(sh).args(["install", "--no-audit", "--no-fund"]).arg(format!("./{package}")).run()?;
    }
    let link = "const [from, to] = process.argv.slice(1); \
        fs.mkdirSync(path.dirname(to), { recursive: true }); \
        fs.rmSync(to, { recursive: true, force: true }); \
        fs.symlinkSync(from, to, 'junction');";
    let installed = project.join("node_modules/dotwit");
    Ok(setup::node(sh)?.args(["--eval", link]).arg(installed).arg("tests/node_modules/dotwit").quiet().run()?)
}

/// Runs Node's test runner on the files of a kind. Its own search for them differs between versions of Node.
fn run_node_tests(sh: &Shell, kind: &str) -> Result<()> {
    let folder = project::root().join("tests").join(kind);
    let is_test = |file: &PathBuf| file.to_string_lossy().ends_with(".test.mjs");
    let tests: Vec<_> = files(&folder)?.into_iter().filter(is_test).collect();
    ensure!(!tests.is_empty(), "{} holds no file that ends in .test.mjs", folder.display());
    Ok(setup::node(sh)?.args(["--test", "--test-reporter", "spec"]).args(tests).run()?)
}
