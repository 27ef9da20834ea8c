//! `dotwit serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use dotwit_host::server::{CircuitOptions, Circuits, Server};

use crate::common::{self, Limits};

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Serve {
    /// The pages' guest: a component file. It is checked before anything is served.
    guest: PathBuf,
    /// The folder that is served.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The address and the port to listen at; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    limits: Limits,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let guest = self.limits.runtime_for_circuits()?.load(&self.guest)?;
        let circuits = Circuits::new(&guest, CircuitOptions::new())?;
        let names: Vec<&str> = guest.assemblies().iter().map(|assembly| assembly.name.as_str()).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let server = Server::bind(&self.root, self.listen).await?.circuits(&circuits);
            let (root, names) = (self.root.display(), names.join(", "));
            common::print(&format!("Serving {root} for {names} at http://{}/", server.address()))?;
            server.run(stop_signal()).await?;
            common::print("Stopped.")
        });
        // A file that the system is slow to open must not keep the program from exiting.
        runtime.shutdown_background();
        served
    }
}

/// Waits until the user or the system asks the program to stop.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    interrupt.await;
}
