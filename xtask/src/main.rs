//! `cargo xtask`: everything that takes more than one tool to do in this repository.
//!
//! | task | what it does |
//! | --- | --- |
//! | `setup` | makes the machine ready: the WebAssembly target, npm packages, browsers |
//! | `guests` | builds the guests as components |
//! | `transpile` | turns them into JavaScript and puts the gallery together |
//! | `demo` | calls the documentation's samples and serves their pages |
//! | `test` | every test, in Rust, Node and browsers |
//! | `conformance` | the same cases in every host, and the published results |
//! | `lint` | formatting, lints, docs, types, licences |
//! | `bench` | measures, and prints ratios beside their references |
//!
//! A task prints the programs that it runs, sets up what it needs itself, and skips what is done already. It changes nothing of the
//! system: where a browser is missing, it stops with the line that says what to install.

mod bench;
mod conformance;
mod demo;
mod guests;
mod lint;
mod project;
mod setup;
mod test;

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// dotwit's task runner.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make this machine ready for all other tasks.
    Setup,
    /// Build the guests as WebAssembly components.
    Guests,
    /// Build the guests, transpile them to JavaScript and put the gallery together.
    Transpile,
    /// Make the calls of the documentation's samples, then serve their pages.
    Demo {
        /// Make and print the calls only; succeed if every result is the documented one.
        #[arg(long)]
        once: bool,
        /// The address to serve the pages on.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Run the tests: all of them, or the parts that are named.
    Test {
        /// The parts to run.
        #[arg(value_enum)]
        parts: Vec<test::Part>,
    },
    /// Run the conformance suite in every host, and check its published results.
    Conformance {
        /// Write the results to `tests/conformance/RESULTS.md` and the README.
        #[arg(long)]
        write: bool,
    },
    /// Check formatting, lints, docs, types and licences.
    Lint,
    /// Measure, and print the ratios beside their references: everything, or the parts that are named.
    Bench {
        /// The parts to measure.
        #[arg(value_enum)]
        parts: Vec<bench::Part>,
    },
}

fn main() -> ExitCode {
    if let Some(code) = lint::run_as_rustdoc() {
        return code;
    }
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let sh = &project::shell()?;
    match task {
        Task::Setup => setup::everything(sh),
        Task::Guests => guests::build(sh, guests::ALL),
        Task::Transpile => {
            guests::build(sh, guests::ALL)?;
            guests::transpile(sh, guests::ALL)?;
            demo::assemble_gallery().map(drop)
        }
        Task::Demo { once: true, .. } => demo::once(sh),
        Task::Demo { listen, .. } => demo::serve(sh, listen),
        Task::Test { parts } => test::run(sh, &parts),
        Task::Conformance { write } => test::conformance(sh, write),
        Task::Lint => lint::run(sh),
        Task::Bench { parts } => bench::run(sh, &parts),
    }
}
