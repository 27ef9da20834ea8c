//! `dotwit serve`: pages and the guests that run here for them.
//!
//! `flags` has what can be set, `config` the file that can set it as well, `tokens` who may connect, `signals` what the system asks of the
//! program while it runs, and `watch` what changes on disk.

pub(crate) mod config;
mod flags;
mod signals;
mod tokens;
mod values;
mod watch;

use anyhow::Context as _;
use clap::ValueEnum;
use dotwit_host::server::{Circuits, Server, Tls};
use dotwit_host::{Guest, Runtime};

pub(crate) use self::flags::Serve;
use self::signals::Signals;
use self::tokens::Tokens;
use self::watch::Watch;
use crate::common;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// An object in each line, for programs.
    Json,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        raise_file_limit(self.circuits.max_circuits);
        let compiler = self.runtime()?;
        let guest = compiler.load(&self.guest)?;
        let mut options = self.options()?;
        let tokens = self.access.token_file.as_deref().map(Tokens::load).transpose()?;
        if let Some(tokens) = &tokens {
            options = options.auth(tokens.clone());
        }
        let tls = match (&self.server.tls_cert, &self.server.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::load(certificate, key)?),
            _ => None,
        };
        let circuits = Circuits::new(&guest, options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(self.serve(&compiler, &guest, &circuits, tokens, tls));
        // A file that the system is slow to open must not keep the program from exiting.
        runtime.shutdown_background();
        served
    }

    async fn serve(
        &self,
        compiler: &Runtime,
        guest: &Guest,
        circuits: &Circuits,
        tokens: Option<Tokens>,
        tls: Option<Tls>,
    ) -> anyhow::Result<()> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut server = Server::bind(&self.root, self.server.listen).await?.circuits(circuits);
        for (name, value) in &self.server.header {
            server = server.header(name, value)?;
        }
        if let Some(address) = self.server.admin_listen {
            server = server.admin(address).await?;
        }
        if let Some(tls) = &tls {
            server = server.tls(tls.clone());
        }
        let signals = Signals::listen(tokens, tls).context("the system's signals cannot be listened to")?;
        let watch =
            self.server.watch.then(|| Watch::begin(compiler, guest, &self.guest, &self.root, circuits)).transpose()?;
        let names: Vec<&str> = guest.assemblies().iter().map(|assembly| assembly.name.as_str()).collect();
        let (root, names) = (self.root.display(), names.join(", "));
        let (address, base) = (server.address(), &self.server.base_path);
        common::print(&format!("Serving {root} for {names} at {scheme}://{address}{base}/"))?;
        signals.run_until_stopped(server).await?;
        drop(watch);
        common::print("Stopped.")
    }
}

/// Systems other than Unix have no such limit.
#[cfg(not(unix))]
fn raise_file_limit(_circuits: u32) {}

/// Allows the program as many files as the system lets it have, for each circuit has a socket. Warns if they are too few.
#[cfg(unix)]
fn raise_file_limit(circuits: u32) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        tracing::debug!("the limit of open files stays at {current:?}");
    }
    let Some(limit) = getrlimit(Resource::Nofile).current else { return };
    // Beside circuits: sockets before hello, requests for pages, and files of the program's own.
    let needed = u64::from(circuits) + 1_200;
    if limit < needed {
        tracing::warn!(
            "{circuits} circuits need {needed} open files, and the system allows {limit}: `ulimit -n` has more"
        );
    }
}
