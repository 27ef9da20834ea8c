//! The `dotwit` command line: looks into guests, calls them, serves pages that host them, and makes components of core
//! modules. It exits with 0, with 1 where something failed, and with 2 where it was called wrongly.

mod componentize;
mod console;
mod inspect;
mod invoke;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use dotwit_host::{Config, Error, Runtime};
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(name = "dotwit", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what can be called in a guest.
    Inspect(inspect::Inspect),
    /// Calls a method of a guest and prints its result as JSON.
    Invoke(invoke::Invoke),
    /// Serves pages that host a guest in the browser.
    Serve(serve::Serve),
    /// Makes a component of a core module that was built for wasm32-wasip1.
    Componentize(componentize::Componentize),
}

/// What the guest may use.
#[derive(Args)]
struct Limits {
    /// How much memory the guest may have, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_memory: u32,
    /// How long the guest may run without returning, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    cpu_limit: Duration,
}

impl Limits {
    /// A runtime for the one session that a command has.
    fn runtime(&self) -> Result<Runtime, Error> {
        let max_memory = usize::try_from(self.max_memory).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        Runtime::new(Config::new().max_memory(max_memory).cpu_limit(self.cpu_limit).max_sessions(1))
    }
}

/// Reads a number of seconds, whole or not, that is more than none and that a clock can hold.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a number of seconds greater than 0".to_owned()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    let done = match cli.command {
        Command::Inspect(command) => command.run(),
        Command::Invoke(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Componentize(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints a line on standard output. That nobody reads it any more, as behind `| head`, is no failure.
fn print(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints what the guest prints, and warnings, on standard error. `RUST_LOG` asks for more or less.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,dotwit::guest=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_level(false)
        .with_target(false)
        .init();
}

/// Prints a failure: the kind where there is one, then the message, then the detail where `RUST_LOG` asks for it.
fn report(error: &anyhow::Error) {
    match error.downcast_ref::<Error>() {
        Some(error) => {
            eprintln!("error: {}: {}", error.kind(), error.message());
            if let Some(detail) = error.detail() {
                tracing::debug!("{detail}");
            }
        }
        None => eprintln!("error: {error:#}"),
    }
}
