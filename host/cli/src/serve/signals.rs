//! What the system asks of the program while it serves: to stop, to stop at once, or to read its files anew.

use std::io;

use dotwit_host::Error;
use dotwit_host::server::{Server, Tls};
use tokio::sync::watch;

use super::tokens::Tokens;

/// The system's signals.
pub(super) struct Signals {
    /// How often the program has been asked to stop.
    stops: watch::Receiver<u32>,
}

impl Signals {
    /// Listens from now on. SIGINT and SIGTERM ask to stop, and SIGHUP to read tokens and certificate anew.
    pub(super) fn listen(tokens: Option<Tokens>, tls: Option<Tls>) -> io::Result<Self> {
        let (asked, stops) = watch::channel(0);
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let mut hang_up = signal(SignalKind::hangup())?;
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => asked.send_modify(|count| *count += 1),
                        _ = terminate.recv() => asked.send_modify(|count| *count += 1),
                        _ = hang_up.recv() => reload(tokens.as_ref(), tls.as_ref()),
                    }
                }
            });
        }
        #[cfg(not(unix))]
        tokio::spawn(async move {
            let _ = (tokens, tls);
            while tokio::signal::ctrl_c().await.is_ok() {
                asked.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { stops })
    }

    /// Runs the server until the program is asked to stop and circuits have ended, or is asked for the second time.
    pub(super) async fn run_until_stopped(self, server: Server) -> Result<(), Error> {
        let (mut first, mut second) = (self.stops.clone(), self.stops);
        let stop = async move { asked(&mut first, 1).await };
        tokio::select! {
            served = server.run(stop) => served,
            () = asked(&mut second, 2) => Ok(()),
        }
    }
}

/// Waits until the program has been asked to stop as often.
async fn asked(stops: &mut watch::Receiver<u32>, times: u32) {
    if stops.wait_for(|count| *count >= times).await.is_err() {
        // Nobody will ask.
        std::future::pending::<()>().await;
    }
}

/// Reads files anew. Both are small.
#[cfg(unix)]
fn reload(tokens: Option<&Tokens>, tls: Option<&Tls>) {
    if let Some(Err(error)) = tokens.map(Tokens::reload) {
        tracing::error!("the former tokens stay: {error:#}");
    }
    if let Some(Err(error)) = tls.map(Tls::reload) {
        tracing::error!("the former certificate stays: {error}");
    }
}
