//! What the commands share: the guest's limits, and how results are printed.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use dotwit_host::{Config, Error, Runtime};

/// The limits of the guest.
#[derive(Args)]
pub(crate) struct Limits {
    /// How much memory the guest may have, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_memory: u32,
    /// How long the guest may run without returning, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    cpu_limit: Duration,
}

impl Limits {
    /// Returns a runtime for the one session that a command has.
    pub(crate) fn runtime(&self) -> Result<Runtime, Error> {
        Runtime::new(self.config())
    }

    /// Returns the configuration of a runtime for one session.
    pub(crate) fn config(&self) -> Config {
        let max_memory = usize::try_from(self.max_memory).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        Config::new().max_memory(max_memory).cpu_limit(self.cpu_limit).max_sessions(1)
    }
}

/// Parses a number of seconds, whole or not, that is greater than 0 and fits a [`Duration`].
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a number of seconds greater than 0".to_owned()),
    }
}

/// Prints a line on standard output. A reader that has closed its end, as `head` does, is not a failure.
pub(crate) fn print(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
