//! The `dotwit` command line: inspects guests, calls them, serves pages that host them, and turns core modules into components.
//!
//! It uses the public API of `dotwit-host` alone. `main.rs` chooses the command, each command has a file of its own, and
//! `common.rs` is what they share. The exit code is 0, or 1 if the command failed, or 2 if it was called wrongly.

mod common;
mod componentize;
mod console;
mod inspect;
mod invoke;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use dotwit_host::Error;
use tracing_subscriber::EnvFilter;

use crate::serve::LogFormat;

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
    /// Serves pages that host a guest in the browser, or have one here.
    Serve(Box<serve::Serve>),
    /// Turns a core module that was built for wasm32-wasip1 into a component.
    Componentize(componentize::Componentize),
}

fn main() -> ExitCode {
    let done = match parse() {
        Ok(Some(cli)) => {
            log(&cli.command);
            run(cli.command)
        }
        Ok(None) => Ok(()),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Returns what the program is to do, or nothing if it has only printed what is set.
fn parse() -> anyhow::Result<Option<Cli>> {
    let command = Cli::command();
    let args = serve::config::with_file(&command, std::env::args_os().collect())?;
    let matches = command.clone().get_matches_from(args);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let Command::Serve(serve) = &cli.command
        && serve.print_config
        && let (Some(command), Some(matches)) = (command.find_subcommand("serve"), matches.subcommand_matches("serve"))
    {
        common::print(serve::config::print(command, matches)?.trim_end())?;
        return Ok(None);
    }
    Ok(Some(cli))
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Inspect(command) => command.run(),
        Command::Invoke(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Componentize(command) => command.run(),
    }
}

/// Prints the guest's output and warnings on standard error. `RUST_LOG` selects more or less.
fn log(command: &Command) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,dotwit::guest=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match command {
        Command::Serve(serve) if serve.log == LogFormat::Json => log.json().flatten_event(true).init(),
        _ => log.without_time().with_level(false).with_target(false).init(),
    }
}

/// Prints a failure: its kind if it has one, then the message, then the detail if `RUST_LOG` asks for it.
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
